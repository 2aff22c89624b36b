"""What a runtime has to keep, check by check: each yields a sentence and whether it holds."""

import math
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from attainable.measurement.attribution import attributed_share
from attainable.runtimes import Profile, Runtime, Samples, Session
from attainable.runtimes.agreement import agreements
from attainable.workload.graph import Workload

if TYPE_CHECKING:
    from attainable.runtimes import Array

__all__ = ["Check", "children", "of_outputs", "of_precision", "of_profile", "of_runs", "of_session"]

DEADLINE_SECONDS = 120.0
_LEAST_COSINE = 0.99
_SPARE_CPU = 1.3
"""The clocks of processor and wall disagree by ticks, and a runtime's idle threads wake up now and then."""
_SPARE_CPU_SECONDS = 0.05
_HEAVY = ("Conv", "MatMul", "Gemm")
_RUNS = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked.

    Attributes:
        name: what has to hold, a sentence.
        passed: whether it does.
        detail: what was found.
    """

    name: str
    passed: bool
    detail: str = ""


def of_session(session: Session) -> Iterator[Check]:
    """What a session says of itself."""
    yield Check("the session says its version", bool(session.version), session.version)
    yield Check("loading took time", 0 < session.load_seconds < DEADLINE_SECONDS, f"{session.load_seconds:.3f} s")
    yield Check("the worker is a process of its own", session.process_id != os.getpid(), str(session.process_id))


def of_outputs(
    runtime: Runtime,
    session: Session,
    workload: Workload,
    *,
    inputs: "Mapping[str, Array]",
    reference: "Mapping[str, Array]",
) -> Iterator[Check]:
    """Whether outputs have the model's names, shapes and types, and agree with the reference in the precision that ran.

    Args:
        runtime: whose tolerances count.
        session: of the runtime.
        workload: the network.
        inputs: arrays for it.
        reference: its outputs for them.
    """
    outputs = session.compute(inputs, deadline_seconds=DEADLINE_SECONDS)
    names = [tensor.name for tensor in workload.outputs]
    yield Check("outputs are those of the model, in its order", list(outputs) == names, ", ".join(outputs))
    tolerance = runtime.tolerances.get(session.precision or "float32")
    yield Check("the precision that runs has a tolerance", tolerance is not None, session.precision or "unknown")
    for found in agreements(reference, outputs):
        errors = f"max error {found.absolute_error:.2g} of {found.magnitude:.2g}"
        detail = found.fault or f"{errors}, cosine {found.cosine:.9f}, same top {found.same_top:.0%}"
        within = tolerance is not None and found.is_within(tolerance)
        yield Check(f"{found.output} agrees with the reference", within, detail)
        yield Check(f"{found.output} points where the reference does", found.cosine > _LEAST_COSINE, detail)


def of_runs(session: Session, *, threads: int) -> Iterator[Check]:
    """Counts and times of runs, memory, and the threads that they took."""
    exact = _run(session, seconds=0.0, minimum=_RUNS, maximum=100)
    yield Check("without time exactly the least number runs", len(exact.seconds) == _RUNS, str(len(exact.seconds)))
    most = _run(session, seconds=60.0, minimum=1, maximum=_RUNS)
    yield Check("no more than the largest number runs", len(most.seconds) == _RUNS, str(len(most.seconds)))
    timed = _run(session, seconds=0.2, minimum=1, maximum=10_000)
    for samples in (exact, most, timed):
        yield Check("every run takes time", min(samples.seconds) > 0, f"{min(samples.seconds):.2e} s at least")
        parts = f"{sum(samples.seconds):.6f} of {samples.wall_seconds:.6f} s"
        yield Check("runs fit into the time of them together", sum(samples.seconds) <= samples.wall_seconds, parts)
    peaks = [samples.peak_rss_bytes for samples in (exact, most, timed)]
    yield Check("the peak of the memory never falls", peaks == sorted(peaks), str(peaks))
    limit = threads * _SPARE_CPU * timed.wall_seconds + _SPARE_CPU_SECONDS
    busy = f"{timed.cpu_seconds:.3f} s of processors in {timed.wall_seconds:.3f} s"
    yield Check(f"no more than {threads} threads compute", timed.cpu_seconds <= limit, busy)


def of_precision(runtime: Runtime, session: Session, asked: str | None) -> Iterator[Check]:
    """Whether the precision is stated, and none lower than the model's was taken unasked; the model is in float32."""
    said = session.precision
    if asked is None:
        yield Check("no precision is lowered unasked", said in ("", "float32"), said or "unknown")
        return
    # A processor may lack what was asked for; what ran instead has to be said.
    yield Check(f"asked for {asked}, it says what ran", said in runtime.tolerances, said or "unknown")


def of_profile(runtime: Runtime, profile: Profile, workload: Workload, *, runs: int) -> Iterator[Check]:
    """Whether kernels cover ops that exist, enough of their time is attributed, and they fit into the run."""
    known = {op.id for op in workload.ops}
    kernels = profile.kernels
    yield Check("there are kernels", bool(kernels), str(len(kernels)))
    strangers = sorted({op for kernel in kernels for op in kernel.ops} - known)
    yield Check("kernels cover ops that exist", not strangers, ", ".join(strangers))
    repeated = [kernel.name for kernel in kernels if max(Counter(kernel.ops).values(), default=1) > 1]
    yield Check("no kernel names an op twice", not repeated, ", ".join(repeated))
    unlike = [kernel.name for kernel in kernels if (kernel.attribution == "none") != (not kernel.ops)]
    unlike = [name for name in unlike if not _is_layout(profile, name)]
    yield Check("kernels without ops say so", not unlike, ", ".join(unlike))
    wrong = [kernel.name for kernel in kernels if not 0 <= kernel.seconds < math.inf]
    yield Check("kernels take time", not wrong and any(kernel.seconds > 0 for kernel in kernels), ", ".join(wrong))
    covered = {op for kernel in kernels for op in kernel.ops}
    missing = [op.id for op in workload.ops if op.kind in _HEAVY and op.id not in covered]
    yield Check("every contraction has a kernel", not missing, ", ".join(missing))
    share = attributed_share(kernels)
    least = runtime.least_attributed_share
    yield Check(f"{least:.0%} of the time or more finds its ops", share >= least, f"{share:.1%}")
    total, longest = sum(kernel.seconds for kernel in kernels), max(profile.profiled_seconds, default=0.0)
    parts = f"{total:.6f} s of {median(profile.profiled_seconds or (0.0,)):.6f} s, {longest:.6f} s at most"
    yield Check("kernels fit into the run", total <= longest, parts)
    counts = (len(profile.profiled_seconds), len(profile.plain_seconds))
    yield Check("as many runs as asked for, or more", counts[0] >= runs and counts[1] in (0, counts[0]), str(counts))
    told = len(profile.executions)
    yield Check("every kernel or none says how it was run", told in (0, len(kernels)), str(told))


def children() -> frozenset[int]:
    """Processes that this one has started and that still run; none where the system has no ``/proc``."""
    if sys.platform != "linux":
        return frozenset()
    found: set[int] = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == os.getpid() and state != "Z":
            found.add(int(folder.name))
    return frozenset(found)


def _run(session: Session, *, seconds: float, minimum: int, maximum: int) -> Samples:
    return session.run(seconds=seconds, minimum=minimum, maximum=maximum, deadline_seconds=DEADLINE_SECONDS)


def _is_layout(profile: Profile, name: str) -> bool:
    return any(kernel.name == name and kernel.attribution == "layout" for kernel in profile.kernels)
