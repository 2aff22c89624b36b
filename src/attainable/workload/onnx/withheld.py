"""Operators that onnx's C++ inference must not see, and their shapes.

onnx 1.23 follows null pointers, writes out of bounds or allocates without bound for these, where an input has no type
or an extent is hostile; found by mutating every version of every operator. Before inference such a node is put into a
domain that onnx does not know; its outputs then follow from the rules below.

Source: ONNX operator specification (onnx 1.23), each operator's own page.
"""

import secrets
from collections.abc import Collection, Iterable, Sequence

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
from attainable.workload.onnx.tensors import DTYPES

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
        if group.kinds.isdisjoint(_KINDS):
            continue
        harmless = _stored_shapes(group)
        for node in group.nodes:
            if (node.op_type, node.domain) not in _KINDS or key_of(node) in functions:
                continue
            if node.op_type == "Expand" and len(node.input) > 1 and node.input[1] in harmless:
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
