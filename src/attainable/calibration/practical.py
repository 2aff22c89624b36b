"""The practical ceilings: what ONNX Runtime reaches on large products and convolutions, by element type.

Below the roof of the processor by what the runtime's kernels leave. Integers of either sign are apart: on processors
without VNNI the product of unsigned activations with signed weights is made of other instructions than that of two
unsigned ones, and 2.5 times faster.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from attainable.calibration.noise import Noise
from attainable.calibration.practical_trials import Bench, Trial
from attainable.cost.count import count
from attainable.devices import Ceiling, Sourced
from attainable.devices.figures import Practice
from attainable.errors import InvalidQuantity, RunError, RuntimeRefused
from attainable.measurement.inputs import make_inputs
from attainable.runtimes import runtime
from attainable.timing.conditions import others_share, read_cpu_times, usable_processors
from attainable.timing.processor import read_throttle_events
from attainable.workload import load
from attainable.workload.graph import Workload
from attainable.zoo.micro import Micro, MicroConvolutions, MicroProduct, build_micro

CEILINGS_SECONDS = 8.0
"""Time for all element types on one core and on all."""

MICROS: tuple[tuple[Practice, Micro], ...] = (
    ("gemm", MicroProduct(1024, 1024, 1024)),
    ("gemm", MicroProduct(256, 768, 3072)),
    ("conv", MicroConvolutions((64, 64, 64, 64, 64), kernel=3, extent=56)),
    ("conv", MicroConvolutions((256, 64, 256, 64, 256), kernel=1, extent=56)),
)
"""A square product, a transformer's feed-forward layer on 256 tokens, a residual network's first convolutions.

The best of them is the ceiling.
"""

DTYPES: tuple[tuple[str, str], ...] = (
    ("float32", "float32"), ("uint8", "int8"), ("uint8", "uint8"), ("int8", "int8"), ("float16", "float16"),
    ("bfloat16", "bfloat16"),
)  # fmt: skip
"""Element types of activations and weights."""

_RUNTIME = "onnxruntime"
_NARROW = ("float16", "bfloat16")
_PROBE = MicroProduct(64, 64, 64)
_ROUNDS = 2
"""Everything has its turn so often, so that a disturbance hits no element type throughout."""

_PATIENCE = 3.0
"""On a slow machine the first round goes on for so many times the time it was given, then the rest is left out."""

Progress = Callable[[str], None]

_Key = tuple[Practice, str, str, int]
"""What a ceiling is of: practice, element types and threads."""


@dataclass(frozen=True, slots=True)
class Practical:
    """What a runtime reaches.

    Attributes:
        ceilings: by practice, element types and threads.
        conditions: ``(name, text)``: what the runtime refused, and why.
    """

    ceilings: tuple[Ceiling, ...]
    conditions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Case:
    practice: Practice
    micro: Micro
    dtype: str
    weight_dtype: str
    threads: int

    @property
    def types(self) -> tuple[str, str]:
        return self.dtype, self.weight_dtype

    @property
    def key(self) -> _Key:
        return self.practice, self.dtype, self.weight_dtype, self.threads


@dataclass(slots=True)
class _Runs:
    """All runs of a case so far, and the runtime's version."""

    seconds: list[float] = field(default_factory=list[float])
    version: str = ""

    def add(self, trial: Trial) -> None:
        self.seconds += trial.seconds
        self.version = trial.version


def measure_practical(
    *, threads: Sequence[int], seconds: float = CEILINGS_SECONDS, progress: Progress | None = None
) -> Practical:
    """Run large products and convolutions in ONNX Runtime and say what rates they reach.

    A ceiling is the best run of the best shape; its interval begins at the median run of that shape, and ends higher
    where others used the machine meanwhile. Element types that the runtime refuses, or computes in another
    type, are left out and named in the conditions.

    Args:
        threads: the numbers of cores to measure, e.g. ``(1, 2)``.
        seconds: for all of it; loading models and a slow machine's least number of runs may take longer.
        progress: called with what is measured next.

    Raises:
        InvalidQuantity: no threads, fewer than one, or no time.
        RuntimeRefused: the models cannot be written.
    """
    if not threads or min(threads) < 1:
        raise InvalidQuantity("ceilings need one thread or more", where="threads", help="give numbers from 1 up")
    if not seconds > 0:
        raise InvalidQuantity("there is no time to measure ceilings in", where="seconds", help="give a second or more")
    start, before, slowed = time.monotonic(), read_cpu_times(), read_throttle_events(usable_processors())
    try:
        with tempfile.TemporaryDirectory(prefix="attainable-") as folder, Bench() as bench:
            refused = {(dtype, dtype): reason for dtype in _NARROW if (reason := _replaced(Path(folder), dtype))}
            workloads = {types: _written(Path(folder), types) for types in DTYPES if types not in refused}
            cases = [
                _Case(practice, micro, *types, cores)
                for cores in dict.fromkeys(threads)
                for practice, micro in MICROS
                for types in workloads
            ]
            runs = _run(bench, cases, workloads, refused, start=start, seconds=seconds, progress=progress)
    except OSError as error:
        raise RuntimeRefused(
            f"the models cannot be written: {error.strerror}", where=tempfile.gettempdir(),
            help="free some disk space, or set TMPDIR",
        ) from None  # fmt: skip
    # The workers have ended, so that their processor time is ours.
    noise = Noise(others_share(before, read_cpu_times()), None)
    ceilings = _ceilings(runs, workloads, factor=noise.memory_factor)
    events = (read_throttle_events(usable_processors()) or 0) - (slowed or 0)
    return Practical(ceilings, tuple(_conditions(cases, runs, refused, noise, events)))


