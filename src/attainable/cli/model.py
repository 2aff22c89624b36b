"""The network that a command line names: a model file, the user's code that makes a module, or a zoo network."""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from attainable.errors import InputError, InvalidQuantity
from attainable.workload import Workload, load
from attainable.workload.shapes import Bindings, parse_bindings


def names_factory(model: Path) -> bool:
    """Tell ``package.module:factory`` from a file."""
    reference = str(model)
    if ":" not in reference:
        return False
    # most command lines name a file and need none of this
    from attainable.workload.torch.factory import is_factory

    return is_factory(reference)


def require_file(model: Path, what: str, help: str) -> None:
    """Refuse ``package.module:factory`` where a file is needed. Raises InputError with these words."""
    if names_factory(model):
        raise InputError(what, where=str(model), help=help)


def require_file_that_runs(model: Path) -> None:
    """Refuse ``package.module:factory`` where a model is run. Raises InputError."""
    require_file(
        model,
        "is code, and a run needs a model file",
        "export it: torch.onnx.export(module, inputs, 'model.onnx'); on paper: attainable count MODULE:FACTORY",
    )


def read_model(model: Path, shapes: Sequence[str], batch: int | None, *, announce: bool = True) -> Workload:
    """Read a model file, or run ``package.module:factory``, which is said on stderr first.

    Args:
        model: the path, the reference, or the name of a network of the zoo where no file has that name.
        shapes: the ``--shape`` flags; for a factory those of the arguments of ``forward``, with ``:TYPE`` behind.
        batch: the ``--batch`` flag.
        announce: say that the user's code runs.

    Raises:
        InputError: the model or a flag cannot be used.
    """
    if not names_factory(model):
        network = _zoo_name(model)
        bindings = parse_bindings(shapes)
        return _from_zoo(network, bindings, batch) if network else load(model, bindings, batch=batch)
    if batch is not None:
        raise InvalidQuantity(
            "has no effect on a module, which is traced at the shapes given",
            where=f"--batch {batch}",
            help="write the batch into --shape",
        )
    from attainable.workload.torch.factory import load_factory

    reference = str(model)
    if announce:
        print(f"note: imports {reference.partition(':')[0]} and runs its code to make the network", file=sys.stderr)
    return load_factory(reference, shapes)


def _zoo_name(model: Path) -> str:
    """The zoo's name for what is no file, with dashes and dots for underscores too; empty where there is none."""
    from attainable import zoo

    name = str(model).replace("-", "_").replace(".", "_")
    return name if name in zoo.NETWORKS and not model.exists() else ""


def _from_zoo(name: str, bindings: Bindings, batch: int | None) -> Workload:
    """A network of the zoo, built without weights, which nothing on paper needs."""
    from attainable import zoo

    with tempfile.TemporaryDirectory(prefix="attainable-") as folder:
        file = Path(folder) / f"{name}.onnx"
        zoo.write(name, file, batch=batch or 1, seed=None)
        workload = load(file, bindings)
    return replace(workload, provenance=replace(workload.provenance, path=name))
