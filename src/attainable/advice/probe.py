"""The probe: times small models against each other, in turns, in fresh processes.

A round starts one process for each variant and lets them run in turns of a few milliseconds, so that whatever the
machine does meanwhile meets all of them. Where the memory of a process happens to lie changes its times by more than a
turn's noise does; hence several rounds, and the interval is over rounds.
"""

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

from attainable.advice.rule import Probed, Variant
from attainable.measurement.inputs import Inputs, make_inputs
from attainable.runtimes import Runtime, Session
from attainable.runtimes import runtime as runtime_of
from attainable.timing.statistics import FEWEST_FOR_INTERVAL, Summary, summarize
from attainable.workload.graph import Workload

Prober = Callable[[Sequence[Variant], float], Probed]
"""Times variants against each other within about so many seconds."""

_TURN_SECONDS = 0.01
_FEWEST_TURNS, _MOST_TURNS = 4, 40
_MOST_RUNS = 1000
_MOST_ROUNDS = 11
"""With eleven rounds one may be spoilt at either end without moving the interval."""
_OVERTIME = 2.0
"""A probe may take this many budgets for the rounds that an interval needs, or where the interval is wide."""
_WIDE = 0.1
_DEADLINE_SECONDS = 60.0


def probe(variants: Sequence[Variant], *, runtime: str, budget_seconds: float) -> Probed:
    """Time variants against each other, for as many rounds as the budget allows, at least six where it can be.

    Args:
        variants: the first is the pattern as found.
        runtime: a key of ``RUNTIMES``.
        budget_seconds: for everything, starting processes included.

    Raises:
        RunError: the runtime refused a variant, or its worker died or hung.
    """
    start = monotonic()
    chosen = runtime_of(runtime)
    rounds: list[tuple[Summary, ...]] = []
    with tempfile.TemporaryDirectory(prefix="attainable-probe-") as name:
        prepared: list[tuple[Variant, Workload, Inputs]] = []
        for index, variant in enumerate(variants):
            folder = Path(name) / str(index)
            folder.mkdir()
            workload = variant.write(folder)
            prepared.append((variant, workload, make_inputs(workload, variant.inputs)))
        while len(rounds) < _MOST_ROUNDS:
            took = monotonic() - start
            next_end = took * (len(rounds) + 1) / len(rounds) if rounds else 0.0
            if next_end > (budget_seconds if _settled(rounds) else _OVERTIME * budget_seconds):
                break
            rounds.append(_round(prepared, chosen, budget_seconds / FEWEST_FOR_INTERVAL))
    return Probed(tuple(rounds))


def _settled(rounds: Sequence[tuple[Summary, ...]]) -> bool:
    """Whether the rounds give an interval of every saving, and a narrow one against the pattern's time."""
    if len(rounds) < FEWEST_FOR_INTERVAL:
        return False
    probed = Probed(tuple(rounds))
    savings = [probed.saving(variant) for variant in range(1, len(rounds[0]))]
    return all((saving.high - saving.low) / 2 < _WIDE * abs(saving.median) for saving in savings)


def _round(
    prepared: Sequence[tuple[Variant, Workload, Inputs]], runtime: Runtime, seconds: float
) -> tuple[Summary, ...]:
    """One fresh process for each variant, run in turns for about ``seconds``, starting included."""
    end = monotonic() + seconds
    with ExitStack() as stack:
        # Opened at once, because importing the runtime takes longest. The threads must outlive the workers: Linux ends
        # a worker together with the thread that started it.
        pool = stack.enter_context(ThreadPoolExecutor(len(prepared)))

        def opened(entry: tuple[Variant, Workload, Inputs]) -> Session:
            variant, workload, inputs = entry
            session = runtime.open(
                workload, inputs.arrays, threads=variant.threads, deadline_seconds=_DEADLINE_SECONDS
            )  # fmt: skip
            return stack.enter_context(session)

        sessions = list(pool.map(opened, prepared))
        for session in sessions:
            _runs(session, minimum=2)
        seconds_of: list[list[float]] = [[] for _ in sessions]
        for turn in range(_MOST_TURNS):
            if turn >= _FEWEST_TURNS and monotonic() > end:
                break
            order = range(len(sessions))
            # there and back, so that none is always first
            for index in reversed(order) if turn % 2 else order:
                seconds_of[index] += _runs(sessions[index], minimum=1)
        return tuple(map(summarize, seconds_of))


def _runs(session: Session, *, minimum: int) -> tuple[float, ...]:
    samples = session.run(
        seconds=_TURN_SECONDS, minimum=minimum, maximum=_MOST_RUNS, deadline_seconds=_DEADLINE_SECONDS
    )
    return samples.seconds
