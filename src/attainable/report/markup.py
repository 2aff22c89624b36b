"""Builds HTML and SVG in which nothing foreign can be anything but text.

``element`` is the only way to make markup: children that are strings are cleaned and escaped, tags and attributes are
from a list that knows no script, no handler, no style and no address outside the page.
"""

import base64
import hashlib
import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from attainable.names import clean

NO_ATTRIBUTES: Mapping[str, str] = MappingProxyType({})

_HTML_TAGS = """
a bdi body code dd details div dl dt footer h1 h2 h3 head header html main meta p section small span strong summary
table tbody td th thead title tr
"""
_SVG_TAGS = "svg g line polygon rect circle text title"
_TAGS = frozenset((*_HTML_TAGS.split(), *_SVG_TAGS.split()))
_HTML_ATTRIBUTES = """
charset class content href http-equiv id lang name role scope tabindex
aria-describedby aria-hidden aria-label aria-labelledby
"""
_SVG_ATTRIBUTES = """
class cx cy dx dy focusable height points preserveAspectRatio r text-anchor transform viewBox width x x1 x2 xmlns y y1
y2
"""
_ATTRIBUTES = frozenset((*_HTML_ATTRIBUTES.split(), *_SVG_ATTRIBUTES.split()))
_VOID = frozenset({"meta"})
_INLINE = frozenset({"a", "bdi", "code", "dt", "dd", "h1", "h2", "h3", "small", "span", "strong", "td", "th", "title"})


@dataclass(frozen=True, slots=True)
class Markup:
    """Finished markup. Made in this file only; anything else is text."""

    source: str


Child = Markup | str


def element(tag: str, attributes: Mapping[str, str] = NO_ATTRIBUTES, *children: Child) -> Markup:
    """One element with its children.

    Args:
        tag: a name from the list of harmless tags.
        attributes: names from the list of harmless attributes; ``href`` leads to a place in the page.
        children: markup as it is, strings as text.

    Raises:
        ValueError: a tag, attribute or address that is not on the lists; a mistake of the caller, not of the data.
    """
    if tag not in _TAGS:
        raise ValueError(f"no page of ours has the tag {tag!r}")
    opening = f"<{tag}{''.join(_attribute(name, value) for name, value in attributes.items())}>"
    end = "" if tag in _INLINE else "\n"
    if tag in _VOID:
        return Markup(f"{opening}{end}")
    return Markup(f"{opening}{''.join(map(_source, children))}</{tag}>{end}")


def joined(children: Iterable[Child]) -> Markup:
    """Several children as one."""
    return Markup("".join(map(_source, children)))


def style_sheet(css: str) -> tuple[Markup, str]:
    """A style element, and the source expression that lets a content security policy accept this one only.

    Raises:
        ValueError: the sheet could end its element or load something.
    """
    if "</" in css or "url(" in css or "@import" in css:
        raise ValueError("the style sheet ends its element or loads something")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return Markup(f"<style>{css}</style>\n"), f"'sha256-{digest}'"


def document(root: Markup) -> str:
    """A whole page."""
    return f"<!doctype html>\n{root.source}"


def picture(root: Markup) -> str:
    """A whole SVG file."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root.source}'


def _attribute(name: str, value: str) -> str:
    if name not in _ATTRIBUTES or (name == "href" and not value.startswith("#")):
        raise ValueError(f"no page of ours has the attribute {name!r} like this")
    return f' {name}="{html.escape(clean(value))}"'


def _source(child: Child) -> str:
    return child.source if isinstance(child, Markup) else html.escape(clean(child), quote=False)
