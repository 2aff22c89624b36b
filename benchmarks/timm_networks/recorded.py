"""What a module of PyTorch calls, noted while it runs without memory; ten times faster than torch.export.

The calls are written down as the records of an exported program, and the product reads those as it reads a file, so
that its own table makes operators of them. Linear layers and attention are noted as one call, as torch.export has them.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from attainable.workload import Workload
from attainable.workload.graph import Provenance
from attainable.workload.torch import schema
from attainable.workload.torch.archive import StoredProgram
from attainable.workload.torch.graph import OPSET
from attainable.workload.torch.read import workload_of

# Any below: the values that PyTorch hands to a mode have no types.
_WHOLE: dict[Any, tuple[str, tuple[str, ...]]] = {
    torch.nn.functional.linear: ("linear", ("input", "weight", "bias")),
    torch.nn.functional.scaled_dot_product_attention: (
        "scaled_dot_product_attention",
        ("query", "key", "value", "attn_mask", "dropout_p", "is_causal"),
    ),
    torch.nn.functional.batch_norm: (
        "batch_norm",
        ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"),
    ),
    torch.nn.functional.layer_norm: ("layer_norm", ("input", "normalized_shape", "weight", "bias", "eps")),
    torch.nn.functional.group_norm: ("group_norm", ("input", "num_groups", "weight", "bias", "eps")),
}
"""Functions that are noted as one call, with the names of their arguments."""

_FIRST_ONLY = frozenset({"max_pool2d_with_indices"})
"""Operators whose further outputs matter to gradients only."""

_SAME_ELEMENTS = {"as_strided": "_reshape_alias", "_unsafe_view": "view"}
"""Names below the functions for what the functions call a reshape."""

_SCALAR_TYPES: dict[torch.dtype, int] = {
    getattr(torch, name): number for number, name in schema.DTYPES.items() if hasattr(torch, name)
}


@dataclass(slots=True)
class _Program:
    """The records so far."""

    constants: Mapping[int, tuple[str, bool]]
    nodes: list[schema.Node] = field(default_factory=list[schema.Node])
    tensors: dict[str, schema.TensorRecord] = field(default_factory=dict[str, schema.TensorRecord])
    inputs: list[schema.InputSpecification] = field(default_factory=list[schema.InputSpecification])
    names: dict[int, str] = field(default_factory=dict[int, str])
    alive: list[torch.Tensor] = field(default_factory=list[torch.Tensor])
    silent: bool = False

    def name(self, tensor: torch.Tensor) -> str:
        """The tensor's name; one that no call made is a constant."""
        known = self.names.get(id(tensor))
        if known is not None:
            return known
        name = self.made(tensor)
        qualified, is_parameter = self.constants.get(id(tensor), (name, False))
        argument = schema.Name(name)
        self.inputs.append(
            schema.InputSpecification(parameter=schema.Parameter(argument, qualified))
            if is_parameter
            else schema.InputSpecification(buffer=schema.Buffer(argument, qualified))
        )
        return name

    def made(self, tensor: torch.Tensor) -> str:
        """A new name; of a tensor that is changed in place, for its new content."""
        name = f"t{len(self.tensors)}"
        self.names[id(tensor)] = name
        self.alive.append(tensor)  # so that no other one gets its id
        extents = [schema.Extent(as_int=int(extent)) for extent in tensor.shape]
        self.tensors[name] = schema.TensorRecord(_SCALAR_TYPES[tensor.dtype], extents)
        return name

    def given(self, tensor: torch.Tensor) -> None:
        """Note an argument of ``forward``."""
        stored = schema.Argument(as_tensor=schema.Name(self.made(tensor)))
        self.inputs.append(schema.InputSpecification(user_input=schema.UserInput(stored)))

    def call(self, target: str, arguments: Iterable[tuple[str, Any]], result: Any) -> None:
        """Note a call."""
        inputs = [
            schema.NamedArgument(name, stored)
            for name, value in arguments
            if value is not None and (stored := self.argument(value)) is not None
        ]
        items = cast("Sequence[Any]", result) if isinstance(result, tuple) else [result]
        outputs = [self.output(item) for item in items]
        self.nodes.append(
            schema.Node(
                f"torch.ops.aten.{target}.default",
                inputs,
                outputs,
                schema.NodeMetadata(),
                f"{target}_{len(self.nodes)}",
            )
        )

    def output(self, item: Any) -> schema.Argument:
        """What a call makes."""
        if isinstance(item, torch.Tensor):
            return schema.Argument(as_tensor=schema.Name(self.made(item)))
        if isinstance(item, list):
            tensors = [part for part in cast("list[Any]", item) if isinstance(part, torch.Tensor)]
            return schema.Argument(as_tensors=[schema.Name(self.made(part)) for part in tensors])
        return schema.Argument()

    def argument(self, value: Any) -> schema.Argument | None:
        """What a call is given; None for layouts, devices and generators, which change no count."""
        if isinstance(value, torch.Tensor):
            return schema.Argument(as_tensor=schema.Name(self.name(value)))
        if isinstance(value, bool):
            return schema.Argument(as_bool=value)
        if isinstance(value, int):
            return schema.Argument(as_int=value)
        if isinstance(value, float):
            return schema.Argument(as_float=value)
        if isinstance(value, str):
            return schema.Argument(as_string=value)
        if isinstance(value, torch.dtype):
            return schema.Argument(as_scalar_type=_SCALAR_TYPES[value])
        return self._list(cast("Sequence[Any]", value)) if isinstance(value, list | tuple) else None

    def _list(self, items: Sequence[Any]) -> schema.Argument:
        if items and all(isinstance(item, torch.Tensor) for item in items):
            return schema.Argument(as_tensors=[schema.Name(self.name(item)) for item in items])
        if any(item is None or isinstance(item, torch.Tensor) for item in items):
            names = [None if item is None else schema.Name(self.name(item)) for item in items]
            return schema.Argument(as_optional_tensors=[schema.OptionalName(name) for name in names])
        if any(isinstance(item, float) for item in items):
            return schema.Argument(as_floats=[float(item) for item in items])
        return schema.Argument(as_ints=[int(item) for item in items])

    @contextmanager
    def silence(self) -> Generator[None]:
        """Note nothing inside."""
        before, self.silent = self.silent, True
        try:
            yield
        finally:
            self.silent = before


