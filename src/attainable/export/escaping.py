"""Makes foreign text inert in each format that is written; names in model files are hostile.

Source of the threats: CommonMark 0.31 and the GFM specification (autolinks, raw HTML, table pipes); OWASP, "CSV
Injection"; the LaTeX companion, special characters.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from attainable.names import clean

LONGEST_NAME = 200
"""Characters of a name in a table that a person reads; JSON keeps it whole."""

LONGEST_CELL = 32_000
"""Characters of a CSV cell; a spreadsheet cuts or refuses cells beyond 32,767."""

_FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")
"""A cell that begins with one of these is a formula to a spreadsheet, the wide forms in some languages."""


def csv_text(text: str) -> str:
    """A text cell that no spreadsheet takes for a formula: ``'`` stands before what would be one."""
    harmless = "'" if text[:LONGEST_CELL].lstrip(" \xa0")[:1] in _FORMULA_STARTS else ""
    return harmless + _cut(text, LONGEST_CELL)


_MARKDOWN: Mapping[str, str] = MappingProxyType(
    {
        "&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;", "|": "\\|",
        **{mark: f"\\{mark}" for mark in "\\`*_{}[]#~!$^"},
    }
)  # fmt: skip
_LINK = re.compile(r"(?i):(?=//)|(?<=\bwww)\.")


def markdown_text(text: str) -> str:
    """Text that is neither markup, HTML, a mention nor a link in Markdown, and stays in its cell of a table."""
    escaped = "".join(_MARKDOWN.get(character, character) for character in _cut(text, LONGEST_NAME))
    return _LINK.sub(lambda found: f"&#{ord(found.group())};", escaped)


_LATEX: Mapping[str, str] = MappingProxyType(
    {
        "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\char34{}", "`": r"\textasciigrave{}",
        **{mark: f"\\{mark}" for mark in "{}$&#%_"},
    }
)  # fmt: skip
_LARGEST_LATIN = 0x17F
"""Letters up to here compile with every engine; others show as their escape."""


def latex_text(text: str) -> str:
    """Text in which LaTeX finds no command, no ligature and no letter that only some engines know."""
    known = "".join(
        character if ord(character) <= _LARGEST_LATIN else character.encode("unicode_escape").decode("ascii")
        for character in _cut(text, LONGEST_NAME)
    )
    escaped = "".join(_LATEX.get(character, character) for character in known)
    return escaped.replace("--", "-{}-").replace("--", "-{}-")


def _cut(text: str, longest: int) -> str:
    # only what can be shown is looked at, because a name may be a megabyte
    shown = clean(text[:longest])
    return shown if len(text) <= longest and len(shown) <= longest else f"{shown[:longest]}…"