_Workloads = Mapping[tuple[str, str], Mapping[Micro, Workload]]


def _run(
    bench: Bench, cases: Sequence[_Case], workloads: _Workloads, refused: dict[tuple[str, str], str], *,
    start: float, seconds: float, progress: Progress | None,
) -> dict[_Case, _Runs]:  # fmt: skip
    """All cases in turn, round by round, each for an equal part of the time that is left."""
    runs: dict[_Case, _Runs] = {}
    for turn in range(_ROUNDS):
        for place, case in enumerate(cases):
            elapsed = time.monotonic() - start
            if elapsed > (seconds if turn else _PATIENCE * seconds):
                return runs
            if case.types in refused:
                continue
            if progress is not None and not turn:
                progress(f"{_titled(case)}: {case.micro}")
            left = (_ROUNDS - turn) * len(cases) - place
            try:
                trial = bench.trial(
                    workloads[case.types][case.micro], threads=case.threads, seconds=max(0.0, seconds - elapsed) / left
                )
            except RunError as error:
                refused[case.types] = f"{_RUNTIME}: {error.what}"
                continue
            runs.setdefault(case, _Runs()).add(trial)
    return runs


def _written(folder: Path, types: tuple[str, str]) -> dict[Micro, Workload]:
    """The models of one pair of element types, written and read."""
    dtype, weight_dtype = types
    workloads: dict[Micro, Workload] = {}
    for _, micro in MICROS:
        path = folder / f"{len(workloads)}-{dtype}-{weight_dtype}.onnx"
        path.write_bytes(build_micro(micro, dtype=dtype, weight_dtype=weight_dtype).SerializeToString())
        workloads[micro] = load(path)
    return workloads


def _replaced(folder: Path, dtype: str) -> str:
    """Why a floating type is none that the runtime computes in; empty where it is.

    Where there is no kernel, the runtime refuses the model, or converts to float32 and back, which is no product in the
    narrow type.
    """
    path = folder / f"probe-{dtype}.onnx"
    path.write_bytes(build_micro(_PROBE, dtype=dtype, weight_dtype=dtype).SerializeToString())
    workload = load(path)
    try:
        with runtime(_RUNTIME).open(
            workload, make_inputs(workload).arrays, threads=1, deadline_seconds=30.0
        ) as session:
            kernels = session.profile(runs=1, deadline_seconds=30.0).kernels
    except RunError as error:
        return f"{_RUNTIME}: {error.what}"
    converts = any(kernel.kind == "Cast" for kernel in kernels)
    return f"{_RUNTIME} has no kernel for it here and converts to float32" if converts else ""


def _ceilings(runs: Mapping[_Case, _Runs], workloads: _Workloads, *, factor: float) -> tuple[Ceiling, ...]:
    """The best case of each ceiling, in the order in which they were measured."""
    date = datetime.now(UTC).isoformat(timespec="seconds")
    best: dict[_Key, Ceiling] = {}
    for case, of_case in runs.items():
        # What is done to each result beside the products is no part of the rate that networks are compared with.
        operations = 2 * count(workloads[case.types][case.micro]).totals.macs
        rate = operations / min(of_case.seconds)
        known = best.get(case.key)
        if known is None or rate > known.operations_per_second.value:
            source = f"{case.micro}: best of {len(of_case.seconds)}, {date}"
            low = min(rate, operations / statistics.median(of_case.seconds))
            best[case.key] = Ceiling(
                case.practice, f"{_RUNTIME} {of_case.version}", case.dtype, case.weight_dtype, case.threads,
                Sourced(rate, source, "measured", low, rate * factor),
            )  # fmt: skip
    return tuple(best.values())


def _conditions(
    cases: Sequence[_Case], runs: Mapping[_Case, _Runs], refused: Mapping[tuple[str, str], str], noise: Noise,
    events: int,
) -> Iterator[tuple[str, str]]:  # fmt: skip
    for types, reason in refused.items():
        yield f"ceilings of {_named(types)}", reason
    measured = {case.key for case in runs}
    missing = [case for case in cases if case.types not in refused and case.key not in measured]
    if missing:
        yield "ceilings left out for want of time", ", ".join(dict.fromkeys(map(_titled, missing)))
    disturbed = [*noise.reasons, *([f"heat slowed cores down {events} times"] if events > 0 else [])]
    if disturbed:
        yield "ceilings may be higher", "; ".join(disturbed)


def _titled(case: _Case) -> str:
    return f"{case.practice} {_named(case.types)} on {case.threads} core{'s' if case.threads > 1 else ''}"


def _named(types: tuple[str, str]) -> str:
    dtype, weight_dtype = types
    return dtype if dtype == weight_dtype and dtype in ("float32", *_NARROW) else f"{dtype} x {weight_dtype}"
