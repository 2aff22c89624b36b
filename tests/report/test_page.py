import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from attainable.analysis.records import (
    Analysis,
    BodyRow,
    Checked,
    Fault,
    Finding,
    NetworkShape,
    StageRow,
    TrainingStep,
)
from attainable.errors import InvalidQuantity, OutputExists
from attainable.names import clean
from attainable.report import render_html, write_analysis, write_html
from tests.report.analyses import convolutions, large, nothing, on_paper, op, renamed
from tests.report.evil import EVIL_NAMES, parse

SECTIONS = ["verdict", "indicators", "hotspots", "roofline", "findings", "work", "operators", "method"]


def complete() -> Analysis:
    """An analysis with everything that a page can show."""
    finding = Finding("DSG005", "odd channels", ["0"], "65 channels run as 80", "use 64", 0.005, 0.008, "measured")
    return replace(
        convolutions(), findings=[finding], warnings=["a warning"],
        errors=[Fault("measurement", "the worker crashed", "net.onnx", "try again")],
    )  # fmt: skip


@pytest.mark.parametrize(
    "analysis",
    [complete(), convolutions(), replace(convolutions(), runs=[]), on_paper([]), nothing()],
    ids=["complete", "run", "roofline", "paper", "nothing"],
)
def test_every_page_is_well_formed_and_has_all_sections(analysis: Analysis) -> None:
    page = parse(render_html(analysis))
    assert page.faults == []
    assert [section for section in SECTIONS if section not in page.ids] == []
    assert len(set(page.ids)) == len(page.ids)
    assert page.tags.count("h1") == 1


def test_a_page_loads_nothing_and_runs_nothing() -> None:
    html = render_html(complete())
    page = parse(html)
    assert not {"script", "img", "link", "iframe", "object", "form", "base"} & set(page.tags)
    assert [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "style")] == []
    assert all(value.startswith("#") for name, value in page.attributes if name == "href")
    assert "http:" not in html
    assert "https:" not in html


def test_the_policy_allows_the_one_style_sheet_only() -> None:
    (policy,) = (value for _, value in parse(render_html(convolutions())).attributes if "default-src" in value)
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'; base-uri 'none'; form-action 'none'", policy
    )


def test_links_and_descriptions_lead_somewhere() -> None:
    page = parse(render_html(complete()))
    targets = [value.removeprefix("#") for name, value in page.attributes if name in ("href", "aria-describedby")]
    targets += [value for name, value in page.attributes if name == "aria-labelledby"]
    assert targets
    assert set(targets) <= set(page.ids)


def test_errors_stand_before_the_verdict() -> None:
    ids = parse(render_html(complete())).ids
    assert ids.index("errors") < ids.index("verdict")
    assert "errors" not in parse(render_html(convolutions())).ids


def test_what_is_said_can_be_read() -> None:
    text = parse(render_html(complete())).text
    for sentence in (
        "net.onnx", "on this machine (AMD EPYC, 2 cores, onnxruntime 1.31.1)", "80 % of the bound", "of devices fitted",
        "DSG005", "saves 5.00 ms to 8.00 ms", "measurement failed: the worker crashed", "help: try again", "a warning",
        "Conv 3x3 8->8 on 9x9", "multiply-adds in registers",
    ):  # fmt: skip
        assert sentence in text


def test_ops_that_could_not_be_counted_are_no_zeros() -> None:
    analysis = convolutions()
    odd = [replace(op, state="no rule") for op in analysis.ops]
    assert "no rule" in parse(render_html(replace(analysis, ops=odd))).text


@pytest.mark.parametrize("name", EVIL_NAMES.values(), ids=EVIL_NAMES.keys())
def test_hostile_strings_stay_text_everywhere(name: str) -> None:
    html = render_html(renamed(complete(), lambda original: name + original))
    page, harmless = parse(html), parse(render_html(complete()))
    assert page.faults == []
    assert set(page.tags) <= set(harmless.tags)
    assert {attribute for attribute, _ in page.attributes} <= {attribute for attribute, _ in harmless.attributes}
    assert all(character.isprintable() or character == "\n" for character in html)
    assert clean(name[:30])[:30] in page.text
    assert len(html.encode()) < 200_000


