"""An ONNX model as a module of PyTorch with a module for each node; loaded in the worker by ``torch_session``.

Shapes are static. Every node runs once on zeros while it is translated, which tells them, and what follows from
constants and shapes is computed then. What integers are divided by is one instead. No text of the model gets into what
torch.compile writes and runs: modules go by their position.
"""

import importlib
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, cast

OLDEST_OPSET = 13
"""Before it, Softmax flattens its input."""
_HEAVY = ("Conv", "ConvTranspose", "MatMul", "Gemm", "Einsum")
_BITS = {"bfloat16": "int16", "float8_e4m3fn": "int8", "float8_e5m2": "int8"}
"""Types that numpy lacks, and integers of their width."""
_SHAPE_READERS = ("Shape", "Size")
_DIVIDING = ("Div", "Mod")
_HARMLESS = frozenset({"kernel_shape", "momentum", "seed", "sorted", "stash_type"})
"""Attributes that may be given and not read: what they say is known, of training only, or chosen anyway."""
_FAULTS = (RuntimeError, TypeError, ValueError, IndexError, KeyError, AttributeError, NotImplementedError)


def torch_name(dtype: str) -> str:
    """PyTorch's name of a type, by that of ``Tensor.dtype``, numpy or ml_dtypes."""
    return re.sub(r"^float8_?e", "float8_e", dtype)


def to_tensor(torch: Any, array: Any, dtype: str) -> Any:
    """A tensor of an array's elements; types that numpy lacks come as integers of their width, or as ml_dtypes."""
    name = torch_name(dtype)
    kept = array if array.flags.writeable and array.flags.c_contiguous else array.copy()
    if name in _BITS:
        return torch.from_numpy(kept.view(_BITS[name])).view(getattr(torch, name))
    return torch.from_numpy(kept)


def to_array(torch: Any, tensor: Any) -> Any:
    """The elements of a tensor; types that numpy lacks as unsigned integers of their width."""
    bits = _BITS.get(str(tensor.dtype).removeprefix("torch."))
    kept = tensor.detach().contiguous()
    return kept.numpy() if bits is None else kept.view(getattr(torch, bits)).numpy().view(f"u{bits}")


