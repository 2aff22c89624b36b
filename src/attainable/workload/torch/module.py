"""Modules of PyTorch: torch.export makes an exported program of them, which is read like a file.

PyTorch is imported here and only when a module is given; it is an extra.
"""

import importlib
import logging
import tempfile
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

from attainable.errors import InputError, ModelGraphError
from attainable.workload.graph import Workload
from attainable.workload.shapes import Bindings
from attainable.workload.torch.read import read_torch

ExampleInputs = Sequence[object] | Mapping[str, object]
"""Arguments of ``forward``, by position or by name."""


class Exporter(Protocol):
    """The part of ``torch.export`` that is used."""

    ExportedProgram: type[object]

    def export(self, mod: object, args: tuple[object, ...], kwargs: dict[str, object] | None) -> object:
        """Trace a module."""
        ...

    def save(self, ep: object, f: str) -> None:
        """Write an exported program."""
        ...


class Library(Protocol):
    """The part of ``torch`` that is used."""

    no_grad: Callable[[], AbstractContextManager[object]]
    zeros: Callable[..., object]


def import_torch() -> Library:
    """The module ``torch``.

    Raises:
        InputError: it is not installed.
    """
    try:
        return cast(Library, importlib.import_module("torch"))
    except ImportError:
        raise InputError(
            "PyTorch is not installed, which is needed for modules (not for .pt2 files)",
            help="pip install attainable[torch]",
        ) from None


def read_module(model: object, inputs: ExampleInputs | None = None, *, batch: int | None = None) -> Workload:
    """Trace a module with example inputs and read what it computes; the module is not changed.

    Args:
        model: a ``torch.nn.Module``, or an ``ExportedProgram`` that is read as it is.
        inputs: arguments of ``forward`` for a module: a sequence by position, a mapping by name, or one tensor; for an
            exported program with dynamic dimensions numbers by symbol and shapes by input.
        batch: number for the batch dimension of such a program.

    Raises:
        InputError: PyTorch is not installed, or a module comes without inputs.
        ModelGraphError: torch.export cannot trace the module.
        UnboundDimensions, InvalidQuantity: a dynamic dimension has no number, or a wrong one.
    """
    torch = import_torch()
    exporter = cast(Exporter, importlib.import_module("torch.export"))
    name = type(model).__name__
    shapes: Bindings = {}
    if isinstance(model, exporter.ExportedProgram):
        program = model
        shapes = cast(Bindings, inputs or {})
    elif not callable(model):
        raise InputError(f"a {name} is neither a path nor a PyTorch module", help="give a path or a torch.nn.Module")
    elif inputs is None:
        raise InputError("a module needs example inputs", where=name, help="load(module, (tensor, ...))")
    else:
        positional, named = _arguments(inputs)
        with torch.no_grad(), _ours("torch.export cannot trace the module", name):
            program = exporter.export(model, positional, named)
    with tempfile.TemporaryDirectory(prefix="attainable-") as folder:
        path = Path(folder) / f"{name}.pt2"
        with _ours("torch.export cannot save the module", name):
            exporter.save(program, str(path))
        workload = read_torch(path, shapes=shapes, batch=batch)
    kind = type(model)
    return replace(workload, provenance=replace(workload.provenance, path=f"{kind.__module__}.{kind.__qualname__}"))


def _arguments(inputs: ExampleInputs) -> tuple[tuple[object, ...], dict[str, object] | None]:
    """Positional and named arguments of ``forward``; a lone tensor is the first."""
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    return (tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)), None


@contextmanager
def _ours(what: str, name: str) -> Generator[None]:
    """Hold back what torch.export says of its own insides, and make its exceptions ours."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        # torch.export runs the user's code, which can raise anything.
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ModelGraphError(
            f"{what}: {reason[:200]}",
            where=name,
            help="make torch.export.export(module, inputs) work first; it prints where the trace breaks",
        ) from error
    finally:
        logging.disable(level)
