"""Operators that onnx's C++ inference must not see, and their shapes.

onnx 1.23 follows null pointers, writes out of bounds, allocates without bound or never ends for these, where an input
has no type, or an extent or attribute is hostile; found by mutating every version of every operator. An attribute that
is always wrong is a fault of the model. Any other such node is put into a domain that onnx does not know, before
inference; its outputs then follow from the rules below.

Source: ONNX operator specification (onnx 1.23), each operator's own page.
"""

import re
import secrets
from collections.abc import Callable, Collection, Iterable, Sequence

import onnx

from attainable.workload.graph import Op, Tensor, UnresolvedShape
from attainable.workload.onnx.functions import FunctionKey, Group, groups_of, key_of
from attainable.workload.onnx.shape_rules import (
    Operands,
    Outputs,
    ShapeFunction,
    axis_of,
    broadcast,
    integers,
    like,
    result,
)
from attainable.workload.onnx.tensors import DTYPES, LARGEST_RANK

_NOWHERE = "attainable-withheld-" + secrets.token_hex(16) + ":"
"""What the domain of a node begins with while it is withheld; random, so that no file can forge it."""

_LONGEST_STORED_SHAPE = 64
"""Elements of a constant that says the shape of Expand: onnx makes an axis for each."""


def withhold(groups: Iterable[Group], functions: Collection[FunctionKey]) -> list[onnx.NodeProto]:
    """Put the nodes that onnx must not see into a domain that it does not know.

    Args:
        groups: all nodes of a model.
        functions: the model's own, which onnx looks up by other rules.

    Returns:
        Those nodes, for ``give_back``.
    """
    withheld: list[onnx.NodeProto] = []
    for group in groups:
        if group.kinds.isdisjoint(_KINDS) and {kind for kind, _ in group.kinds}.isdisjoint(FATAL):
            continue
        harmless = _stored_shapes(group)
        for node in group.nodes:
            if not (_is_dangerous(node, harmless) or _is_open(node)) or key_of(node) in functions:
                continue
            node.domain = f"{_NOWHERE}{node.domain}"
            withheld.append(node)
    return withheld


def give_back(withheld: Sequence[onnx.NodeProto], inferred: onnx.GraphProto) -> None:
    """Put nodes back into their own domain, those of the inferred copy of the graph among them."""
    if not withheld:
        return
    for node in (*withheld, *(node for group in groups_of(inferred.node) for node in group.nodes)):
        if not node.domain.startswith(_NOWHERE):
            continue
        if own := node.domain.removeprefix(_NOWHERE):
            node.domain = own
        else:
            node.ClearField("domain")


def is_withheld(op: Op) -> bool:
    """Tell whether onnx must not be asked about the single op either."""
    if op.type == "Expand":
        shape = op.optional_input(1)
        return shape is None or shape.shape is None or any(extent > _LONGEST_STORED_SHAPE for extent in shape.shape)
    return (op.kind, op.domain) in _KINDS


def fatal(node: onnx.NodeProto) -> str | None:
    """What makes a node impossible, and onnx's inference of it fatal; None where it is harmless."""
    entry = FATAL.get(node.op_type)
    if entry is None or node.domain not in ("", "ai.onnx"):
        return None
    name, check = entry
    # onnx takes the last of several attributes of one name
    faults = (check(node, attribute) for attribute in node.attribute if attribute.name == name)
    return next((fault for fault in faults if fault is not None), None)


def _is_dangerous(node: onnx.NodeProto, harmless: Collection[str]) -> bool:
    if (node.op_type, node.domain) not in _KINDS:
        return False
    return node.op_type != "Expand" or len(node.input) < 2 or node.input[1] not in harmless


def _is_open(node: onnx.NodeProto) -> bool:
    """Tell whether only the call of a function decides if a node is fatal."""
    entry = FATAL.get(node.op_type)
    return entry is not None and any(item.ref_attr_name and item.name == entry[0] for item in node.attribute)


def _axis(node: onnx.NodeProto, axis: onnx.AttributeProto) -> str | None:
    """onnx writes out of bounds for an axis beyond 32 bits."""
    del node
    return None if abs(axis.i) <= LARGEST_RANK else f"attribute axis is {axis.i}"


def _parts(node: onnx.NodeProto, parts: onnx.AttributeProto) -> str | None:
    """onnx lists as many lengths as the attribute says, and reads as many as there are outputs."""
    made = len(node.output)
    if parts.ref_attr_name or parts.i == made:
        return None
    return f"attribute num_outputs is {parts.i}, it has {made} outputs"


