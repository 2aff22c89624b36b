import base64
import hashlib
from pathlib import Path

import pytest

import attainable.report
from attainable.report.markup import element, joined, style_sheet
from tests.report.evil import EVIL_NAMES, parse


@pytest.mark.parametrize("name", EVIL_NAMES.values(), ids=EVIL_NAMES.keys())
def test_text_and_attributes_cannot_become_markup(name: str) -> None:
    source = element("p", {"class": name, "aria-label": name}, name, element("small", {}, name)).source
    page = parse(source)
    assert page.tags == ["p", "small"]
    assert [attribute for attribute, _ in page.attributes] == ["class", "aria-label"]
    assert page.faults == []
    assert all(character.isprintable() or character == "\n" for character in source)


def test_text_is_escaped_and_markup_is_not_escaped_twice() -> None:
    assert element("td", {}, "a < b & c", element("code", {}, "<i>")).source == (
        "<td>a &lt; b &amp; c<code>&lt;i&gt;</code></td>"
    )
    assert element("td", {"class": 'x" y'}).source == '<td class="x&quot; y"></td>'
    assert joined(["<", element("td")]).source == "&lt;<td></td>"


@pytest.mark.parametrize("tag", ["script", "style", "iframe", "img", "link", "object", "p onclick", "P", "a><script"])
def test_a_tag_that_could_act_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="no page of ours has the tag"):
        element(tag)


@pytest.mark.parametrize("name", ["onclick", "style", "src", "xlink:href", "class onclick", "action", "srcdoc"])
def test_an_attribute_that_could_act_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no page of ours has the attribute"):
        element("p", {name: "x"})


@pytest.mark.parametrize("address", ["http://x", "javascript:x", "//x", "x.html", " #x"])
def test_links_stay_in_the_page(address: str) -> None:
    with pytest.raises(ValueError, match="attribute 'href'"):
        element("a", {"href": address})
    assert element("a", {"href": "#x"}).source == '<a href="#x"></a>'


def test_the_policy_accepts_exactly_this_style_sheet() -> None:
    style, source = style_sheet("p { color: red; }")
    assert style.source == "<style>p { color: red; }</style>\n"
    digest = base64.b64encode(hashlib.sha256(b"p { color: red; }").digest()).decode()
    assert source == f"'sha256-{digest}'"


@pytest.mark.parametrize("css", ["</style>", "p { background: url(x) }", "@import 'x'"])
def test_a_style_sheet_that_ends_itself_or_loads_something_is_refused(css: str) -> None:
    with pytest.raises(ValueError, match="style sheet"):
        style_sheet(css)


def test_markup_is_made_in_one_file_only() -> None:
    folder = Path(attainable.report.__file__).parent
    makers = [path.name for path in folder.rglob("*.py") if "Markup(" in path.read_text(encoding="utf-8")]
    assert makers == ["markup.py"]
