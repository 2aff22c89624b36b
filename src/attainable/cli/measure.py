"""``attainable measure``: only the run, honestly."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attainable.cli.options import Inputs, Json, ModelPath, Runtime, Shapes, read_inputs
from attainable.errors import InvalidQuantity

if TYPE_CHECKING:
    from attainable.measurement.deployment import Deployment
    from attainable.measurement.inputs import Given
    from attainable.measurement.run import Run
    from attainable.runtimes.remote.hosts import Host
    from attainable.workload import Workload

Batches = Annotated[
    str | None,
    typer.Option(
        "--batch", metavar="N[,N...]", show_default=False, help="Number for the batch dimension; several give a table."
    ),
]
ThreadCounts = Annotated[
    str, typer.Option("--threads", metavar="N[,N...]", help="Cores that a run may use; several give a table.")
]
Versus = Annotated[
    Path | None,
    typer.Option(
        "--vs", metavar="OTHER", show_default=False,
        help="Measure OTHER against MODEL: fresh processes in turns, and no claim within the machine's own noise.",
    ),
]  # fmt: skip
OpenBatchFlag = Annotated[
    bool,
    typer.Option("--open-batch", help="Measure the file with its dimensions open against the same with them fixed."),
]
Pairs = Annotated[int, typer.Option("--pairs", min=1, help="Fresh processes of each with --vs and --open-batch.")]
Period = Annotated[
    str | None,
    typer.Option("--period", metavar="TIME", show_default=False, help="One run each TIME, asleep in between: 33ms."),
]
Beside = Annotated[
    list[Path] | None,
    typer.Option("--beside", metavar="OTHER", help="Run OTHER meanwhile, in a process of its own. Repeatable."),
]
LoadText = Annotated[
    str | None,
    typer.Option(
        "--load", metavar="LOAD", show_default=False,
        help="Keep the machine busy meanwhile: cpu=1 a core, memory=50% a program writing over free memory, or both.",
    ),
]  # fmt: skip
OnHost = Annotated[
    str | None,
    typer.Option(
        "--host", metavar="HOST", show_default=False,
        help="Run on another machine, by ssh: board, user@board. Python, numpy and the runtime are needed there.",
    ),
]  # fmt: skip
Precision = Annotated[
    str | None,
    typer.Option(
        "--precision", metavar="NAME", show_default=False,
        help="Type to compute in, where the runtime has a choice (attainable runtimes list): bfloat16.",
    ),
]  # fmt: skip
Kernels = Annotated[
    bool, typer.Option("--kernels", help="Show the executed graph: every kernel, what it is for, and its ops.")
]
Pin = Annotated[bool, typer.Option("--pin", help="Bind the run to as many cores as it has threads.")]

Budget = Annotated[
    str | None,
    typer.Option(
        "--time-budget", metavar="TIME", show_default=False,
        help="Most time for a run or a cell (20s), or after which no pair of --vs starts (15min).",
    ),
]  # fmt: skip

_RUN_SECONDS = 20.0
_PAIRS_SECONDS = 900.0
_MOST_CELLS = 64
_SHORTEST_PERIOD = 1e-6


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question that was understood: the network at each batch size, and how to run it."""

    workloads: tuple["Workload", ...]
    batches: tuple[int | None, ...]
    threads: tuple[int, ...]
    runtime: str
    time_budget_seconds: float
    inputs: "Given"
    deployment: "Deployment"
    host: "Host | None"
    precision: str | None


