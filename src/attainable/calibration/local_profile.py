"""What was measured on this machine, as the record of a device."""

from collections.abc import Sequence
from datetime import UTC, datetime

from attainable.calibration.caches import CacheLevel
from attainable.calibration.instruction_sets import CONVERTED
from attainable.calibration.noise import Noise
from attainable.calibration.roofs import Ceiling, Measured
from attainable.calibration.tasks import MAIN
from attainable.calibration.theory import CORES, operations_per_cycle
from attainable.calibration.trials import Best
from attainable.devices import LOCAL, Bandwidth, Device, Memory, Roof, Sourced
from attainable.devices.figures import Access
from attainable.timing.conditions import UNKNOWN, Conditions

NOISY = "noisy"
"""Name of the condition that says what disturbed the calibration; absent where nothing did."""

SPECIAL = "exp"
"""The special function whose rate is the roof: the most common one, in softmax, sigmoid, SiLU, and inside tanh and erf.

Those that contain it, or a division besides, are slower, so that the roof stays above them. Only a division alone is
faster; it stands in the conditions, as the others do. A harmonic mean would be the rate of a mixture that nobody runs.
"""

_ACCESSES: tuple[Access, ...] = ("read", "write", "copy", "triad", "write_nt", "copy_nt", "triad_nt")

_FIRST_LEVEL = "L1"

_OF_A_CORE = ("L1", "L2")
"""Caches that a core has for itself, or nearly."""


def local_profile(
    measured: Measured,
    *,
    conditions: Conditions,
    identity: Sequence[tuple[str, str]],
    levels: Sequence[CacheLevel],
    threads: int,
    noise: Noise,
) -> Device:
    """The device ``local``.

    Args:
        measured: what the rounds found.
        conditions: of this machine.
        identity: ``(name, text)`` of the conditions that are stored.
        levels: the caches that were measured, the first level first.
        threads: how many cores counted as all.
        noise: what disturbed the measurement.
    """
    writer = _Writer(measured, threads, noise, datetime.now(UTC).isoformat(timespec="seconds"))
    return Device(
        name=LOCAL,
        title=conditions.cpu,
        cores=threads,
        roofs=tuple(writer.roofs()),
        memories=(
            writer.memory(MAIN, _capacity(conditions)),
            *(writer.memory(level.name, _cache_capacity(level)) for level in reversed(levels)),
        ),
        category="cpu",
        conditions=(
            ("date", writer.date),
            *identity,
            ("others' share of the machine", UNKNOWN if noise.others is None else f"{noise.others:.0%}"),
            *(((NOISY, noisy(noise)),) if noise.reasons else ()),
            *writer.remarks(),
            ("compiler", measured.compiler),
        ),
    )


def noisy(noise: Noise) -> str:
    """What a person has to know of a disturbed calibration."""
    more = f"memory may be up to {noise.memory_factor - 1:.0%} faster, calibrate again when the machine is quiet"
    return f"{'; '.join(noise.reasons)}: {more}"


