"""The gate: what counts as noisy, and what happens to a cell that is."""

from collections.abc import Callable

import pytest

from attainable.timing.conditions import CpuTimes
from attainable.timing.gate import (
    MOST_OTHERS,
    SLOW_ANYWHERE_SECONDS,
    SLOWEST_HAND_OVER,
    Reading,
    judge,
    judge_hand_over,
    shares,
    spans,
    through_gate,
)
from attainable.timing.ping_pong import HandOver

QUIET = Reading(CpuTimes(10.0, 100.0, 5.0, 2), steal_seconds=1.0, quota_seconds=0.0, clock_hertz=3e9)


def later(
    seconds: float = 1.0, *, others: float = 0.0, steal: float = 0.0, quota: float = 0.0, clock: float = 3e9,
    heat: int | None = None,
) -> Reading:  # fmt: skip
    """Some seconds after ``QUIET``, in which others and the hypervisor used these shares of the two processors."""
    busy = 2 * seconds * (others + steal)
    return Reading(
        CpuTimes(10.0 + seconds, 100.0 + busy, 5.0, 2), steal_seconds=1.0 + 2 * seconds * steal, quota_seconds=quota,
        clock_hertz=clock, throttle_events=heat,
    )  # fmt: skip


def hand_over(nanoseconds: float, best: float) -> Reading:
    return Reading(
        QUIET.times, hand_overs=(HandOver((0, 1), nanoseconds * 1e-9, nanoseconds * 1e-9, 9),),
        best_hand_overs={(0, 1): best * 1e-9},
    )  # fmt: skip


def test_a_quiet_machine_is_quiet() -> None:
    verdict = judge(QUIET, later(others=0.05))
    assert (verdict.state, verdict.excess, verdict.reasons) == ("quiet", 0.0, ())


@pytest.mark.parametrize(
    ("after", "sentence", "excess"),
    [
        (later(others=0.34), "other processes used 34 % of the machine", 0.34 / MOST_OTHERS),
        (later(steal=0.04), "the hypervisor took 4 % of the processors' time", 2.0),
        (later(quota=0.1), "the quota of the control group stopped its processes for 100 ms", 10.0),
        (later(clock=2.4e9), "the clock went from 3.00 GHz to 2.40 GHz", 4.0),
    ],
    ids=["others", "steal", "quota", "clock"],
)
def test_a_disturbance_is_told_with_its_number(after: Reading, sentence: str, excess: float) -> None:
    verdict = judge(QUIET, after)
    assert (verdict.state, verdict.reasons) == ("noisy", (sentence,))
    assert verdict.excess == pytest.approx(excess)


def test_every_disturbance_is_told() -> None:
    assert len(judge(QUIET, later(others=0.5, steal=0.1, quota=0.5, clock=1e9)).reasons) == 4


def test_what_a_hypervisor_took_is_not_blamed_on_other_processes() -> None:
    assert shares(QUIET, later(others=0.03, steal=0.04)) == pytest.approx((0.03, 0.04))
    assert shares(QUIET, Reading(CpuTimes(11.0, 100.2, 5.0, 2))) == (pytest.approx(0.1), None)
    assert shares(Reading(), QUIET) == (None, None)


def test_heat_counts_by_how_often_it_struck_meanwhile() -> None:
    hot = Reading(QUIET.times, throttle_events=7)
    assert judge(hot, later(heat=7)).state == "quiet"
    assert judge(hot, later(heat=12)).reasons == ("heat slowed the processor down, 5 times",)


def test_what_cannot_be_read_is_unknown_and_disturbs_nobody() -> None:
    assert judge(Reading(), Reading()).state == "unknown"
    # shorter than the kernel counts
    assert judge(QUIET, later(0.05)).state == "unknown"


