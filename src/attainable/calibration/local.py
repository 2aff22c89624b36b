"""This machine as a device: measured once, kept in the cache, measured again when the machine changes."""

import contextlib
import math
from dataclasses import replace
from datetime import UTC, datetime

from attainable.calibration.arena import LastCache, last_cache
from attainable.calibration.roofs import Best, Ceiling, Measured, measure_roofs
from attainable.devices import LOCAL, Bandwidth, Device, Memory, Roof, Sourced, local_profile_path
from attainable.devices.profile import read_profile, write_profile
from attainable.errors import InputError, InvalidQuantity
from attainable.timing.conditions import (
    UNKNOWN,
    Conditions,
    core_processors,
    others_share,
    read_conditions,
    read_cpu_times,
)

METHOD = "1"
"""Version of the calibration; a profile of another version is measured again."""

CALIBRATION_SECONDS = 2.8
"""Time for compiling, filling memory and the trials; a busy machine takes up to a second longer."""

# A cached profile describes this machine while these conditions are what they were.
_IDENTITY = ("calibration method", "cpu", "processors", "cores", "cpu quota", "isa", "memory")


def local_device(*, refresh: bool = False) -> Device:
    """This machine with measured roofs, from the cache where that fits; else calibrates, which takes 3 s.

    A cache that cannot be read or written is no error: the machine is then measured every time. Measuring the same
    machine again never lowers a roof: others on the machine, or on the host of a virtual one, slow its memory down by a
    fifth for minutes, and what it once did it can do. Each number keeps the date it was reached; delete the file to
    forget them.

    Args:
        refresh: measure even if a fitting profile is cached.
    """
    path = local_profile_path()
    try:
        cached = read_profile(path)
    except InputError:
        cached = None
    if cached is not None and not _fits(cached, read_conditions()):
        cached = None
    if cached is not None and not refresh:
        return cached
    device = calibrate()
    if cached is not None:
        device = raised(device, cached)
    # A read-only home only costs the next caller 3 s.
    with contextlib.suppress(OSError, InputError):
        write_profile(device, path)
    return device


def calibrate(*, threads: int | None = None, seconds: float = CALIBRATION_SECONDS) -> Device:
    """Measure float32 peak and memory bandwidth of this machine; the cache is neither read nor written.

    Args:
        threads: how many cores count as all; None for all that this process may use within its CPU quota.
        seconds: for all of it; the trials get at least half, even where compiling and filling memory took longer.

    Raises:
        InvalidQuantity: more threads than cores, or less than one.
    """
    conditions = read_conditions()
    cores = core_processors()
    if threads is not None and not 1 <= threads <= len(cores):
        raise InvalidQuantity(
            f"cannot calibrate {threads} threads: this process may use {len(cores)} cores",
            where="threads",
            help=f"give a number from 1 to {len(cores)}",
        )
    used = cores[: threads or cores_within_quota(len(cores), conditions.cpu_quota)]
    cache = last_cache()
    before = read_cpu_times()
    measured = measure_roofs(used, conditions=conditions, cache=cache, seconds=seconds)
    share = others_share(before, read_cpu_times())
    return _device(measured, conditions=conditions, cache=cache, threads=len(used), share=share)


def cores_within_quota(cores: int, quota: float | None) -> int:
    """How many cores a CPU quota can keep busy; a started processor counts."""
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def _fits(cached: Device, now: Conditions) -> bool:
    then = dict(cached.conditions)
    today = dict(_identified(now))
    return cached.name == LOCAL and all(then.get(key) == today[key] for key in _IDENTITY)


def _identified(conditions: Conditions) -> tuple[tuple[str, str], ...]:
    return (("calibration method", METHOD), *conditions.as_pairs())


def raised(device: Device, earlier: Device) -> Device:
    """``device`` with each roof and bandwidth at the higher of its own and the earlier value."""
    roofs = {(roof.engine, roof.dtype, roof.threads): roof for roof in earlier.roofs}
    memories = {memory.name: memory for memory in earlier.memories}
    return replace(
        device,
        roofs=tuple(
            max(roof, roofs.get((roof.engine, roof.dtype, roof.threads), roof), key=_roof_value)
            for roof in device.roofs
        ),
        memories=tuple(_raised_memory(memory, memories.get(memory.name, memory)) for memory in device.memories),
    )


