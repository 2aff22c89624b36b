"""From the records of an exported program to a Workload of ONNX operators."""

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from attainable.errors import ModelGraphError
from attainable.workload.dtypes import bytes_of
from attainable.workload.graph import Body, Op, Role, Shape, Tensor, UnresolvedShape
from attainable.workload.shapes import LARGEST_DIMENSION
from attainable.workload.torch.bind import Dimensions
from attainable.workload.torch.expressions import Expression, MalformedExpression, UnknownSymbol, parse_expression
from attainable.workload.torch.lowering import LOWERINGS
from attainable.workload.torch.lowering.call import Argument, Call, NotLowered, Step
from attainable.workload.torch.schema import DTYPES, Extent, Graph, IntegerArgument, Node, TensorRecord
from attainable.workload.torch.schema import Argument as StoredArgument

OPSET = 23
"""The version of the ONNX operators that PyTorch's are lowered to: the first with Attention."""

LARGEST_RANK = 64
DEEPEST_GRAPH = 16
MOST_SHOWN = 10

_WRAPPERS = frozenset(
    {
        "torch.ops.higher_order.wrap_with_set_grad_enabled",
        "torch.ops.higher_order.wrap_with_autocast",
        "torch.ops.higher_order.hints_wrapper",
        "torch.ops.higher_order.invoke_subgraph",
        "torch.ops.higher_order.wrap",
    }
)
"""Operators of higher order that run a graph once, as it stands."""

_CONDITION, _WHILE = "torch.ops.higher_order.cond", "torch.ops.higher_order.while_loop"

_AS_ONE_NUMBER = frozenset({"quantized_decomposed", "prims"})
"""Namespaces beside ``aten`` whose operators are in the table of lowerings."""

_RANDOM = frozenset({"bernoulli", "exponential", "multinomial", "poisson", "randperm"})
_RANDOM_KINDS = frozenset({"RandomUniform", "RandomNormal"})
"""Operators that make something new at each run, even of constants; those that are lowered by their ONNX kind."""


@dataclass(slots=True)
class _Frame:
    """The graph or a graph inside it: what its names stand for."""

    graph: Graph
    known: ChainMap[str, Tensor]
    prefix: str
    depth: int


