"""Measures one network against another: interleaved, in fresh processes, with the interval of the ratio.

A machine changes while it measures: clocks fall, other programs come and go. Two networks timed one after the other
differ by that alone. Here a pair is a fresh process for each network, and the two run in turns of some milliseconds,
A B B A, so that whatever happens meets both. Each pair gives one ratio, because where the memory of a process happens
to lie changes its times, and the interval is over pairs. On a busy machine of two cores, turns of 15 ms in place of one
block of 0.3 s each cut the spread of the ratio of a network to itself from 28 % to 3 %.

Beside the first nine pairs, and beside more of them until its noise is small, the first network runs in a second fresh
process, in the same turns: what its two processes differ by is the noise of this machine, below which ``claim`` claims
nothing. On a quiet machine processes of one network differ by 2.6 % (standard deviation over 170 pairs, Zen 3), so that
nine pairs find a difference of 5 % in 85 % of comparisons and twenty in all but 1 in 1000 (resampled from these pairs).

Source: A. Georges et al., "Statistically Rigorous Java Performance Evaluation", OOPSLA 2007 (several processes);
T. Kalibera, R. Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from time import monotonic

from attainable.errors import InvalidQuantity
from attainable.measurement.claim import Claim, decide, own_noise
from attainable.measurement.correctness import correctness, reference_outputs
from attainable.measurement.inputs import Array, Given, make_inputs
from attainable.quantities import format_share
from attainable.runtimes import Runtime, Samples, Session, require_precision
from attainable.runtimes import runtime as runtime_of
from attainable.timing.conditions import others_share, read_cpu_times
from attainable.timing.gate import MOST_OTHERS
from attainable.timing.statistics import FEWEST_FOR_INTERVAL, summarize
from attainable.workload.dtypes import is_floating
from attainable.workload.graph import Workload

PAIRS = 20
_WARM_UP_SHARE = 1 / 3
_TURN_SECONDS = 0.015
PAIR_SECONDS = 0.3
"""What each network of a pair runs, at least; a run that is longer is made once a turn."""
_MOST_TURNS = 48
_MOST_RUNS = 1000
_DEADLINE_SECONDS = 120.0
_WIDE = 0.05
_OWN_PAIRS = 9
"""The first pairs that the first network meets itself in: the fewest of which the interval leaves out an outlier."""
_CALM = 0.02
"""Where the first network differs from itself by no more, further pairs of its own would tell little."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much faster the second network is than the first.

    Attributes:
        first, second: names of the networks.
        runtime, version: what ran them.
        threads: processor threads that one kernel could use, equal for both.
        first_seconds, second_seconds: median over all pairs of the median run.
        ratio: median over the pairs of first / second; above 1 the second network is faster.
        low, high: 95 % interval of that median by order statistics; without six pairs the smallest and the largest.
        ratios: of each pair, in the order in which they were measured.
        has_interval: whether there were enough pairs for 95 %.
        warnings: what to know before trusting it, one sentence each.
        own_ratios: of the first network to itself in another process, in some of the pairs.
        others: share of the machine that other processes used meanwhile, on this machine or on others of the same
            hypervisor; None where unknown.
        precision: the type that most of the second network's arithmetic really ran in; empty if unknown.
        wrong: outputs of the two that are not those of the reference, one sentence each; empty also where they were not
            compared.
        first_peak_bytes, second_peak_bytes: median over the pairs of the largest resident memory of the worker,
            interpreter and runtime included; 0 where unknown.
    """

    first: str
    second: str
    runtime: str
    version: str
    threads: int
    first_seconds: float
    second_seconds: float
    ratio: float
    low: float
    high: float
    ratios: tuple[float, ...]
    has_interval: bool
    warnings: tuple[str, ...]
    own_ratios: tuple[float, ...] = ()
    others: float | None = None
    first_peak_bytes: int = 0
    second_peak_bytes: int = 0
    precision: str = ""
    wrong: tuple[str, ...] = ()

    @property
    def claim(self) -> Claim:
        """What may be said of the second network."""
        return decide(self.ratios, self.own_ratios, self.others)

    @property
    def is_faster(self) -> bool:
        """Whether the second network is the faster one whatever else ran.

        The whole interval lies above 1, and further from it than the first network lies from itself, where that was
        measured.
        """
        noise = self.claim.noise
        return self.has_interval and self.low > 1 and (noise is None or 1 - 1 / self.ratio > noise)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A comparison with what may be said of it, as it is printed and saved.

    Attributes:
        verdict: the claim in words.
        claim: what may be said.
        comparison: what it rests on.
    """

    verdict: str
    claim: Claim
    comparison: Comparison


