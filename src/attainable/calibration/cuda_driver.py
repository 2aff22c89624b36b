"""What nvidia-smi says of a GPU: limits, clocks, heat, who else uses it.

Source: nvidia-smi(1) and ``nvidia-smi --help-query-gpu``; NVML API reference, nvmlClocksEventReasons.
"""

import shutil
import subprocess
from collections.abc import Callable, Sequence

Run = Callable[[Sequence[str]], str]
"""Runs a program and gives what it prints; empty where it cannot."""

_LIMITS = {
    "driver_version": ("driver", ""),
    "clocks.max.sm": ("clock limit", " MHz"),
    "clocks.max.mem": ("memory clock limit", " MHz"),
    "power.limit": ("power limit", " W"),
    "ecc.mode.current": ("error correction", ""),
    "utilization.gpu": ("use before the calibration", " %"),
}
_UNDER_LOAD = {
    "clocks.sm": ("clock under load", " MHz"),
    "clocks.mem": ("memory clock under load", " MHz"),
    "power.draw": ("power under load", " W"),
    "temperature.gpu": ("temperature under load", " degrees Celsius"),
}
_SLOWDOWNS = {
    0x4: "power limit", 0x8: "hardware slowdown", 0x20: "heat", 0x40: "heat, in hardware", 0x80: "power supply",
}  # fmt: skip
"""Reasons for a clock below the highest one, by bit; those that say that nothing is to be done are left out."""

_SECONDS = 10.0


def read_limits(identity: str, *, run: Run | None = None) -> tuple[tuple[str, str], ...]:
    """Driver, highest clocks, power limit and use by anybody, as ``(name, text)``; what is not told is left out."""
    return _read(identity, _LIMITS, run or _run)


def read_under_load(identity: str, *, run: Run | None = None) -> tuple[tuple[str, str], ...]:
    """Clocks, power, temperature and what slows the GPU down, as ``(name, text)``, while it computes."""
    call = run or _run
    found = _read(identity, _UNDER_LOAD, call)
    mask = _values(identity, ("clocks_throttle_reasons.active",), call)
    if not mask or not mask[0].startswith("0x"):
        return found
    reasons = [text for bit, text in _SLOWDOWNS.items() if int(mask[0], 16) & bit]
    return (*found, ("slowed down by", ", ".join(reasons) or "nothing"))


def power_limit(limits: Sequence[tuple[str, str]]) -> float | None:
    """The power limit in watts; None where it is not told."""
    text = dict(limits).get("power limit", "").removesuffix(" W")
    try:
        return float(text)
    except ValueError:
        return None


def _read(identity: str, fields: dict[str, tuple[str, str]], run: Run) -> tuple[tuple[str, str], ...]:
    values = _values(identity, tuple(fields), run)
    return tuple(
        (name, f"{value}{unit}")
        for (name, unit), value in zip(fields.values(), values, strict=False)
        if value and not value.startswith("[") and value != "N/A"
    )


def _values(identity: str, fields: Sequence[str], run: Run) -> list[str]:
    if not identity:
        return []
    answer = run(["nvidia-smi", f"--id={identity}", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"])
    line = answer.strip().splitlines()[:1]
    values = [value.strip() for value in line[0].split(",")] if line else []
    return values if len(values) == len(fields) else []


def _run(command: Sequence[str]) -> str:
    program = shutil.which(command[0])
    if program is None:
        return ""
    try:
        ended = subprocess.run(
            [program, *command[1:]], capture_output=True, text=True, timeout=_SECONDS, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout if ended.returncode == 0 else ""
