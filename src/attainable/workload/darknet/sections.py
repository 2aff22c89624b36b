"""Reads the sections of a darknet .cfg file.

A section is a line ``[name]`` and the ``key=value`` lines after it; ``#`` and ``;`` begin a comment.

Source: AlexeyAB/darknet @ 59596d78, src/parser.c and src/option_list.c.
"""

import math
from dataclasses import dataclass

from attainable.errors import ModelFileError
from attainable.workload.weightless.read import MOST_LAYERS
from attainable.workload.weightless.writer import LayerFault

LARGEST_INTEGER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its name in lower case, its line in the file and its options."""

    name: str
    line: int
    options: dict[str, str]

    def integer(self, key: str, default: int) -> int:
        """A whole number. Raises LayerFault where it is none, or beyond 32 bits."""
        return self._whole(key, self.options[key]) if key in self.options else default

    def number(self, key: str, default: float) -> float:
        """A number. Raises LayerFault where it is none, or beyond 32 bits."""
        return self._parsed(key, self.options[key]) if key in self.options else default

    def integers(self, key: str) -> list[int]:
        """Whole numbers with commas between them. Raises LayerFault where one is none."""
        parts = [part for part in self.options.get(key, "").split(",") if part.strip()]
        return [self._whole(key, part) for part in parts]

    def text(self, key: str, default: str) -> str:
        """A word, as it stands."""
        return self.options.get(key, default)

    def _whole(self, key: str, text: str) -> int:
        number = self._parsed(key, text)
        if number != int(number):
            raise LayerFault(f"{key}={text.strip()[:40]} is not a whole number")
        return int(number)

    def _parsed(self, key: str, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not abs(number) <= LARGEST_INTEGER:
            raise LayerFault(f"{key}={text[:40]} is not a number of at most 32 bits")
        return number


def parse_sections(text: str, where: str) -> list[Section]:
    """The sections in their order, the first of which is ``[net]`` or ``[network]``.

    Args:
        text: of the file.
        where: the file, for messages.

    Raises:
        ModelFileError: lists the lines that are neither a section nor an option, or says what else is wrong.
    """
    sections: list[Section] = []
    faults: list[str] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].partition(";")[0].strip()
        if not line:
            continue
        key, separator, value = line.partition("=")
        if line.startswith("[") and line.endswith("]"):
            sections.append(Section(line[1:-1].strip().lower(), number, {}))
        elif separator and key.strip() and sections:
            sections[-1].options[key.strip()] = value.strip()
        else:
            faults.append(f"neither [section] nor key=value: {line[:40]!r} @ line {number}")
        if len(faults) == 5 or len(sections) > MOST_LAYERS:
            break
    if len(sections) > MOST_LAYERS:
        faults = [f"has more than {MOST_LAYERS} sections @ line {sections[-1].line}"]
    if not faults and (not sections or sections[0].name not in ("net", "network")):
        faults = ["does not begin with the section [net] @ line 1"]
    if faults:
        raise ModelFileError(
            "is not a darknet network description", where=where, faults=faults, help="give the .cfg file of a network"
        )
    return sections
