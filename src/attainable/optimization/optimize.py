"""Applies changes to a model one after the other; each is verified and measured, then kept or refused."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from attainable.errors import InputError
from attainable.files import require_writable, write_atomically
from attainable.measurement.compare import PAIRS, Comparison, compare_workloads
from attainable.optimization.outcome import Optimization, Outcome
from attainable.optimization.verify import MINIMUM_SQNR_DECIBELS, shortfall, verify
from attainable.runtimes import require_runnable, runtime
from attainable.timing.conditions import read_conditions
from attainable.transforms import Options, Transform, transform
from attainable.transforms.input_sets import InputSets, input_sets
from attainable.transforms.saturation import processor
from attainable.workload import Workload, load

Progress = Callable[[str], None]
"""Told a sentence when a stage starts that may take over a second."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How changes are made, judged and measured.

    Attributes:
        options: for the transforms, and how the model is bound to shapes.
        runtime: a key of ``RUNTIMES``.
        threads: processor threads that one kernel may use.
        pairs: how many fresh processes of each model are measured in turns.
        time_budget_seconds: for measuring one change.
        minimum_sqnr_decibels: what changes that lose precision must keep.
        keep_refused: write the changed model although it was refused.
    """

    options: Options = field(default_factory=Options)
    runtime: str = "onnxruntime"
    threads: int = 1
    pairs: int = PAIRS
    time_budget_seconds: float = 900.0
    minimum_sqnr_decibels: float = MINIMUM_SQNR_DECIBELS
    keep_refused: bool = False


def optimize_model(
    path: Path, names: Sequence[str], *, output: Path, overwrite: bool = False, settings: Settings | None = None,
    progress: Progress = lambda sentence: None,
) -> Optimization:  # fmt: skip
    """Apply changes to a model, keep those that are verified and faster, and write the result.

    Args:
        path: the model; neither it nor a file with its weights is ever written to.
        names: keys of ``TRANSFORMS``, applied in this order, each to what the one before left.
        output: where the result goes; nothing is written when every change is refused.
        overwrite: whether the output may exist.
        settings: how changes are judged.
        progress: told when a long stage starts.

    Raises:
        UnknownName: no transform has such a name.
        InputError: the model, the data or the output cannot be used; nothing was run.
        RunError: the original cannot be run, or a worker failed.
    """
    how = settings or Settings()
    steps = [transform(name) for name in names]
    if not steps:
        raise InputError("no change is named", where="--apply", help="name one, e.g. --apply int8")
    original = load(path, how.options.shapes, batch=how.options.batch)
    require_runnable(runtime(how.runtime), original)
    _require_no_input(output, path, original)
    require_writable(output, overwrite=overwrite)
    sets = input_sets(original, how.options.data)
    outcomes: list[Outcome] = []
    total: Comparison | None = None
    with tempfile.TemporaryDirectory(prefix="attainable-") as folder:
        current = original
        for number, step in enumerate(steps):
            outcome, changed = _apply(step, original, current, sets, Path(folder) / f"{number}.onnx", how, progress)
            outcomes.append(outcome)
            if changed is not None and (outcome.kept or how.keep_refused):
                current = changed
                outcomes[-1] = replace(outcome, output=str(output))
        if sum(bool(outcome.output) for outcome in outcomes) > 1:
            total = _compare(original, current, how, progress)
        if current is not original:
            # Once more, because minutes have passed.
            _require_no_input(output, path, original)
            write_atomically(output, Path(current.provenance.path).read_bytes(), overwrite=overwrite)
    return Optimization(
        model=str(path),
        sha256=original.provenance.sha256,
        processor=processor(read_conditions()),
        outcomes=tuple(outcomes),
        total=total,
        output="" if current is original else str(output),
        warnings=(*original.notes, *(total.warnings if total is not None else ())),
    )


def _apply(
    step: Transform, original: Workload, current: Workload, sets: InputSets, target: Path, how: Settings,
    progress: Progress,
) -> tuple[Outcome, Workload | None]:  # fmt: skip
    """Make one change and judge it; the changed model, where there is one, is at ``target``."""
    progress(f"{step.name}: changing {original.name}")
    made = step.apply(Path(current.provenance.path), how.options)
    refused = Outcome(step.name, made.summary, made.details, None, None, False, "", warnings=made.warnings)
    if made.content is None:
        return replace(refused, reason=f"no gain here: {made.summary}"), None
    target.write_bytes(made.content)
    try:
        bound = load(target, how.options.shapes, batch=how.options.batch)
    except InputError as error:
        return replace(refused, reason=f"the changed model cannot be read: {error.what}"), None
    changed = replace(bound, name=f"{current.name}-{step.name}")
    progress(f"{step.name}: verifying the outputs on {len(sets.verification)} inputs")
    verification = verify(original, changed, sets.verification, runtime=how.runtime, threads=how.threads)
    refused = replace(refused, verification=verification, warnings=(*made.warnings, *verification.warnings))
    reason = shortfall(verification, exact=step.exact, minimum_sqnr_decibels=how.minimum_sqnr_decibels)
    if reason:
        return replace(refused, reason=reason), changed
    comparison = _compare(current, changed, how, progress)
    judged = replace(refused, comparison=comparison, warnings=(*refused.warnings, *comparison.warnings))
    return replace(judged, kept=comparison.is_faster, reason=_reason(comparison)), changed


def _compare(first: Workload, second: Workload, how: Settings, progress: Progress) -> Comparison:
    progress(f"measuring {second.name} against {first.name}, {how.pairs} pairs of processes")
    return compare_workloads(
        first, second, runtime=how.runtime, threads=how.threads, pairs=how.pairs,
        time_budget_seconds=how.time_budget_seconds,
    )  # fmt: skip


def _reason(comparison: Comparison) -> str:
    between = f"{comparison.low:.2f} to {comparison.high:.2f}"
    if not comparison.has_interval:
        return f"too few pairs for a 95 % interval: the ratio is {between}"
    if comparison.is_faster:
        return f"faster: the 95 % interval of the ratio is {between}"
    if comparison.high < 1:
        return f"slower: the 95 % interval of the ratio is {between}"
    return f"no gain here: the 95 % interval of the ratio is {between}"


def _require_no_input(output: Path, path: Path, original: Workload) -> None:
    """The output is neither the model nor one of its weight files, by whatever name.

    Raises:
        InputError: it is.
    """
    files = {path}
    if original.provenance.external_bytes:
        from attainable.transforms.model_file import read_model, weight_files

        files |= weight_files(read_model(path))
    for file in files:
        if output.exists() and file.exists() and output.samefile(file):
            what = "is the model itself" if file == path else "holds weights of the model"
            raise InputError(
                f"{what}, which is never written to", where=str(output), help="choose another --output"
            )  # fmt: skip
