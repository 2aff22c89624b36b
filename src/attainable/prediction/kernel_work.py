"""The fused kernels of a network as flat records, from which a calibrated device predicts its time.

``msgspec.json.encode`` and ``decode`` take the records as they are.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod

from attainable.cost.boundary import Boundary
from attainable.cost.count import Count, OpCount
from attainable.cost.work import Engine, Work
from attainable.devices.traits import OpClass
from attainable.prediction.fusion import fused_kernels
from attainable.prediction.op_class import op_class
from attainable.workload.dtypes import BITS, is_floating
from attainable.workload.graph import Op, Tensor, UnresolvedShape


@dataclass(frozen=True, slots=True)
class KernelWork:
    """The work of one kernel, or of ``repeats`` equal ones. All figures are of one of them.

    Attributes:
        op_class: kind of its main op, the one with the most operations.
        dtype: element type that the main op computes in.
        engine: ``matrix`` where the main op is a contraction.
        operations: of all ops in the kernel.
        bytes_weight: constants read.
        bytes_activation_in: read across the boundary of the kernel.
        bytes_activation_out: written across it.
        repeats: how many such kernels the network runs.
        taps: elements of the window of a convolution or pooling, 1 elsewhere.
        stride: the largest step of that window.
        groups: of a convolution.
        input_channels: of one group; the length of the sums of a matrix product.
        output_channels: of all groups; the columns of a matrix product.
        output_positions: places at which each output channel is computed, the batch included; the rows of a product.
    """

    op_class: OpClass
    dtype: str
    engine: Engine
    operations: int
    bytes_weight: int
    bytes_activation_in: int
    bytes_activation_out: int
    repeats: int = 1
    taps: int = 1
    stride: int = 1
    groups: int = 1
    input_channels: int = 0
    output_channels: int = 0
    output_positions: int = 0

    @property
    def bytes_moved(self) -> int:
        """Bytes read and written across the boundary of one kernel."""
        return self.bytes_weight + self.bytes_activation_in + self.bytes_activation_out


def kernels_of(count: Count, *, dtype: str | None = None) -> tuple[KernelWork, ...]:
    """The fused kernels of a network, equal ones as one record with ``repeats``; views and folded ops are left out.

    Args:
        count: the network, counted.
        dtype: floating tensors are taken as stored and computed in this type; None for those of the file.
    """
    boundary = Boundary(count)
    entries = {entry.op.id: entry for entry in count.ops}
    found: Counter[KernelWork] = Counter()
    for ids in fused_kernels(count, boundary):
        work = boundary.work(ids)
        if work.total_operations or work.bytes_moved:
            found[_kernel([entries[id] for id in ids], work, dtype)] += 1
    return tuple(replace(kernel, repeats=repeats) for kernel, repeats in found.items())


def _kernel(entries: Iterable[OpCount], work: Work, dtype: str | None) -> KernelWork:
    main = max(entries, key=lambda entry: (entry.work.total_operations, entry.work.bytes_moved))
    stored = main.dtype
    as_dtype = dtype if dtype is not None and is_floating(stored) else stored
    # a kernel of integers keeps its bytes; one that mixes types is taken to be of its main op's
    bits, stored_bits = BITS.get(as_dtype, 0), BITS.get(stored, 0)
    scale = bits / stored_bits if bits and stored_bits else 1.0
    return KernelWork(
        op_class=op_class(main),
        dtype=as_dtype,
        engine="matrix" if main.work.macs else "vector",
        operations=work.total_operations,
        bytes_weight=round(work.bytes_weight * scale),
        bytes_activation_in=round(work.bytes_activation_in * scale),
        bytes_activation_out=round(work.bytes_activation_out * scale),
        **_extent(main.op),
    )


def _extent(op: Op) -> dict[str, int]:
    """The extents of the main op as far as its shapes tell."""
    try:
        if "Conv" in op.kind or "CONV" in op.kind:
            return _convolution(op)
        if "Pool" in op.kind and (window := op.integers("kernel_shape")):
            return {"taps": prod(window), "stride": max(op.integers("strides") or (1,))}
        return _product(op) if op.kind in _PRODUCTS else {}
    except (UnresolvedShape, IndexError, ValueError):
        return {}


_PRODUCTS = ("MatMul", "Gemm", "FusedMatMul", "MatMulInteger", "QLinearMatMul", "FULLY_CONNECTED")


def _convolution(op: Op) -> dict[str, int]:
    x, y = op.present_inputs[0], op.output
    weight = max((tensor for tensor in op.present_inputs[1:] if tensor.rank == x.rank), key=_elements)
    channels_last = op.domain == "tflite" or "Nhwc" in op.kind
    window = weight.dims[1:-1] if channels_last else weight.dims[2:]
    output_channels = y.dims[-1 if channels_last else 1]
    # the weights hold every pair of channels of a group once for each tap
    pairs = weight.elements // max(prod(window), 1)
    return {
        "taps": prod(window),
        "stride": max(op.integers("strides") or (1,)),
        "groups": op.integer("group", 1),
        "input_channels": pairs // max(output_channels, 1),
        "output_channels": output_channels,
        "output_positions": y.elements // max(output_channels, 1),
    }


def _product(op: Op) -> dict[str, int]:
    x, y = op.present_inputs[0], op.output
    columns = y.dims[-1] if y.rank else 1
    # a transposed first operand has its sums along the other axis
    transposed = bool(op.integer("transA", 0))
    return {
        "input_channels": x.dims[-2 if transposed else -1] if x.rank else 1,
        "output_channels": columns,
        "output_positions": y.elements // max(columns, 1),
    }


def _elements(tensor: Tensor) -> int:
    return tensor.elements
