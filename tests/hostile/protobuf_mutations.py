"""Mutations of an ONNX model that keep it a protobuf: any field of any message, and what is particular to ONNX."""

from collections.abc import Callable, Iterator, MutableSequence
from random import Random
from typing import Any, cast

import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper

from attainable.cost.rules import RULES
from tests.hostile.byte_mutations import mutated_bytes

EXTREMES = (
    0,
    1,
    -1,
    2,
    3,
    7,
    64,
    65,
    255,
    4096,
    1 << 16,
    1 << 24,
    2**31 - 1,
    2**31,
    2**32,
    2**40,
    2**62,
    2**63 - 1,
    -(2**31),
    -(2**63),
)
"""Whole numbers at which something may break."""

_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, 3e38, float("inf"), float("-inf"), float("nan"))
_TEXTS = (
    "",
    "x",
    "y",
    "w",
    "ai.onnx",
    "com.microsoft",
    "ai.onnx.ml",
    "\x1b[2J",
    "\u202e",
    "\x00",
    "../../x",
    "n" * 5000,
    "-1",
    "%s{0}",
)

_REGISTERED = {(schema.domain, schema.name) for schema in onnx.defs.get_all_schemas()}
_RUNTIME = {(domain, kind) for domain, _, kind in (type.rpartition(":") for type in RULES) if domain == "com.microsoft"}
_OPERATORS = sorted(_REGISTERED | _RUNTIME)

Site = tuple[Message, FieldDescriptor]
"""A message and a field of it that is set."""


def _sites(message: Message) -> Iterator[Site]:
    """Every field that is set, in the message and in those inside."""
    pending = [message]
    while pending:
        current = pending.pop()
        for field, content in current.ListFields():
            yield current, field
            if field.message_type is not None:
                pending.extend(cast("list[Message]", content) if field.is_repeated else [cast("Message", content)])


def _graphs(model: ModelProto) -> list[GraphProto]:
    return [model.graph, *(site[0] for site in _sites(model) if isinstance(site[0], GraphProto))]


def _nodes(model: ModelProto) -> list[NodeProto]:
    return [
        message
        for message in {id(site[0]): site[0] for site in _sites(model)}.values()
        if isinstance(message, NodeProto)
    ]


def _field(model: ModelProto, random: Random) -> None:
    """Change one field, whatever it is."""
    message, field = random.choice(list(_sites(model)))
    if field.is_repeated:
        _repeated(cast("MutableSequence[Any]", getattr(message, field.name)), message, field, model, random)
    elif field.message_type is not None:
        _replace(message, field, model, random)
    else:
        setattr(message, field.name, _scalar(getattr(message, field.name), field, model, random))


def _repeated(
    items: MutableSequence[Any], message: Message, field: FieldDescriptor, model: ModelProto, random: Random
) -> None:
    index = random.randrange(len(items))
    match random.randrange(5):
        case 0:
            del items[index]
        case 1:
            message.ClearField(field.name)
        case 2:
            if field.message_type is not None:
                cast(Any, items).add().CopyFrom(items[index])
            else:
                items.extend([items[index]] * random.choice((1, 1, 70)))
        case 3 if field.message_type is None:
            cast("list[Any]", items)[:] = random.sample(list(items), len(items))
        case _:
            if field.message_type is None:
                items[index] = _scalar(items[index], field, model, random)
            elif others := [other for site in _sites(model) if (other := site[0]).DESCRIPTOR is field.message_type]:
                copy = random.choice(others).SerializeToString()
                items[index].Clear()
                items[index].MergeFromString(copy)


def _replace(message: Message, field: FieldDescriptor, model: ModelProto, random: Random) -> None:
    inside = cast("Message", getattr(message, field.name))
    others = [other for site in _sites(model) if (other := site[0]).DESCRIPTOR is field.message_type]
    copy = random.choice(others).SerializeToString() if others else b""
    if random.random() < 0.4:
        message.ClearField(field.name)
    else:
        inside.Clear()
        inside.MergeFromString(copy)


