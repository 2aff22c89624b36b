"""The words for what went wrong in a worker. Text of others is hostile: one line, printable, not too long."""

import signal
from collections.abc import Mapping
from typing import Any

from attainable.errors import RuntimeRefused, WorkerCrashed
from attainable.quantities import format_bytes

_LONGEST = 400


def one_line(text: str) -> str:
    """Text of others on one line: a blank for each control character and line end, cut where it is too long."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."


def refusal(error: Mapping[str, Any]) -> RuntimeRefused:
    """The error for an exception in the worker, given as its ``kind``, ``message`` and missing module's ``name``."""
    message = one_line(str(error.get("message", "")))
    kind = one_line(str(error.get("kind", "")))
    if kind == "ModuleNotFoundError":
        missing = one_line(str(error.get("name") or "a module"))
        return RuntimeRefused(f"{missing} is not installed for the worker", help=f"pip install {missing}")
    if kind == "MemoryError":
        return RuntimeRefused("the runtime ran out of memory", help="use a smaller batch or shape")
    return RuntimeRefused(message or kind or "the runtime gave no reason")


def crash(stage: str, *, code: int | None, reason: str, peak_bytes: int, last_line: str) -> WorkerCrashed:
    """The error for a dead worker.

    Args:
        stage: the request that it died of.
        code: exit code, negative for a signal; None where it lived and broke the protocol.
        reason: how it broke it.
        peak_bytes: largest resident memory; 0 where unknown.
        last_line: what it printed last.
    """
    if code is None:
        how = f"broke the protocol ({reason})"
    elif code < 0:
        how = f"died of {_signal_name(-code)}"
    else:
        how = f"exited with code {code}"
    what = f"the worker {how} during '{stage}'"
    if peak_bytes:
        what += f", peak memory {format_bytes(peak_bytes)}"
    if last_line:
        what += f", last words: {last_line}"
    return WorkerCrashed(what, where="worker", help="the counted and bound figures stand; try another runtime")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