class Program:
    """A model as steps, one for each node that depends on the inputs.

    Attributes:
        inputs: by name, each a tensor of zeros, or of ones where integers are divided by what follows from them.
        output_types: by name, as the model declares them.
        steps: ``kind``, ``outputs`` and ``precision`` of each, for the other side.
        trial_seconds: of running the steps once while they are translated, which tells the shapes.
    """

    def __init__(self, torch: Any, arguments: dict[str, Any], tables: list[Any]) -> None:
        """Translate the model.

        Args:
            torch: the module.
            arguments: of ``open_session``.
            tables: ``torch_operators`` and ``torch_movements``.

        Raises:
            ValueError: it has an operator that is not in the tables, or used in a way that is not translated.
        """
        self._torch, self._onnx = torch, importlib.import_module("onnx")
        model = self._onnx.load(arguments["model"])
        wanted = arguments["precision"]
        self._reduced = None if wanted in (None, "float32") else getattr(torch, wanted)
        computing, moving = tables
        self._operators: dict[str, Any] = {**computing.operators(torch), **moving.operators(torch, self._lowered_type)}
        self._require_known(model)
        self._constants = {stored.name: self._constant(stored) for stored in model.graph.initializer}
        self._operands: dict[str, Any] = {}
        self._step, self._network = _modules(torch)
        self._tensors: dict[str, Any] = {}
        self._modules: list[tuple[Any, list[str], list[str]]] = []
        self._divides = False
        self.trial_seconds = 0.0
        self.steps: list[dict[str, Any]] = []
        self.inputs: dict[str, Any] = {}
        for name, (shape, dtype) in arguments["inputs"].items():
            kind = self.lowered(getattr(torch, torch_name(dtype)))
            self.inputs[name] = self._tensors[name] = torch.zeros(shape, dtype=kind)
        last = {name: position for position, node in enumerate(model.graph.node) for name in node.input}
        for position, node in enumerate(model.graph.node):
            self._add(position, node)
            for name in (*node.input, *node.output):
                if name in self._tensors and last.get(name, position) == position:
                    # Of what nobody reads any more only that it was there.
                    self._tensors[name] = None
        types = {value.name: value.type.tensor_type.elem_type for value in model.graph.output}
        missing = [name for name in arguments["outputs"] if name not in types or not self._is_known(name)]
        if missing:
            raise ValueError(f"it has no output {missing[0]}")
        self.output_types = {name: self._type_of(types[name]) for name in arguments["outputs"]}
        if self._divides:
            for given in self.inputs.values():
                given.fill_(1)

    def lowered(self, dtype: Any) -> Any:
        """The type to compute in for a type of the model."""
        return self._reduced if self._reduced is not None and dtype == self._torch.float32 else dtype

    def precision(self) -> str:
        """The type of what most contractions give, or where there is none of what most nodes with real results do."""
        floating = [step for step in self.steps if "float" in step["precision"]]
        heavy = [step for step in floating if step["kind"] in _HEAVY]
        counted = Counter(step["precision"] for step in heavy or floating or self.steps)
        return counted.most_common(1)[0][0] if counted else ""

    def network(self) -> Any:
        """The module that runs the steps; it takes the inputs in their order and gives the outputs as a tuple.

        It can be made once: what only the translation needs is forgotten.
        """
        place = {name: number for number, name in enumerate(self.inputs)}
        plan: list[tuple[tuple[int, ...], tuple[int, ...], list[int]]] = []
        for _, reads, writes in self._modules:
            read = tuple(place[name] for name in reads)
            for name in writes:
                place[name] = len(place)
            plan.append((read, tuple(place[name] for name in writes), []))
        results = [place.get(name, self._constants.get(name)) for name in self.output_types]
        last = {number: index for index, (reads, writes, _) in enumerate(plan) for number in (*reads, *writes)}
        for number, index in last.items():
            if not any(number == result for result in results if isinstance(result, int)):
                plan[index][2].append(number)
        made = self._network([module for module, _, _ in self._modules], plan, results, len(place))
        for needless in (self._constants, self._operands, self._tensors, self._modules):
            needless.clear()
        return made

    def _is_known(self, name: str) -> bool:
        return name in self._tensors or name in self._constants

    def _constant(self, stored: Any) -> Any:
        array = self._onnx.numpy_helper.to_array(stored)
        return to_tensor(self._torch, array, array.dtype.name)

    def _type_of(self, element_type: int) -> Any:
        return getattr(self._torch, torch_name(self._onnx.helper.tensor_dtype_to_np_dtype(element_type).name))

    def _lowered_type(self, element_type: int) -> Any:
        return self.lowered(self._type_of(element_type))

    def _require_known(self, model: Any) -> None:
        opset = max((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), default=0)
        if opset < OLDEST_OPSET:
            raise ValueError(f"its opset is {opset}; PyTorch is given models of opset {OLDEST_OPSET} and newer")
        unknown: dict[str, None] = {}
        for node in model.graph.node:
            if node.domain not in ("", "ai.onnx"):
                unknown[f"{node.domain}:{node.op_type}"] = None
            elif node.op_type not in self._operators:
                unknown[node.op_type] = None
        if unknown:
            raise ValueError(f"there is no translation to PyTorch of {', '.join(unknown)}")

    def _add(self, position: int, node: Any) -> None:
        """Translate a node, and compute it where it follows from constants and shapes."""
        values = [self._constants.get(name, self._tensors.get(name)) if name else None for name in node.input]
        described = _Node(self._onnx, node, values, [name in self._constants for name in node.input], self._constant)
        try:
            function = _present(self._operators[node.op_type](described), node.output)
            described.require_read()
            names = [name for name in node.output if name]
            places = [at for at in range(len(values)) if at not in described.consumed]
            operands = [node.input[at] for at in places]
            known = all(name in self._constants for name in operands if name)
            if known or node.op_type in _SHAPE_READERS:
                self._constants.update(_named(names, function(*[values[at] for at in places])))
                return
            given: list[Any] = [
                values[at] if at in described.prepared or name in self._tensors else self._operand(name)
                for at, name in zip(places, operands, strict=True)
            ]
            held = [(at, given[at]) for at, name in enumerate(operands) if name not in self._tensors]
            if node.op_type in _DIVIDING and operands[1] in self._tensors and not given[1].is_floating_point():
                self._divides, given[1] = True, self._torch.ones_like(given[1])
            start = time.perf_counter()
            results = _named(names, function(*given))
            self.trial_seconds += time.perf_counter() - start
        except _FAULTS as error:
            raise ValueError(f"{node.op_type}, node {position}: {str(error) or type(error).__name__}") from None
        self._tensors.update(results)
        reads = [name for name in operands if name in self._tensors]
        self._modules.append((self._step(function, held), reads, list(results)))
        precision = str(next(iter(results.values())).dtype).removeprefix("torch.")
        self.steps.append({"kind": node.op_type, "outputs": list(results), "precision": precision})

    def _operand(self, name: str) -> Any:
        """A constant as nodes compute with it, None for an omitted one; what several nodes read is one tensor."""
        if not name:
            return None
        if name not in self._operands:
            constant = self._constants[name]
            self._operands[name] = constant.to(self.lowered(constant.dtype))
        return self._operands[name]