def _scalar(known: Any, field: FieldDescriptor, model: ModelProto, random: Random) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            if field.type == FieldDescriptor.TYPE_BYTES:
                return mutated_bytes(known, random) if known else random.randbytes(random.choice((1, 8)))
            return random.choice((random.choice(_TEXTS), _another_text(model, random)))
        case FieldDescriptor.CPPTYPE_FLOAT | FieldDescriptor.CPPTYPE_DOUBLE:
            return random.choice(_FLOATS)
        case FieldDescriptor.CPPTYPE_ENUM:
            return random.choice(list(field.enum_type.values_by_number)) if field.enum_type is not None else known
        case FieldDescriptor.CPPTYPE_INT32:
            return random.choice([extreme for extreme in EXTREMES if abs(extreme) < 2**31] + [known + 1])
        case FieldDescriptor.CPPTYPE_UINT64:
            return random.choice([extreme for extreme in EXTREMES if extreme >= 0])
        case _:
            return max(-(2**63), min(2**63 - 1, random.choice((*EXTREMES, known + 1, known - 1, -known))))


def _another_text(model: ModelProto, random: Random) -> str:
    message, field = random.choice(list(_sites(model)))
    if field.cpp_type != FieldDescriptor.CPPTYPE_STRING or field.type == FieldDescriptor.TYPE_BYTES:
        nodes = _nodes(model)
        names = [name for node in nodes for name in (*node.input, *node.output)]
        return random.choice(names or ["x"])
    content = getattr(message, field.name)
    return str(random.choice(list(content)) if field.is_repeated else content)


def _operator(model: ModelProto, random: Random) -> None:
    """Another operator reads and makes the same tensors."""
    if nodes := _nodes(model):
        node = random.choice(nodes)
        node.domain, node.op_type = random.choice(_OPERATORS)
        if not any(entry.domain == node.domain for entry in model.opset_import):
            model.opset_import.append(helper.make_opsetid(node.domain, 1))


def _attribute(model: ModelProto, random: Random) -> None:
    """A node gains an attribute that its operator has, with a value or even a type that it does not expect."""
    nodes = [node for node in _nodes(model) if onnx.defs.has(node.op_type, domain=node.domain)]
    if not nodes:
        return
    node = random.choice(nodes)
    names = list(onnx.defs.get_schema(node.op_type, domain=node.domain).attributes)
    if not names:
        return
    name = random.choice(names)
    kept = [attribute for attribute in node.attribute if attribute.name != name or random.random() < 0.1]
    copies = [AttributeProto.FromString(attribute.SerializeToString()) for attribute in kept]
    del node.attribute[:]
    node.attribute.extend(copies)
    numbers = [random.choice(EXTREMES) for _ in range(random.choice((1, 2, 3, 4, 5)))]
    number = random.choice(EXTREMES)
    choices: tuple[Callable[[], AttributeProto], ...] = (
        lambda: AttributeProto(name=name, type=AttributeProto.INT, i=number),
        lambda: AttributeProto(name=name, type=AttributeProto.INTS, ints=numbers),
        lambda: AttributeProto(name=name, type=AttributeProto.FLOAT, f=random.choice(_FLOATS)),
        lambda: AttributeProto(name=name, type=AttributeProto.STRING, s=random.choice(_TEXTS).encode()),
        lambda: AttributeProto(name=name, type=AttributeProto.STRINGS, strings=[b"a", b"\xff"]),
        lambda: AttributeProto(name=name, type=AttributeProto.TENSOR, t=TensorProto(dims=[number], data_type=7)),
        lambda: AttributeProto(name=name, type=AttributeProto.INT, ref_attr_name="axis"),
    )
    node.attribute.append(random.choice((*choices, choices[0], choices[1]))())