class _Functions(TorchFunctionMode):
    """Notes the functions that stay whole."""

    def __init__(self, program: _Program) -> None:
        super().__init__()
        self._program = program

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run it and note it."""
        del types
        named = dict(kwargs or {})
        whole = _WHOLE.get(func) if callable(func) else None
        if whole is None or self._program.silent:
            return func(*args, **named)
        with self._program.silence():
            result = func(*args, **named)
        target, names = whole
        given = {**dict(zip(names, args, strict=False)), **named}
        self._program.call(target, given.items(), result)
        return result


class _Operators(TorchDispatchMode):
    """Notes every operator below the functions."""

    def __init__(self, program: _Program) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]  # PyTorch leaves its argument untyped
        self._program = program

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run it and note it."""
        del types
        named = dict(kwargs or {})
        result = func(*args, **named)
        if not self._program.silent:
            names = (argument.name for argument in func._schema.arguments)
            given = {**dict(zip(names, args, strict=False)), **named}
            target = str(func.name()).partition("::")[2].partition(".")[0].removesuffix("_")
            noted = result[:1] if target in _FIRST_ONLY else result
            self._program.call(_SAME_ELEMENTS.get(target, target), given.items(), noted)
        return result


def recorded(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> Workload:
    """Run a module on the meta device and read what it called.

    Args:
        module: in evaluation mode, on the meta device.
        inputs: arguments of ``forward``, on the meta device.
    """
    constants = {id(tensor): (name, True) for name, tensor in module.named_parameters()}
    constants |= {id(tensor): (name, False) for name, tensor in module.named_buffers()}
    program = _Program(constants)
    for tensor in inputs:
        program.given(tensor)
    run = cast("Callable[..., Any]", module)
    with torch.no_grad(), _Functions(program), _Operators(program):
        result = run(*inputs)
    results = cast("Sequence[Any]", result) if isinstance(result, list | tuple) else [result]
    outputs = [
        schema.OutputSpecification(schema.UserInput(schema.Argument(as_tensor=schema.Name(program.name(tensor)))))
        for tensor in results
        if isinstance(tensor, torch.Tensor)
    ]
    graph = schema.Graph([], [], program.nodes, program.tensors, {})
    stored = schema.Program(
        schema.GraphModule(graph, schema.Signature(program.inputs, outputs)), schema.SchemaVersion(schema.SCHEMA_MAJOR)
    )
    name = type(module).__name__
    return workload_of(
        StoredProgram(stored, {}), name, Provenance(name, "", "torch", OPSET, 0, 0), shapes={}, batch=None
    )
