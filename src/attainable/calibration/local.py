"""This machine as a device: measured once, kept in the cache, measured again when the machine changes."""

import contextlib
import math
from dataclasses import dataclass, replace

from attainable.calibration.caches import cache_levels
from attainable.calibration.local_profile import local_profile
from attainable.calibration.memory_kernels import Store
from attainable.calibration.noise import Noise
from attainable.calibration.recalibration import raised
from attainable.calibration.roofs import Plan, Progress, measure_roofs
from attainable.devices import LOCAL, Device, local_profile_path
from attainable.devices.profile import read_profile, write_profile
from attainable.errors import InputError, InvalidQuantity, RunError
from attainable.timing.conditions import Conditions, core_processors, others_share, read_conditions, read_cpu_times
from attainable.timing.processor import read_throttle_events

METHOD = "3"
"""Version of the calibration; a profile of another version is measured again."""

# A cached profile describes this machine while these conditions are what they were.
_IDENTITY = ("calibration method", "cpu", "processors", "cores", "cpu quota", "isa", "memory")


@dataclass(frozen=True, slots=True)
class Effort:
    """How much a calibration measures.

    Attributes:
        seconds: for instructions and memory; a busy machine takes up to a second longer.
        ceilings_seconds: for what a runtime reaches in practice; 0 leaves that out.
        everything: special functions, all caches, stores and latencies; else the peaks, and reading from the last cache
            and the main memory.
    """

    seconds: float
    ceilings_seconds: float
    everything: bool


ROOFS = Effort(3.6, 0.0, everything=False)
"""What a first analysis needs; takes 5 s."""

QUICK = Effort(14.0, 8.0, everything=True)
"""What a person asks for; takes less than 30 s."""

FULL = Effort(60.0, 30.0, everything=True)
"""Four times as many trials, for a busy machine."""

_STORES: tuple[Store, ...] = ("write", "copy", "triad")


def local_device(
    *, refresh: bool = False, effort: Effort = ROOFS, seconds: float | None = None, progress: Progress | None = None
) -> Device:
    """This machine with measured roofs, from the cache where that fits; else calibrates.

    A cache that cannot be read or written is no error: the machine is then measured every time. Measuring the same
    machine again never lowers a roof, unless the earlier calibration was disturbed. Each number keeps the date it was
    reached; delete the file to forget them.

    Args:
        refresh: measure even if a fitting profile is cached.
        effort: how much to measure.
        seconds: time for the measurement instead of the effort's own.
        progress: told the share that is done and what is being done.
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
    device = calibrate(effort=effort, seconds=seconds, progress=progress)
    if cached is not None:
        device = raised(device, cached)
    # A read-only home only costs the next caller the time again.
    with contextlib.suppress(OSError, InputError):
        write_profile(device, path)
    return device


def calibrate(
    *,
    threads: int | None = None,
    effort: Effort = ROOFS,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Device:
    """Measure the peaks and the memories of this machine; the cache is neither read nor written.

    Args:
        threads: how many cores count as all; None for all that this process may use within its CPU quota.
        effort: how much to measure.
        seconds: time for all of it instead of the effort's own; the trials get at least half, even where compiling and
            filling memory took longer.
        progress: told the share that is done and what is being done.

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
    tell = progress or _nobody
    effort = _scaled(effort, seconds)
    share = effort.seconds / (effort.seconds + effort.ceilings_seconds)
    levels = cache_levels(used)
    measured_levels = levels if effort.everything else levels[-1:]
    plan = Plan(
        seconds=effort.seconds,
        levels=measured_levels,
        stores=_STORES if effort.everything else (),
        special=effort.everything,
        latency=effort.everything,
    )
    before, throttled = read_cpu_times(), read_throttle_events(used) or 0
    measured = measure_roofs(
        used,
        plan,
        conditions=conditions,
        last_cache_bytes=levels[-1].all_bytes if levels else 0,
        progress=lambda done, what: tell(done * share, what),
    )
    noise = Noise(
        others_share(before, read_cpu_times()),
        measured.clock_drift,
        (read_throttle_events(used) or 0) - throttled,
    )
    device = local_profile(
        measured,
        conditions=conditions,
        identity=_identified(conditions),
        levels=measured_levels,
        threads=len(used),
        noise=noise,
    )
    return _with_ceilings(device, effort.ceilings_seconds, lambda done, what: tell(share + done * (1 - share), what))


def cores_within_quota(cores: int, quota: float | None) -> int:
    """How many cores a CPU quota can keep busy; a started processor counts."""
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def _scaled(effort: Effort, seconds: float | None) -> Effort:
    """The effort in ``seconds`` altogether, divided as its own time is."""
    if seconds is None:
        return effort
    factor = seconds / (effort.seconds + effort.ceilings_seconds)
    return replace(effort, seconds=effort.seconds * factor, ceilings_seconds=effort.ceilings_seconds * factor)


def _with_ceilings(device: Device, seconds: float, tell: Progress) -> Device:
    """The device with what a runtime reaches on it; without, and saying why, where the runtime does not run."""
    if not seconds:
        return device
    # Imported here, because a first analysis needs none of it.
    from attainable.calibration.practical import measure_practical

    told = 0

    def progress(what: str) -> None:
        nonlocal told
        told += 1
        # The number of sentences is not known before; the bar comes closer and closer.
        tell(1 - 0.8**told, what)

    assert device.cores is not None, "this machine has cores"
    try:
        practical = measure_practical(threads=sorted({1, device.cores}), seconds=seconds, progress=progress)
    except RunError as error:
        return replace(device, conditions=(*device.conditions, ("no practical ceilings", error.what)))
    tell(1.0, "done")
    return replace(device, ceilings=practical.ceilings, conditions=(*device.conditions, *practical.conditions))


def _fits(cached: Device, now: Conditions) -> bool:
    then = dict(cached.conditions)
    today = dict(_identified(now))
    return cached.name == LOCAL and all(then.get(key) == today[key] for key in _IDENTITY)


def _identified(conditions: Conditions) -> tuple[tuple[str, str], ...]:
    return (("calibration method", METHOD), *conditions.as_pairs())


def _nobody(done: float, what: str) -> None:
    del done, what