def _equation(node: onnx.NodeProto, equation: onnx.AttributeProto) -> str | None:
    """onnx never comes to the end of anything but terms of letters."""
    del node
    if equation.ref_attr_name or _EQUATION.fullmatch(equation.s):
        return None
    return f"attribute equation is {equation.s[:40]!r}"


_TERM = rb"[A-Za-z ]*(?:\.\.\.[A-Za-z ]*)?"
_EQUATION = re.compile(rb"%b(?:,%b)*(?:->%b)?" % (_TERM, _TERM, _TERM))

_Check = Callable[[onnx.NodeProto, onnx.AttributeProto], str | None]

FATAL: dict[str, tuple[str, _Check]] = {
    "LayerNormalization": ("axis", _axis),
    "Split": ("num_outputs", _parts),
    "Einsum": ("equation", _equation),
}
"""By operator: the attribute that onnx 1.23 does not survive. Found by mutation."""


def _stored_shapes(group: Group) -> set[str]:
    """Names of short constants, which onnx looks into."""
    stored = group.graph.initializer if group.graph is not None else ()
    names = {proto.name for proto in stored if len(proto.dims) == 1 and proto.dims[0] <= _LONGEST_STORED_SHAPE}
    if ("Constant", "") in group.kinds:
        names |= {
            node.output[0]
            for node in group.nodes
            if node.op_type == "Constant" and node.output and len(node.attribute) == 1 and _is_short(node.attribute[0])
        }
    return names


def _is_short(attribute: onnx.AttributeProto) -> bool:
    extents = attribute.t.dims if attribute.type == onnx.AttributeProto.TENSOR else (len(attribute.ints),)
    return len(extents) == 1 and extents[0] <= _LONGEST_STORED_SHAPE


def _expand(op: Op, operands: Operands) -> Outputs:
    """The common shape of x and of what the second input says."""
    x = op.input(0)
    return [result(broadcast(x.dims, integers(operands, 1)), x.dtype)]


def _eye_like(op: Op, operands: Operands) -> Outputs:
    """Shape of the input, type of ``dtype`` or of the input."""
    del operands
    x, number = op.input(0), op.attribute("dtype")
    return [result(x.dims, x.dtype if number is None else DTYPES.get(op.integer("dtype", 0), x.dtype))]


def _gather_nd(op: Op, operands: Operands) -> Outputs:
    """y[batch, i, rest] = x[batch, indices[batch, i], rest]; the last axis of the indices is one index."""
    del operands
    x, indices, batch = op.input(0), op.input(1), op.integer("batch_dims", 0)
    if indices.rank < 1 or not 0 <= batch < min(x.rank, indices.rank):
        raise UnresolvedShape("batch_dims")
    indexed = batch + indices.dims[-1]
    if not batch < indexed <= x.rank:
        raise UnresolvedShape("indices")
    return [result((*indices.dims[:-1], *x.dims[indexed:]), x.dtype)]


def _matches(op: Op, operands: Operands) -> Outputs:
    """One bool a string."""
    del operands
    return [result(op.input(0).dims, "bool")]


def _labels(op: Op, operands: Operands) -> Outputs:
    """Shape of the input, type of the values; version 1 maps strings to integers and back."""
    del operands
    x, stored = op.input(0), op.attribute("values_tensor")
    dtype = "int64" if x.dtype == "string" else "string"
    if isinstance(stored, Tensor):
        dtype = stored.dtype
    for name, type in (("values_strings", "string"), ("values_int64s", "int64"), ("values_floats", "float32")):
        dtype = type if op.attribute(name) is not None else dtype
    return [result(x.dims, dtype)]


def _tree_ensemble(op: Op, operands: Operands) -> Outputs:
    """(N, n_targets)."""
    del operands
    x = op.input(0)
    return [result((x.dims[axis_of(0, x.rank)], op.integer("n_targets", 1)), x.dtype)]


WITHHELD: dict[str, ShapeFunction] = {
    "Expand": _expand,
    "EyeLike": _eye_like,
    "GatherND": _gather_nd,
    "RegexFullMatch": _matches,
    "ai.onnx.ml:DictVectorizer": like(),
    "ai.onnx.ml:LabelEncoder": _labels,
    "ai.onnx.ml:TreeEnsemble": _tree_ensemble,
}
"""By operator type. What DictVectorizer makes depends on its map."""

_KINDS = frozenset(
    (type.rpartition(":")[2], domain)
    for type in WITHHELD
    for domain in ([type.rpartition(":")[0]] if ":" in type else ["", "ai.onnx"])
)
"""Operators and domains, as nodes name them."""
