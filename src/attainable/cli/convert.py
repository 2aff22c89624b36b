"""``attainable convert``: a network without weights becomes ONNX that runs."""

from pathlib import Path
from typing import Annotated

import typer

from attainable.cli.options import Batch, Force, Shapes


def convert(
    model: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A darknet .cfg or an ncnn .param file.", show_default=False),
    ],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="The ONNX file. Default: NAME.onnx.")
    ] = None,
    shape: Shapes = None,
    batch: Batch = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the random weights.")] = 0,
    force: Force = False,
) -> None:
    """Write a network that is described without weights as ONNX that runs, with seeded random weights."""
    from attainable.cli.asides import print_warnings
    from attainable.errors import InputError
    from attainable.files import require_writable, safe_stem, write_atomically
    from attainable.workload.shapes import parse_bindings
    from attainable.workload.weightless.formats import convert as converted

    target = output or Path(f"{safe_stem(model)}.onnx")
    if target.exists() and model.exists() and target.samefile(model):
        raise InputError("is the input itself", where=str(target), help="choose another --output")
    require_writable(target, overwrite=force)
    content, notes = converted(model, parse_bindings(shape or ()), batch, seed=seed)
    write_atomically(target, content, overwrite=force)
    print_warnings(notes)
    print(target)
