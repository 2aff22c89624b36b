"""``attainable analyze``: the main job."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from attainable.cli.options import (
    AccountingName,
    Batch,
    Budget,
    Force,
    Inputs,
    Json,
    ModelPath,
    Runtime,
    Shapes,
    Threads,
    TripCount,
    read_inputs,
)


def analyze(
    model: ModelPath,
    *,
    shape: Shapes = None,
    batch: Batch = None,
    device: Annotated[
        list[str] | None,
        typer.Option(
            "--device",
            metavar="NAME",
            help="Bound it on this device too: a name from `attainable devices list`, or a .toml file. Repeatable.",
        ),
    ] = None,
    threads: Threads = 1,
    runtime: Runtime = "onnxruntime",
    no_measure: Annotated[bool, typer.Option("--no-measure", help="Count and bound only; run nothing.")] = False,
    no_advise: Annotated[bool, typer.Option("--no-advise", help="No probes of what would be faster.")] = False,
    time_budget: Budget = "20s",
    input: Inputs = None,
    trip_count: TripCount = None,
    accounting: AccountingName = "fused",
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Report to write, .html or .json. Default: MODEL.html."),
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Count, bound and measure a model here, and say why it is not faster. Writes an HTML report."""
    from attainable.cli.model import require_file_that_runs
    from attainable.cli.terminal import print_analysis, print_progress
    from attainable.cost.control_flow import parse_trip_counts
    from attainable.files import require_writable
    from attainable.measurement.shelter import sheltered
    from attainable.pipeline import analyze as run
    from attainable.prediction.accounting import accounting as terms_of
    from attainable.quantities import parse_seconds
    from attainable.report import require_format, write_analysis
    from attainable.workload.shapes import parse_bindings

    require_file_that_runs(model)
    budget = parse_seconds(time_budget, where="--time-budget")
    target = output or (None if json else _free_name(model))
    if target is not None:
        require_format(target)
        require_writable(target, overwrite=force)
    with sheltered():
        analysis = run(
            model, shapes=parse_bindings(shape or ()), batch=batch, devices=device or (), threads=threads,
            runtime=runtime, measure=not no_measure, advise=not no_advise, time_budget_seconds=budget,
            inputs=read_inputs(input), accounting=terms_of(accounting),
            trip_counts=parse_trip_counts(trip_count or ()), progress=print_progress,
        )  # fmt: skip
    if target is not None:
        write_analysis(analysis, target, overwrite=force)
    if json:
        sys.stdout.write(analysis.to_json())
    else:
        print_analysis(analysis)
    if target is not None:
        print(f"  report: {target}", file=sys.stderr if json else sys.stdout)
    if analysis.errors:
        raise typer.Exit(3)


def _free_name(model: Path) -> Path:
    """``MODEL.html`` in the current folder, or ``MODEL-2.html`` and so on where that exists: nothing is overwritten."""
    from attainable.files import safe_stem

    stem = safe_stem(model)
    candidates = (Path(f"{stem}.html" if number == 1 else f"{stem}-{number}.html") for number in range(1, 10_000))
    return next(candidate for candidate in candidates if not candidate.exists())
