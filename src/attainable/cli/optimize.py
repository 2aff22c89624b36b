"""``attainable optimize``: a changed model, verified and measured before it is kept."""

import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attainable.cli.asides import print_warnings
from attainable.cli.options import Batch, Force, Json, ModelPath, Runtime, Shapes

if TYPE_CHECKING:
    from attainable.measurement.compare import Comparison
    from attainable.optimization import Optimization, Outcome, Verification

_LABEL, _WIDTH = 12, 118

Apply = Annotated[
    list[str],
    typer.Option(
        "--apply", metavar="CHANGE", help="The change: bn-fold or int8. Repeatable, in order.", show_default=False
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="FOLDER", help="Inputs, one sample a file: .npz, or .npy for one input. Without it: made up."
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="The changed model. Without it: MODEL-CHANGE.onnx, here."),
]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Cores that a kernel may use, for both models.")]
Pairs = Annotated[int, typer.Option("--pairs", min=6, help="Fresh processes of each model that run in turns.")]
Sqnr = Annotated[
    float, typer.Option("--minimum-sqnr", metavar="DECIBELS", help="What a change that loses precision must keep.")
]
Bits = Annotated[
    int | None,
    typer.Option("--weight-bits", min=7, max=8, help="Of int8 weights. Without it: 8, or 7 where 8 would saturate."),
]
Keep = Annotated[bool, typer.Option("--keep", help="Write the changed model even when it is refused.")]
Budget = Annotated[
    str, typer.Option("--time-budget", metavar="TIME", help="Most time for measuring one change, e.g. 60s or 15min.")
]


def optimize(
    model: ModelPath, *, apply: Apply, shape: Shapes = None, batch: Batch = None, data: Data = None,
    threads: Threads = 1, runtime: Runtime = "onnxruntime", pairs: Pairs = 20, minimum_sqnr: Sqnr = 15.0,
    weight_bits: Bits = None, time_budget: Budget = "15min", output: Output = None, force: Force = False,
    keep: Keep = False, json: Json = False,
) -> None:  # fmt: skip
    """Change a model; keep the change only if the outputs stay equal enough and it is measurably faster.

    Exits with 1 when every change is refused; nothing is written then.
    """
    from attainable.analysis.records import as_json
    from attainable.cli.model import require_file_that_runs
    from attainable.cli.terminal import print_progress
    from attainable.measurement.shelter import sheltered
    from attainable.optimization import Settings, optimize_model
    from attainable.quantities import parse_seconds
    from attainable.transforms import Options, transform
    from attainable.workload.shapes import parse_bindings

    require_file_that_runs(model)
    names = [transform(name).name for name in apply]
    reduce_range = None if weight_bits is None else weight_bits == 7
    settings = Settings(
        options=Options(parse_bindings(shape or ()), batch, data, reduce_range), runtime=runtime, threads=threads,
        pairs=pairs, time_budget_seconds=parse_seconds(time_budget, where="--time-budget"),
        minimum_sqnr_decibels=minimum_sqnr, keep_refused=keep,
    )  # fmt: skip
    target = output or _default_output(model, names)
    with sheltered():
        result = optimize_model(
            model, names, output=target, overwrite=force, settings=settings, progress=print_progress
        )  # fmt: skip
    if json:
        sys.stdout.write(as_json(result))
    else:
        print("\n".join(_lines(result)))
    texts = [*result.warnings, *(text for outcome in result.outcomes for text in outcome.warnings)]
    print_warnings(dict.fromkeys(texts))
    if not result.kept:
        raise typer.Exit(1)


def _default_output(model: Path, names: Sequence[str]) -> Path:
    """``MODEL-CHANGE.onnx`` in the current folder."""
    from attainable.files import safe_stem

    return Path(f"{safe_stem(model)}-{'-'.join(names)}.onnx")


def _lines(result: "Optimization") -> Iterator[str]:
    from attainable.names import short_name
    from attainable.report.views.machine import short_cpu

    name, _, vnni = result.processor.rpartition(", ")
    yield f"\n  {short_name(Path(result.model).name)} on this machine ({short_name(short_cpu(name))}, {vnni})\n"
    for outcome in result.outcomes:
        yield from _outcome(outcome)
        yield ""
    if result.total is not None:
        yield from _row("All changes", *_compared(result.total))
        yield ""
    yield f"  output: {short_name(result.output)}" if result.output else "  nothing was written"


def _outcome(outcome: "Outcome") -> Iterator[str]:
    yield from _row(outcome.transform, outcome.changed, *outcome.details)
    if outcome.verification is not None and not outcome.verification.fault:
        yield from _row("Verified", *_verified(outcome.verification))
    if outcome.comparison is not None:
        yield from _row("Measured", *_compared(outcome.comparison))
    yield from _row("Kept" if outcome.kept else "Refused", outcome.reason)


def _verified(verification: "Verification") -> Iterator[str]:
    from attainable.quantities import format_share

    worst = min((output.worst_sqnr_decibels for output in verification.outputs), default=0.0)
    sqnr = _decibels(verification.sqnr_decibels)
    yield f"SQNR {sqnr}, worst input {_decibels(worst)}; measured on {verification.source}"
    agreement = verification.top1_agreement
    top1 = "" if agreement is None else f"top-1 agreement {format_share(agreement)}, "
    error = f"largest error {verification.largest_absolute_error:.2g}"
    yield f"{top1}{error}, that is {verification.relative_error:.2g} of the largest output"


def _decibels(value: float) -> str:
    return "infinite (equal)" if value == float("inf") else f"{value:.1f} dB"


def _compared(comparison: "Comparison") -> Iterator[str]:
    from attainable.quantities import format_seconds

    threads = "1 thread" if comparison.threads == 1 else f"{comparison.threads} threads"
    before, after = format_seconds(comparison.first_seconds), format_seconds(comparison.second_seconds)
    yield (
        f"{comparison.ratio:.2f} times as fast, 95 % interval {comparison.low:.2f} to {comparison.high:.2f}, "
        f"{len(comparison.ratios)} pairs of fresh processes"
    )
    yield f"{before} -> {after}, medians, {comparison.runtime} {comparison.version}, {threads}"


def _row(label: str, *texts: str) -> Iterator[str]:
    from attainable.names import short_sentence

    for index, text in enumerate(texts):
        head = f"  {label if index == 0 else '':{_LABEL}}"
        yield textwrap.fill(
            short_sentence(text), _WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False
        )  # fmt: skip