@dataclass(slots=True)
class ProgramConverter:
    """Makes ops of the calls of a program.

    Attributes:
        numbers: by symbol.
        where: file, for messages.
        constants: those that calls bring along, such as axes and scalar factors.
        training: whether some call behaves as in training.
    """

    numbers: Mapping[str, int]
    where: str
    constants: list[Tensor] = field(default_factory=list[Tensor])
    training: bool = False
    _faults: list[str] = field(default_factory=list[str])
    _dims: dict[str, int | None] = field(default_factory=dict[str, "int | None"])
    _shapes: dict[Shape, Shape] = field(default_factory=dict[Shape, Shape])

    def tensor(self, graph: Graph, name: str, *, prefix: str = "") -> Tensor | None:
        """The record of a tensor; None where the program says nothing of it, as for outputs that are not used."""
        record = graph.tensor_values.get(name)
        if record is None:
            return None
        dtype = self._dtype(record, name)
        return Tensor(prefix + name, self._shape(record, name), dtype)

    def constant(self, graph: Graph, name: str, role: Role) -> Tensor | None:
        """The record of a parameter, a buffer or a stored tensor."""
        tensor = self.tensor(graph, name)
        if tensor is None or tensor.shape is None:
            return None
        return replace(tensor, is_constant=True, bytes_stored=bytes_of(tensor.dtype, tensor.elements), role=role)

    def raise_faults(self) -> None:
        """Raise ModelGraphError listing what was found wrong so far."""
        if self._faults:
            raise ModelGraphError(
                "the graph is broken", where=self.where, faults=self._faults[:MOST_SHOWN], help="export the model again"
            )

    def ops(self, graph: Graph, known: dict[str, Tensor]) -> tuple[Op, ...]:
        """The ops of the program's graph; ``known`` is filled with the tensors that they make.

        Raises:
            ModelGraphError: a call reads what nothing makes, or graphs are nested too deeply.
        """
        found = tuple(self._ops(_Frame(graph, ChainMap(known), "", 0), ""))
        self.raise_faults()
        return found

    def _dtype(self, record: TensorRecord, name: str) -> str:
        dtype = DTYPES.get(record.dtype)
        if dtype is None:
            self._faults.append(f"element type {record.dtype} is unknown @ {name}")
            return "float32"
        return dtype

    def _shape(self, record: TensorRecord, name: str) -> Shape | None:
        if len(record.sizes) > LARGEST_RANK:
            self._faults.append(f"{len(record.sizes)} axes; at most {LARGEST_RANK} are read @ {name}")
            return None
        dims: list[int] = []
        for extent in record.sizes:
            number = self._extent(extent, name)
            if number is None:
                return None
            dims.append(number)
        shape = tuple(dims)
        return self._shapes.setdefault(shape, shape)

    def _extent(self, extent: Extent, name: str) -> int | None:
        number = extent.as_int
        if extent.as_expr is not None:
            number = self._evaluated(extent.as_expr.expr_str, name)
            if number is None:
                return None
        if number is None or not 0 <= number <= LARGEST_DIMENSION:
            self._faults.append(f"{number} is no dimension @ {name}")
            return None
        return number

    def _evaluated(self, text: str, name: str) -> int | None:
        """The value of an expression; None where it depends on what is only known at run time."""
        if text not in self._dims:
            try:
                self._dims[text] = parse_expression(text).evaluate(self.numbers)
            except UnknownSymbol:
                self._dims[text] = None
            except MalformedExpression as error:
                self._faults.append(f"cannot be evaluated: {str(error)[:80]} @ {name}")
                self._dims[text] = None
        return self._dims[text]

    def _ops(self, frame: _Frame, path: str) -> Iterator[Op]:
        if frame.depth > DEEPEST_GRAPH:
            raise ModelGraphError(
                f"graphs are nested more than {DEEPEST_GRAPH} deep", where=self.where, help="export the model again"
            )
        for position, node in enumerate(frame.graph.nodes):
            id = f"{path}{position}"
            if node.target in _WRAPPERS:
                yield from self._inlined(frame, node, id)
                continue
            outputs = tuple(self._outputs(frame, node))
            if not any(outputs):
                continue  # sizes, assertions, and numbers computed from sizes
            arguments = self._arguments(frame, node)
            namespace, _, rest = node.target.removeprefix("torch.ops.").partition(".")
            target = _operator(rest)
            call = Call(frame.prefix + (node.name or id), target, arguments, outputs)
            scope = _scope(node)
            if node.target in (_CONDITION, _WHILE):
                yield self._with_bodies(frame, node, call, id, scope)
                continue
            self.training |= call.flag("train") or call.flag("training")
            steps = _lowered(call) if namespace == "aten" or namespace in _AS_ONE_NUMBER else None
            if steps is None:
                yield self._unknown(frame, call, namespace, id, scope)
                continue
            for index, step in enumerate(steps):
                yield self._op(frame, step, call.name, f"{id}/{index}" if index else id, scope)

    def _op(self, frame: _Frame, step: Step, name: str, id: str, scope: str) -> Op:
        made = frame.known
        inputs: list[Tensor | None] = []
        for tensor in step.inputs:
            if tensor is None:
                inputs.append(None)
            elif tensor.name in made:
                inputs.append(made[tensor.name])
            else:
                if tensor.is_constant:
                    self.constants.append(tensor)
                made[tensor.name] = tensor
                inputs.append(tensor)
        fixed = step.kind not in _RANDOM_KINDS and all(tensor is None or tensor.is_constant for tensor in inputs)
        outputs = tuple(
            replace(tensor, is_constant=True) if fixed and tensor is not None else tensor for tensor in step.outputs
        )
        self._note(frame, outputs)
        return Op(id, name, step.kind, "", OPSET, tuple(inputs), outputs, step.attributes, (), scope)

    def _unknown(self, frame: _Frame, call: Call, namespace: str, id: str, scope: str) -> Op:
        """The call as it is, without a counterpart: counted as not counted."""
        inputs = tuple(_tensors(call.arguments.values()))
        outputs = call.outputs
        if call.target not in _RANDOM and all(tensor.is_constant for tensor in inputs):
            outputs = tuple(tensor and replace(tensor, is_constant=True) for tensor in outputs)
        self._note(frame, outputs)
        return Op(id, call.name, call.target, namespace, 1, inputs, outputs, (), (), scope)

    def _note(self, frame: _Frame, outputs: Iterable[Tensor | None]) -> None:
        for tensor in outputs:
            if tensor is not None:
                frame.known[tensor.name] = tensor
                if frame.prefix:
                    frame.known[tensor.name.removeprefix(frame.prefix)] = tensor

    def _outputs(self, frame: _Frame, node: Node) -> Iterator[Tensor | None]:
        for output in node.outputs:
            if output.as_tensors is not None:
                names = [entry.name for entry in output.as_tensors]
            elif output.as_tensor is not None:
                names = [output.as_tensor.name]
            else:
                yield None
                continue
            for name in names:
                yield self.tensor(frame.graph, name, prefix=frame.prefix)

    def _arguments(self, frame: _Frame, node: Node) -> dict[str, Argument]:
        found: dict[str, Argument] = {}
        for index, entry in enumerate(node.inputs):
            found[entry.name or str(index)] = self._argument(frame, entry.arg, node)
        return found

    def _argument(self, frame: _Frame, stored: StoredArgument, node: Node) -> Argument:
        if stored.as_tensor is not None:
            return self._read(frame, stored.as_tensor.name, node)
        if stored.as_tensors is not None:
            return tuple(self._read(frame, entry.name, node) for entry in stored.as_tensors)
        if stored.as_optional_tensors is not None:
            return tuple(
                None if entry.as_tensor is None else self._read(frame, entry.as_tensor.name, node)
                for entry in stored.as_optional_tensors
            )
        if stored.as_optional_tensor is not None:
            inner = stored.as_optional_tensor.as_tensor
            return None if inner is None else self._read(frame, inner.name, node)
        if stored.as_nested_tensors is not None:
            return tuple(self._read(frame, entry.name, node) for row in stored.as_nested_tensors for entry in row)
        if stored.as_sym_int is not None:
            return self._integer(frame, stored.as_sym_int)
        if stored.as_sym_ints is not None:
            return tuple(self._integer(frame, entry) for entry in stored.as_sym_ints)
        if stored.as_scalar_type is not None:
            return DTYPES.get(stored.as_scalar_type)
        return _plain(stored)

    def _integer(self, frame: _Frame, argument: IntegerArgument) -> int | None:
        if argument.as_name is None:
            return argument.as_int
        extent = frame.graph.sym_int_values.get(argument.as_name)
        if extent is None or extent.as_expr is None:
            return None if extent is None else extent.as_int
        return self._evaluated(extent.as_expr.expr_str, argument.as_name)

    def _read(self, frame: _Frame, name: str, node: Node) -> Tensor | None:
        tensor = frame.known.get(name)
        if tensor is None and len(self._faults) < MOST_SHOWN:
            self._faults.append(f"{node.name or node.target} reads {name!r}, which nothing makes")
        return tensor

    def _inlined(self, frame: _Frame, node: Node, id: str) -> Iterator[Op]:
        """The ops of a graph that runs once; its inputs and outputs are the call's."""
        inner = next((entry.arg.as_graph.graph for entry in node.inputs if entry.arg.as_graph is not None), None)
        if inner is None:
            self._faults.append(f"{node.target} has no graph @ {id}")
            return
        given = list(_tensors(self._argument(frame, entry.arg, node) for entry in node.inputs))
        below = self._below(frame, inner, f"{frame.prefix}{node.name or id}/", given)
        yield from self._ops(below, f"{id}/")
        made = [below.known.get(name) for name in _names(inner.outputs)]
        for output, tensor in zip(_names(node.outputs), made, strict=False):
            if tensor is not None:
                frame.known[output] = tensor
                frame.known[tensor.name] = tensor

    def _below(self, frame: _Frame, inner: Graph, prefix: str, given: Sequence[Tensor]) -> _Frame:
        known = dict(zip(_names(inner.inputs), given, strict=False))
        return _Frame(inner, frame.known.new_child(known), prefix, frame.depth + 1)

    def _with_bodies(self, frame: _Frame, node: Node, call: Call, id: str, scope: str) -> Op:
        """If or Loop with its graphs, which read the tensors around them.

        The graph that says whether a loop goes on runs once a trip, as the body does: they are one body here.
        """
        given = list(_tensors(call.arguments.values()))
        is_condition = node.target == _CONDITION
        condition = given.pop(0) if is_condition and given and given[0].dtype == "bool" else None
        graphs = [entry.arg.as_graph for entry in node.inputs if entry.arg.as_graph is not None]
        bodies: list[Body] = []
        names = ("then_branch", "else_branch") if is_condition else ("goes_on", "body")
        for name, inner in zip(names, graphs, strict=False):
            below = self._below(frame, inner.graph, f"{frame.prefix}{node.name or id}/{name}/", given)
            first = len(self.constants)
            ops = tuple(self._ops(below, f"{id}/{name}/"))
            own = tuple(self.constants[first:])
            del self.constants[first:]
            outputs = tuple(tensor for output in _names(inner.graph.outputs) if (tensor := below.known.get(output)))
            bodies.append(Body(name, ops, (), outputs, own))
        self._note(frame, call.outputs)
        if is_condition:
            return Op(id, call.name, "If", "", OPSET, (condition,), call.outputs, (), tuple(bodies), scope)
        trip = Body(
            "body",
            tuple(op for body in bodies for op in body.ops),
            (),
            bodies[-1].outputs if bodies else (),
            tuple(tensor for body in bodies for tensor in body.constants),
        )
        return Op(id, call.name, "Loop", "", OPSET, (None, None, *given), call.outputs, (), (trip,), scope)