def measure(
    model: ModelPath, *, shape: Shapes = None, batch: Batches = None, threads: ThreadCounts = "1",
    runtime: Runtime = "onnxruntime", time_budget: Budget = None, input: Inputs = None, vs: Versus = None,
    pairs: Pairs = 20, open_batch: OpenBatchFlag = False, period: Period = None, beside: Beside = None,
    load: LoadText = None, pin: Pin = False, host: OnHost = None, precision: Precision = None,
    kernels: Kernels = False, json: Json = False,
) -> None:  # fmt: skip
    """Run a model on this machine, or on another, and print its time, with the interval and the conditions."""
    from attainable.cli.model import require_file_that_runs
    from attainable.measurement.deployment import Deployment
    from attainable.measurement.load import parse_load
    from attainable.measurement.shelter import sheltered
    from attainable.quantities import parse_seconds
    from attainable.runtimes.remote.hosts import read_host
    from attainable.workload import load as load_model
    from attainable.workload.shapes import parse_bindings

    for path in (model, *(beside or ()), *([vs] if vs else ())):
        require_file_that_runs(path)
    batches: tuple[int | None, ...] = (None,) if batch is None else _numbers(batch, "--batch")
    shapes = parse_bindings(shape or ())
    usual = _PAIRS_SECONDS if vs is not None or open_batch else _RUN_SECONDS
    asked = _Asked(
        workloads=tuple(load_model(model, shapes, batch=each) for each in batches),
        batches=batches,
        threads=_numbers(threads, "--threads"),
        runtime=runtime,
        time_budget_seconds=parse_seconds(time_budget, where="--time-budget") if time_budget else usual,
        inputs=read_inputs(input),
        deployment=Deployment(
            period_seconds=_period(period) if period is not None else 0.0,
            beside=tuple(load_model(path, {}, batch=None) for path in beside or ()),
            load=parse_load(load, where="--load") if load else None,
            pinned=pin,
        ),
        host=read_host(host) if host is not None else None,
        precision=precision,
    )
    _require_one_question(asked, vs, open_batch=open_batch)
    if kernels:
        _require_kernels(asked, compared=vs is not None or open_batch)
    with sheltered():
        if vs is not None:
            _compare(asked, load_model(vs, shapes, batch=batches[0]), pairs=pairs, json=json)
        elif open_batch:
            _compare_open_batch(asked, pairs=pairs, json=json)
        elif len(asked.batches) * len(asked.threads) > 1:
            _sweep(asked, json=json)
        else:
            _run(asked, json=json, kernels=kernels)


def _run(asked: _Asked, *, json: bool, kernels: bool) -> None:
    from attainable.analysis.records import as_json
    from attainable.cli.measure_shown import print_more
    from attainable.cli.terminal import print_run
    from attainable.measurement import measure_workload

    # A profile runs without a pause, so that it says nothing of a run as deployed.
    alone = asked.deployment.is_alone and not asked.deployment.period_seconds
    run = measure_workload(
        asked.workloads[0], runtime=asked.runtime, threads=asked.threads[0], inputs=asked.inputs,
        time_budget_seconds=asked.time_budget_seconds, profile=alone, deployment=asked.deployment, host=asked.host,
        precision=asked.precision,
    )  # fmt: skip
    if kernels:
        _show_kernels(asked, run, json=json)
    elif json:
        sys.stdout.write(as_json(run))
    else:
        print_run(run)
        print_more(run)
    _fail_where(_is_wrong(run))


def _show_kernels(asked: _Asked, run: "Run", *, json: bool) -> None:
    from attainable.analysis.labels import op_label
    from attainable.analysis.records import as_json
    from attainable.cli.kernels_shown import print_executed
    from attainable.errors import RuntimeRefused
    from attainable.measurement.executed import executed_graph

    if not run.kernels:
        failed = next((warning for warning in run.warnings if warning.startswith("the profile failed")), "")
        raise RuntimeRefused(
            failed or f"{run.runtime} told of no kernel", where="--kernels", help="leave it out to see whole runs",
        )  # fmt: skip
    graph = executed_graph(run, asked.workloads[0])
    if json:
        sys.stdout.write(as_json(graph))
    else:
        print_executed(graph, {op.id: op_label(op) for op in asked.workloads[0].ops})


def _sweep(asked: _Asked, *, json: bool) -> None:
    from attainable.analysis.records import as_json
    from attainable.cli.measure_shown import print_sweep
    from attainable.measurement.sweep import measure_sweep

    sweep = measure_sweep(
        asked.workloads, asked.threads, runtime=asked.runtime, time_budget_seconds=asked.time_budget_seconds,
        inputs=asked.inputs, precision=asked.precision, deployment=asked.deployment, host=asked.host, progress=_tell,
    )  # fmt: skip
    if json:
        sys.stdout.write(as_json(sweep))
    else:
        print_sweep(sweep)
    _fail_where(any(_is_wrong(run) for run in sweep.runs))


def _compare(asked: _Asked, second: "Workload", *, pairs: int, json: bool) -> None:
    from attainable.analysis.records import as_json
    from attainable.cli.measure_messages import say
    from attainable.cli.measure_shown import print_comparison, verdict_in_words
    from attainable.measurement.compare import Verdict, compare_workloads

    first = asked.workloads[0]
    if first.name == second.name:
        first, second = (
            replace(workload, name=say("compare.same", {"name": workload.name, "letter": letter}))
            for workload, letter in ((first, "A"), (second, "B"))
        )
    comparison = compare_workloads(
        first, second, runtime=asked.runtime, threads=asked.threads[0], pairs=pairs, inputs=asked.inputs,
        time_budget_seconds=asked.time_budget_seconds, precision=asked.precision, check_outputs=True, progress=_tell,
    )  # fmt: skip
    if json:
        sys.stdout.write(as_json(Verdict(verdict_in_words(comparison), comparison.claim, comparison)))
    else:
        print_comparison(comparison)
    _fail_where(bool(comparison.wrong))