class _Writer:
    """Turns rates into sourced numbers."""

    def __init__(self, measured: Measured, threads: int, noise: Noise, date: str) -> None:
        self.measured, self.threads, self.noise, self.date = measured, threads, noise, date

    def roofs(self) -> list[Roof]:
        """Peaks by element type, measured and then on paper; the special functions last."""
        roofs: list[Roof] = []
        for dtype in self.measured.families:
            ceiling = self.measured.found.get(("peak", dtype))
            if ceiling is None:
                continue
            pairs = self._by_threads(ceiling)
            what, factor = "multiply-adds in registers", self.noise.core_factor
            roofs += [Roof("vector", dtype, n, self._sourced(best, what, factor)) for n, best in pairs]
            roofs += [Roof("vector", dtype, n, on_paper) for n, _ in pairs if (on_paper := self._on_paper(dtype, n))]
        ceiling = self.measured.found.get(("special", SPECIAL))
        if ceiling is not None:
            what = f"{SPECIAL} of an array in the cache, a polynomial of degree 6, one operation a result"
            pairs, factor = self._by_threads(ceiling), self.noise.core_factor
            roofs += [Roof("special", "float32", n, self._sourced(best, what, factor)) for n, best in pairs]
        return roofs

    def memory(self, name: str, capacity: Sourced | None) -> Memory:
        """A memory with every access that was measured."""
        bandwidths: list[Bandwidth] = []
        for access in _ACCESSES:
            ceiling = self.measured.found.get((access, name))
            if ceiling is None:
                continue
            what, pairs = f"{access} bandwidth", self._by_threads(ceiling)
            factor = self._factor(name)
            bandwidths += [Bandwidth(n, self._sourced(best, what, factor), access) for n, best in pairs]
            if name == _FIRST_LEVEL:
                on_paper = ((n, self._bytes_on_paper(access, n)) for n, _ in pairs)
                bandwidths += [Bandwidth(n, number, access) for n, number in on_paper if number]
        latency = self.measured.latencies.get(name)
        return Memory(name, capacity, tuple(bandwidths), self._latency(latency, name) if latency else None)

    def remarks(self) -> list[tuple[str, str]]:
        """What a reader needs to judge the numbers; a wrong peak shows in the operations per cycle."""
        measured = self.measured
        hertz, shared = measured.clock_hertz, measured.shared_clock_hertz
        both = f", {shared / 1e9:.2f} GHz while all cores work" if self.threads > 1 else ""
        remarks = [("clock", f"{hertz / 1e9:.2f} GHz{both}, from a chain of dependent instructions")]
        if max(measured.clocks) > 1.05 * min(measured.clocks):
            each = ", ".join(f"{clock / 1e9:.2f}" for clock in measured.clocks)
            remarks.append(("clock of each core", f"{each} GHz: cores differ, or some are busy"))
        for dtype, families in measured.families.items():
            ceiling = measured.found.get(("peak", dtype))
            if ceiling is None:
                remarks.append((f"no {dtype} roof", f"this processor has {CONVERTED.get(dtype, 'no instruction')}"))
                continue
            rate = ceiling.one.rate / hertz
            name = "peak of one core" if dtype == "float32" else f"{dtype} peak of one core"
            remarks.append((name, f"{rate:.1f} operations per cycle at {hertz / 1e9:.2f} GHz"))
            counted = next((f.remark for f in families if f.remark and ceiling.one.kernel.startswith(f.name)), "")
            if counted:
                remarks.append((f"{dtype} counts", counted))
        adders = "only multiply-adds are counted; a core with adders of its own can do further additions beside them"
        remarks.append(("not in the peak", adders))
        functions = {where: c for (what, where), c in measured.found.items() if what == "special" and where != SPECIAL}
        remarks += [
            (f"{function}, float32", f"{self._rates(ceiling, 1e9, 'G results/s')}")
            for function, ceiling in functions.items()
        ]
        reading = measured.found["read", MAIN]
        halves = ", ".join(f"{best.median / 1e9:.1f} GB/s on {n}" for n, best in self._by_threads(reading))
        remarks.append(
            (
                "memory read",
                f"{measured.arena_bytes} bytes in turn, {measured.rounds} rounds; half of the trials under {halves}",
            )
        )
        if measured.latencies:
            remarks.append(("latency", "a chain through huge pages where the system grants them"))
        one, every = (measured.found["peak", "float32"].one.rate, measured.found["peak", "float32"].all.rate)
        if every < 0.9 * self.threads * one:
            share = f"{every / (self.threads * one):.0%} of {self.threads} times one core"
            remarks.append(("all cores", f"{share}: shared clock, or a busy machine"))
        return remarks

    def _factor(self, memory: str) -> float:
        """How many times the measured rate a quiet machine might reach."""
        return self.noise.core_factor if memory in _OF_A_CORE else self.noise.memory_factor

    def _by_threads(self, ceiling: Ceiling) -> list[tuple[int, Best]]:
        return [(1, ceiling.one)] if self.threads == 1 else [(1, ceiling.one), (self.threads, ceiling.all)]

    def _rates(self, ceiling: Ceiling, unit: float, name: str) -> str:
        return ", ".join(f"{best.rate / unit:.3g} {name} on {n}" for n, best in self._by_threads(ceiling))

    def _sourced(self, best: Best, what: str, factor: float) -> Sourced:
        """``factor``: how many times the rate a quiet machine might reach."""
        reached = "one in twenty" if "bandwidth" in what else "best"
        source = f"{what}: {reached} of {best.trials} short trials, {best.kernel}, {self.date}"
        return Sourced(best.rate, source, "measured", best.low, best.high * factor)

    def _latency(self, best: Best, name: str) -> Sourced:
        source = f"a chain of dependent loads: one in twenty of {best.trials} short trials, {self.date}"
        fastest = 1 / (best.high * self._factor(name))
        return Sourced(1 / best.rate, source, "measured", fastest, 1 / best.low)

    def _on_paper(self, dtype: str, threads: int) -> Sourced | None:
        processor = self.measured.processor
        per_cycle = operations_per_cycle(processor, self.measured.families[dtype])
        return self._cycles(per_cycle, "operations", threads) if per_cycle else None

    def _bytes_on_paper(self, access: Access, threads: int) -> Sourced | None:
        core = CORES.get(self.measured.processor)
        width = {"read": core.load_bytes, "write": core.store_bytes}.get(access) if core else None
        return self._cycles(width, "bytes", threads) if width else None

    def _cycles(self, per_cycle: float, unit: str, threads: int) -> Sourced:
        hertz = self.measured.clock_hertz if threads == 1 else self.measured.shared_clock_hertz
        cores = f" x {threads} cores" if threads > 1 else ""
        processor = self.measured.processor
        source = f"{per_cycle:g} {unit} per cycle of {processor} x {hertz / 1e9:.3f} GHz measured{cores}; "
        return Sourced(per_cycle * hertz * threads, source + CORES[processor].source, "specified")


def _capacity(conditions: Conditions) -> Sourced | None:
    known = [size for size in (conditions.memory_bytes, conditions.memory_limit_bytes) if size is not None]
    return Sourced(float(min(known)), "what the operating system grants", "measured") if known else None


def _cache_capacity(level: CacheLevel) -> Sourced:
    """All caches of the level together: what a program on all cores can hold, so that a bound stays a bound."""
    source = f"the system's description of the cache: {level.count} of at most {level.bytes} bytes"
    return Sourced(float(level.all_bytes), source, "specified")