def compare_workloads(
    first: Workload,
    second: Workload,
    *,
    runtime: str = "onnxruntime",
    threads: int = 1,
    pairs: int = PAIRS,
    pair_seconds: float = PAIR_SECONDS,
    time_budget_seconds: float = 900.0,
    inputs: Given | None = None,
    precision: str | None = None,
    check_outputs: bool = False,
    progress: Callable[[int, int], None] = lambda done, pairs: None,
) -> Comparison:
    """Run two networks in turns and compare their times.

    Comparing a network with itself shows what the machine's noise does: the interval then holds 1 in 95 % of cases.

    Args:
        first: the network to beat.
        second: the one that may be faster; it takes the same inputs where it has the same.
        runtime: a key of ``RUNTIMES``.
        threads: processor threads that one kernel may use.
        pairs: how many fresh processes of each.
        pair_seconds: what each process runs, at least, after a third of that to warm up.
        time_budget_seconds: no pair starts later than this, once there are enough for an interval.
        inputs: arrays or ``.npy`` files for some inputs; the others are made from a seed.
        precision: to compute in, as for ``Runtime.open``.
        check_outputs: also compare the outputs of each with those of a reference, before the first pair.
        progress: told the number of pairs done and of all pairs.

    Raises:
        UnknownName: no runtime has this name.
        InvalidQuantity: no pairs or threads, or given inputs that do not fit the networks.
        InputsUnavailable: no valid inputs can be made.
        RuntimeRefused, WorkerCrashed, WorkerTimedOut: a network cannot be run.
    """
    if pairs < 1 or threads < 1:
        raise InvalidQuantity("needs at least one pair and one thread", where="comparison")
    chosen = runtime_of(runtime)
    require_precision(chosen, precision)
    arrays = make_inputs(first, inputs).arrays
    contenders = [(first, arrays), (second, _inputs_of(second, first, arrays, inputs)), (first, arrays)]
    wrong = tuple(
        sentence
        for workload, given in (contenders[:2] if check_outputs else ())
        for sentence in _wrong_outputs(chosen, workload, given, threads=threads, precision=precision)
    )
    end = monotonic() + time_budget_seconds
    before = read_cpu_times()
    found: list[tuple[_Turns, ...]] = []
    own_ratios: list[float] = []
    version = ran = ""
    while len(found) < pairs and (len(found) < min(pairs, FEWEST_FOR_INTERVAL) or monotonic() < end):
        with ExitStack() as workers:
            sessions = [
                workers.enter_context(
                    chosen.open(
                        workload, given, threads=threads, deadline_seconds=_DEADLINE_SECONDS, precision=precision
                    )
                )
                for workload, given in (contenders if _meets_itself(own_ratios) else contenders[:2])
            ]
            turns = _in_turns(sessions, pair_seconds)
            version, ran = sessions[0].version, sessions[1].precision
        found.append(turns)
        own_ratios += [turns[0].seconds / each.seconds for each in turns[2:]]
        progress(len(found), pairs)
    # What a hypervisor gives to others counts as theirs.
    others = others_share(before, read_cpu_times())
    ratios = tuple(turns[0].seconds / turns[1].seconds for turns in found)
    summary = summarize(ratios)
    return Comparison(
        first=first.name,
        second=second.name,
        runtime=runtime,
        version=version,
        threads=threads,
        first_seconds=median(turns[0].seconds for turns in found),
        second_seconds=median(turns[1].seconds for turns in found),
        ratio=summary.median,
        low=summary.low,
        high=summary.high,
        ratios=ratios,
        has_interval=len(ratios) >= FEWEST_FOR_INTERVAL,
        warnings=(*_other_precision(precision, ran), *_doubts(ratios, pairs, others)),
        own_ratios=tuple(own_ratios),
        others=others,
        precision=ran,
        wrong=wrong,
        first_peak_bytes=int(median(turns[0].peak_bytes for turns in found)),
        second_peak_bytes=int(median(turns[1].peak_bytes for turns in found)),
    )


