"""Which runtimes are installed, whether they start, and how they were built. Each is asked in a child of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from attainable.errors import InputError
from attainable.names import short_sentence
from attainable.runtimes import RUNTIMES, Requirement, runtime
from attainable.runtimes.environments import Interpreter, find_interpreter
from attainable.runtimes.process import SESSIONS

__all__ = ["DEADLINE_SECONDS", "Build", "State", "read_builds"]

DEADLINE_SECONDS = 1.2
"""For all runtimes together, which start side by side: ``attainable doctor`` answers within three seconds."""

State = Literal["usable", "slow", "broken", "missing"]
"""It was imported; it did not answer in time and may be usable; it is there and cannot be imported; it is not there."""

_MOST_ANSWER = 1 << 16


@dataclass(frozen=True, slots=True)
class Build:
    """A runtime as it is installed here.

    Attributes:
        runtime: a key of ``RUNTIMES``.
        state: whether it can be used.
        version: ``""`` where unknown.
        python: the interpreter that has it; ``""`` where none has.
        origin: ``configured``, ``managed`` or ``own``, see ``environments``; ``""`` where it is not installed.
        build: what the library says of its build, by name: flags, execution providers.
        fault: why it is broken.
    """

    runtime: str
    state: State
    version: str = ""
    python: str = ""
    origin: str = ""
    build: dict[str, str] = field(default_factory=dict[str, str])
    fault: str = ""


def read_builds(names: Iterable[str] = tuple(RUNTIMES), *, deadline_seconds: float = DEADLINE_SECONDS) -> list[Build]:
    """Ask all runtimes at once, each in a new process of its interpreter. No child is left when this returns.

    Args:
        names: keys of ``RUNTIMES``.
        deadline_seconds: for all together; what has not answered by then is ``slow``.
    """
    end = time.monotonic() + deadline_seconds
    asked: list[Build | tuple[str, Interpreter, subprocess.Popen[bytes]]] = []
    try:
        asked.extend(_ask(name, runtime(name).requirement) for name in names)
        return [each if isinstance(each, Build) else _answer(*each, end=end) for each in asked]
    finally:
        for each in asked:
            if not isinstance(each, Build):
                _end(each[2])


def _ask(name: str, requirement: Requirement) -> "Build | tuple[str, Interpreter, subprocess.Popen[bytes]]":
    try:
        interpreter = find_interpreter(name, requirement)
    except InputError as error:
        return Build(name, "broken", fault=short_sentence(str(error)))
    if interpreter is None:
        return Build(name, "missing")
    # Where it was looked up in the search path it is a Path.
    found = Interpreter(str(interpreter.python), interpreter.origin)
    command = [found.python, "-I", str(SESSIONS / "describe_build.py"), requirement.module, requirement.distribution]
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
    except OSError as error:
        fault = f"{found.python} cannot be started: {error.strerror}"
        return Build(name, "broken", python=found.python, origin=found.origin, fault=short_sentence(fault))
    return name, found, child


def _answer(name: str, found: Interpreter, child: "subprocess.Popen[bytes]", *, end: float) -> Build:
    try:
        printed, _ = child.communicate(timeout=max(0.01, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        return Build(name, "slow", python=found.python, origin=found.origin)
    answer = _decoded(printed[-_MOST_ANSWER:])
    fault = answer.get("fault")
    if child.returncode != 0 or not answer:
        fault = fault or f"its import ended the interpreter with code {child.returncode}"
    if fault:
        return Build(name, "broken", python=found.python, origin=found.origin, fault=short_sentence(str(fault)))
    build = answer.get("build")
    said = cast("dict[str, object]", build) if isinstance(build, dict) else dict[str, object]()
    return Build(
        name, "usable", version=short_sentence(str(answer.get("version", ""))), python=found.python,
        origin=found.origin, build={short_sentence(key): short_sentence(str(text)) for key, text in said.items()},
    )  # fmt: skip


def _decoded(printed: bytes) -> Mapping[str, object]:
    """The JSON on the last line; empty where there is none."""
    lines = printed.decode(errors="replace").strip().splitlines()
    try:
        answer: object = json.loads(lines[-1]) if lines else None
    except (ValueError, RecursionError):
        return {}
    return cast("Mapping[str, object]", answer) if isinstance(answer, dict) else {}


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End a child with all that it started, and take its result, so that its time counts as ours."""
    if child.poll() is None:
        if sys.platform == "win32":
            child.kill()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    if child.stdout is not None:
        child.stdout.close()
