"""The best hand-overs between cores that this machine is known for, kept in the cache: what a probe is compared with.

How long a hand-over takes differs tenfold between processors, so that no number says by itself that it is slow. A
machine has a few regimes, by where a hypervisor put its processors; the best is the quickest regime that was seen
several times. One lucky moment would otherwise make every later one look slow.
"""

import contextlib
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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

_LIKE = 1.3
"""Probes within this factor are of one regime; within one, 27 to 28, 57 to 86 and 103 to 119 ns were measured."""

_ESTABLISHED = 3
"""Probes that make a regime count as one that the machine is in time and again."""

_MOST_REGIMES = 8
_KEPT_SECONDS = 7 * 86400.0
"""A regime that was not seen for so long is forgotten: a virtual machine may have moved for good."""

_MOST_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class _Regime:
    """A speed of hand-overs: the best of its probes in seconds, how many there were, and when the last was."""

    seconds: float
    probes: int
    last: float


_Regimes = dict[str, dict[str, list[_Regime]]]
"""By machine and pair of processors."""


def best_path() -> Path:
    """The file of the cache that holds the regimes; it may not exist."""
    return cache_folder() / "timing" / "hand_over.json"


def note_hand_overs(
    found: Sequence[HandOver], *, machine: str, path: Path | None = None, now: float | None = None
) -> dict[tuple[int, int], float]:  # fmt: skip
    """Keep some probes, and give the best that each pair is known for, in seconds.

    That is its quickest regime which was seen three times, or the quickest of all while there is none such. A file that
    cannot be read or written is no error: the best is then that of these probes.

    Args:
        found: what was just measured; none that says the two processors are one core is kept.
        machine: what the numbers hold for, such as the name of the processor.
        path: where they are kept; None for the cache folder.
        now: seconds since 1970; None for the clock of the system.
    """
    path = best_path() if path is None else path
    now = time.time() if now is None else now
    apart = [each for each in found if each.seconds >= APART_SECONDS]
    if not apart:
        return {}
    kept = _read(path)
    pairs = kept.setdefault(machine, {})
    best: dict[tuple[int, int], float] = {}
    for each in apart:
        name = f"{each.processors[0]}-{each.processors[1]}"
        pairs[name] = regimes = _with(pairs.get(name, []), each.seconds, now)
        established = [regime for regime in regimes if regime.probes >= _ESTABLISHED]
        best[each.processors] = min(regime.seconds for regime in established or regimes)
    content = {
        machine: {
            name: [[regime.seconds, regime.probes, regime.last] for regime in regimes]
            for name, regimes in pairs.items()
        }
        for machine, pairs in kept.items()
    }
    with contextlib.suppress(OSError, InputError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(content, indent=1).encode(), overwrite=True)
    return best


def _with(regimes: Sequence[_Regime], seconds: float, now: float) -> list[_Regime]:
    """The regimes with one probe more, those forgotten left out, this one first, then the most often seen."""
    known = [regime for regime in regimes if now - regime.last <= _KEPT_SECONDS]
    nearest = min(known, key=lambda regime: abs(math.log(regime.seconds / seconds)), default=None)
    if nearest is not None and 1 / _LIKE <= nearest.seconds / seconds <= _LIKE:
        known.remove(nearest)
        grown = _Regime(min(nearest.seconds, seconds), nearest.probes + 1, now)
    else:
        grown = _Regime(seconds, 1, now)
    others = sorted(known, key=lambda regime: (regime.probes, regime.last), reverse=True)
    return [grown, *others[: _MOST_REGIMES - 1]]


def _read(path: Path) -> _Regimes:
    """What the file says, without what is no regime."""
    try:
        with path.open("rb") as stream:
            content: object = json.loads(stream.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return {
        machine: {pair: list(_read_regimes(rows)) for pair, rows in _items(pairs)} for machine, pairs in _items(content)
    }


def _items(content: object) -> Sequence[tuple[str, object]]:
    return list(cast("Mapping[str, object]", content).items()) if isinstance(content, dict) else []


def _read_regimes(rows: object) -> Iterator[_Regime]:
    for row in cast("list[object]", rows) if isinstance(rows, list) else []:
        numbers = cast("list[object]", row) if isinstance(row, list) else []
        real = [float(number) for number in numbers if isinstance(number, int | float)]
        if len(real) == len(numbers) == 3 and all(map(math.isfinite, real)) and real[0] > 0:
            yield _Regime(real[0], int(real[1]), real[2])
