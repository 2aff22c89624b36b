"""What computed an analysis: versions of the packages that matter, and the machine; and how two of these differ."""

import math
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from attainable.errors import ModelFileError
from attainable.quantities import format_bytes, format_count, format_seconds
from attainable.runtimes.builds import Build
from attainable.timing.conditions import read_conditions

PACKAGES = ("attainable", "onnx", "onnxruntime", "llvmlite", "numpy")
"""Distributions whose version can change a number."""

_ABSENT = "not installed"

_MOST_BYTES = 512 * 2**20
"""Of a saved record: an analysis of a million ops has as many."""

_VOLATILE = (
    "load average", "temperature", "thermal throttling", "others meanwhile", "hypervisor took meanwhile", "hand-over",
    "clock before",
)  # fmt: skip
"""What differs between any two moments, of one machine as well, by the beginning of its name."""

_UNITS: Mapping[str, Callable[[float], str]] = {
    "Hz": lambda number: f"{format_count(number)}Hz",
    "bytes": format_bytes,
    "s": format_seconds,
}
"""How a number in a record is shown, by the unit behind it."""

_ALIKE = 0.02
"""Share by which two clocks or sizes may differ and still be the same: clocks are measured, sizes are rounded."""

_INSTRUCTION_SETS = {
    "avx": "AVX", "f16c": "F16C", "fma": "FMA", "avx2": "AVX2", "avx_vnni": "AVX-VNNI",
    "avx_vnni_int8": "AVX-VNNI-INT8", "avx512f": "AVX-512", "avx512_vnni": "AVX-512 VNNI",
    "avx512_bf16": "AVX-512 BF16", "avx512_fp16": "AVX-512 FP16", "amx_tile": "AMX", "amx_int8": "AMX INT8",
    "amx_bf16": "AMX BF16", "amx_fp16": "AMX FP16",
    "asimd": "NEON", "asimdhp": "NEON FP16", "asimddp": "NEON dot product", "i8mm": "INT8 matrix multiplication",
    "bf16": "BF16", "sve": "SVE", "sve2": "SVE2", "sme": "SME",
}  # fmt: skip
"""The flags of ``timing.conditions.ISA_FLAGS`` by the names that their makers give them."""


def environment(
    builds: Iterable[Build] = (), meanwhile: Iterable[tuple[str, str]] = ()
) -> dict[str, str]:  # fmt: skip
    """Versions and conditions by name; ``not installed`` where a package is absent.

    Args:
        builds: of runtimes, which only a child can tell; see ``runtimes.builds``.
        meanwhile: what was read around a measurement; see ``timing.gate.spans``.
    """
    return {
        **{name: _version(name) for name in PACKAGES},
        **{name: text for build in builds for name, text in _built(build)},
        "python": platform.python_version(),
        **dict(read_conditions().as_pairs()),
        **dict(meanwhile),
    }


@dataclass(frozen=True, slots=True)
class _Saved:
    environment: dict[str, str]


def read_environment(path: Path) -> dict[str, str]:
    """The environment in a saved record: of ``attainable doctor --json``, or an analysis.

    Raises:
        ModelFileError: it cannot be read, or holds none.
    """
    help = "give a file that `attainable doctor --json` printed on the other machine, or a saved analysis"
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ModelFileError("is too large to be a saved record", where=str(path), help=help)
        saved = msgspec.json.decode(path.read_bytes(), type=_Saved)
    except OSError as error:
        raise ModelFileError(f"cannot be read: {error.strerror}", where=str(path), help=help) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelFileError(f"holds no environment: {error}", where=str(path), help=help) from None
    return saved.environment


def differences(
    first: Mapping[str, str], second: Mapping[str, str], *, names: tuple[str, str] = ("the first", "the second")
) -> tuple[str, ...]:  # fmt: skip
    """What differs between two environments so that a time may not carry over, one sentence each.

    What one of them does not know or does not have is no difference in words but is said to be unknown there.
    What changes from moment to moment, such as the load, is left out.

    Args:
        first: what ``environment`` gave on one machine.
        second: and on the other.
        names: of the two machines, in the sentences.
    """
    return tuple(_differences(first, second, names))


def readable(text: str) -> str:
    """A number of an environment with the prefix that fits, ``3.20 GHz`` for ``3.2e+09 Hz``; else the text."""
    number, _, unit = text.partition(" ")
    try:
        value = float(number)
    except ValueError:
        return text
    return _UNITS[unit](value) if unit in _UNITS and math.isfinite(value) else text


def _differences(first: Mapping[str, str], second: Mapping[str, str], names: tuple[str, str]) -> Iterator[str]:
    for key in dict.fromkeys([*first, *second]):
        one, other = first.get(key, "unknown"), second.get(key, "unknown")
        if key.startswith(_VOLATILE) or _same(one, other):
            continue
        if key == "isa" and "unknown" not in (one, other):
            yield from _instruction_sets(one, other, names)
        else:
            yield f"{key}: {readable(one)} on {names[0]}, {readable(other)} on {names[1]}"


def _instruction_sets(one: str, other: str, names: tuple[str, str]) -> Iterator[str]:
    flags = (one.split(), other.split())
    for mine, theirs, (here, there) in ((0, 1, names), (1, 0, names[::-1])):
        extra = [_INSTRUCTION_SETS.get(flag, flag) for flag in flags[mine] if flag not in flags[theirs]]
        if extra:
            yield f"{here} has {_and(extra)}, {there} has not"


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _same(one: str, other: str) -> bool:
    """Whether two texts say the same; numbers with equal units may differ a little."""
    if one == other:
        return True
    (number, _, unit), (other_number, _, other_unit) = one.partition(" "), other.partition(" ")
    # Without a unit it is a count or a version.
    if unit != other_unit or unit not in ("Hz", "bytes"):
        return False
    try:
        values = float(number), float(other_number)
    except ValueError:
        return False
    return abs(values[0] - values[1]) <= _ALIKE * max(values)


def _built(build: Build) -> Iterator[tuple[str, str]]:
    if build.version:
        yield build.runtime, build.version
    for name, text in build.build.items():
        yield f"{build.runtime} {name}", text


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return _ABSENT
