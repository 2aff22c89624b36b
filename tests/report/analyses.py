"""Small analyses with round numbers, written by hand.

The machine computes 100 Gop/s and moves 10 GB/s, so that its ridge point is at 10 operations per byte.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import msgspec

from attainable.analysis.records import (
    Analysis,
    Coverage,
    DeviceOp,
    DeviceRow,
    EngineOperations,
    Model,
    OpRow,
    Port,
    RoofRow,
    Totals,
)
from attainable.analysis.run_records import GroupRow, KernelRow, RunRow

PEAK, BANDWIDTH = 100e9, 10e9


def op(
    id: str, label: str, *, operations: int = 0, macs: int = 0, bytes_moved: int = 0, parameters: int = 0,
    state: str = "counted",
) -> OpRow:  # fmt: skip
    """An op; its kind is the first word of its label."""
    return OpRow(
        id=id, name=f"node_{id}", kind=label.split(" ")[0], scope="", dtype="float32", label=label, macs=macs,
        operations=operations, bytes_read=bytes_moved, bytes_written=0, parameters=parameters, shared=False,
        state=state, input_shapes=[[1, 8]], output_shapes=[[1, 8]],
    )  # fmt: skip


def group(
    ops: Sequence[str], label: str, *, seconds: float, operations: int, bytes_moved: int,
    roofline_seconds: float | None = None, bound_by: str | None = None,
) -> GroupRow:  # fmt: skip
    """A measured group."""
    return GroupRow(
        kernels=[0], ops=list(ops), label=label, seconds=seconds, operations=operations, bytes_moved=bytes_moved,
        roofline_seconds=roofline_seconds, bound_by=bound_by,
    )  # fmt: skip


def device(
    ops: Sequence[DeviceOp] = (), *, name: str = "local", title: str = "AMD EPYC", threads: int | None = 1,
    bound_seconds: float = 0.04, kind: str = "measured",
) -> DeviceRow:  # fmt: skip
    """A device with a float32 roof."""
    return DeviceRow(
        name=name, title=title, threads=threads, bound_seconds=bound_seconds, bound_by="compute",
        bound_compute_seconds=bound_seconds, bound_memory_seconds=bound_seconds / 2,
        roofline_seconds=sum(line.roofline_seconds for line in ops), accounting="fused",
        roofs=[RoofRow("vector", "float32", PEAK, "multiply-adds in registers", kind)], bytes_per_second=BANDWIDTH,
        bytes_per_second_source="read bandwidth", bytes_per_second_kind=kind, without_roof=[],
        conditions={"clock": "3.00 GHz"}, ops=list(ops),
    )  # fmt: skip


def run(groups: Sequence[GroupRow] = (), *, median_seconds: float = 0.05, half_width: float = 0.0003) -> RunRow:
    """A run of one thread."""
    return RunRow(
        runtime="onnxruntime", version="1.31.1", device="local", threads=1, dtype="float32", samples=62,
        seconds=median_seconds, low_seconds=median_seconds - half_width,
        high_seconds=median_seconds + half_width, minimum_seconds=median_seconds, load_seconds=0.2,
        profiled_seconds=median_seconds, unprofiled_seconds=median_seconds,
        kernels_seconds=sum(entry.seconds for entry in groups),
        profiler_seconds=1e-6, attributed_share=1.0, peak_resident_bytes=2**28, inputs=["x: normal numbers"],
        kernels=[KernelRow("kernel", "Conv", ["0"], "exact", 0.01)], groups=list(groups),
    )  # fmt: skip


def on_paper(ops: Sequence[OpRow], *, at_least: bool = False) -> Analysis:
    """Ops counted; no device, no run."""
    operations, moved = sum(entry.operations for entry in ops), sum(entry.bytes_read for entry in ops)
    return Analysis(
        model=Model(
            name="net", path="models/net.onnx", format="onnx", opset=20, sha256="ab" * 32, bindings={"N": 1},
            parameters=1000, parameter_bytes=4000, buffer_bytes=96, file_bytes=5000, external_bytes=0,
            inputs=[Port("x", "float32", [1, 3, 224, 224])], outputs=[Port("y", "float32", [1, 10])],
        ),
        totals=Totals(
            macs=sum(entry.macs for entry in ops), operations=operations,
            operations_by=[EngineOperations("vector", "float32", operations)] if operations else [],
            parameters=1000, parameter_bytes=4000, bytes_read=moved, bytes_written=0, bytes_moved=moved,
            unavoidable_bytes=4096, operational_intensity=operations / moved if moved else None,
            peak_activation_bytes=2**20, peak_activation_bytes_inputs_kept=2**20, peak_activation_bytes_in_place=2**19,
            all_activation_bytes=2**21, mean_activation_bytes=2.0**19, swing_activation_bytes=2**19, at_least=at_least,
            least_macs=sum(entry.macs for entry in ops), least_operations=operations, least_bytes_moved=moved,
        ),
        coverage=Coverage(len(ops), sum(entry.state != "no rule" for entry in ops), [], [], []),
        conventions={"mac": "one multiply and one add"},
        ops=list(ops),
        environment={"attainable": "0.1.0", "cpu": "AMD EPYC (cpu family 25, model 1, stepping 1)", "cores": "2"},
    )  # fmt: skip


def convolutions() -> Analysis:
    """Two equal convolutions, each with a Relu, and a Concat; bounded on two devices and run here.

    Each Conv takes 20 ms at the roof (2 G operations / 100 Gop/s), the Concat 1 ms (10 MB / 10 GB/s).
    """
    conv, relu, concat = "Conv 3x3 8->8 on 9x9", "Relu 8x9x9", "Concat 16x9x9"
    ops = [
        op("0", conv, operations=2 * 10**9, macs=10**9, bytes_moved=20_000_000, parameters=576),
        op("1", relu, operations=1_000_000, bytes_moved=8_000_000),
        op("2", conv, operations=2 * 10**9, macs=10**9, bytes_moved=20_000_000, parameters=576),
        op("3", relu, operations=1_000_000, bytes_moved=8_000_000),
        op("4", concat, bytes_moved=10_000_000),
    ]
    lines = [
        DeviceOp("0", 0.02, "compute"),
        DeviceOp("1", 0.0, "fused", "0"),
        DeviceOp("2", 0.02, "compute"),
        DeviceOp("3", 0.0, "fused", "2"),
        DeviceOp("4", 0.001, "memory"),
    ]
    groups = [
        group(["0", "1"], conv, seconds=0.025, operations=2_001_000_000, bytes_moved=20_000_000,
              roofline_seconds=0.02, bound_by="compute"),
        group(["2", "3"], conv, seconds=0.025, operations=2_001_000_000, bytes_moved=20_000_000,
              roofline_seconds=0.02, bound_by="compute"),
        group(["4"], concat, seconds=0.0005, operations=0, bytes_moved=10_000_000, roofline_seconds=0.001,
              bound_by="memory"),
    ]  # fmt: skip
    other = device(lines, name="board", title="Some Board", threads=None, bound_seconds=0.2, kind="specified")
    return replace(on_paper(ops), devices=[device(lines), other], runs=[run(groups)])


def nothing() -> Analysis:
    """An empty network on a device without speed, run in no time."""
    silent = replace(device(bound_seconds=0.0), bound_by="nothing")
    return replace(on_paper([]), devices=[silent], runs=[run(median_seconds=0.0, half_width=0.0)])


def large(count: int) -> Analysis:
    """As many ops as asked, no two of them alike, each a group of its own."""
    labels = [f"Conv 3x3 {number}->8 on 9x9" for number in range(count)]
    ops = [
        op(str(index), label, operations=1000 + index, macs=500, bytes_moved=100 + index)
        for index, label in enumerate(labels)
    ]
    lines = [DeviceOp(entry.id, 1e-6, "compute") for entry in ops]
    groups = [
        group([entry.id], entry.label, seconds=1e-6 * (1 + index), operations=entry.operations,
              bytes_moved=entry.bytes_read, roofline_seconds=1e-6, bound_by="compute")
        for index, entry in enumerate(ops)
    ]  # fmt: skip
    return replace(on_paper(ops), devices=[device(lines)], runs=[run(groups)])


def renamed(analysis: Analysis, rename: Callable[[str], str]) -> Analysis:
    """The analysis with every string changed, so that ids still fit together."""
    memory: dict[str, str] = {}

    def changed(value: object) -> object:
        if isinstance(value, str):
            return memory.setdefault(value, rename(value))
        if isinstance(value, Mapping):
            entries = cast("Mapping[str, object]", value)
            keep = _field_names(entries)
            return {key if keep else changed(key): changed(entry) for key, entry in entries.items()}
        if isinstance(value, list):
            return [changed(entry) for entry in cast("list[object]", value)]
        return value

    built: Any = changed(msgspec.to_builtins(analysis))
    return msgspec.convert(built, Analysis)


def _field_names(entries: Mapping[str, object]) -> bool:
    """Whether these are the fields of a record and not the keys of a table such as conventions or bindings."""
    tables = [{"mac"}, {"clock"}, {"N"}, {"attainable", "cpu", "cores"}]
    return set(entries) not in tables