def _compare_open_batch(asked: _Asked, *, pairs: int, json: bool) -> None:
    from attainable.analysis.records import as_json
    from attainable.cli.measure_shown import print_open_batch, verdict_in_words
    from attainable.measurement.compare import Verdict
    from attainable.measurement.sweep import compare_open_batch

    verdicts: list[Verdict] = []
    for workload, batch in zip(asked.workloads, asked.batches, strict=True):
        for count in asked.threads:
            found = compare_open_batch(
                workload, batch=batch or 1, runtime=asked.runtime, threads=count, pairs=pairs, inputs=asked.inputs,
                time_budget_seconds=asked.time_budget_seconds, precision=asked.precision, progress=_tell,
            )  # fmt: skip
            verdicts.append(Verdict(verdict_in_words(found.comparison), found.comparison.claim, found.comparison))
            if not json:
                print_open_batch(found)
    if json:
        sys.stdout.write(as_json(verdicts))
    _fail_where(any(each.comparison.wrong for each in verdicts))


def _is_wrong(run: "Run") -> bool:
    return run.correctness is not None and run.correctness.is_right is False


def _fail_where(wrong: bool) -> None:
    """Wrong outputs are a check that failed: what was measured is printed, and the exit code is 1."""
    if wrong:
        raise typer.Exit(1)


def _tell(done: int, all: int) -> None:
    if sys.stderr.isatty():
        print(f"\r  {done} of {all}", end="\n" if done == all else "", file=sys.stderr, flush=True)


def _period(text: str) -> float:
    """Read ``33ms``. Raises InvalidQuantity."""
    from attainable.quantities import parse_seconds

    seconds = parse_seconds(text, where="--period")
    if seconds < _SHORTEST_PERIOD:
        raise InvalidQuantity(f"{text!r} is no period", where="--period", help="give a microsecond or more")
    return seconds


def _numbers(text: str, where: str) -> tuple[int, ...]:
    """Read ``1,2,4``. Raises InvalidQuantity for what is no list of different numbers from 1 on."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 7 and int(part) for part in parts):
        raise InvalidQuantity(f"cannot read {text!r}", where=where, help="write numbers from 1 on: 1,2,4")
    return tuple(dict.fromkeys(int(part) for part in parts))


def _require_one_question(asked: _Asked, vs: Path | None, *, open_batch: bool) -> None:
    """Refuse what cannot be asked together. Raises InvalidQuantity."""
    cells = len(asked.batches) * len(asked.threads)
    deployed = bool(asked.deployment.period_seconds or asked.deployment.pinned or not asked.deployment.is_alone)
    if cells > _MOST_CELLS:
        raise InvalidQuantity(f"{cells} cells are too many", where="--batch", help=f"ask for at most {_MOST_CELLS}")
    if asked.host is not None and (vs is not None or open_batch):
        raise InvalidQuantity(
            "cannot be combined with --vs or --open-batch", where="--host",
            help="measure each by itself, or compare them on that machine itself",
        )  # fmt: skip
    if vs is not None and (cells > 1 or open_batch):
        raise InvalidQuantity("compares two models at one batch size and number of threads", where="--vs")
    if deployed and (vs is not None or open_batch):
        raise InvalidQuantity(
            "cannot be combined with --period, --beside, --load or --pin", where="--vs" if vs else "--open-batch",
            help="measure each model with them by itself",
        )  # fmt: skip


def _require_kernels(asked: _Asked, *, compared: bool) -> None:
    """Refuse ``--kernels`` where there is no one profiled run. Raises InvalidQuantity."""
    where, deployment = "--kernels", asked.deployment
    if compared or len(asked.batches) * len(asked.threads) > 1:
        raise InvalidQuantity(
            "shows one model at one batch size and number of threads", where=where,
            help="leave out --vs, --open-batch and all but one number",
        )  # fmt: skip
    if deployment.period_seconds or not deployment.is_alone:
        raise InvalidQuantity(
            "cannot be combined with --period, --beside or --load", where=where,
            help="kernels are profiled in runs without a pause, alone",
        )  # fmt: skip
