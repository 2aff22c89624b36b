"""The trials of an accelerator: memory, matrix products, starting kernels.

Many short trials, the fastest kept: disturbance only ever lowers a trial. A trial is a row of kernels that one
synchronisation ends, timed by the host's clock.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from attainable.calibration.cuda_accelerator import Accelerator, Call, Precision
from attainable.calibration.cuda_driver import read_under_load
from attainable.devices import Bandwidth, Engine, Memory, Sourced
from attainable.devices.figures import Access

Progress = Callable[[str], None]

_SHARE_OF_MEMORY = 16
"""A vector or a matrix takes no more than this part of the memory."""

_TRIAL_SECONDS = 0.02
_FEWEST_TRIALS = 3
_MOST_CALLS = 2000
_LAUNCHES = 500
_LOAD_SECONDS = 0.8
"""Products that are queued while nvidia-smi is asked, which takes a quarter of a second."""


@dataclass(frozen=True, slots=True)
class Product:
    """A matrix product that is tried.

    Attributes:
        dtype: of the operands.
        precision: how float32 is multiplied.
        engine: whose roof it is; None where it is none of this element type, only a ceiling.
    """

    dtype: str
    precision: Precision = "full"
    engine: Engine | None = "matrix"

    @property
    def title(self) -> str:
        """What a person calls it."""
        return f"{self.dtype}{' as TF32' if self.precision == 'tf32' else ''}"


PRODUCTS = (
    Product("float32", engine="vector"),
    Product("float32", "tf32", None),
    Product("float16"),
    Product("bfloat16"),
    Product("int8"),
    Product("float8e4m3fn"),
    Product("float64", engine="vector"),
)
"""TF32 rounds the operands of a float32 product, so that it is no roof of float32."""


@dataclass(frozen=True, slots=True)
class _Times:
    """Seconds of a call: of the fastest trial, of the median one, and how many there were."""

    best: float
    median: float
    trials: int


class Bench:
    """Measures an accelerator part by part.

    Args:
        accelerator: what is measured.
        seconds: for all trials.
        progress: called with what is measured next.

    Attributes:
        date: when it began.
        refused: ``(what, why)`` for each product that the library does not make.
    """

    def __init__(self, accelerator: Accelerator, seconds: float, progress: Progress | None) -> None:
        self._accelerator = accelerator
        # Three streams and two overheads take a fifth together, the products the rest.
        self._seconds = seconds
        self._progress = progress
        self._busy: tuple[Call, float] | None = None
        self.date = datetime.now(UTC).isoformat(timespec="seconds")
        self.refused: list[tuple[str, str]] = []

    def memory(self, vector_bytes: int) -> Memory:
        """The main memory. What copies or adds a number of bytes a second could read as many."""
        facts = self._accelerator.facts
        figures: dict[Access, Sourced] = {}
        for access, stream in self._accelerator.streams(vector_bytes).items():
            self._tell(f"memory, {access}")
            times = self._times(stream.call, 0.05 * self._seconds)
            figures[access] = self._rate(stream.bytes, times, f"{access} of float32 vectors of {vector_bytes} bytes")
        figures["read"] = max(figures.values(), key=lambda figure: figure.value)
        capacity = facts.memory_bytes
        return Memory(
            "DRAM",
            None if capacity is None else Sourced(float(capacity), f"{facts.library}, properties", "measured"),
            tuple(Bandwidth(None, figure, access) for access, figure in figures.items()),
        )

    def products(self, extents: Sequence[int]) -> list[tuple[Product, Sourced]]:
        """The best rate of each product; one that the library refuses is named in ``refused``."""
        found: list[tuple[Product, Sourced]] = []
        for product in PRODUCTS:
            self._tell(f"matrix product, {product.title}")
            rates = self._product(product, extents)
            if rates:
                found.append((product, max(rates, key=lambda rate: rate.value)))
        return found

    def _product(self, product: Product, extents: Sequence[int]) -> list[Sourced]:
        facts, rates = self._accelerator.facts, list[Sourced]()
        share = 0.7 * self._seconds / len(PRODUCTS) / len(extents)
        reason = "its memory is too small"
        per_operation = 0.0
        for extent in extents:
            matrix_bytes = 8 * extent * extent
            # Consumer parts multiply float64 so slowly that a large product would take all the time there is.
            is_slow = 2 * extent**3 * per_operation > share
            if is_slow or bytes_within(matrix_bytes, facts.memory_bytes) < matrix_bytes:
                continue
            try:
                call = self._accelerator.product(product.dtype, extent, product.precision)
                times = self._times(call, share)
            except (RuntimeError, MemoryError, TypeError, ValueError, AttributeError) as error:
                reason = reason_of(error)
                break
            per_operation = times.best / (2 * extent**3)
            # The longest product keeps the device busy while its clock is read.
            if self._busy is None or times.best > self._busy[1]:
                self._busy = (call, times.best)
            rates.append(self._rate(2 * extent**3, times, f"{product.title} product of {extent} x {extent} matrices"))
        if not rates:
            self.refused.append((f"no product of {product.title}", f"{facts.library}: {reason}"))
        return rates

    def overheads(self) -> tuple[Sourced, Sourced]:
        """Seconds a kernel takes in a row of smallest ones, and one that is waited for."""
        self._tell("starting kernels")
        call, library = self._accelerator.smallest(), self._accelerator.facts.library
        in_a_row = self._times(call, 0.05 * self._seconds, calls=_LAUNCHES)
        waited = self._times(call, 0.05 * self._seconds, calls=1)
        return (
            self._duration(in_a_row, f"kernels on one element, {_LAUNCHES} in a row, through {library}"),
            self._duration(waited, f"a kernel on one element, waited for, through {library}"),
        )

    def under_load(self) -> tuple[tuple[str, str], ...]:
        """Clocks, power and heat while products are queued."""
        if self._busy is None or not self._accelerator.facts.identity:
            return ()
        call, each = self._busy
        for _ in range(min(_MOST_CALLS, int(_LOAD_SECONDS / each) + 1)):
            call()
        found = read_under_load(self._accelerator.facts.identity)
        self._accelerator.synchronise()
        return found

    def _times(self, call: Call, seconds: float, *, calls: int | None = None) -> _Times:
        """Trials for so many seconds; each a row of calls that one synchronisation ends."""
        self._row(call, 1)
        pilot = min(self._row(call, 1) for _ in range(2))
        count = calls or max(1, min(_MOST_CALLS, int(_TRIAL_SECONDS / max(pilot, 1e-9))))
        end = time.perf_counter() + seconds
        trials: list[float] = []
        while len(trials) < _FEWEST_TRIALS or time.perf_counter() < end:
            trials.append(self._row(call, count) / count)
        return _Times(min(trials), statistics.median(trials), len(trials))

    def _row(self, call: Call, count: int) -> float:
        self._accelerator.synchronise()
        start = time.perf_counter()
        for _ in range(count):
            call()
        self._accelerator.synchronise()
        return time.perf_counter() - start

    def _rate(self, amount: int, times: _Times, what: str) -> Sourced:
        source = f"{what}: best of {times.trials} short trials, {self._accelerator.facts.library}, {self.date}"
        return Sourced(amount / times.best, source, "measured", amount / times.median, amount / times.best)

    def _duration(self, times: _Times, what: str) -> Sourced:
        source = f"{what}: median of {times.trials} trials, {self.date}"
        return Sourced(times.median, source, "measured", times.best, None)

    def _tell(self, what: str) -> None:
        if self._progress is not None:
            self._progress(what)


def bytes_within(wanted: int, memory_bytes: int | None) -> int:
    """As many bytes as are wanted, but no more than a vector or a matrix may take of the memory."""
    return wanted if memory_bytes is None else min(wanted, memory_bytes // _SHARE_OF_MEMORY)


def reason_of(error: Exception) -> str:
    """The first line of what a library says, shortened."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)[:200]
