"""What stands in the way of measuring on a machine, from its conditions and from what was seen for a second."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from attainable.quantities import format_bytes, format_count, format_share
from attainable.timing.conditions import Conditions
from attainable.timing.gate import Reading, judge, shares

Severity = Literal["unusable", "disturbs", "notable"]
"""No time can be believed; times vary more than they need to; something to know when reading times."""

LEAST_LEFT = 0.9
"""Processors that others must leave: with less, not even one thread runs without waiting."""

HOT_CELSIUS = 90.0
"""Processors slow themselves down at 85 to 105 degrees Celsius (Tjunction or Tctl limits in the makers' sheets)."""

SLOW_CLOCK = 0.8
"""Share of the highest clock below which a busy core is held back: all-core and single-core turbo differ by less."""

LEAST_MEMORY = 0.05
"""Share of the memory below which the system begins to write memory to disk and to drop files that it had cached."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something in the way.

    Attributes:
        kind: a key of the tables of sentences.
        severity: how much in the way.
        values: the numbers of the sentence.
    """

    kind: str
    severity: Severity
    values: dict[str, str] = field(default_factory=dict[str, str])


def obstacles(
    conditions: Conditions, before: Reading, after: Reading, *, available_memory_bytes: int | None = None
) -> tuple[Obstacle, ...]:  # fmt: skip
    """Everything in the way, the worst first.

    Args:
        conditions: of the machine.
        before: read before a second in which we did nothing.
        after: read after it.
        available_memory_bytes: what a new program can take; None where unknown.
    """
    found = [
        *_seen(conditions, before, after), *_of_processors(conditions), *_of_clock(conditions, after),
        *_of_memory(conditions, available_memory_bytes), *_of_structure(conditions),
    ]  # fmt: skip
    order: tuple[Severity, ...] = ("unusable", "disturbs", "notable")
    return tuple(sorted(found, key=lambda obstacle: order.index(obstacle.severity)))


def _seen(conditions: Conditions, before: Reading, after: Reading) -> Iterator[Obstacle]:
    """What the gate says of the second that passed."""
    others, steal = shares(before, after)
    processors = after.times.processors if after.times else conditions.processors
    left = processors * (1 - (others or 0.0) - (steal or 0.0))
    verdict = judge(before, after)
    for each in verdict.disturbances:
        # Only what takes processors away can make a run of one thread meaningless.
        takes_all = each.kind in ("others", "steal") and left < LEAST_LEFT
        yield Obstacle(each.kind, "unusable" if takes_all else "disturbs", {"seen": each.sentence})
    if not verdict.readable:
        yield Obstacle("blind", "notable")


def _of_processors(conditions: Conditions) -> Iterator[Obstacle]:
    quota, processors = conditions.cpu_quota, conditions.processors
    if quota is not None and quota < processors:
        severity: Severity = "unusable" if quota < 1 else "disturbs"
        yield Obstacle("granted", severity, {"quota": f"{quota:g}", "processors": str(processors)})
    if conditions.cores == 1:
        yield Obstacle("alone", "notable")
    elif 0 < conditions.cores < processors:
        yield Obstacle("siblings", "notable", {"processors": str(processors), "cores": str(conditions.cores)})
    if conditions.virtual:
        yield Obstacle("virtual", "notable")


def _of_clock(conditions: Conditions, after: Reading) -> Iterator[Obstacle]:
    state = conditions.processor_state
    saving = [governor for governor in state.governors if governor != "performance"]
    if saving:
        yield Obstacle("governor", "disturbs", {"governor": " ".join(saving)})
    if after.clock_hertz and state.clock_range_hertz and after.clock_hertz < SLOW_CLOCK * state.clock_range_hertz[1]:
        clock, highest = (format_count(hertz) for hertz in (after.clock_hertz, state.clock_range_hertz[1]))
        yield Obstacle("slow clock", "disturbs", {"clock": f"{clock}Hz", "highest": f"{highest}Hz"})
    if state.temperature_celsius is not None and state.temperature_celsius >= HOT_CELSIUS:
        yield Obstacle("hot", "disturbs", {"temperature": f"{state.temperature_celsius:.0f}"})
    if state.throttle_events:
        yield Obstacle("throttled", "notable", {"events": str(state.throttle_events)})


def _of_memory(conditions: Conditions, available_memory_bytes: int | None) -> Iterator[Obstacle]:
    # Of a control group's memory the cached files count as used, though they make room at once.
    memory = None if conditions.memory_limit_bytes else conditions.memory_bytes
    if memory and available_memory_bytes is not None and available_memory_bytes < LEAST_MEMORY * memory:
        share = format_share(available_memory_bytes / memory)
        yield Obstacle("full memory", "disturbs", {"left": format_bytes(available_memory_bytes), "share": share})
    settings = conditions.memory_settings
    if settings.swap_used_bytes:
        yield Obstacle("swap", "notable", {"used": format_bytes(settings.swap_used_bytes)})
    if settings.transparent_huge_pages == "never":
        yield Obstacle("small pages", "notable")


def _of_structure(conditions: Conditions) -> Iterator[Obstacle]:
    nodes = conditions.memory_settings.processor_nodes
    if len(nodes) > 1:
        yield Obstacle("nodes", "notable", {"nodes": str(len(nodes)), "first": str(nodes[0])})
    kinds = conditions.processor_state.core_kinds
    if len(kinds) > 1:
        counts = " + ".join(str(kind.processors) for kind in kinds)
        yield Obstacle("kinds", "notable", {"counts": counts, "kinds": str(len(kinds))})
