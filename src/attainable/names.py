"""Makes foreign text harmless to look at; names of models, nodes and machines are hostile until they went through here.

What is not printable shows as its escape (``\\x1b``, ``\\u202e``), so that a terminal obeys nothing, a line stays a
line and right-to-left overrides turn nothing around. Escaping for HTML is the business of ``markup``.
"""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

LONGEST_NAME = 80
"""Characters of a name that are shown; the hash behind them tells apart names that begin alike."""

LONGEST_SENTENCE = 600
"""Characters of a warning or an error that are shown."""

LONGEST_LINE = 4000
"""Characters of a line of an error, which may list what a user has to fill in."""

_HASH_DIGITS = 8


def clean(text: str) -> str:
    """The text on one line, every character visible."""
    return text if text.isprintable() else "".join(map(_visible, text))


def clean_lines(text: str) -> str:
    """The text with its line breaks, every other character visible; endless lines are cut."""
    return "\n".join(_shortened(line, LONGEST_LINE) for line in text.split("\n"))


def short_name(text: str) -> str:
    """A clean name of at most 80 characters; a longer one is cut and followed by a hash of the whole."""
    return _shortened(text, LONGEST_NAME)


def short_sentence(text: str) -> str:
    """A clean sentence, cut where names made it endless."""
    return _shortened(text, LONGEST_SENTENCE)


def short_pairs(texts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Names with their descriptions, both fit to be shown."""
    return tuple((short_name(name), short_sentence(text)) for name, text in texts.items())


def _shortened(text: str, longest: int) -> str:
    # only the part that can be shown is looked at, because a name may be a megabyte
    shown = clean(text[: longest + 1])
    if len(shown) <= longest:
        return shown
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    return f"{shown[:longest]}… {digest}"


_SPACES: Mapping[str, str] = MappingProxyType({"\t": "\\t", "\n": "\\n", "\r": "\\r", "\xa0": " ", "\u3000": " "})


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    if character in _SPACES:
        return _SPACES[character]
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