# The two regimes that were told apart on a machine whose best is 57 ns, and a busy neighbour.
# Source: shared notes on runtimes, section 0: 57-86 ns fast, 347-350 slow placement, 96-120 busy other core.
@pytest.mark.parametrize(
    ("nanoseconds", "noisy"), [(57, False), (86, False), (96, True), (120, True), (350, True)]
)  # fmt: skip
def test_hand_overs_tell_slow_placement_from_fast(nanoseconds: float, noisy: bool) -> None:
    for before, after in ((hand_over(nanoseconds, 57), later()), (QUIET, hand_over(nanoseconds, 57))):
        reasons = judge(before, after).reasons
        ratio = f"{nanoseconds / 57:.1f}x the best seen here"
        number = f"{nanoseconds}.0" if nanoseconds < 100 else str(nanoseconds)
        expected = (f"processors 0 and 1 hand over in {number} ns, {ratio}",)
        assert reasons == (expected if noisy else ())


def test_a_slow_hand_over_is_told_once_with_the_worse_number() -> None:
    assert judge(hand_over(120, 57), hand_over(350, 57)).reasons == (
        "processors 0 and 1 hand over in 350 ns, 6.1x the best seen here",
    )


def test_the_first_probe_of_a_machine_is_held_against_all_processors() -> None:
    # nothing better was ever seen here
    slow = judge_hand_over(HandOver((0, 3), 350e-9, 340e-9, 9), 350e-9)
    assert slow is not None
    assert slow.sentence == "processors 0 and 3 hand over in 350 ns, slower than two cores of any processor should"
    assert slow.excess == pytest.approx(350e-9 / SLOW_ANYWHERE_SECONDS)
    assert judge_hand_over(HandOver((0, 3), 150e-9, 140e-9, 9), 150e-9) is None


def test_two_threads_of_a_core_are_recognised_where_the_system_hides_them() -> None:
    found = judge_hand_over(HandOver((0, 1), 7e-9, 6e-9, 9), 57e-9)
    assert found is not None
    assert (found.kind, found.sentence.partition(":")[0]) == ("one core", "processors 0 and 1 hand over in 7.00 ns")


def test_the_limit_itself_is_still_quiet() -> None:
    assert judge_hand_over(HandOver((0, 1), SLOWEST_HAND_OVER * 64e-9, 64e-9, 9), 64e-9) is None


class Machine:
    """A machine on which others use these shares during consecutive attempts; counts what is asked of it."""

    def __init__(self, *shares: float) -> None:
        self._shares = iter(shares)
        self.measured = 0

    def before(self) -> Reading:
        return QUIET

    def after(self) -> Reading:
        return later(others=next(self._shares))

    def measure(self) -> int:
        self.measured += 1
        return self.measured


def passed(machine: Machine, **options: int) -> tuple[int, str, int]:
    """The attempt that was given, the state, and how many attempts there were."""
    found = through_gate(machine.measure, machine.before, machine.after, **options)
    assert machine.measured == found.attempts
    return found.result, found.verdict.state, found.attempts


def test_a_quiet_cell_is_measured_once() -> None:
    assert passed(Machine(0.01)) == (1, "quiet", 1)


def test_a_noisy_cell_is_repeated_until_it_is_quiet() -> None:
    assert passed(Machine(0.5, 0.02, 0.5)) == (2, "quiet", 2)


def test_a_cell_that_stays_noisy_is_marked_and_the_quietest_attempt_is_given() -> None:
    assert passed(Machine(0.5, 0.2, 0.3)) == (2, "noisy", 3)


def test_a_cell_that_is_not_worth_repeating_is_marked_at_once() -> None:
    assert passed(Machine(0.5), attempts=1) == (1, "noisy", 1)


def test_a_fault_is_not_repeated() -> None:
    def fail() -> int:
        raise ValueError("no model")

    machine = Machine()
    with pytest.raises(ValueError, match="no model"):
        through_gate(fail, machine.before, machine.after)


def test_the_readings_are_told_in_pairs() -> None:
    told = dict(spans(hand_over(60, 57), later(others=0.34)))
    assert told["others meanwhile"] == "34 %"
    assert told["hand-over 0-1 before"] == "6e-08 s"
    assert told["clock after"] == "3e+09 Hz"
    assert told["clock before"] == told["load average after"] == "unknown"


def test_each_reading_is_taken_in_its_order() -> None:
    order: list[str] = []

    def note(what: str, reading: Reading) -> Callable[[], Reading]:
        return lambda: order.append(what) or reading

    through_gate(lambda: order.append("cell"), note("before", QUIET), note("after", later()))
    assert order == ["before", "cell", "after"]
