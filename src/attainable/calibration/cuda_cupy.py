"""CUDA through CuPy, for those who have it and no PyTorch; imported only when an accelerator is asked for.

It multiplies floating types alone, float32 in full precision.
"""

import importlib
from collections.abc import Mapping
from typing import Any

from attainable.calibration.cuda_accelerator import Call, Facts, Precision, Stream
from attainable.devices.figures import Access
from attainable.errors import InvalidQuantity

_TYPES = ("float64", "float32", "float16")
_FLOAT32_BYTES = 4


def open_cupy(index: int) -> "CupyAccelerator | None":
    """The CUDA device of this number; None where CuPy is not installed or sees no device.

    Raises:
        InvalidQuantity: there are not so many.
    """
    try:
        cupy: Any = importlib.import_module("cupy")
        count = int(cupy.cuda.runtime.getDeviceCount())
    except (ImportError, RuntimeError):
        return None
    if not count:
        return None
    if not 0 <= index < count:
        raise InvalidQuantity(
            f"there is no CUDA device {index}, CuPy sees {count}", where="device",
            help=f"give a number from 0 to {count - 1}",
        )  # fmt: skip
    device = cupy.cuda.Device(index)
    device.use()
    properties = cupy.cuda.runtime.getDeviceProperties(index)
    platform = f"CUDA {cupy.cuda.runtime.runtimeGetVersion() // 1000}"
    facts = Facts(
        title=_text(properties["name"]),
        vendor="NVIDIA",
        library=f"CuPy {cupy.__version__}",
        memory_bytes=int(properties["totalGlobalMem"]),
        cache_bytes=int(properties.get("l2CacheSize", 0)) or None,
        identity=str(index),
        toolchains=(f"CuPy {cupy.__version__}", platform),
    )
    return CupyAccelerator(cupy, device, facts)


class CupyAccelerator:
    """A device of CuPy.

    Args:
        cupy: the module.
        device: its current ``cupy.cuda.Device``.
        facts: what is known of it.
    """

    def __init__(self, cupy: Any, device: Any, facts: Facts) -> None:
        self._cupy = cupy
        self._device = device
        self.facts = facts

    def synchronise(self) -> None:
        """Wait until every kernel that was started has ended."""
        self._device.synchronize()

    def streams(self, vector_bytes: int) -> Mapping[Access, Stream]:
        """Kernels that only move memory; see ``Accelerator.streams``."""
        cupy = self._cupy
        elements = vector_bytes // _FLOAT32_BYTES
        a, b, c = (cupy.ones(elements, dtype=cupy.float32) for _ in range(3))
        size = elements * _FLOAT32_BYTES
        triad = cupy.ElementwiseKernel("float32 b, float32 c", "float32 a", "a = b + 3.0f * c", "triad")
        return {
            "read": Stream(lambda: cupy.sum(b), size),
            "copy": Stream(lambda: cupy.copyto(a, b), 2 * size),
            "triad": Stream(lambda: triad(b, c, a), 3 * size),
        }

    def product(self, dtype: str, extent: int, precision: Precision) -> Call:
        """A matrix product; see ``Accelerator.product``."""
        cupy = self._cupy
        if dtype not in _TYPES or precision != "full":
            raise TypeError(f"it is not asked for products of {dtype}{' as TF32' if precision == 'tf32' else ''}")
        shape = (extent, extent)
        left, right = (cupy.random.standard_normal(shape).astype(dtype) for _ in range(2))
        result = cupy.empty(shape, dtype=dtype)
        return lambda: cupy.matmul(left, right, out=result)

    def smallest(self) -> Call:
        """A kernel on one element."""
        one = self._cupy.ones(1, dtype=self._cupy.float32)
        return lambda: self._cupy.negative(one, out=one)


def _text(name: object) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)
