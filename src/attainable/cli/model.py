"""The network that a command line names: a model file, or the user's own code that makes a PyTorch module."""

import sys
from collections.abc import Sequence
from pathlib import Path

from attainable.errors import InvalidQuantity
from attainable.workload import Workload, load
from attainable.workload.shapes import parse_bindings


def read_model(model: Path, shapes: Sequence[str], batch: int | None) -> Workload:
    """Read a model file, or run ``package.module:factory``, which is said on stderr first.

    Args:
        model: the path, or the reference.
        shapes: the ``--shape`` flags; for a factory those of the arguments of ``forward``, with ``:TYPE`` behind.
        batch: the ``--batch`` flag.

    Raises:
        InputError: the model or a flag cannot be used.
    """
    reference = str(model)
    if ":" not in reference:
        return load(model, parse_bindings(shapes), batch=batch)
    # most command lines name a file and need none of this
    from attainable.workload.torch.factory import is_factory, load_factory

    if not is_factory(reference):
        return load(model, parse_bindings(shapes), batch=batch)
    if batch is not None:
        raise InvalidQuantity(
            "has no effect on a module, which is traced at the shapes given",
            where=f"--batch {batch}",
            help="write the batch into --shape",
        )
    print(f"note: imports {reference.partition(':')[0]} and runs its code to make the network", file=sys.stderr)
    return load_factory(reference, shapes)
