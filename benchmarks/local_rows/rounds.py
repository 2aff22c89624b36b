"""Several networks, or functions of this process, timed in turns; the first one also against itself.

``attainable.measurement.compare`` does this for two networks. Here are as many as a claim needs: a round is a fresh
process for each network and a second one for the first network, all of which run in turns of some milliseconds.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from attainable.measurement.claim import own_noise
from attainable.measurement.inputs import Array, make_inputs
from attainable.runtimes import Runtime, Session
from attainable.runtimes.onnxruntime import RUNTIME
from attainable.timing.conditions import others_share, read_cpu_times
from attainable.workload import Workload
from benchmarks.local_rows.turns import take_turns, timed_function, timed_session

_DEADLINE_SECONDS = 120.0

Progress = Callable[[int, int], None]
"""Told the number of rounds done and of all rounds."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    Attributes:
        rounds: fresh processes of each network; at least six, or there is no interval.
        seconds: that each runs in a round, at least.
        progress: told after each round.
    """

    rounds: int = 9
    seconds: float = 0.12
    progress: Progress = lambda done, rounds: None


@dataclass(frozen=True, slots=True)
class Contender:
    """A network, and how it is run.

    Attributes:
        workload: the network.
        runtime: what runs it.
        inputs: that it runs on; None makes them up.
    """

    workload: Workload
    runtime: Runtime = RUNTIME
    inputs: Mapping[str, Array] | None = None


@dataclass(frozen=True, slots=True)
class Rounds:
    """The times of some contenders.

    Attributes:
        seconds: of each contender, by name: the median run of each round.
        own_seconds: of the first one's second process.
        others: share of the machine that other processes used meanwhile; None where unknown.
    """

    seconds: Mapping[str, tuple[float, ...]]
    own_seconds: tuple[float, ...]
    others: float | None

    @property
    def own_ratios(self) -> tuple[float, ...]:
        """The first contender by itself, round by round."""
        first = next(iter(self.seconds.values()))
        return tuple(time / own for time, own in zip(first, self.own_seconds, strict=True))

    @property
    def noise(self) -> float | None:
        """Share by which the first contender differs from itself; None with fewer than six rounds."""
        return own_noise(self.own_ratios)

    @property
    def count(self) -> int:
        """How many rounds."""
        return len(self.own_seconds)

    def median(self, name: str) -> float:
        """Seconds of a contender: the median over the rounds."""
        return median(self.seconds[name])

    def ratios(self, above: str, below: str) -> tuple[float, ...]:
        """Time of one contender by that of another, round by round."""
        return tuple(a / b for a, b in zip(self.seconds[above], self.seconds[below], strict=True))


def measure_networks(contenders: Mapping[str, Contender], effort: Effort, *, threads: int = 1) -> Rounds:
    """Time networks against each other, a fresh process for each in every round.

    Args:
        contenders: by name; the first one also meets itself.
        effort: how much to measure.
        threads: processor threads that one kernel may use.

    Raises:
        RunError: a network cannot be run.
    """
    entries = [*contenders.values(), next(iter(contenders.values()))]
    inputs = [make_inputs(each.workload).arrays if each.inputs is None else dict(each.inputs) for each in entries]

    def opened(place: int) -> Session:
        entry = entries[place]
        return entry.runtime.open(
            entry.workload, inputs[place], threads=threads, deadline_seconds=_DEADLINE_SECONDS
        )  # fmt: skip

    def one_round() -> list[float]:
        with ExitStack() as workers, ThreadPoolExecutor() as pool:
            # Starting them one after the other would take longer than the runs.
            openings = [pool.submit(opened, place) for place in range(len(entries))]
            faults = [error for error in (opening.exception() for opening in openings) if error is not None]
            sessions = [workers.enter_context(each.result()) for each in openings if each.exception() is None]
            if faults:
                raise faults[0]
            return take_turns([timed_session(session) for session in sessions], effort.seconds)

    return _rounds(list(contenders), one_round, effort)


def measure_functions(functions: Mapping[str, Callable[[], object]], effort: Effort) -> Rounds:
    """Time functions of this process against each other; the first one also meets itself."""
    entries = [*functions.values(), next(iter(functions.values()))]
    return _rounds(
        list(functions), lambda: take_turns([timed_function(each) for each in entries], effort.seconds), effort
    )


def _rounds(names: Sequence[str], one_round: Callable[[], list[float]], effort: Effort) -> Rounds:
    before = read_cpu_times()
    found: list[list[float]] = []
    for done in range(effort.rounds):
        found.append(one_round())
        effort.progress(done + 1, effort.rounds)
    others = others_share(before, read_cpu_times())
    *columns, own = zip(*found, strict=True)
    return Rounds(dict(zip(names, columns, strict=True)), own, others)