class _Node:
    """A node while it is translated.

    Attributes:
        kind: its operator.
        outputs: how many it has, those included that it leaves out.
        kept: which of them it gives.
        consumed: inputs that the translation has read; they are no operands.
        prepared: inputs that the translation has changed; they are constant operands.
    """

    def __init__(
        self, onnx: Any, node: Any, values: list[Any], constant: list[bool], read: Callable[[Any], Any]
    ) -> None:
        self.kind = str(node.op_type)
        self.outputs = len(node.output)
        self.kept = [at for at, name in enumerate(node.output) if name]
        self.consumed: set[int] = set()
        self.prepared: set[int] = set()
        self._unread = {each.name for each in node.attribute} - _HARMLESS
        self._values, self._constant, self._read = values, constant, read
        self._attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}

    def attribute(self, name: str, default: Any = None) -> Any:
        """A number, a list of them, or text."""
        self._unread.discard(name)
        value = self._attributes.get(name, default)
        if isinstance(value, bytes):
            return value.decode("utf-8", errors="replace")
        return list(cast("Sequence[Any]", value)) if isinstance(value, list | tuple) else value

    def tensor(self, name: str) -> Any:
        """An attribute that is a tensor; None where it is not given."""
        self._unread.discard(name)
        value = self._attributes.get(name)
        return None if value is None else self._read(value)

    def ignore(self, *names: str) -> None:
        """Let attributes be given that mean nothing beside the others."""
        self._unread.difference_update(names)

    def require_read(self) -> None:
        """Refuse a node of which the translation did not look at all attributes."""
        self.require(not self._unread, f"its attribute {min(self._unread, default='')}")

    def has(self, at: int) -> bool:
        """Whether the input is given."""
        return at < len(self._values) and self._values[at] is not None

    def is_constant(self, at: int) -> bool:
        """Whether the input is given and known beforehand."""
        return self.has(at) and self._constant[at]

    def shape(self, at: int) -> list[int]:
        """Of an input."""
        return list(self._values[at].shape)

    def dtype(self, at: int) -> Any:
        """Of an input."""
        return self._values[at].dtype

    def numbers(self, at: int, attribute: str = "", default: Any = None) -> Any:
        """The elements of an input, or of an attribute where it is not given."""
        self.consumed.add(at)
        if not self.has(at):
            return self.attribute(attribute, default)
        if not self._constant[at]:
            raise ValueError(
                f"its input {at} depends on what the network is given, and is translated as a constant only"
            )
        return self._values[at].tolist()

    def flat(self, at: int) -> list[Any]:
        """The elements of an input, without its shape."""
        self.numbers(at)
        return self._values[at].flatten().tolist()

    def prepare(self, at: int, change: Callable[[Any], Any]) -> bool:
        """Change an input once where it is a constant, and say whether it is."""
        if not self.is_constant(at):
            return False
        self._values[at] = change(self._values[at])
        self.prepared.add(at)
        return True

    def require(self, holds: bool, what: str) -> None:
        """Refuse what is not translated."""
        if not holds:
            raise ValueError(f"{what} is not translated to PyTorch")


