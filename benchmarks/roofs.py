"""The roofs of this machine against theory, against STREAM, and against themselves.

Claims: float32, bfloat16 and int8 peaks at least 97 % of clock x width x units, the clock measured in between; reading
from the first-level cache at least 80 % of theory; the triad of the main memory at least 90 % of STREAM's in C, plain
stores both; two calibrations, their parts in turns, within 5 % for each roof, beside how far a roof drifts from part to
part; a background load is detected and said.

A number that was measured while others used the machine, or while the clock changed, is "not shown", whatever it is.
The exit code is 1 where a number of a quiet machine falls short.
"""

import subprocess
import sys
import time
from statistics import median

from attainable.calibration.caches import cache_levels
from attainable.calibration.instruction_sets import CONVERTED, FAMILIES
from attainable.calibration.local import ROOFS, Effort, calibrate
from attainable.calibration.local_profile import NOISY
from attainable.calibration.noise import Noise
from attainable.calibration.roofs import Measured, Plan, measure_roofs
from attainable.calibration.theory import CORES, operations_per_cycle
from attainable.devices import Device
from attainable.timing.conditions import core_processors, others_share, read_conditions, read_cpu_times
from benchmarks.stream import compiled, triads

PEAK_SECONDS = 30.0
TURNS = 5
REPEATED = Effort(7.0, 0.0, everything=True)
"""One of the parts of a calibration that takes turns with another."""

STEADY = 0.10
"""Most that the parts of one calibration may differ for its median to be known to 5 %."""
CLAIMED = ("float32", "bfloat16", "int8")

LEAST_PEAK, LEAST_READ, LEAST_TRIAD, MOST_APART = 0.97, 0.80, 0.90, 0.05


def verdict(holds: bool, noise: tuple[str, ...]) -> str:
    """What may be said of a claim: nothing where the machine was disturbed."""
    if noise:
        return f"not shown: {'; '.join(noise)}"
    return "ok" if holds else "FAIL"


def row(what: str, measured: str, against: str, ratio: float | None, claim: str, said: str) -> bool:
    """Print a line of the table; whether it fails."""
    share = "" if ratio is None else f"{ratio:.1%}"
    print(f"{what:<24}{measured:>16}{against:>34}{share:>9}  {claim:<12}{said}", flush=True)
    return said.startswith("FAIL")


def peaks() -> list[bool]:
    """One core, peaks and the first-level cache against theory."""
    conditions, cores = read_conditions(), core_processors()
    levels = cache_levels(cores)
    plan = Plan(PEAK_SECONDS, levels[:1], (), special=False, latency=False)
    before = read_cpu_times()
    measured = measure_roofs(
        cores[:1], plan, conditions=conditions, last_cache_bytes=levels[-1].all_bytes if levels else 0,
        progress=lambda done, what: None,
    )  # fmt: skip
    noise = Noise(others_share(before, read_cpu_times()), measured.clock_drift).reasons
    print(f"{measured.processor}, {measured.clock_hertz / 1e9:.3f} GHz by a dependent chain, one core\n")
    failed = [_peak(measured, dtype, noise) for dtype in FAMILIES]
    core = CORES.get(measured.processor)
    if levels and core and core.load_bytes:
        rate, theory = measured.found["read", levels[0].name].one.rate, core.load_bytes * measured.clock_hertz
        against = f"{core.load_bytes} B x {measured.clock_hertz / 1e9:.3f} GHz"
        said = verdict(rate / theory >= LEAST_READ, noise)
        name = f"read from {levels[0].name}"
        failed.append(row(name, f"{rate / 1e9:.1f} GB/s", against, rate / theory, f">= {LEAST_READ:.0%}", said))
    return failed


def _peak(measured: Measured, dtype: str, noise: tuple[str, ...]) -> bool:
    claim = f">= {LEAST_PEAK:.0%}" if dtype in CLAIMED else "-"
    ceiling = measured.found.get(("peak", dtype))
    if ceiling is None:
        return row(dtype, "-", "-", None, claim, CONVERTED.get(dtype, "no instruction"))
    rate = f"{ceiling.one.rate / 1e9:.1f} Gop/s"
    per_cycle = operations_per_cycle(measured.processor, measured.families[dtype])
    if per_cycle is None:
        return row(dtype, rate, "-", None, claim, f"not shown: no theory for {measured.processor}")
    ratio = ceiling.one.rate / (per_cycle * measured.clock_hertz)
    said = verdict(ratio >= LEAST_PEAK, noise) if dtype in CLAIMED else ""
    against = f"{per_cycle:g} x {measured.clock_hertz / 1e9:.3f} GHz"
    return row(dtype, rate, against, ratio, claim, f"{said} {ceiling.one.kernel}".strip())


