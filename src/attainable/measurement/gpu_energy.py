"""Energy counters of NVIDIA GPUs, by the library of the driver; nothing where there is none.

Source: NVML API reference, nvmlDeviceGetTotalEnergyConsumption: millijoules of a whole board since the driver was
loaded, of Volta and newer.
"""

import ctypes
import sys
from collections.abc import Callable
from typing import Any

_LIBRARY = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"
_SUCCESS = 0


def read_gpu_microjoules(open_library: Callable[[str], Any] = ctypes.CDLL) -> dict[str, int]:
    """Energy so far of each GPU that counts it, by name; empty without the driver.

    Args:
        open_library: loads a shared library by name, or raises OSError.
    """
    try:
        return _read(open_library(_LIBRARY))
    except (OSError, AttributeError):
        # No driver, or one that is older than these counters.
        return {}


def _read(library: Any) -> dict[str, int]:
    if library.nvmlInit_v2() != _SUCCESS:
        return {}
    try:
        count = ctypes.c_uint()
        if library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != _SUCCESS:
            return {}
        found = {f"GPU {number}": _millijoules(library, number) for number in range(count.value)}
        return {name: 1000 * energy for name, energy in found.items() if energy is not None}
    finally:
        library.nvmlShutdown()


def _millijoules(library: Any, number: int) -> int | None:
    device, energy = ctypes.c_void_p(), ctypes.c_ulonglong()
    if library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(number), ctypes.byref(device)) != _SUCCESS:
        return None
    told = library.nvmlDeviceGetTotalEnergyConsumption(device, ctypes.byref(energy))
    return int(energy.value) if told == _SUCCESS else None