def _present(function: Callable[..., Any], names: Any) -> Callable[..., Any]:
    """The function without the results that a node leaves out."""
    kept = [at for at, name in enumerate(names) if name]
    if len(kept) == len(names):
        return function

    def present(*operands: Any) -> Any:
        results = function(*operands)
        if isinstance(results, tuple):
            given = cast("tuple[Any, ...]", results)
            return tuple([given[at] for at in kept])
        if kept != [0]:
            raise ValueError("of its results only the first is translated to PyTorch")
        return results

    return present


def _named(names: list[str], results: Any) -> dict[str, Any]:
    """Results by name. Raises ValueError where they are not as many."""
    given = cast("tuple[Any, ...]", results) if isinstance(results, tuple) else (results,)
    return dict(zip(names, given, strict=True))


def _modules(torch: Any) -> tuple[Any, Any]:
    """The classes of a step and of a network."""
    base: type[Any] = torch.nn.Module

    class Step(base):
        """Calls a function with what it is given, and with constants at their places among it."""

        def __init__(self, function: Callable[..., Any], held: list[tuple[int, Any]]) -> None:
            base.__init__(self)
            self.function = function
            self.held: list[tuple[int, str]] = []
            for at, constant in held:
                # Buffers: torch.compile takes those for weights, which it may freeze.
                self.register_buffer(f"constant{at}", constant)
                self.held.append((at, f"constant{at}"))

        def forward(self, *given: Any) -> Any:
            operands = list(given)
            for at, name in self.held:
                operands.insert(at, getattr(self, name))
            return self.function(*operands)

    class Network(base):
        """Runs steps in their order, and forgets what nobody reads any more."""

        def __init__(self, steps: Any, plan: list[Any], results: list[Any], places: int) -> None:
            base.__init__(self)
            self.steps = torch.nn.ModuleList(steps)
            self.plan = plan
            self.places = places
            self.results: list[tuple[int, str]] = []
            for number, result in enumerate(results):
                if isinstance(result, int):
                    self.results.append((result, ""))
                else:
                    self.register_buffer(f"result{number}", result)
                    self.results.append((-1, f"result{number}"))

        def forward(self, *inputs: Any) -> Any:
            values: list[Any] = [*inputs, *([None] * (self.places - len(inputs)))]
            for step, (reads, writes, last) in zip(self.steps, self.plan, strict=True):
                self.keep(values, writes, step(*[values[place] for place in reads]))
                for place in last:
                    values[place] = None
            return self.outputs(values)

        def keep(self, values: list[Any], writes: tuple[int, ...], result: Any) -> None:
            if isinstance(result, tuple):
                for place, each in zip(writes, cast("tuple[Any, ...]", result), strict=True):
                    values[place] = each
            else:
                values[writes[0]] = result

        def outputs(self, values: list[Any]) -> Any:
            return tuple([getattr(self, name) if name else values[place] for place, name in self.results])

    return Step, Network