def triad() -> list[bool]:
    """The main memory against STREAM in C."""
    program = compiled()
    if program is None:
        return [row("triad", "-", "-", None, f">= {LEAST_TRIAD:.0%}", "not shown: no gcc")]
    found = triads(program)
    noise = Noise(found.others, None).reasons
    against = f"STREAM in C {found.stream / 1e9:.1f} GB/s"
    said = verdict(found.plain / found.stream >= LEAST_TRIAD, noise)
    plain, passing = f"{found.plain / 1e9:.1f} GB/s", f"{found.passing / 1e9:.1f} GB/s"
    return [
        row("triad, plain stores", plain, against, found.plain / found.stream, f">= {LEAST_TRIAD:.0%}", said),
        row("triad, non-temporal", passing, against, found.passing / found.stream, "-", ""),
    ]


def repeated() -> list[bool]:
    """Two calibrations in turns, so that what changes over minutes meets both.

    Caches and memory are shared with neighbours on the host, whom no load figure here shows: a roof whose own parts
    differ by more than `STEADY` within one of the two calibrations is not shown.
    """
    runs = [calibrate(effort=REPEATED) for _ in range(2 * TURNS)]
    noise = tuple(text.partition(":")[0] for device in runs for name, text in device.conditions if name == NOISY)[:1]
    found = [_numbers(device) for device in runs]
    names = [name for name in found[0] if all(name in numbers for numbers in found)]
    parts = {name: [[numbers[name] for numbers in found[turn::2]] for turn in (0, 1)] for name in names}
    apart = {name: abs(median(second) / median(first) - 1) for name, (first, second) in parts.items()}
    drift = {name: max(max(rates) / min(rates) - 1 for rates in parts[name]) for name in names}
    print(f"\ntwo calibrations in {TURNS} turns, {len(names)} roofs, {MOST_APART:.0%} allowed")
    failed: list[bool] = []
    steady = [name for name in names if drift[name] <= STEADY]
    for name in sorted(names, key=lambda name: (name not in steady, -apart[name])):
        if name in steady and apart[name] <= MOST_APART and not noise:
            continue
        own = () if name in steady else (f"its own parts differ by {drift[name]:.0%}",)
        first, second = (median(rates) / 1e9 for rates in parts[name])
        said = verdict(apart[name] <= MOST_APART, (*noise, *own))
        failed.append(row(name, f"{first:.2f}", f"and {second:.2f}", apart[name], f"<= {MOST_APART:.0%}", said))
    held = [name for name in steady if apart[name] <= MOST_APART]
    largest = max((apart[name] for name in held), default=0.0)
    print(f"{len(held)} of {len(steady)} roofs that were steady agree, the worst within {largest:.1%}")
    return failed


def _numbers(device: Device) -> dict[str, float]:
    """The measured rates by name."""
    rates = {
        f"{roof.dtype} {roof.engine} {roof.threads}": roof.operations_per_second.value
        for roof in device.roofs
        if roof.operations_per_second.kind == "measured"
    }
    return rates | {
        f"{memory.name} {bandwidth.access} {bandwidth.threads}": bandwidth.bytes_per_second.value
        for memory in device.memories
        for bandwidth in memory.bandwidths
        if bandwidth.bytes_per_second.kind == "measured"
    }


def loaded() -> bool:
    """A busy process on every core must be noticed and said."""
    before = read_cpu_times()
    time.sleep(1.0)
    already = Noise(others_share(before, read_cpu_times()), None).reasons
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in core_processors()]
    try:
        device = calibrate(effort=ROOFS)
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    said = dict(device.conditions).get(NOISY, "nothing")
    print(f"\nwith a busy process on every core the calibration says:\n  {said}")
    return row("background load", "", "", None, "is said", verdict("others used" in said, already))


def main() -> None:
    """Print the tables; exit code 1 where a claim fails on a quiet machine."""
    failed = [*peaks(), *triad(), *repeated(), loaded()]
    if any(failed):
        sys.exit(1)


if __name__ == "__main__":
    main()
