"""What a bad input is, and how its handling is judged."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS = 2.0
"""In which a bad input is decided."""

MEMORY_BYTES, MEMORY_PER_BYTE = 128 * 2**20, 3
"""Memory of the process: so much, and so many times the file."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
"""What a terminal might obey; line feeds and tabs apart."""


@dataclass(frozen=True, slots=True)
class BadInput:
    """An input that a tool could stumble over.

    Attributes:
        row: of the table B3 in reference/advice_and_safety.md.
        name: what is wrong with it.
        write: writes it into an empty folder and returns the path that the command is given.
        says: a pattern that the output has, stdout and stderr together.
        code: exit code; 0 where the input is counted.
        arguments: further ones of ``attainable count``.
        seconds: in which it is decided.
        otherwise: why this is not literally what the table says; empty where it is.
    """

    row: int
    name: str
    write: Callable[[Path], Path]
    says: str
    code: int = 2
    arguments: Sequence[str] = ()
    seconds: float = SECONDS
    otherwise: str = ""

    @property
    def id(self) -> str:
        """Short and unique."""
        return f"B3.{self.row} {self.name}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the command did."""

    code: int
    stdout: str
    stderr: str


def complaints(bad: BadInput, outcome: Outcome) -> list[str]:
    """What is wrong with the handling, nothing where it is right."""
    text = outcome.stdout + outcome.stderr
    found: list[str] = []
    if outcome.code != bad.code:
        found.append(f"exit code {outcome.code}, not {bad.code}")
    if not re.search(bad.says, text):
        found.append(f"does not say {bad.says!r}")
    if "Traceback" in text:
        found.append("a traceback")
    if hostile := _CONTROL.search(text):
        found.append(f"prints {hostile.group()!r}")
    if bad.code and not outcome.stderr.startswith("error: "):
        found.append("no error on stderr")
    if bad.code and outcome.stdout:
        found.append("half a result on stdout")
    return found


def said(outcome: Outcome) -> str:
    """What happened: the error with its first fault, or the first line of the result."""
    lines = [line.strip() for line in (outcome.stderr or outcome.stdout).splitlines() if line.strip()]
    if not lines:
        return ""
    has_fault = outcome.code and len(lines) > 1 and not lines[1].startswith("help: ")
    return f"{lines[0]}: {lines[1]}" if has_fault else lines[0]
