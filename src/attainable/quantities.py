"""The only place that knows prefixes and units: parses what users write, formats what they read.

Everywhere else numbers are in SI base units. Storage prints in KiB, MiB, GiB; rates in powers of ten (GB/s).
"""

import math
import re

from attainable.errors import InvalidQuantity

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}
_BYTES = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_WATTS = {"uW": 1e-6, "µW": 1e-6, "mW": 1e-3, "W": 1.0, "kW": 1e3}
_JOULES = {"nJ": 1e-9, "uJ": 1e-6, "µJ": 1e-6, "mJ": 1e-3, "J": 1.0, "kJ": 1e3}
_COUNTS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
_BANDWIDTHS = {f"{unit}/s": size for unit, size in _BYTES.items()}
_SPEEDS = {f"{prefix}op/s": size for prefix, size in _COUNTS.items()}
_DECIMAL = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_BINARY = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
_QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([A-Za-zµ]*(?:/s)?)\s*")


def parse_seconds(text: str, *, where: str) -> float:
    """Read a duration such as ``20s``, ``1.5min`` or ``10ms``; a bare number is seconds. Raises InvalidQuantity."""
    return _parse(text, _SECONDS, "s", where)


def parse_bytes(text: str, *, where: str) -> int:
    """Read a size such as ``50MiB`` or ``64kB``; a bare number is bytes. Raises InvalidQuantity."""
    return round(_parse(text, _BYTES, "B", where))


def parse_count(text: str, *, where: str) -> int:
    """Read a number of things such as ``4.1G`` or ``30M``, prefixes in powers of ten. Raises InvalidQuantity."""
    return round(_parse(text, _COUNTS, "", where))


def parse_bytes_per_second(text: str, *, where: str) -> float:
    """Read a bandwidth such as ``34.1GB/s``; a bare number is bytes per second. Raises InvalidQuantity."""
    return _parse(text, _BANDWIDTHS, "B/s", where)


def parse_operations_per_second(text: str, *, where: str) -> float:
    """Read a speed of computing such as ``3Top/s``; a bare number is operations per second. Raises InvalidQuantity."""
    return _parse(text, _SPEEDS, "op/s", where)


def parse_watts(text: str, *, where: str) -> float:
    """Read a power such as ``5W`` or ``700mW``; a bare number is watts. Raises InvalidQuantity."""
    return _parse(text, _WATTS, "W", where)


def parse_joules(text: str, *, where: str) -> float:
    """Read an energy such as ``20mJ``; a bare number is joules. Raises InvalidQuantity."""
    return _parse(text, _JOULES, "J", where)


def _parse(text: str, units: dict[str, float] | dict[str, int], bare: str, where: str) -> float:
    match = _QUANTITY.fullmatch(text)
    factor = units.get(match.group(2) or bare) if match else None
    value = float(match.group(1)) * factor if match and factor else math.inf
    # digits without end are no quantity either
    if math.isinf(value):
        known = ", ".join(filter(None, units))
        raise InvalidQuantity(f"cannot read {text!r}", where=where, help=f"write a number and one of {known}")
    return value


def format_seconds(seconds: float) -> str:
    """Three significant digits with the unit that fits: ``41.2 ms``."""
    if not math.isfinite(seconds):
        return "unlimited"
    return _scaled(seconds, "s")


def format_count(number: float) -> str:
    """Three significant digits with a decimal prefix: ``4.09 G``; exact below one thousand."""
    if float(number).is_integer() and abs(number) < 1000:
        return str(int(number))
    for factor, prefix in _DECIMAL:
        if abs(number) >= factor * 0.9995:
            return f"{_significant(number / factor)} {prefix}".rstrip()
    return _significant(number)


def format_bytes(number: float) -> str:
    """Storage: ``9.19 MiB``; whole bytes below one KiB."""
    for factor, unit in _BINARY:
        if abs(number) >= factor:
            return f"{_significant(number / factor)} {unit}"
    return f"{round(number)} B"


def format_bytes_per_second(rate: float) -> str:
    """Bandwidth in powers of ten: ``21.3 GB/s``."""
    return f"{format_count(rate)}B/s" if rate >= 1000 else f"{_significant(rate)} B/s"


def format_operations_per_second(rate: float) -> str:
    """Speed of computing: ``118 Gop/s``."""
    return f"{format_count(rate)}op/s" if rate >= 1000 else f"{_significant(rate)} op/s"


def format_watts(watts: float) -> str:
    """Power: ``5.50 W``, ``700 W``."""
    return _scaled(watts, "W")


def format_joules(joules: float) -> str:
    """Energy: ``12.3 mJ``."""
    return _scaled(joules, "J")


def format_hertz(hertz: float) -> str:
    """A clock: ``3.20 GHz``."""
    return f"{format_count(hertz)}Hz" if hertz >= 1000 else f"{_significant(hertz)} Hz"


def format_share(share: float) -> str:
    """A share of a whole in percent: ``12 %``; ``<1 %`` for what rounds to nothing."""
    percent = 100 * share
    return "<1 %" if 0 < percent < 0.5 else f"{percent:.0f} %"


def _scaled(number: float, unit: str) -> str:
    """Three significant digits with a small prefix: ``41.2 m`` and the unit."""
    for factor, prefix in ((1.0, ""), (1e-3, "m"), (1e-6, "u")):
        if abs(number) >= factor * 0.9995:
            return f"{_significant(number / factor)} {prefix}{unit}"
    return f"{_significant(number / 1e-9)} n{unit}" if number else f"0 {unit}"


def _significant(number: float) -> str:
    if number == 0:
        return "0"
    rounded = float(f"{number:.3g}")
    return f"{rounded:.{max(0, 2 - math.floor(math.log10(abs(rounded))))}f}"