def test_hostile_endings_stay_text_too() -> None:
    name = EVIL_NAMES["end of title"]
    page = parse(render_html(renamed(complete(), lambda original: original + name)))
    assert "script" not in page.tags
    assert name in page.text


def test_ten_thousand_ops_are_quick_and_small() -> None:
    analysis = large(10_000)
    start = time.process_time()
    html = render_html(analysis)
    assert time.process_time() - start < 5
    assert len(html.encode()) < 2_000_000
    assert parse(html).tags.count("tr") < 800


def test_a_page_is_the_same_every_time() -> None:
    assert render_html(complete()) == render_html(complete())


def test_a_file_is_not_overwritten_unasked(tmp_path: Path) -> None:
    target = tmp_path / "net.html"
    write_html(convolutions(), target)
    assert target.read_text(encoding="utf-8") == render_html(convolutions())
    with pytest.raises(OutputExists, match="exists already"):
        write_html(convolutions(), target)
    write_html(nothing(), str(target), overwrite=True)
    assert target.read_text(encoding="utf-8") == render_html(nothing())
    assert list(tmp_path.iterdir()) == [target]


def test_the_extension_names_the_format(tmp_path: Path) -> None:
    write_analysis(convolutions(), tmp_path / "net.json")
    write_analysis(convolutions(), tmp_path / "net.HTML")
    assert Analysis.from_json((tmp_path / "net.json").read_bytes()) == convolutions()
    assert (tmp_path / "net.HTML").read_text(encoding="utf-8").startswith("<!doctype html>")
    with pytest.raises(InvalidQuantity, match="cannot tell the format of the output") as fault:
        write_analysis(convolutions(), tmp_path / "net.pdf")
    assert fault.value.help == "name a file that ends in .html or .json"


def test_no_findings_say_why() -> None:
    unrun, unprobed = replace(convolutions(), runs=[]), convolutions()
    looked = replace(convolutions(), checked=[Checked("DSG005", "odd channels", ["0"], "72 channels run as 72")])
    for analysis, sentence in (
        (unrun, "the network was not run"),
        (unprobed, "or probes were turned off (--no-advise)"),
        (looked, "no rule proved a gain on this machine"),
    ):
        text = parse(render_html(analysis)).text
        assert text[text.index("Findings") :].split(".")[0].endswith(sentence)


def test_memory_and_shape_of_the_network_are_on_the_page() -> None:
    shape = NetworkShape(
        ops=5, depth=4, layers=3, widest_level=2, fragments=6, critical_path_operations=7, parallelism=1.25,
        stages=[StageRow([14, 14], 5, 8, 3 * 10**9)],
    )  # fmt: skip
    step = TrainingStep(
        "adam", weight_bytes=1024, buffer_bytes=0, gradient_bytes=1024, optimiser_bytes=2048, input_bytes=0,
        saved_bytes=512, activation_gradient_bytes=0, peak_bytes=4608, peak_phase="backward", assumed=["Mystery"],
    )  # fmt: skip
    first = convolutions()
    totals = replace(first.totals, planned_arena_bytes=3 * 2**20)
    model = replace(first.model, compressed_bytes=2500)
    text = parse(render_html(replace(first, totals=totals, model=model, network=shape, training=step))).text
    for piece in (
        "planned arena",
        "3.00 MiB",
        "parallelism 1.25",
        "14x14 (8 channels, 5 ops)",
        "4.50 KiB",
        "2.44 KiB",
        "all that they read: Mystery",
    ):
        assert piece in text


def test_ops_inside_of_bodies_stand_indented_in_the_table() -> None:
    body = BodyRow("body", 7, [op("0/body/0", "Add 8", operations=8)])
    loop = replace(op("0", "Loop 8", operations=56), bodies=[body])
    html = render_html(on_paper([loop]))
    assert parse(html).faults == []
    assert 'class="inside inside-1"' in html
    assert "×7" in html
