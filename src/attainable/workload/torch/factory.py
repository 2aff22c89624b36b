"""Modules that the user's own code makes, named on the command line: ``package.module:factory``.

This imports and runs the user's code, which is the one place of the reader that does. The caller says so first.
"""

import importlib
import inspect
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

from attainable.errors import InvalidQuantity, ModelGraphError, UnboundDimensions, UnknownName
from attainable.workload.graph import Workload
from attainable.workload.shapes import parse_bindings
from attainable.workload.torch.module import Library, import_torch, read_module

_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")

ELEMENT_TYPES = ("float32", "float16", "bfloat16", "float64", "int64", "int32", "int16", "int8", "uint8", "bool")
"""What may stand behind the shape of an input: ``ids=1x128:int64``."""


class Module(Protocol):
    """The part of ``torch.nn.Module`` that is used."""

    def eval(self) -> object:
        """Behave as in inference."""
        ...

    def forward(self) -> object:
        """Compute."""
        ...


def is_factory(text: str) -> bool:
    """Tell ``package.module:factory`` from a path: it has that form, and no such file is there."""
    return _REFERENCE.fullmatch(text) is not None and not Path(text).exists()


def load_factory(reference: str, shapes: Iterable[str] = ()) -> Workload:
    """Import the user's module, call the factory, put the result into inference mode and trace it.

    The current folder can be imported from, as with ``python -m``.

    Args:
        reference: ``package.module:factory``; the factory takes no arguments and returns a ``torch.nn.Module``.
        shapes: ``NAME=SHAPE`` or ``NAME=SHAPE:TYPE`` for each argument of ``forward``; float32 unless given.

    Raises:
        UnknownName: there is no such module or factory.
        UnboundDimensions: an argument of ``forward`` has no shape.
        InvalidQuantity: a shape that cannot be read, or of an argument that ``forward`` does not have.
        ModelGraphError: the user's code raised, or torch.export cannot trace the module.
        InputError: PyTorch is not installed.
    """
    torch = import_torch()
    extents, types = _read(shapes)
    module = _made(reference)
    module.eval()
    wanted = inspect.signature(module.forward).parameters.values()
    known = [entry.name for entry in wanted if entry.kind not in (entry.VAR_POSITIONAL, entry.VAR_KEYWORD)]
    required = [entry.name for entry in wanted if entry.name in known and entry.default is entry.empty]
    if strangers := [name for name in extents if name not in known]:
        raise InvalidQuantity(
            "forward has no such argument",
            where="--shape",
            faults=strangers,
            help=f"its arguments are: {', '.join(known) or 'none'}",
        )
    if missing := [name for name in required if name not in extents]:
        raise UnboundDimensions(
            f"forward has arguments without a shape: {', '.join(missing)}",
            where=reference,
            help="complete: " + " ".join(f"--shape {name}=?" for name in missing),
            dimensions=missing,
        )
    inputs = {name: _zeros(torch, shape, types.get(name, "float32")) for name, shape in extents.items()}
    workload = read_module(module, inputs)
    provenance = replace(workload.provenance, path=reference)
    return replace(workload, name=reference.rpartition(":")[2], provenance=provenance)


def _read(texts: Iterable[str]) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    types: dict[str, str] = {}
    plain: list[str] = []
    faults: list[str] = []
    for text in texts:
        binding, separator, dtype = text.rpartition(":")
        if separator and "=" in binding:
            types[binding.partition("=")[0].strip()] = dtype
            if dtype not in ELEMENT_TYPES:
                faults.append(f"no element type is called {dtype!r} @ --shape {text}")
        plain.append(binding if separator and "=" in binding else text)
    if faults:
        raise InvalidQuantity(
            "cannot read the shape", where="--shape", faults=faults, help=f"known: {', '.join(ELEMENT_TYPES)}"
        )
    bindings = parse_bindings(plain)
    return {name: (shape,) if isinstance(shape, int) else shape for name, shape in bindings.items()}, types


def _made(reference: str) -> Module:
    module_name, _, factory_name = reference.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        factory: object = getattr(importlib.import_module(module_name), factory_name)
    except (ModuleNotFoundError, AttributeError) as error:
        raise UnknownName(
            f"cannot be imported: {error}", where=reference, help="give package.module:factory, from this folder"
        ) from error
    except Exception as error:
        raise _failed(reference, "importing it", error) from error
    finally:
        sys.path.pop(0)
    if not callable(factory):
        raise UnknownName("is no factory: it cannot be called", where=reference, help="name a function or a class")
    try:
        made = factory()
    except Exception as error:
        raise _failed(reference, "calling it", error) from error
    if not all(callable(getattr(made, name, None)) for name in ("eval", "forward")):
        raise UnknownName(
            f"made a {type(made).__name__}, no torch.nn.Module", where=reference, help="return the module itself"
        )
    return cast(Module, made)


def _failed(reference: str, doing: str, error: Exception) -> ModelGraphError:
    return ModelGraphError(
        f"{doing} raised {type(error).__name__}: {str(error)[:200]}",
        where=reference,
        help="run it in Python first; --debug shows the traceback",
    )


def _zeros(torch: Library, shape: tuple[int, ...], dtype: str) -> object:
    return torch.zeros(shape, dtype=getattr(torch, dtype))
