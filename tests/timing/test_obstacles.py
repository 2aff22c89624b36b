"""What is in the way of measuring: each obstacle from the condition that makes it, and none without."""

from dataclasses import replace

import pytest

from attainable.timing.conditions import Conditions, CpuTimes
from attainable.timing.gate import Reading
from attainable.timing.memory_settings import MemorySettings
from attainable.timing.obstacles import HOT_CELSIUS, Obstacle, obstacles
from attainable.timing.ping_pong import HandOver
from attainable.timing.processor import CoreKind, ProcessorState

GIB = 2**30
CALM = Conditions(
    cpu="Toy 9", processors=4, cores=4, cpu_quota=None, load_average=0.0, clock_hertz=3e9, isa=(),
    memory_bytes=16 * GIB, memory_limit_bytes=None, system="Linux", python="CPython", virtual=False,
    processor_state=ProcessorState(("performance",), (1e9, 3e9), (CoreKind(4, None, 3e9),), "off", 1, 50.0, 0),
    memory_settings=MemorySettings(1, (0,), (0,), "madvise", 0, 0, 0),
)  # fmt: skip
BEFORE = Reading(CpuTimes(10.0, 100.0, 5.0, 4), steal_seconds=0.0)


def after(*, others: float = 0.0, steal: float = 0.0, clock: float | None = None) -> Reading:
    """A second later, in which others and the hypervisor used these shares of the four processors."""
    return Reading(
        CpuTimes(11.0, 100.0 + 4 * (others + steal), 5.0, 4), steal_seconds=4 * steal, clock_hertz=clock
    )  # fmt: skip


def found(conditions: Conditions = CALM, last: Reading | None = None, available: int | None = 8 * GIB) -> list[str]:
    """Kinds and severities."""
    last = after() if last is None else last
    return [
        f"{each.kind}: {each.severity}"
        for each in obstacles(conditions, BEFORE, last, available_memory_bytes=available)
    ]


def state(**changes: object) -> Conditions:
    return replace(CALM, processor_state=replace(CALM.processor_state, **changes))


def settings(**changes: object) -> Conditions:
    return replace(CALM, memory_settings=replace(CALM.memory_settings, **changes))


def test_nothing_is_in_the_way_on_a_calm_machine() -> None:
    assert found() == []
    assert found(last=after(clock=2.9e9)) == []


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (state(governors=("powersave",)), "governor: disturbs"),
        (state(governors=("performance", "schedutil")), "governor: disturbs"),
        (state(temperature_celsius=HOT_CELSIUS), "hot: disturbs"),
        (state(throttle_events=3), "throttled: notable"),
        (state(core_kinds=(CoreKind(2, 1024, 3e9), CoreKind(2, 512, 2e9))), "kinds: notable"),
        (replace(CALM, cores=2), "siblings: notable"),
        (replace(CALM, processors=1, cores=1), "alone: notable"),
        (replace(CALM, cpu_quota=1.5), "granted: disturbs"),
        (replace(CALM, cpu_quota=0.5), "granted: unusable"),
        (replace(CALM, virtual=True), "virtual: notable"),
        (settings(swap_used_bytes=GIB), "swap: notable"),
        (settings(transparent_huge_pages="never"), "small pages: notable"),
        (settings(nodes=2, processor_nodes=(0, 1)), "nodes: notable"),
    ],
)
def test_each_condition_is_one_obstacle(conditions: Conditions, expected: str) -> None:
    assert found(conditions) == [expected]


@pytest.mark.parametrize(
    "conditions",
    [
        replace(CALM, cpu_quota=4.0),
        replace(CALM, virtual=None),
        replace(CALM, processor_state=ProcessorState(), memory_settings=MemorySettings()),
        settings(nodes=2, processor_nodes=(1,)),
        settings(transparent_huge_pages="always"),
    ],
    ids=["quota of all", "unknown", "nothing known", "one of two nodes", "huge pages"],
)
def test_what_is_harmless_or_unknown_is_none(conditions: Conditions) -> None:
    assert found(conditions) == []


def test_a_clock_far_below_the_highest_is_seen_by_measuring_it() -> None:
    # 2.3 GHz are 77 % of 3 GHz
    (slow,) = obstacles(CALM, BEFORE, after(clock=2.3e9))
    assert slow == Obstacle("slow clock", "disturbs", {"clock": "2.30 GHz", "highest": "3.00 GHz"})


def test_full_memory_is_told_unless_a_control_group_counts_its_files_as_used() -> None:
    assert found(available=GIB // 2) == ["full memory: disturbs"]
    assert found(replace(CALM, memory_limit_bytes=4 * GIB), available=GIB // 10) == []


def test_neighbours_disturb_and_make_measuring_meaningless_where_they_leave_no_processor() -> None:
    assert found(last=after(others=0.05)) == []
    # three of four processors are left
    assert found(last=after(others=0.25)) == ["others: disturbs"]
    # 4 x 0.2 = 0.8 of a processor is left
    assert found(last=after(others=0.8)) == ["others: unusable"]
    assert found(last=after(others=0.6, steal=0.2)) == ["others: unusable", "steal: unusable"]


def test_slow_cores_disturb_and_the_worst_comes_first() -> None:
    slow = replace(after(others=0.8), hand_overs=(HandOver((0, 1), 350e-9, 350e-9, 9),))
    machine = replace(CALM, virtual=True)
    assert found(machine, slow) == ["others: unusable", "hand-over: disturbs", "virtual: notable"]


def test_a_system_that_does_not_tell_is_blind() -> None:
    assert found(last=Reading()) == ["blind: notable"]