def _raised_memory(memory: Memory, earlier: Memory) -> Memory:
    before = {bandwidth.threads: bandwidth for bandwidth in earlier.bandwidths}
    return replace(
        memory,
        bandwidths=tuple(
            max(bandwidth, before.get(bandwidth.threads, bandwidth), key=_bandwidth_value)
            for bandwidth in memory.bandwidths
        ),
    )


def _roof_value(roof: Roof) -> float:
    return roof.operations_per_second.value


def _bandwidth_value(bandwidth: Bandwidth) -> float:
    return bandwidth.bytes_per_second.value


def _device(
    measured: Measured, *, conditions: Conditions, cache: LastCache | None, threads: int, share: float | None
) -> Device:
    date = datetime.now(UTC).isoformat(timespec="seconds")

    def sourced(best: Best, what: str) -> Sourced:
        return Sourced(best.rate, f"{what}: best of {best.trials} short trials, {best.kernel}, {date}", "measured")

    def bandwidths(ceiling: Ceiling, what: str) -> tuple[Bandwidth, ...]:
        pairs = _by_threads(ceiling, threads)
        return tuple(Bandwidth(count, sourced(best, what)) for count, best in pairs)

    memories = [Memory("DRAM", _capacity(conditions), bandwidths(measured.read, "read bandwidth"))]
    if cache:
        capacity = Sourced(float(cache.bytes * cache.count), "the system's description of the cache", "specified")
        memories.append(Memory(cache.name, capacity, bandwidths(measured.cache, "read bandwidth in the cache")))
    return Device(
        name=LOCAL,
        title=conditions.cpu,
        cores=threads,
        roofs=tuple(
            Roof("vector", "float32", count, sourced(best, "multiply-adds in registers"))
            for count, best in _by_threads(measured.peak, threads)
        ),
        memories=tuple(memories),
        conditions=(
            ("date", date),
            *_identified(conditions),
            ("others' share of the machine", _busyness(share)),
            *_remarks(measured, threads),
            ("compiler", measured.compiler),
        ),
    )


def _busyness(share: float | None) -> str:
    if share is None:
        return UNKNOWN
    return f"{share:.0%}" + ("; busy: memory may be faster, calibrate again when it is quiet" if share > 0.1 else "")


def _spread(measured: Measured, threads: int) -> str:
    """How much steadier or wilder the memory was than its best trial says."""
    pairs = _by_threads(measured.read, threads)
    return "half of the trials under " + ", ".join(f"{best.median / 1e9:.1f} GB/s on {count}" for count, best in pairs)


def _by_threads(ceiling: Ceiling, threads: int) -> list[tuple[int, Best]]:
    return [(1, ceiling.one)] if threads == 1 else [(1, ceiling.one), (threads, ceiling.all)]


def _capacity(conditions: Conditions) -> Sourced | None:
    known = [size for size in (conditions.memory_bytes, conditions.memory_limit_bytes) if size is not None]
    return Sourced(float(min(known)), "what the operating system grants", "measured") if known else None


def _remarks(measured: Measured, threads: int) -> list[tuple[str, str]]:
    """What a reader needs to judge the numbers; a wrong peak shows in the operations per cycle."""
    one, both = measured.peak.one.rate, measured.peak.all.rate
    per_cycle = one / measured.clock_hertz
    remarks = [
        ("clock", f"{measured.clock_hertz / 1e9:.2f} GHz, from a chain of dependent instructions"),
        ("peak of one core", f"{per_cycle:.1f} operations per cycle at {measured.clock_hertz / 1e9:.2f} GHz"),
        (
            "not in the peak",
            "only fused multiply-adds are counted; a core with adders of its own can do further additions beside them",
        ),
        (
            "memory read",
            f"{measured.arena_bytes} bytes in turn, {measured.rounds} rounds; {_spread(measured, threads)}",
        ),
    ]
    copies = ", ".join(f"{best.rate / 1e9:.1f} GB/s on {count}" for count, best in _by_threads(measured.copy, threads))
    remarks.append(("copy, reads and non-temporal writes together", copies))
    if both < 0.9 * threads * one:
        remarks.append(
            ("all cores", f"{both / (threads * one):.0%} of {threads} times one core: shared clock, or a busy machine")
        )
    return remarks
