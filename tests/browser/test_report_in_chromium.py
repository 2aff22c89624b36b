"""The report in a real browser: what a person sees when the file is opened from disk."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from attainable.analysis.records import Analysis, Fault, Finding
from attainable.report import write_html
from tests.report.analyses import convolutions, large, renamed

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome")
WIDTHS = [1200, 390]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("no Chromium is installed; run `make chromium`, or `make test`, which does it first")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield chromium
        chromium.close()


@dataclass
class Visit:
    """An open page, and what the browser said and asked for meanwhile."""

    page: Page
    said: list[str] = field(default_factory=list[str])
    asked: list[str] = field(default_factory=list[str])


def visit(browser: Browser, analysis: Analysis, folder: Path, *, width: int = 1200, scheme: str = "light") -> Visit:
    path = folder / "report.html"
    write_html(analysis, path, overwrite=True)
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    seen = Visit(page)

    def asked(request: Request) -> None:
        seen.asked.append(request.url)

    page.on("request", asked)
    page.on("console", lambda message: seen.said.append(message.text))
    page.on("pageerror", lambda error: seen.said.append(str(error)))
    page.on("dialog", lambda dialog: seen.said.append(dialog.message))
    page.goto(path.as_uri())
    return seen


def complete() -> Analysis:
    finding = Finding("DSG005", "odd channels", ["0"], "65 channels run as 80", "use 64", 0.005, 0.008, "measured")
    fault = Fault("measurement", "the worker crashed", "net.onnx", "try again")
    return replace(convolutions(), findings=[finding], warnings=["a warning"], errors=[fault])


@pytest.mark.parametrize("width", WIDTHS)
def test_the_report_opens_without_a_word_and_without_a_request(browser: Browser, tmp_path: Path, width: int) -> None:
    seen = visit(browser, complete(), tmp_path, width=width)
    assert seen.said == []
    assert seen.asked == [(tmp_path / "report.html").as_uri()]
    for heading in ("net.onnx", "Verdict", "Indicators", "Where it goes", "Roofline", "Operators", "Method", "Errors"):
        assert seen.page.get_by_role("heading", name=heading, exact=True).is_visible()
    assert seen.page.locator("table.hotspots").is_visible()
    assert seen.page.get_by_role("img").is_visible()
    seen.page.close()


@pytest.mark.parametrize("width", [*WIDTHS, 320])
def test_nothing_is_wider_than_the_screen(browser: Browser, tmp_path: Path, width: int) -> None:
    long_names = renamed(complete(), lambda original: original + "W" * 200)
    for analysis in (complete(), large(30), long_names):
        seen = visit(browser, analysis, tmp_path, width=width)
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        seen.page.close()


def test_the_style_sheet_is_accepted_and_has_a_dark_side(browser: Browser, tmp_path: Path) -> None:
    colours: list[str] = []
    for scheme in ("light", "dark"):
        seen = visit(browser, complete(), tmp_path, scheme=scheme)
        colours.append(seen.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        seen.page.close()
    light, dark = colours
    assert light != dark
    assert light != "rgba(0, 0, 0, 0)"


def test_hostile_names_do_nothing(browser: Browser, tmp_path: Path) -> None:
    evil = "</title></style></svg><script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)>"
    seen = visit(browser, renamed(complete(), lambda original: original[:5] + evil), tmp_path)
    assert seen.said == []
    assert len(seen.asked) == 1
    assert seen.page.locator("script, img").count() == 0
    seen.page.close()


def test_paper_shows_what_is_folded_on_the_screen(browser: Browser, tmp_path: Path) -> None:
    seen = visit(browser, complete(), tmp_path)
    table = seen.page.locator("#roofline-table table")
    assert not table.is_visible()
    seen.page.emulate_media(media="print")
    assert table.is_visible()
    assert len(seen.page.pdf()) > 10_000
    seen.page.close()


def test_the_table_of_the_chart_opens_without_a_script(browser: Browser, tmp_path: Path) -> None:
    seen = visit(browser, complete(), tmp_path)
    seen.page.get_by_text("The chart as a table").click()
    assert seen.page.locator("#roofline-table table").is_visible()
    seen.page.close()
