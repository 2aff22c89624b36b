"""Contradictions that onnx's inference lets pass: they would make counts meaningless.

Each check gets an op with its outputs and the known elements, and says what is wrong, or None.

Source: ONNX operator specification, each operator's own page.
"""

from collections.abc import Callable

from attainable.workload.graph import Op, Tensor
from attainable.workload.onnx.values import Values

LARGEST_MADE_BYTES = 1 << 40
"""Bytes of a tensor that an operator blows up to an extent written in the file, beyond what its inputs have."""


def _groups(weight: int) -> Callable[[Op, Values], str | None]:
    """Input channels = group * channels of a filter, and the filters divide into the groups."""

    def check(op: Op, values: Values) -> str | None:
        del values
        if len(op.inputs) <= weight:
            return None
        group = op.integer("group", 1)
        if group < 1:
            return f"attribute group is {group}"
        x, w = op.inputs[0], op.inputs[weight]
        if x is None or w is None or x.shape is None or w.shape is None or len(x.shape) < 2 or len(w.shape) < 2:
            return None
        if op.kind == "ConvTranspose":
            return None if x.shape[1] == w.shape[0] and w.shape[0] % group == 0 else _contradiction(op, "group", x, w)
        fits = x.shape[1] == w.shape[1] * group and w.shape[0] % group == 0
        return None if fits else _contradiction(op, "group", x, w)

    return check


def _contradiction(op: Op, attribute: str, *tensors: Tensor) -> str:
    shapes = " and ".join(str(list(tensor.dims)) for tensor in tensors)
    return f"attribute {attribute} = {op.integer(attribute, 1)} does not fit the shapes {shapes}"


def _same_elements(op: Op, values: Values) -> str | None:
    """Reshape keeps the number of elements."""
    del values
    x, y = op.optional_input(0), op.outputs[0] if op.outputs else None
    if x is None or x.shape is None or y is None or y.shape is None or x.elements == y.elements:
        return None
    return f"cannot reshape {list(x.shape)} to {list(y.shape)}"


def _einsum(op: Op, values: Values) -> str | None:
    """A letter stands for one extent."""
    del values
    terms = op.text("equation", "").partition("->")[0].replace(" ", "").split(",")
    extents: dict[str, int] = {}
    for term, tensor in zip(terms, op.present_inputs, strict=False):
        if tensor.shape is None or "." in term or len(term) != len(tensor.shape):
            continue
        for letter, extent in zip(term, tensor.shape, strict=True):
            known = extents.setdefault(letter, extent)
            if known != extent and 1 not in (known, extent):
                shapes = ", ".join(str(list(item.dims)) for item in op.present_inputs if item.shape is not None)
                return f"{letter} of {op.text('equation', '')!r} is {known} and {extent}; input shapes {shapes}"
            extents[letter] = max(known, extent)
    return None


def _indices(op: Op, values: Values) -> str | None:
    """Known indices lie in the axis."""
    table, indices = op.optional_input(0), op.optional_input(1)
    if table is None or indices is None or not table.shape or not indices.is_constant:
        return None
    axis = op.integer("axis", 0)
    if not -len(table.shape) <= axis < len(table.shape):
        return f"attribute axis is {axis}, the input has {len(table.shape)} axes"
    known = indices.value if indices.value is not None else _elements(values, indices)
    extent = table.shape[axis]
    wrong = next((index for index in known or () if not -extent <= index < extent), None)
    return None if wrong is None else f"index {wrong} is not in an axis of {extent}, input shape {list(table.shape)}"


def _elements(values: Values, tensor: Tensor) -> tuple[int, ...] | None:
    value = values.get(tensor.name)
    if value is None or value.dtype.kind not in "iu":
        return None
    return tuple(int(item) for item in value.reshape(-1).tolist())


def _extent(op: Op, values: Values) -> str | None:
    """What is blown up must fit into some memory."""
    del values
    for tensor in op.present_outputs:
        if tensor.shape is not None and tensor.bytes > LARGEST_MADE_BYTES:
            return f"needs {tensor.bytes / 1e12:.3g} TB for its output {list(tensor.shape)}"
    return None


CHECKS: dict[str, Callable[[Op, Values], str | None]] = {
    "Conv": _groups(1),
    "ConvInteger": _groups(1),
    "ConvTranspose": _groups(1),
    "QLinearConv": _groups(3),
    "Reshape": _same_elements,
    "Einsum": _einsum,
    "Gather": _indices,
    "GatherElements": _indices,
    "ScatterElements": _indices,
    "ConstantOfShape": _extent,
    "EyeLike": _extent,
    "Expand": _extent,
    "Range": _extent,
    "Tile": _extent,
    "Pad": _extent,
    "Resize": _extent,
    "Upsample": _extent,
    "OneHot": _extent,
}
"""By operator; those that no check is needed for cost nothing."""
