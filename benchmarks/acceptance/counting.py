"""Networks, single layers and devices for the checks, and the conventions that claims of the field use.

Everything is made with the zoo's builder, written to a file, read and counted as a user's model would be.
"""

import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import onnx

from attainable import zoo
from attainable.cost.boundary import Boundary
from attainable.cost.count import Count, OpCount, count
from attainable.devices import Bandwidth, Device, Engine, Memory, Roof, Sourced
from attainable.prediction.accounting import UNFUSED
from attainable.prediction.estimate import Estimate
from attainable.prediction.roofline import roofline
from attainable.workload import load
from attainable.workload.recast import recast
from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value

SHARED = Path(__file__).parents[3] / "shared"
"""Facts and files of the project that are not part of the repository; may be absent."""


class Absent(Exception):
    """A file that a check reads is not there."""


def counted(model: onnx.ModelProto) -> Count:
    """The count of a model, by way of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model.SerializeToString())
        return count(load(path))


def layers(shape: tuple[int, ...], add: Callable[[GraphBuilder, Value], Value]) -> Count:
    """The count of layers on an input of this shape; they have no weights stored."""
    builder = GraphBuilder("layers", seed=None)
    return counted(builder.finish(add(builder, builder.input("input", shape)), name="output"))


@cache
def conv(
    channels_in: int, channels: int, extent: int, *, kernel: int = 3, groups: int = 1, bias: bool = False,
    batch: int = 1,
) -> Count:  # fmt: skip
    """One convolution at stride 1 that keeps the extent."""
    return layers(
        (batch, channels_in, extent, extent),
        lambda builder, x: builder.conv(
            "conv", x, channels=channels, kernel=kernel, padding=kernel // 2, groups=groups, bias=bias
        ),
    )


def depthwise(channels: int, extent: int) -> Count:
    """One 3x3 filter a channel."""
    return conv(channels, channels, extent, groups=channels)


@cache
def network(name: str) -> Count:
    """A network of the zoo at batch 1."""
    return counted(zoo.build(name, seed=None))


@cache
def darknet(name: str, extent: int | None = None) -> Count:
    """A darknet network of ``../shared/data``, at another extent than that of its file where one is given."""
    shapes = {} if extent is None else {"input": (1, 3, extent, extent)}
    return count(load(_shared(f"data/darknet/{name}.cfg"), shapes))


@cache
def ncnn(name: str) -> Count:
    """An ncnn network of ``../shared/data``."""
    return count(load(_shared(f"data/ncnn-benchmark/models/{name}.param")))


def _shared(name: str) -> Path:
    path = SHARED / name
    if not path.is_file():
        raise Absent(f"../shared/{name} is absent")
    return path


def in_type(result: Count, dtype: str) -> Count:
    """The count of the network as if all of it computed in this element type."""
    return count(recast(result.workload, dtype))


# --- conventions ---


def contractions(result: Count) -> list[OpCount]:
    """Ops with MACs: the scope ``conv and matmul``."""
    return [entry for entry in result.ops if entry.work.macs]


def convolutions(result: Count) -> list[OpCount]:
    """The scope ``conv``."""
    return [entry for entry in result.ops if entry.op.kind == "Conv"]


def is_depthwise(entry: OpCount) -> bool:
    """One filter a channel."""
    return entry.op.integer("group", 1) == entry.op.input(0).dims[1] > 1


def bytes_moved(entries: Iterable[OpCount]) -> int:
    """Weights, inputs and outputs of each op for itself."""
    return sum(entry.work.bytes_moved for entry in entries)


def running_statistics(result: Count) -> int:
    """Running means and variances: buffers to us, two of darknet's four parameters a channel."""
    return sum(
        entry.op.input(position).elements
        for entry in result.ops
        if entry.op.kind == "BatchNormalization"
        for position in (3, 4)
    )


def folded_parameters(result: Count) -> int:
    """Parameters once batch normalisation is folded: scale and shift become one bias a channel."""
    return result.totals.parameters - running_statistics(result) // 2


def bytes_with_activations_absorbed(result: Count) -> int:
    """Traffic where a Relu that alone reads a contraction runs inside it, and all else for itself."""
    boundary = Boundary(result)
    makers = {entry.op.id for entry in contractions(result)}
    return bytes_moved(
        entry
        for entry in result.ops
        if entry.op.kind != "Relu" or not makers.intersection(boundary.private_producers(entry.op.id))
    )


# --- devices ---


def toy(
    bytes_per_second: float, *, vector: float | None = None, matrix: float | None = None, dtype: str = "float32"
) -> Device:
    """A device of a claim's own numbers: operations per second of its engines, bytes per second of its memory."""

    def stated(value: float) -> Sourced:
        return Sourced(value, "the claim", "specified")

    peaks: tuple[tuple[Engine, float | None], ...] = (("vector", vector), ("matrix", matrix))
    return Device(
        name="toy", title="toy", cores=None,
        roofs=tuple(Roof(engine, dtype, None, stated(peak)) for engine, peak in peaks if peak is not None),
        memories=(Memory("DRAM", None, (Bandwidth(None, stated(bytes_per_second)),)),),
    )  # fmt: skip


def ridge_point(device: Device, engine: Engine = "vector", dtype: str = "float32") -> float:
    """Operations per byte at which both limits of a device are equal."""
    roof, bandwidth = device.roof(engine, dtype), device.bytes_per_second()
    if roof is None or bandwidth is None:
        raise ValueError(f"{device.name} states no roof of {engine} in {dtype}")
    return roof.operations_per_second.value / bandwidth.value


def estimates(result: Count, device: Device) -> list[Estimate]:
    """The roofline of each convolution, with its own traffic: the scope and accounting of the claims."""
    wanted = {entry.op.id for entry in convolutions(result)}
    rows = roofline(result, device, accounting=UNFUSED).ops
    return [row.estimate for row in rows if row.id in wanted and row.estimate is not None]


def seconds(result: Count, device: Device) -> float:
    """The roofline of the convolutions, one after another."""
    return sum(estimate.seconds for estimate in estimates(result, device))


def memory_bound(result: Count, device: Device) -> int:
    """How many convolutions memory binds."""
    return sum(estimate.bound_by == "memory" for estimate in estimates(result, device))
