"""What is kept of an earlier calibration, and how disturbed ones are told."""

import pytest

from attainable.calibration.noise import Noise
from attainable.calibration.recalibration import raised
from attainable.calibration.roofs import Rounds, drift
from attainable.calibration.team import Team
from attainable.calibration.trials import Trials
from attainable.devices import Bandwidth, Ceiling, Device, Kind, Memory, Roof, Sourced


def number(value: float, kind: Kind = "measured", *, high: float | None = None) -> Sourced:
    return Sourced(value, f"{value:g}", kind, None, high)


def machine(*roofs: Roof, memories: tuple[Memory, ...] = (), ceilings: tuple[Ceiling, ...] = ()) -> Device:
    return Device("local", "t", 2, roofs, memories, ceilings=ceilings)


def peak(value: float, *, threads: int = 1, kind: Kind = "measured", high: float | None = None) -> Roof:
    return Roof("vector", "float32", threads, number(value, kind, high=high))


def test_the_higher_roof_stays():
    assert raised(machine(peak(10)), machine(peak(12))) == machine(peak(12))
    assert raised(machine(peak(12)), machine(peak(10))) == machine(peak(12))


def test_threads_and_kinds_are_apart():
    now = machine(peak(10), peak(19, threads=2), peak(20, kind="specified"))
    before = machine(peak(12), peak(18, threads=2), peak(16, kind="specified"))
    assert raised(now, before) == machine(peak(12), peak(19, threads=2), peak(20, kind="specified"))


def test_an_unsure_roof_gives_way_to_a_sure_lower_one():
    unsure = machine(peak(12, high=13))  # 8 % above
    assert raised(machine(peak(10, high=10.1)), unsure) == machine(peak(10, high=10.1))
    assert raised(machine(peak(10, high=12)), unsure) == unsure  # neither is sure
    assert raised(machine(peak(10, high=10.1)), machine(peak(12, high=12.1))) == machine(peak(12, high=12.1))


def test_what_was_not_measured_again_is_kept():
    caches = (Memory("DRAM", None, (Bandwidth(1, number(5)),)), Memory("L1", None, (Bandwidth(1, number(50)),)))
    gemm = Ceiling("gemm", "r", "float32", "float32", 1, number(7))
    before = machine(peak(12), Roof("special", "float32", 1, number(3)), memories=caches, ceilings=(gemm,))
    after = raised(machine(peak(13), memories=caches[:1]), before)
    assert [roof.engine for roof in after.roofs] == ["vector", "special"]
    assert after.memories == caches
    assert after.ceilings == (gemm,)


def test_accesses_are_raised_and_latencies_lowered():
    def memory(read: float, triad: float, latency: float | None) -> Memory:
        bandwidths = (Bandwidth(1, number(read)), Bandwidth(1, number(triad), "triad"))
        return Memory("DRAM", None, bandwidths, number(latency) if latency else None)

    def after(now: Memory, before: Memory) -> Memory:
        return raised(machine(memories=(now,)), machine(memories=(before,))).memories[0]

    assert after(memory(30, 15, 9e-8), memory(20, 18, 8e-8)) == memory(30, 18, 8e-8)
    assert after(memory(30, 15, None), memory(20, 18, 8e-8)) == memory(30, 18, 8e-8)


def test_a_quiet_calibration_says_nothing():
    for quiet in (Noise(0.05, 0.01), Noise(None, None), Noise(0.10, 0.03)):
        assert quiet.reasons == ()
        assert quiet.memory_factor == quiet.core_factor == 1.0


def test_a_disturbed_one_says_why_and_how_much_it_may_have_lost():
    busy = Noise(0.2, 0.01)
    assert busy.reasons == ("others used 20% of the machine",)
    assert busy.core_factor == pytest.approx(1.01)
    assert busy.memory_factor == pytest.approx(1.01 / 0.8)  # the others' fifth on top
    throttled = Noise(None, 0.08)
    assert throttled.reasons == ("the clock changed by 8% between beginning and end",)
    assert throttled.core_factor == throttled.memory_factor == pytest.approx(1.08)
    assert Noise(None, None, throttle_events=3).reasons == ("heat slowed the processor down 3 times",)
    assert Noise(0.9, None).memory_factor == pytest.approx(2.0)  # more than half is not scaled up


def test_drift_is_that_of_the_worst_core():
    steady = [3.0, 2.9, 3.0, 3.0, 2.8, 3.0]
    falling = [3.0, 2.9, 2.8, 2.8, 2.7, 2.7]
    # The best of the first two against the best of the last two.
    assert drift([steady]) == pytest.approx(0.0)
    assert drift([steady, falling]) == pytest.approx(1 - 2.7 / 3.0)
    assert drift([steady[:5]]) is None  # too few to tell


def test_the_interval_is_what_the_halves_of_the_time_disagree_by():
    trials = Trials()
    for rate, kernel in ((8.0, "a"), (10.0, "b"), (7.0, "a"), (9.5, "b")):
        trials.note(("peak", "x"), members=(1,), rate=rate, kernel=kernel)
    best = trials.best(("peak", "x"), everyone=False)
    assert best is not None
    # First half 8 and 10, second half 7 and 9.5: the best is 10, the other half reached 9.5.
    assert (best.rate, best.kernel, best.trials) == (10.0, "b", 4)
    assert (best.low, best.high) == (9.5, 10.5)
    assert best.median == 9.75  # of the trials of b
    assert trials.contenders(("peak", "x"), everyone=False, most=1) == {"b"}
    assert trials.best(("peak", "x"), everyone=True) is None
    trials.note(("peak", "x"), members=(0,), rate=4.0, kernel="a")
    trials.note(("peak", "x"), members=(0, 1), rate=12.0, kernel="a")
    assert trials.each(("peak", "x")) == {0: 4.0, 1: 10.0}


def rounds(*, uneven: bool) -> Rounds:
    """A fast core and one of half the speed; together each does what the slow one can."""
    with Team(range(2)) as team:
        found = Rounds(team, (), uneven=uneven)
    for members, rate in (((0,), 10.0), ((1,), 5.0), ((0, 1), 10.0)):
        found.trials.note(("peak", "x"), members=members, rate=rate, kernel="k")
        found.trials.note(("read", "DRAM"), members=members, rate=rate, kernel="k")
    return found


def test_big_and_little_cores_together_do_what_each_does_alone():
    assert rounds(uneven=False).ceiling(("peak", "x")).all.rate == 10.0
    together = rounds(uneven=True).ceiling(("peak", "x"))
    assert (together.one.rate, together.all.rate, together.all.high) == (10.0, 15.0, 15.0)
    # Memory is shared: what they reach together counts.
    assert rounds(uneven=True).ceiling(("read", "DRAM")).all.rate == 10.0


def test_the_roof_of_memory_is_what_one_trial_in_twenty_reaches():
    trials = Trials()
    # 38 trials at 30 and two that found their bytes in a nearer cache, one in each half of the time
    for number in range(40):
        trials.note(("read", "DRAM"), members=(0,), rate=60.0 if number in (5, 25) else 30.0, kernel="a")
        trials.note(("peak", "float32"), members=(0,), rate=60.0 if number == 5 else 30.0, kernel="b")
    memory, core = trials.best(("read", "DRAM"), everyone=False), trials.best(("peak", "float32"), everyone=False)
    assert memory is not None
    assert core is not None
    assert (memory.rate, memory.low, memory.high) == (30.0, 30.0, 30.0)
    assert core.rate == 60.0  # arithmetic cannot be too fast
