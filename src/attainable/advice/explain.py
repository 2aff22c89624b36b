"""What a rule means, from the docstring of its function: a title and four headings."""

import inspect
import re
import textwrap
from dataclasses import dataclass

from attainable.advice import RULES
from attainable.advice.rule import Rule
from attainable.errors import unknown_name

HEADINGS = ("What it sees", "Why it costs time", "What to do", "Source")
"""The headings of every rule, in this order."""

_HEADING = re.compile(r"(\S.*):")
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a rule means.

    Attributes:
        code: of the rule.
        title: a few words.
        sections: heading and text, the text on one line.
    """

    code: str
    title: str
    sections: tuple[tuple[str, str], ...]

    def as_text(self) -> str:
        """For a terminal."""
        parts = [f"{self.code}  {self.title}"]
        for heading, text in self.sections:
            parts.append(f"{heading}\n{textwrap.fill(text, _WIDTH, initial_indent='  ', subsequent_indent='  ')}")
        return "\n\n".join(parts) + "\n"

    def as_markdown(self) -> str:
        """The page ``docs/advice/CODE.md``."""
        parts = [f"# {self.code}: {self.title}"]
        for heading, text in self.sections:
            parts.append(f"## {heading}\n\n{textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)}")
        return "\n\n".join(parts) + "\n"


def rule(code: str) -> Rule:
    """The rule of this code, in any case.

    Raises:
        UnknownName: there is none; the help names the closest ones and the list.
    """
    known = RULES.get(code.strip().upper())
    if known is None:
        raise unknown_name("rule", code, RULES)
    return known


def explanation(rule: Rule) -> Explanation:
    """Read the docstring of a rule's function."""
    title, *lines = (inspect.getdoc(rule.look) or "").splitlines()
    sections: list[tuple[str, list[str]]] = []
    for line in lines:
        heading = _HEADING.fullmatch(line)
        if heading:
            sections.append((heading.group(1), []))
        elif line.strip() and sections:
            sections[-1][1].append(line.strip())
    return Explanation(rule.code, title.rstrip("."), tuple((heading, " ".join(text)) for heading, text in sections))
