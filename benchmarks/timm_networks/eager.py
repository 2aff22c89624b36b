"""What eager PyTorch runs on a GPU under autocast: one kernel a call, in the element types that autocast chooses.

* Convolutions and matrix products run in float16; an operand in float32 is converted first, by a kernel of its own, the
  weights at every run. Normalisation over layers and groups, softmax and powers run in float32. Everything else takes
  the widest of its operands, so that a sum with a parameter in float32 makes the residual stream float32.
* Nothing is fused and nothing is folded: what is computed from weights alone is computed at every run.
* A view is no kernel. The networks were recorded below the views, so that a copy which a reshape needs is a ``clone``.

Source: PyTorch documentation, "Automatic Mixed Precision package", sections "CUDA Ops that can autocast to float16",
"... to float32" and "CUDA Ops that promote to the widest input type".
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from math import prod

from attainable.cost.count import Count, OpCount
from attainable.devices.traits import OpClass
from attainable.prediction.kernel_work import KernelWork
from attainable.prediction.op_class import op_class
from attainable.workload import Op, Tensor, UnresolvedShape
from attainable.workload.dtypes import is_floating

_VIEWS = frozenset(
    {
        "view", "permute", "transpose", "t", "slice", "split", "split_with_sizes", "unbind", "select", "expand",
        "unsqueeze", "squeeze", "alias", "detach", "chunk", "narrow", "_reshape_alias", "diagonal",
    }
)  # fmt: skip
_COPIES = frozenset(
    {
        "cat", "stack", "roll", "clone", "constant_pad_nd", "index", "repeat", "copy", "im2col", "reflection_pad2d",
        "_to_copy", "index_select", "flip", "gather",
    }
)  # fmt: skip
_READ_WHAT_THEY_WRITE = frozenset({"index", "im2col", "index_select", "gather"})
_IN_FLOAT32 = frozenset(
    {
        "layer_norm", "group_norm", "_softmax", "pow", "exp", "log", "sum", "cumsum", "linalg_vector_norm", "rsqrt",
        "reciprocal", "prod", "softplus",
    }
)  # fmt: skip
_TAKE_WHAT_COMES = frozenset({"batch_norm", "native_batch_norm"})

HALF, SINGLE = 2, 4


def eager_kernels(count: Count, batch: int) -> tuple[KernelWork, ...]:
    """The kernels of a network that was counted for one image, run on ``batch`` of them.

    Args:
        count: of a network that ``recorded`` made, in float32.
        batch: images at once.
    """
    width: dict[str, int] = {}
    found: Counter[KernelWork] = Counter()
    for target, entries in _calls(count):
        for kernel in _kernels(target, entries, width, batch):
            found[kernel] += 1
    return tuple(replace(kernel, repeats=repeats) for kernel, repeats in found.items())


def _calls(count: Count) -> Iterator[tuple[str, list[OpCount]]]:
    """The ops of each call of PyTorch; one call may be several operators of ONNX."""
    for name, entries in groupby(count.ops, key=lambda entry: entry.op.name):
        yield name.rpartition("_")[0], list(entries)


def _kernels(target: str, entries: list[OpCount], width: dict[str, int], batch: int) -> Iterator[KernelWork]:
    made = [tensor for entry in entries for tensor in entry.op.present_outputs]
    names = {tensor.name for tensor in made}
    read = {tensor.name: tensor for entry in entries for tensor in entry.op.present_inputs if tensor.name not in names}
    operands = [tensor for tensor in read.values() if is_floating(tensor.dtype)]
    first = width.get(operands[0].name, SINGLE) if operands else SINGLE
    macs = sum(entry.work.macs for entry in entries)
    wanted = _width(target, operands, width, first=first, is_contraction=bool(macs))
    width.update((tensor.name, first if target in _VIEWS else wanted) for tensor in made)
    if target in _VIEWS or not any(is_floating(tensor.dtype) for tensor in made):
        return
    converts = bool(macs) or target in _IN_FLOAT32
    for tensor in operands:
        have = width.get(tensor.name, SINGLE)
        if converts and have != wanted and tensor.rank:
            yield _moving("movement", tensor.elements * have, tensor.elements * wanted, tensor, batch)
    ends = {tensor.name for entry in entries for tensor in entry.op.present_inputs}
    written = [tensor for tensor in made if tensor.name not in ends and is_floating(tensor.dtype)]
    sizes = {tensor.name: wanted if converts else width.get(tensor.name, SINGLE) for tensor in operands}
    yield _main(target, entries, (operands, written), sizes | dict.fromkeys(names, wanted), batch)


def _width(target: str, operands: list[Tensor], width: Mapping[str, int], *, first: int, is_contraction: bool) -> int:
    """Bytes of an element of what a call makes."""
    if is_contraction:
        return HALF
    if target in _IN_FLOAT32:
        return SINGLE
    if target in _TAKE_WHAT_COMES:
        return first
    # numbers and tensors without an axis do not widen
    return max((width.get(tensor.name, SINGLE) for tensor in operands if tensor.rank), default=first)


def _main(
    target: str,
    entries: list[OpCount],
    tensors: tuple[list[Tensor], list[Tensor]],
    sizes: Mapping[str, int],
    batch: int,
) -> KernelWork:
    operands, written = tensors
    main = max(entries, key=lambda entry: (entry.work.total_operations, entry.work.bytes_moved))
    kind: OpClass = "movement" if target in _COPIES else op_class(main)
    if kind == "matvec" and batch > 1:
        kind = "matmul"
    weight = sum(tensor.elements * sizes[tensor.name] for tensor in (*operands, *written) if tensor.is_constant)
    bytes_in = sum(tensor.elements * sizes[tensor.name] for tensor in operands if not tensor.is_constant)
    bytes_out = sum(tensor.elements * sizes[tensor.name] for tensor in written if not tensor.is_constant)
    if target in _READ_WHAT_THEY_WRITE:
        bytes_in = bytes_out
    is_matrix = bool(main.work.macs) and kind != "depthwise"
    return KernelWork(
        kind,
        "float16",
        "matrix" if is_matrix else "vector",
        operations=batch * sum(entry.work.total_operations for entry in entries),
        bytes_weight=weight,
        bytes_activation_in=batch * bytes_in,
        bytes_activation_out=batch * bytes_out,
        **_extent(main.op, batch),
    )


def _moving(kind: OpClass, bytes_read: int, bytes_written: int, tensor: Tensor, batch: int) -> KernelWork:
    """A kernel that computes nothing."""
    if tensor.is_constant:
        return KernelWork(kind, "float16", "vector", 0, bytes_read + bytes_written, 0, 0)
    return KernelWork(kind, "float16", "vector", 0, 0, batch * bytes_read, batch * bytes_written)


def _extent(op: Op, batch: int) -> dict[str, int]:
    """The extents of a contraction as far as its shapes tell."""
    try:
        if op.kind == "Conv":
            x, weight, y = op.input(0), op.input(1), op.output
            channels = y.dims[1]
            return {
                "taps": prod(weight.dims[2:]),
                "stride": max(op.integers("strides") or (1,)),
                "groups": op.integer("group", 1),
                "input_channels": weight.dims[1],
                "output_channels": channels,
                "output_positions": batch * y.elements // max(channels, 1) if x.rank else 0,
            }
        if op.kind in ("MatMul", "Gemm"):
            x, y = op.input(0), op.output
            return {
                "input_channels": x.dims[-1],
                "output_channels": y.dims[-1],
                "output_positions": batch * y.elements // max(y.dims[-1], 1),
            }
    except (UnresolvedShape, IndexError):
        pass
    return {}