def _shape(model: ModelProto, random: Random) -> None:
    """An input or a constant gets other axes."""
    graph = model.graph
    shaped = [value for value in graph.input if value.type.tensor_type.shape.dim]
    if shaped and random.random() < 0.6:
        dimensions = random.choice(shaped).type.tensor_type.shape.dim
        match random.randrange(4):
            case 0:
                del dimensions[random.randrange(len(dimensions))]
            case 1:
                dimensions.add().dim_value = random.choice((0, 1, 2, 7, -1))
            case 2:
                random.choice(dimensions).dim_param = random.choice(("N", "", "a b"))
            case _:
                random.choice(dimensions).dim_value = random.choice(EXTREMES)
    elif graph.initializer:
        proto = random.choice(graph.initializer)
        dims = [random.choice((0, 1, 2, 3, 8, *EXTREMES)) for _ in range(random.randrange(5))]
        del proto.dims[:]
        proto.dims.extend(dims)
        if random.random() < 0.7:
            # without elements, so that only the shape is wrong
            for field in ("raw_data", "float_data", "int64_data", "int32_data"):
                proto.ClearField(field)
            proto.data_location = TensorProto.EXTERNAL
            proto.external_data.add(key="location", value="elsewhere.bin")


def _wiring(model: ModelProto, random: Random) -> None:
    """A node reads another tensor, none, one more, or one less."""
    nodes = _nodes(model)
    names = [name for node in nodes for name in (*node.input, *node.output) if name]
    readers = [node for node in nodes if node.input]
    if not readers or not names:
        return
    node = random.choice(readers)
    index = random.randrange(len(node.input))
    match random.randrange(5):
        case 0:
            del node.input[index]
        case 1:
            node.input[index] = ""
        case 2:
            node.input.insert(index, random.choice(names))
        case _:
            node.input[index] = random.choice(names)


def _constant(model: ModelProto, random: Random) -> None:
    """The elements of a stored tensor of integers change: shapes, axes, indices, trip counts."""
    tensors = [site[0] for site in _sites(model) if isinstance(site[0], TensorProto)]
    integers = [
        proto for proto in tensors if proto.data_type == TensorProto.INT64 and (proto.raw_data or proto.int64_data)
    ]
    if not integers:
        return
    proto = random.choice(integers)
    count = max(len(proto.raw_data) // 8, len(proto.int64_data))
    known = list(proto.int64_data) or [
        int.from_bytes(proto.raw_data[8 * index : 8 * index + 8], "little", signed=True) for index in range(count)
    ]
    if not known:
        return
    known[random.randrange(len(known))] = random.choice(EXTREMES)
    proto.ClearField("int64_data")
    proto.raw_data = b"".join(number.to_bytes(8, "little", signed=True) for number in known)


def _version(model: ModelProto, random: Random) -> None:
    """Another opset, another IR, another domain."""
    if model.opset_import and random.random() < 0.9:
        entry = random.choice(model.opset_import)
        entry.version = random.choice((*range(1, 30), *EXTREMES))
    else:
        model.ir_version = random.choice(EXTREMES)


def _nesting(model: ModelProto, random: Random) -> None:
    """A graph moves into an attribute of a node, or a node into a graph of its own nodes."""
    nodes, graphs = _nodes(model), _graphs(model)
    if nodes:
        inside = GraphProto.FromString(random.choice(graphs).SerializeToString())
        name = random.choice(("body", "then_branch", "else_branch"))
        random.choice(nodes).attribute.append(AttributeProto(name=name, type=AttributeProto.GRAPH, g=inside))


_MUTATIONS: tuple[Callable[[ModelProto, Random], None], ...] = (
    *(_field,) * 8, *(_attribute,) * 4, *(_operator,) * 3, *(_wiring,) * 3, *(_shape,) * 3, *(_constant,) * 2,
    _version, _nesting,
)  # fmt: skip


def mutated_model(content: bytes, random: Random) -> bytes:
    """The model after one to three mutations; still a protobuf."""
    model = ModelProto.FromString(content)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        random.choice(_MUTATIONS)(model, random)
    return model.SerializeToString()
