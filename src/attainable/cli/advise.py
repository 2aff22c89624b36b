"""``attainable advise``: what to change, each proposal proved by a measurement on this machine."""

import sys
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from attainable.cli.asides import print_warnings
from attainable.cli.options import Batch, Inputs, Json, ModelPath, Runtime, Shapes, Threads, read_inputs

if TYPE_CHECKING:
    from attainable.advice.rule import Advice
    from attainable.measurement.run import Run

_RUN_SHARE = 0.2
"""Of the budget, for the run; the rest is for the probes."""
_WIDTH = 110

ProbeBudget = Annotated[
    str, typer.Option("--time-budget", metavar="TIME", help="Most time for the run and all probes, e.g. 60s or 5min.")
]


def advise(
    model: ModelPath, *, shape: Shapes = None, batch: Batch = None, threads: Threads = 1,
    runtime: Runtime = "onnxruntime", time_budget: ProbeBudget = "60s", input: Inputs = None, json: Json = False,
) -> None:  # fmt: skip
    """Say what would make a model faster here: every proposal is measured before it is made."""
    from attainable.advice.find import find
    from attainable.analysis.records import as_json
    from attainable.cli.model import require_file_that_runs
    from attainable.cli.terminal import print_progress
    from attainable.cost.count import count
    from attainable.measurement.measure import measure_workload
    from attainable.measurement.shelter import sheltered
    from attainable.quantities import parse_seconds
    from attainable.workload import load
    from attainable.workload.shapes import parse_bindings

    require_file_that_runs(model)
    budget = parse_seconds(time_budget, where="--time-budget")
    inputs = read_inputs(input)
    workload = load(model, parse_bindings(shape or ()), batch=batch)
    print_progress(f"running {workload.name} with {runtime}")
    with sheltered():
        run = measure_workload(
            workload, runtime=runtime, threads=threads, time_budget_seconds=_RUN_SHARE * budget, inputs=inputs
        )
        advice = find(
            count(workload), run, time_budget_seconds=(1 - _RUN_SHARE) * budget, inputs=inputs, progress=print_progress
        )
    if json:
        sys.stdout.write(as_json(advice))
    else:
        print("\n".join(_lines(advice, run)))
    print_warnings((*run.warnings, *advice.warnings))


def _lines(advice: "Advice", run: "Run") -> Iterable[str]:
    from attainable.names import clean
    from attainable.quantities import format_seconds

    threads = "1 thread" if run.threads == 1 else f"{run.threads} threads"
    yield f"\n  Measured {format_seconds(run.median_seconds)}, {threads}, {run.runtime} {clean(run.version)}\n"
    for finding in advice.findings:
        saves = f"saves {format_seconds(finding.saves_low_seconds)} to {format_seconds(finding.saves_high_seconds)}"
        yield f"  {finding.code}  {finding.title}     {saves}"
        yield _paragraph(finding.observation)
        yield _paragraph(f"help: {finding.action}")
        yield _paragraph(f"confidence {finding.confidence}; attainable explain {finding.code}") + "\n"
    if advice.checked:
        yield "  Checked, no gain here" if advice.findings else "  Nothing to gain here. Checked:"
    for checked in advice.checked:
        yield f"  {checked.code}  {checked.title}"
        yield _paragraph(checked.observation)


def _paragraph(text: str) -> str:
    from attainable.names import clean

    return textwrap.fill(clean(text), _WIDTH, initial_indent=" " * 10, subsequent_indent=" " * 10)