def _wrong_outputs(
    runtime: Runtime, workload: Workload, inputs: Mapping[str, Array], *, threads: int, precision: str | None
) -> Iterator[str]:
    """What is wrong with the outputs of a network in a runtime, one sentence each."""
    reference = reference_outputs(workload, inputs, threads=threads, deadline_seconds=_DEADLINE_SECONDS)
    with runtime.open(
        workload, inputs, threads=threads, deadline_seconds=_DEADLINE_SECONDS, precision=precision
    ) as session:
        found = correctness(session, runtime, workload, inputs, reference, deadline_seconds=_DEADLINE_SECONDS)
    yield from (f"{workload.name}: {fault}" for fault in found.faults)


def _other_precision(asked: str | None, ran: str) -> Iterator[str]:
    if asked is not None and is_floating(ran) and ran != asked:
        yield f"{asked} was asked for, {ran} ran"


@dataclass(frozen=True, slots=True)
class _Turns:
    """The median run of a session in its turns, and the peak memory of its worker."""

    seconds: float
    peak_bytes: int


def _meets_itself(own_ratios: Sequence[float]) -> bool:
    """Whether the first network should meet itself in the next pair too."""
    noise = own_noise(own_ratios)
    return len(own_ratios) < _OWN_PAIRS or noise is None or noise > _CALM


def _inputs_of(second: Workload, first: Workload, arrays: dict[str, Array], given: Given | None) -> dict[str, Array]:
    """The same arrays, where both networks take the same; else its own."""
    wanted, there = (
        {tensor.name: (tensor.dtype, tensor.shape) for tensor in workload.inputs} for workload in (second, first)
    )
    if wanted == there:
        return arrays
    return make_inputs(second, {name: array for name, array in (given or {}).items() if name in wanted}).arrays


def _in_turns(sessions: Sequence[Session], pair_seconds: float) -> tuple[_Turns, ...]:
    """The median run of each of some sessions that run in turns, after a warm-up."""
    for session in sessions:
        _run(session, seconds=_WARM_UP_SHARE * pair_seconds, minimum=2)
    seconds: list[list[float]] = [[] for _ in sessions]
    peaks = [0] * len(sessions)
    for turn in range(_MOST_TURNS):
        for position in _order(turn, len(sessions)):
            samples = _run(sessions[position], seconds=_TURN_SECONDS, minimum=1)
            seconds[position].extend(samples.seconds)
            peaks[position] = max(peaks[position], samples.peak_rss_bytes)
        # Each has been everywhere equally often.
        if (turn + 1) % (2 * len(sessions)) == 0 and min(map(sum, seconds)) >= pair_seconds:
            break
    return tuple(_Turns(median(times), peak) for times, peak in zip(seconds, peaks, strict=True))


def _order(turn: int, count: int) -> list[int]:
    """Who runs when in a turn: the numbers to ``count``, forwards and backwards, each two turns starting one later."""
    start = turn // 2 % count
    order = [*range(start, count), *range(start)]
    return order if turn % 2 == 0 else order[::-1]


def _run(session: Session, *, seconds: float, minimum: int) -> Samples:
    return session.run(seconds=seconds, minimum=minimum, maximum=_MOST_RUNS, deadline_seconds=_DEADLINE_SECONDS)


def _doubts(ratios: tuple[float, ...], pairs: int, others: float | None) -> Iterator[str]:
    summary = summarize(ratios)
    if len(ratios) < FEWEST_FOR_INTERVAL:
        yield f"{len(ratios)} pairs give no 95 % interval; give at least {FEWEST_FOR_INTERVAL} with --pairs"
    elif len(ratios) < pairs:
        yield f"only {len(ratios)} of {pairs} pairs fitted into the time budget; give more with --time-budget"
    if summary.relative_half_width > _WIDE:
        yield (
            f"noisy: the ratio is {summary.low:.2f} to {summary.high:.2f} over {len(ratios)} pairs; "
            "close other programs or measure more with --pairs"
        )
    if others is not None and others > MOST_OTHERS:
        yield f"other processes used {format_share(others)} of the machine meanwhile; close them"
