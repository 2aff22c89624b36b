"""Options that several commands share, and how they are read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from attainable.errors import InvalidQuantity

ModelPath = Annotated[
    Path, typer.Argument(metavar="MODEL", help="The model file, .onnx to run it.", show_default=False)
]
CountedModel = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL", show_default=False,
        help="A model file (.onnx, .pt2, .tflite, .cfg, .param), or package.module:factory, which makes a PyTorch "
        "module.",
    ),
]  # fmt: skip
Shapes = Annotated[
    list[str] | None,
    typer.Option(
        "--shape", metavar="NAME=SHAPE", help="Bind an input (x=1x3x224x224) or a dimension (N=8). Repeatable."
    ),
]
Batch = Annotated[
    int | None, typer.Option("--batch", min=1, help="Number for the batch dimension.", show_default=False)
]
TripCount = Annotated[
    list[str] | None,
    typer.Option(
        "--trip-count", metavar="[LOOP=]N", help="How often loops run that do not say so, all or one by name or id."
    ),
]
AccountingName = Annotated[
    str,
    typer.Option(
        "--accounting", metavar="WORDS",
        help="Of the roofline, words with commas between them: fused or unfused, contractions (alone), w+out, caches, "
        "specified, efficiency, alignment, launch.",
    ),
]  # fmt: skip
Symbolic = Annotated[bool, typer.Option("--symbolic", help="Totals as formulas in the model's open dimensions.")]
SweepRange = Annotated[
    str | None,
    typer.Option(
        "--sweep",
        metavar="NAME=A..B[:STEP]",
        show_default=False,
        help="Totals over a range of a dimension: T=128..4096 doubles, T=128..4096:128 adds.",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="COUNTER",
        show_default=False,
        help="The total that another counter gives: fvcore, thop, ptflops, torch, deepspeed, openvino, onnx-tool or "
        "torchinfo.",
    ),
]
ExplainDiff = Annotated[bool, typer.Option("--explain-diff", help="With --preset: term by term why it differs.")]
Training = Annotated[
    str | None,
    typer.Option("--training", metavar="OPTIMISER", help="Memory of a training step: sgd, momentum or adam."),
]
Compressed = Annotated[bool, typer.Option("--compressed", help="How large the file is when compressed.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Cores, for the run and for the roofs.")]
Runtime = Annotated[str, typer.Option("--runtime", metavar="NAME", help="What runs the model here.")]
Budget = Annotated[str, typer.Option("--time-budget", metavar="TIME", help="Most time for the run, e.g. 20s or 2min.")]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="NAME=FILE.npy", help="Array for an input; others are made up. Repeatable."),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output file.")]


def read_inputs(texts: Sequence[str] | None) -> dict[str, Path]:
    """Read ``--input`` flags. Raises InvalidQuantity, listing all that are not ``NAME=FILE.npy``."""
    pairs = [text.partition("=") for text in texts or ()]
    faults = [
        f"not NAME=FILE.npy @ --input {name}" for name, separator, file in pairs if not (name and separator and file)
    ]
    if faults:
        raise InvalidQuantity("cannot read the input", where="--input", faults=faults, help="write --input x=image.npy")
    return {name: Path(file) for name, _, file in pairs}
