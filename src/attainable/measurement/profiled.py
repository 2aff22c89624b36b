"""The second part of a measurement: where the time of a run goes, and where that of loading."""

from dataclasses import dataclass, field

from attainable.errors import RunError
from attainable.measurement.elsewhere import understood_of
from attainable.runtimes import Profile, Session
from attainable.runtimes.remote.hosts import Host
from attainable.timing.statistics import Summary
from attainable.workload.graph import Workload

PROFILE_SHARE = 0.4
"""Of the time budget, left to the profile."""
_FEWEST_PROFILED, _MOST_PROFILED = 3, 100
_MOST_EVENTS = 20_000
"""Ops times runs in one profile: some 60 MB in the worker, and far below onnxruntime's limit of a million."""
_SHARE_OF_MEMORY = 0.5


@dataclass(frozen=True, slots=True)
class Profiled:
    """What the runtime's profiler and a second loading told.

    Attributes:
        profile: None where it was not asked for, or failed.
        stages: seconds of the stages of loading; empty where that is not known.
        warnings: what failed, one sentence each.
    """

    profile: Profile | None = None
    stages: dict[str, float] = field(default_factory=dict[str, float])
    warnings: tuple[str, ...] = ()


UNPROFILED = Profiled()


def profile_session(
    session: Session, workload: Workload, summary: Summary, *, budget_seconds: float, available_bytes: int | None,
    host: Host | None, deadline_seconds: float,
) -> Profiled:  # fmt: skip
    """Profile a session that has been timed; the last thing to ask of it.

    What fails becomes a warning, because the runs stand without it.

    Args:
        session: that has run.
        workload: that it has loaded.
        summary: of its runs.
        budget_seconds: of the whole measurement.
        available_bytes: memory that is left where it runs; None if unknown.
        host: where it runs; None for this machine.
        deadline_seconds: for an answer, beside the time that runs take.
    """
    warnings: list[str] = []
    stages: dict[str, float] = {}
    # A second load has no room where the first one took most of it.
    resident = session.loading.resident_loaded_bytes or 0
    if available_bytes is None or resident <= _SHARE_OF_MEMORY * available_bytes:
        try:
            stages = session.load_stages(deadline_seconds=deadline_seconds)
        except RunError as error:
            warnings.append(f"where the time of loading goes is not known: {error}")
    runs = _profile_runs(workload, summary, budget_seconds)
    try:
        with understood_of(host):
            profile = session.profile(runs=runs, deadline_seconds=deadline_seconds + 20 * runs * summary.median)
    except RunError as error:
        warnings.append(f"the profile failed, only whole runs are known: {error}")
        return Profiled(None, stages, tuple(warnings))
    return Profiled(profile, stages, tuple(warnings))


def _profile_runs(workload: Workload, summary: Summary, budget_seconds: float) -> int:
    """As many runs as the profile's share of the time allows, twice: with the profiler and without."""
    affordable = PROFILE_SHARE * budget_seconds / (2 * max(summary.median, 1e-6))
    return max(_FEWEST_PROFILED, min(_MOST_PROFILED, int(affordable), _MOST_EVENTS // max(1, len(workload.ops))))
