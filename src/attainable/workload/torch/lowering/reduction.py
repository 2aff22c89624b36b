"""Reductions, scans and selections along axes.

Source: PyTorch, ``aten/src/ATen/native/native_functions.yaml``; ONNX operator specification, the operators by name.
"""

from math import inf, prod

from attainable.workload.graph import Tensor
from attainable.workload.torch.lowering.call import Call, Lowering, Lowerings, NotLowered, Step, step
from attainable.workload.torch.lowering.elementwise import one


def reduce(kind: str) -> Lowering:
    """A reduction over some axes, or over all."""

    def lower(call: Call) -> tuple[Step, ...]:
        return (_reduction(call, kind, call.tensor("self"), call.output),)

    return lower


def _reduction(call: Call, kind: str, x: Tensor, result: Tensor) -> Step:
    axes = call.integers_constant("axes", call.axes("dim", x.rank))
    return step(kind, (x, axes), (result,), keepdims=int(call.flag("keepdim")))


def extreme(reduction: str, position: str, pairwise: str) -> Lowering:
    """max and min: of two tensors, of a whole tensor, or along an axis with the position where it was found."""

    def lower(call: Call) -> tuple[Step, ...]:
        if call.given("other"):
            return one(pairwise, "self", "other")(call)
        x = call.tensor("self")
        if not call.given("dim"):
            return (_reduction(call, reduction, x, call.output),)
        steps = [_reduction(call, reduction, x, call.output)]
        found = call.outputs[1] if len(call.outputs) > 1 else None
        if found is not None:
            steps.append(_position(call, position, x, found))
        return tuple(steps)

    return lower


def position(kind: str) -> Lowering:
    """ArgMax or ArgMin, along an axis or of the whole tensor laid out in a row."""

    def lower(call: Call) -> tuple[Step, ...]:
        x = call.tensor("self")
        if call.given("dim"):
            return (_position(call, kind, x, call.output),)
        row = call.between("row", (x.elements,), x.dtype)
        view = step("Reshape", (x, call.integers_constant("shape", row.dims)), (row,))
        return (view, step(kind, (row,), call.outputs, axis=0, keepdims=0))

    return lower


def _position(call: Call, kind: str, x: Tensor, found: Tensor) -> Step:
    return step(kind, (x,), (found,), axis=call.axis("dim", x.rank), keepdims=int(call.flag("keepdim")))


def norm(call: Call) -> tuple[Step, ...]:
    """The 1-norm, the 2-norm, or the largest magnitude. Raises NotLowered for other orders."""
    x, order = call.tensor("self"), call.number("ord", call.number("p", 2))
    if order in _NORMS:
        return (_reduction(call, _NORMS[order], x, call.output),)
    if order != inf:
        raise NotLowered(call.target)
    magnitudes = call.between("magnitudes", x.shape, x.dtype)
    return (step("Abs", (x,), (magnitudes,)), _reduction(call, "ReduceMax", magnitudes, call.output))


_NORMS: dict[float, str] = {1: "ReduceL1", 2: "ReduceL2"}


def variance(call: Call) -> tuple[Step, ...]:
    """Mean, difference, square, sum, quotient, and the root for a standard deviation; the mean too where asked for."""
    x, with_mean = call.tensor("self"), call.target.endswith("_mean")
    axes = call.axes("dim", x.rank)
    kept = tuple(1 if axis in axes else extent for axis, extent in enumerate(x.dims))
    where = call.integers_constant("axes", axes)
    mean = call.between("mean", kept, x.dtype)
    centred, squares = (call.between(label, x.shape, x.dtype) for label in ("centred", "squares"))
    total, quotient = (call.between(label, call.output.shape, x.dtype) for label in ("total", "quotient"))
    count = prod(x.dims[axis] for axis in axes) - call.number("correction", 1)
    root = call.target.startswith("std")
    steps = [
        step("ReduceMean", (x, where), (mean,), keepdims=1),
        step("Sub", (x, mean), (centred,)),
        step("Mul", (centred, centred), (squares,)),
        step("ReduceSum", (squares, where), (total,), keepdims=int(call.flag("keepdim"))),
        step(
            "Div", (total, call.scalar("count", count, dtype=x.dtype)), (quotient if root else call.output,)
        ),
    ]  # fmt: skip
    if root:
        steps.append(step("Sqrt", (quotient,), (call.output,)))
    if with_mean and len(call.outputs) > 1 and call.outputs[1] is not None:
        shape = call.integers_constant("shape", call.outputs[1].dims)
        steps.append(step("Reshape", (mean, shape), call.outputs[1:2]))
    return tuple(steps)


def cumulate(kind: str) -> Lowering:
    """CumSum or CumProd along an axis."""

    def lower(call: Call) -> tuple[Step, ...]:
        x = call.tensor("self")
        axis = call.axis("dim", x.rank)
        return (step(kind, (x, Tensor(f"{call.name}/axis", (), "int64", True, (axis,), 8)), call.outputs),)

    return lower


def largest(call: Call) -> tuple[Step, ...]:
    """TopK: of as many elements as there are for a sort."""
    x = call.tensor("self")
    axis = call.axis("dim", x.rank, -1)
    length = x.dims[axis] if x.rank else 1
    selected = call.integers_constant("k", (call.integer("k", length),))
    outputs = call.outputs
    if call.target == "argsort":
        outputs = (call.between("values", x.shape, x.dtype), call.output)
    descending = call.flag("largest", call.flag("descending", call.target == "topk"))
    return (step("TopK", (x, selected), outputs, axis=axis, largest=int(descending)),)


LOWERINGS: Lowerings = {
    "sum": reduce("ReduceSum"),
    "mean": reduce("ReduceMean"),
    "prod": reduce("ReduceProd"),
    **dict.fromkeys(("amax", "any"), reduce("ReduceMax")),
    **dict.fromkeys(("amin", "all"), reduce("ReduceMin")),
    "logsumexp": reduce("ReduceLogSumExp"),
    "max": extreme("ReduceMax", "ArgMax", "Max"),
    "min": extreme("ReduceMin", "ArgMin", "Min"),
    "argmax": position("ArgMax"),
    "argmin": position("ArgMin"),
    **dict.fromkeys(("norm", "linalg_vector_norm"), norm),
    **dict.fromkeys(("var", "std", "var_mean", "std_mean"), variance),
    "cumsum": cumulate("CumSum"),
    "cumprod": cumulate("CumProd"),
    **dict.fromkeys(("topk", "sort", "argsort"), largest),
}
"""Reductions by operator."""
