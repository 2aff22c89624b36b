"""The best hand-overs between cores that were seen on this machine, kept in the cache: what a probe is compared with.

How long a hand-over takes differs tenfold between processors, so that no number says by itself that it is slow.
"""

import contextlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from attainable.devices.folders import cache_folder
from attainable.errors import InputError
from attainable.files import write_atomically
from attainable.timing.ping_pong import HandOver

APART_SECONDS = 12e-9
"""Two cores never hand over in less; two threads of one core do, in 4 to 10 ns.

Source: the tables of core-to-core-latency (github.com/nviennot/core-to-core-latency): cores of 16 to 154 ns and threads
of one core of 4 to 10 ns over 25 x86-64 and ARM64 processors.
"""

_AGAIN = 1.1
"""Within this factor of the best a probe confirms it."""

_KEPT_SECONDS = 30 * 86400.0
"""A best that nothing confirmed for so long is forgotten: the virtual machine may have moved for good."""

_MOST_BYTES = 1 << 16

_Kept = dict[str, dict[str, tuple[float, float]]]
"""For each machine and pair of processors: seconds of the best, and when it was last confirmed."""


def best_path() -> Path:
    """The file of the cache that holds the best hand-overs; it may not exist."""
    return cache_folder() / "timing" / "hand_over.json"


def note_hand_overs(
    found: Sequence[HandOver], *, machine: str, path: Path | None = None, now: float | None = None
) -> dict[tuple[int, int], float]:  # fmt: skip
    """Keep the probes that are the best of their pair so far, and give the best of each pair in seconds.

    A file that cannot be read or written is no error: the best is then that of these probes.

    Args:
        found: what was just measured; none that says the two processors are one core is kept.
        machine: what the numbers hold for, such as the name of the processor.
        path: where they are kept; None for the cache folder.
        now: seconds since 1970; None for the clock of the system.
    """
    path = best_path() if path is None else path
    now = time.time() if now is None else now
    kept = _read(path)
    pairs = kept.setdefault(machine, {})
    before = dict(pairs)
    for each in found:
        if each.seconds < APART_SECONDS:
            continue
        name = _name(each.processors)
        best, confirmed = pairs.get(name, (math.inf, now))
        if now - confirmed > _KEPT_SECONDS:
            best = math.inf
        if each.seconds <= _AGAIN * best:
            confirmed = now
        pairs[name] = (min(best, each.seconds), confirmed)
    if pairs != before:
        with contextlib.suppress(OSError, InputError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json.dumps(kept, indent=1).encode(), overwrite=True)
    names = {each.processors: _name(each.processors) for each in found}
    return {pair: pairs[name][0] for pair, name in names.items() if name in pairs}


def _name(pair: tuple[int, int]) -> str:
    return f"{pair[0]}-{pair[1]}"


def _read(path: Path) -> _Kept:
    """What the file says, without what is not a duration and a moment."""
    try:
        with path.open("rb") as stream:
            content: object = json.loads(stream.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return {
        machine: {pair: (seconds, confirmed) for pair, (seconds, confirmed) in _numbers(pairs) if seconds > 0}
        for machine, pairs in _items(content)
    }


def _items(content: object) -> Sequence[tuple[str, object]]:
    return list(cast("Mapping[str, object]", content).items()) if isinstance(content, dict) else []


def _numbers(pairs: object) -> Sequence[tuple[str, tuple[float, float]]]:
    found: list[tuple[str, tuple[float, float]]] = []
    for pair, value in _items(pairs):
        numbers = cast("list[object]", value) if isinstance(value, list) else []
        real = [float(number) for number in numbers if isinstance(number, int | float) and math.isfinite(number)]
        if len(real) == len(numbers) == 2:
            found.append((pair, (real[0], real[1])))
    return found
