"""Names that a hostile model could carry, and what a page says about itself when it is parsed."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

EVIL_NAMES = {
    "script": "<script>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "end of title": "</title></style><script>alert(1)</script>",
    "end of attribute": "\"'><svg onload=alert(1)>",
    "entity": "&lt;script&gt;&#x3c;b&amp;",
    "comment": "--><!--]]>",
    "address": "javascript:alert(1)",
    "colour": "\x1b[31mred\x1b[0m",
    "clear the screen": "\x1b[2J\x1b[H",
    "link": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "title of the window": "\x1b]0;owned\x07",
    "C1": "\x9b31m\x90\x9c",
    "right to left": "a\u202eexe.cod\u2066\u200f",
    "invisible": "a\u200b\ufeff\u00ad\u2028b",
    "zero": "a\x00b",
    "lines": "a\r\nb\n\terror: c",
    "backspace": "a\b\b\bb\x7f",
    "markup of rich": "[red]x[/red][/][link=http://evil.example]y[/link]",
    "emoji of rich": ":skull: [bold]",
    "format": "{0} {name.__class__} {count!r} {{",
    "percent": "%s%n%(x)s",
    "template": "{{7*7}}${7*7}<%= 7*7 %>",
    "path": "../../x/CON",
    "surrogate": "a\ud800b",
    "private": "\ue000\U000e0041",
    "long": "n" * 10**6,
}

VOID = {"meta"}


@dataclass
class Page(HTMLParser):
    """A parsed page: its tags, attributes, text, and whatever is not well formed."""

    tags: list[str] = field(default_factory=list[str])
    attributes: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    ids: list[str] = field(default_factory=list[str])
    text: str = ""
    faults: list[str] = field(default_factory=list[str])
    open_tags: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        HTMLParser.__init__(self, convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if len({name for name, _ in attrs}) < len(attrs):
            self.faults.append(f"{tag} has an attribute twice")
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open_tags or self.open_tags.pop() != tag:
            self.faults.append(f"{tag} ends where it is not open")

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data[:20]!r}")


def parse(html: str) -> Page:
    """Parse a page or a part of one."""
    page = Page()
    page.feed(html)
    page.close()
    page.faults += [f"{tag} is not ended" for tag in page.open_tags]
    return page
