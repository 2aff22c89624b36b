"""A CUDA device, measured: bandwidth of its memory, matrix products by element type, cost of starting a kernel.

Everything is measured through the library that drives the device, so that a roof here is what its best kernels reach.
Many short trials, the fastest kept: disturbance only ever lowers a trial.
"""

from collections.abc import Sequence

from attainable.calibration.cuda_accelerator import Accelerator
from attainable.calibration.cuda_bench import Bench, Product, Progress, bytes_within, reason_of
from attainable.calibration.cuda_cupy import open_cupy
from attainable.calibration.cuda_driver import power_limit, read_limits
from attainable.calibration.cuda_torch import open_torch
from attainable.devices import Ceiling, Device, Memory, Roof, Sourced, local_profile_path
from attainable.devices.profile import write_profile
from attainable.errors import InputError, InvalidQuantity, RuntimeRefused

CUDA_SECONDS = 12.0
"""Time for all of it, beside what importing the library and starting the device take."""

EXTENTS = (4096, 8192)
"""Of square matrices: large enough for every multiprocessor, small enough for the memory of a laptop's GPU."""

VECTOR_BYTES = 1 << 30
"""Of each of three vectors, far beyond any cache."""

_METHOD = "roofs are the best that the library's kernels reach, a little below what the units can do"


def cuda_device(index: int = 0, *, seconds: float = CUDA_SECONDS, progress: Progress | None = None) -> Device:
    """Measure a CUDA device and keep its profile, so that ``cuda-0`` names it from then on.

    Raises like `calibrate_cuda`; InputError also where the profile cannot be written.
    """
    device = calibrate_cuda(index, seconds=seconds, progress=progress)
    path = local_profile_path().with_name(f"{device.name}.toml")
    try:
        write_profile(device, path)
    except OSError as error:
        raise InputError(
            f"the profile cannot be written: {error.strerror}", where=str(path), help="set ATTAINABLE_CACHE to a folder"
        ) from None
    return device


def calibrate_cuda(index: int = 0, *, seconds: float = CUDA_SECONDS, progress: Progress | None = None) -> Device:
    """Measure a CUDA device through torch, or through CuPy where torch does not do; nothing is written.

    Args:
        index: its number, as the library counts.
        seconds: for the trials; a device that is slow takes longer.
        progress: called with what is measured next.

    Raises:
        InputError: torch is not installed, or sees no CUDA device, and neither does CuPy.
        InvalidQuantity: there are not so many devices, or there is no time.
        RuntimeRefused: the device fails, or its memory is taken.
    """
    return calibrate_accelerator(_opened(index), name=f"cuda-{index}", seconds=seconds, progress=progress)


def _opened(index: int) -> Accelerator:
    try:
        return open_torch(index)
    except InvalidQuantity:
        raise
    except InputError:
        through_cupy = open_cupy(index)
        if through_cupy is None:
            raise
        return through_cupy


def calibrate_accelerator(
    accelerator: Accelerator, *, name: str, seconds: float, extents: Sequence[int] = EXTENTS,
    vector_bytes: int = VECTOR_BYTES, progress: Progress | None = None,
) -> Device:  # fmt: skip
    """Measure an accelerator.

    Args:
        accelerator: the device, opened.
        name: of the profile.
        seconds: for the trials.
        extents: of the square matrices; the best rate counts.
        vector_bytes: of each of the three vectors that memory is measured with.
        progress: called with what is measured next.

    Raises:
        InvalidQuantity: there is no time.
        RuntimeRefused: the device fails, or its memory is taken.
    """
    if not seconds > 0:
        raise InvalidQuantity("there is no time to measure in", where="seconds", help="give a second or more")
    facts = accelerator.facts
    limits = read_limits(facts.identity)
    bench = Bench(accelerator, seconds, progress)
    try:
        memory = bench.memory(bytes_within(vector_bytes, facts.memory_bytes))
        products = bench.products(extents)
        launch, run = bench.overheads()
        under_load = bench.under_load()
    except (RuntimeError, MemoryError) as error:
        raise RuntimeRefused(
            f"the accelerator failed: {reason_of(error)}", where=facts.title,
            help="see whether another program has its memory: nvidia-smi",
        ) from error  # fmt: skip
    power = power_limit(limits)
    return Device(
        name=name,
        title=facts.title,
        vendor=facts.vendor,
        category="gpu",
        cores=None,
        roofs=tuple(
            Roof(product.engine, product.dtype, None, speed)
            for product, speed in products
            if product.engine is not None
        ),
        memories=(memory, *_cache(facts.cache_bytes)),
        launch_seconds=launch,
        run_seconds=run,
        ceilings=tuple(
            Ceiling("gemm", f"{facts.library}{_with(product)}", product.dtype, product.dtype, None, speed)
            for product, speed in products
        ),
        power_watts=None if power is None else Sourced(power, "power limit, as nvidia-smi says", "specified"),
        toolchains=facts.toolchains,
        conditions=(("date", bench.date), ("method", _METHOD), *limits, *under_load, *bench.refused),
    )


def _cache(capacity: int | None) -> tuple[Memory, ...]:
    """The last cache; its bandwidth is not measured, because a kernel that fits into it ends as soon as it starts."""
    if capacity is None:
        return ()
    return (Memory("L2", Sourced(float(capacity), "the driver's description", "specified"), ()),)


def _with(product: Product) -> str:
    return " with TF32" if product.precision == "tf32" else ""
