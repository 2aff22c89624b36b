"""What a new calibration makes of an earlier one of the same machine."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from typing import TypeVar

from attainable.devices import Bandwidth, Ceiling, Device, Memory, Roof, Sourced

UNSURE = 1.05
"""An earlier number is unsure when its interval ends at more than so many times it."""

_Entry = TypeVar("_Entry", Roof, Bandwidth, Ceiling)


def raised(device: Device, earlier: Device) -> Device:
    """``device`` with each number at the higher of its own and the earlier value; a latency at the lower.

    Others on the machine, or on the host of a virtual one, slow its memory down by a fifth for minutes; what it once
    did it can do. An earlier number that was unsure gives way to one that is not. What was not measured this time is
    kept.
    """
    before = {memory.name: memory for memory in earlier.memories}
    names = {memory.name for memory in device.memories}
    memories = [
        _raised_memory(memory, before[memory.name]) if memory.name in before else memory for memory in device.memories
    ]
    return replace(
        device,
        roofs=_merged(device.roofs, earlier.roofs, _roof_key, _faster_roof),
        ceilings=_merged(device.ceilings, earlier.ceilings, _ceiling_key, _faster_ceiling),
        # Both lists go from slow to fast, and the faster memories are those that a quick calibration leaves out.
        memories=(*memories, *(memory for memory in earlier.memories if memory.name not in names)),
    )


def better(now: Sourced, before: Sourced) -> Sourced:
    """The higher one; a sure one where the earlier is not."""
    if _is_unsure(before) and not _is_unsure(now):
        return now
    return max(now, before, key=lambda number: number.value)


def _is_unsure(number: Sourced) -> bool:
    return number.high is not None and number.high > UNSURE * number.value


def _merged(
    now: Iterable[_Entry],
    before: Iterable[_Entry],
    key_of: Callable[[_Entry], Hashable],
    choose: Callable[[_Entry, _Entry], _Entry],
) -> tuple[_Entry, ...]:
    entries = {key_of(entry): entry for entry in now}
    for entry in before:
        key = key_of(entry)
        entries[key] = choose(entries[key], entry) if key in entries else entry
    return tuple(entries.values())


def _raised_memory(memory: Memory, earlier: Memory) -> Memory:
    latencies = [latency for latency in (memory.latency_seconds, earlier.latency_seconds) if latency is not None]
    return replace(
        memory,
        bandwidths=_merged(memory.bandwidths, earlier.bandwidths, _bandwidth_key, _faster_bandwidth),
        latency_seconds=min(latencies, key=lambda latency: latency.value, default=None),
    )


def _roof_key(roof: Roof) -> Hashable:
    return roof.engine, roof.dtype, roof.threads, roof.operations_per_second.kind


def _ceiling_key(ceiling: Ceiling) -> Hashable:
    return ceiling.practice, ceiling.runtime, ceiling.dtype, ceiling.weight_dtype, ceiling.threads


def _bandwidth_key(bandwidth: Bandwidth) -> Hashable:
    return bandwidth.access, bandwidth.threads, bandwidth.bytes_per_second.kind


def _faster_roof(now: Roof, before: Roof) -> Roof:
    return replace(now, operations_per_second=better(now.operations_per_second, before.operations_per_second))


def _faster_ceiling(now: Ceiling, before: Ceiling) -> Ceiling:
    return replace(now, operations_per_second=better(now.operations_per_second, before.operations_per_second))


def _faster_bandwidth(now: Bandwidth, before: Bandwidth) -> Bandwidth:
    return replace(now, bytes_per_second=better(now.bytes_per_second, before.bytes_per_second))
