"""The parts of an exported program that say what is computed, as PyTorch writes them in JSON.

A union is written as an object with one member, so that a record here has one optional attribute for each alternative;
members that are not listed are skipped unread.

Source: PyTorch 2.13, ``torch/_export/serde/schema.py``, schema version 8.20.
"""

from collections.abc import Mapping

from msgspec import Struct

SCHEMA_MAJOR = 8
"""The major version that this file describes; minor ones only add members."""

DTYPES: dict[int, str] = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64",
    10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16", 28: "uint16", 29: "float8e4m3fn", 30: "float8e5m2",
    31: "float8e4m3fnuz", 32: "float8e5m2fnuz", 33: "float8e8m0", 34: "uint32", 35: "uint64",
}  # fmt: skip
"""Element types by the number of ``ScalarType``; half-precision complex numbers are not among ours."""


class Symbolic(Struct, gc=False):
    """An expression over the symbols of dimensions."""

    expr_str: str


class Extent(Struct, gc=False):
    """A dimension, or another integer that the program computes from dimensions."""

    as_int: int | None = None
    as_expr: Symbolic | None = None


class TensorRecord(Struct, gc=False):
    """Element type and shape of a tensor."""

    dtype: int
    sizes: list[Extent]


class Name(Struct, gc=False):
    """A tensor by its name."""

    name: str


class OptionalName(Struct, gc=False):
    """A tensor by its name, or none."""

    as_tensor: Name | None = None


class IntegerArgument(Struct, gc=False):
    """An integer, or the name of one that the program computes."""

    as_int: int | None = None
    as_name: str | None = None


class SubGraph(Struct, gc=False):
    """A graph that an operator of higher order runs."""

    name: str
    graph: "Graph"


class Argument(Struct, gc=False):
    """What an operator is given, or makes. Infinite floats are written as text."""

    as_tensor: Name | None = None
    as_tensors: list[Name] | None = None
    as_int: int | None = None
    as_ints: list[int] | None = None
    as_float: float | str | None = None
    as_floats: list[float | str] | None = None
    as_string: str | None = None
    as_sym_int: IntegerArgument | None = None
    as_sym_ints: list[IntegerArgument] | None = None
    as_scalar_type: int | None = None
    as_bool: bool | None = None
    as_graph: SubGraph | None = None
    as_optional_tensors: list[OptionalName] | None = None
    as_optional_tensor: OptionalName | None = None
    as_nested_tensors: list[list[Name]] | None = None


class NamedArgument(Struct, gc=False):
    """An argument with its name in the operator's schema; operators of higher order leave it empty."""

    name: str
    arg: Argument


class NodeMetadata(Struct, gc=False):
    """Where in the source a node comes from."""

    nn_module_stack: str = ""


class Node(Struct, gc=False):
    """One call of an operator."""

    target: str
    inputs: list[NamedArgument]
    outputs: list[Argument]
    metadata: NodeMetadata
    name: str | None = None


class Graph(Struct, gc=False):
    """Calls in running order, and what is known of each tensor and integer."""

    inputs: list[Argument]
    outputs: list[Argument]
    nodes: list[Node]
    tensor_values: dict[str, TensorRecord]
    sym_int_values: dict[str, Extent]


class Parameter(Struct, gc=False):
    """A trained constant."""

    arg: Name
    parameter_name: str


class Buffer(Struct, gc=False):
    """A constant that is not trained."""

    arg: Name
    buffer_name: str


class StoredTensor(Struct, gc=False):
    """A tensor that the source code holds outside of parameters and buffers."""

    arg: Name
    tensor_constant_name: str


class UserInput(Struct, gc=False):
    """An argument of ``forward``."""

    arg: Argument


class InputSpecification(Struct, gc=False):
    """What an input of the graph stands for."""

    user_input: UserInput | None = None
    parameter: Parameter | None = None
    buffer: Buffer | None = None
    tensor_constant: StoredTensor | None = None


class OutputSpecification(Struct, gc=False):
    """What an output of the graph stands for; updates of buffers and inputs are not the user's outputs."""

    user_output: UserInput | None = None


class Signature(Struct, gc=False):
    """What inputs and outputs of the graph stand for, in their order."""

    input_specs: list[InputSpecification]
    output_specs: list[OutputSpecification]


class GraphModule(Struct, gc=False):
    """The graph and its signature."""

    graph: Graph
    signature: Signature


class SchemaVersion(Struct, gc=False):
    """Version of this description."""

    major: int
    minor: int = 0


class Program(Struct, gc=False):
    """An exported program."""

    graph_module: GraphModule
    schema_version: SchemaVersion
    torch_version: str = ""


class VersionedProgram(Struct, gc=False):
    """What must be looked at before the rest is believed to have this form."""

    schema_version: SchemaVersion


class StoredWeight(Struct, gc=False):
    """Which file of the archive holds a weight."""

    path_name: str
    tensor_meta: TensorRecord | None = None


class StoredWeights(Struct, gc=False):
    """The files of all weights, by the name of the weight."""

    config: Mapping[str, StoredWeight]
