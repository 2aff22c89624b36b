"""``attainable devices fit``: a device from the latencies of a few models."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from attainable.cli.options import Force, Json

Measurements = Annotated[
    Path,
    typer.Option(
        "--measurements", metavar="FILE.csv", show_default=False,
        help="Columns model and latency (12.3 ms), or ms, or seconds; shape where one is needed. A model is a file, "
        "relative to the table, or a network of the zoo.",
    ),
]  # fmt: skip
Base = Annotated[
    str,
    typer.Option(
        "--base", metavar="NAME", show_default=False,
        help="The device whose roofs are the start: a name from `attainable devices list`, or a .toml file.",
    ),
]  # fmt: skip
MeasuredThreads = Annotated[
    int | None,
    typer.Option("--threads", min=1, help="Cores that were measured. Without it: all.", show_default=False),
]
MeasuredType = Annotated[
    str | None,
    typer.Option(
        "--dtype", metavar="TYPE", help="The element type that the runtime computed in.", show_default="of each file"
    ),
]
Profile = Annotated[
    Path | None, typer.Option("--output", metavar="FILE.toml", help="Write the fitted device as a profile.")
]
Predict = Annotated[
    list[str] | None,
    typer.Option(
        "--predict", metavar="MODEL",
        help="Predict this model on the fitted device: a file or a network of the zoo, its shapes behind it where it "
        "needs some ('net.onnx N=1'). Repeatable.",
    ),
]  # fmt: skip
FittedName = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="Of the fitted device.", show_default="NAME-fitted, or that of FILE"),
]


def fit(
    *, measurements: Measurements, base: Base, threads: MeasuredThreads = None, dtype: MeasuredType = None,
    predict: Predict = None, output: Profile = None, name: FittedName = None, json: Json = False, force: Force = False,
) -> None:  # fmt: skip
    """Fit efficiencies and overheads of a device to the latencies of a few models, and say how far to trust them."""
    from attainable.calibration.fit.fit import fit as fitted
    from attainable.calibration.fit.fit import predict as predicted
    from attainable.calibration.fit.measurements import named_model, observe, read_kernels, read_measurements
    from attainable.calibration.fit.result import FitReport, PredictedModel
    from attainable.cli.asides import print_warnings
    from attainable.cli.devices_fit_messages import say
    from attainable.cli.outputs import print_written
    from attainable.cli.terminal import print_progress
    from attainable.devices.profile import format_profile
    from attainable.errors import InvalidQuantity, unknown_name
    from attainable.files import require_writable, safe_stem, write_atomically
    from attainable.pipeline import device
    from attainable.workload.dtypes import BITS

    if output is not None:
        require_writable(output, overwrite=force)
        if output.suffix != ".toml":
            raise InvalidQuantity("is no name of a profile", where=f"--output {output}", help="let it end in .toml")
    if dtype is not None and dtype not in BITS:
        raise unknown_name("element type", dtype, BITS)
    start = device(base)
    rows = read_measurements(measurements)

    def progress(done: int, model: str) -> None:
        print_progress(say("progress", {"model": model, "done": done + 1, "total": len(rows)}))

    asked = [named_model(text, place="--predict") for text in predict or ()]
    observations = observe(rows, folder=measurements.parent, dtype=dtype, progress=progress)
    unseen = read_kernels(asked, folder=Path(), dtype=dtype)
    own = name or (safe_stem(output) if output is not None else None)
    result = fitted(observations, start, threads=threads, name=own)
    pairs = zip(asked, unseen, strict=True)
    report = FitReport(result, tuple(PredictedModel(each.label, predicted(result, work)) for each, work in pairs))
    if output is not None:
        write_atomically(output, format_profile(result.device).encode(), overwrite=force)
    if json:
        from attainable.analysis.records import as_json

        sys.stdout.write(as_json(report))
    else:
        from attainable.cli.devices_fitted import print_fit

        print_fit(report, base=start)
    print_warnings(result.warnings)
    if output is not None:
        print_written(output)