def dimensions_of(graph: Graph, name: str) -> Dimensions:
    """The axes of an input before symbols have numbers.

    Raises:
        ModelGraphError: the program says nothing of the input, or a dimension is no expression.
    """
    record = graph.tensor_values.get(name)
    if record is None:
        raise ModelGraphError("an input has no shape", where=name, help="export the model again")
    axes: list[int | Expression] = []
    for extent in record.sizes:
        if extent.as_expr is None:
            axes.append(extent.as_int or 0)
            continue
        try:
            axes.append(parse_expression(extent.as_expr.expr_str))
        except MalformedExpression as error:
            raise ModelGraphError(
                f"a dimension cannot be read: {str(error)[:80]}", where=name, help="export the model again"
            ) from None
    return tuple(axes)


def _lowered(call: Call) -> tuple[Step, ...] | None:
    lowering = LOWERINGS.get(call.target)
    if lowering is None:
        return None
    try:
        return lowering(call)
    except (NotLowered, UnresolvedShape, ValueError, IndexError, ZeroDivisionError, StopIteration):
        # The call has a form that the table does not know, or its arguments contradict each other.
        return None


def _operator(rest: str) -> str:
    """``conv2d.default`` without the overload, ``relu_.default`` without the mark of the in-place form."""
    name = rest.partition(".")[0]
    return name if name.startswith("__") else name.removesuffix("_")


def _scope(node: Node) -> str:
    """The module path, with slashes as in files of ONNX exporters; calls after the first have no mark here."""
    last = node.metadata.nn_module_stack.rpartition(";")[2].split(",")
    path = last[1].strip() if len(last) > 1 else ""
    return path.partition("@")[0].replace(".", "/")


def _plain(stored: StoredArgument) -> Argument:
    """An argument that is a number, a text or a list of numbers."""
    for value in (stored.as_int, stored.as_bool, stored.as_string):
        if value is not None:
            return value
    if stored.as_float is not None:
        return float(stored.as_float)
    if stored.as_ints is not None:
        return tuple(stored.as_ints)
    if stored.as_floats is not None:
        return tuple(float(number) for number in stored.as_floats)
    return None


def _tensors(values: Iterable[Argument]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, tuple):
            yield from _tensors(value)


def _names(arguments: Iterable[StoredArgument]) -> list[str]:
    """Names of the tensors among arguments, lists laid out."""
    found: list[str] = []
    for argument in arguments:
        if argument.as_tensor is not None:
            found.append(argument.as_tensor.name)
        elif argument.as_tensors is not None:
            found.extend(entry.name for entry in argument.as_tensors)
    return found
