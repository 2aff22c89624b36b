"""The report: one HTML file that is complete offline, without scripts and on paper."""

from functools import cache

from attainable.analysis.records import Analysis
from attainable.names import short_name, short_sentence
from attainable.quantities import format_bytes, format_count, format_seconds
from attainable.report.assets import asset
from attainable.report.markup import Child, Markup, document, element, joined, style_sheet
from attainable.report.messages import say
from attainable.report.sections import (
    DASH,
    chart_section,
    errors_section,
    findings_section,
    hotspots_section,
    indicators_section,
    notes,
    section,
    verdict_section,
)
from attainable.report.tables import Column, table
from attainable.report.views.hotspots import hotspots
from attainable.report.views.method import Facts, method
from attainable.report.views.operators import OperatorRow, Operators, operators
from attainable.report.views.roofline_chart import roofline_chart
from attainable.report.views.verdict import Verdict, verdict
from attainable.report.views.work import Total, WorkOnPaper, work_on_paper


def render_html(analysis: Analysis) -> str:
    """The report of an analysis as one HTML document; names from the model can only be text in it."""
    answer = verdict(analysis)
    main = element(
        "main", {}, _head(answer), errors_section(analysis.errors),
        verdict_section(answer, warnings=len(analysis.warnings)),
        indicators_section(answer), hotspots_section(hotspots(analysis)), chart_section(roofline_chart(analysis)),
        findings_section(analysis),
        _work(work_on_paper(analysis)), _operators(operators(analysis)),
        _warnings(analysis.warnings), _method(method(analysis)), _footer(analysis),
    )  # fmt: skip
    style, source = style_sheet(_css())
    policy = f"default-src 'none'; style-src {source}; base-uri 'none'; form-action 'none'"
    return document(
        element(
            "html", {"lang": "en"},
            element(
                "head", {}, element("meta", {"charset": "utf-8"}),
                element("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
                element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
                element("meta", {"name": "color-scheme", "content": "light dark"}),
                element("meta", {"name": "referrer", "content": "no-referrer"}),
                element("title", {}, answer.title), style,
            ),
            element("body", {}, main),
        )
    )  # fmt: skip


@cache
def _css() -> str:
    return "\n".join(asset(f"{name}.css") for name in ("colours", "page", "chart"))


def _head(answer: Verdict) -> Markup:
    head = answer.subject
    return element(
        "header", {}, element("h1", {}, element("bdi", {}, head.model)),
        element("p", {"class": "place"}, element("bdi", {}, head.place)),
        element("p", {"class": "conditions"}, element("bdi", {}, head.note)),
    )  # fmt: skip


def _work(work: WorkOnPaper) -> Markup:
    figures = [element("div", {}, *_total(total)) for total in work.totals]
    sentences = (work.conventions, work.coverage)
    return section("work", say("work.title"), element("dl", {"class": "totals"}, *figures), notes(sentences))


def _total(total: Total) -> list[Markup]:
    note = [element("dd", {"class": "detail"}, total.note)] if total.note else []
    return [element("dt", {}, total.meaning), element("dd", {}, total.value), *note]


def _operators(view: Operators) -> Markup:
    if not view.rows:
        return section("operators", say("operators.title"), notes(view.notes))
    counted = ("macs", "operations", "parameters", "bytes", "intensity")
    columns = [
        Column(say("column.operator"), names_row=True), Column(say("column.times"), numeric=True),
        *(Column(say(f"column.{name}"), numeric=True) for name in counted),
        *([Column(say("column.roofline"), numeric=True)] if view.with_roofline else []),
        *([Column(say("kind.measured").capitalize(), numeric=True)] if view.with_measured else []),
    ]  # fmt: skip
    rows = (_operator_row(row, view) for row in view.rows)
    return section(
        "operators", say("operators.title"), notes(view.notes),
        table(columns, rows, label=say("operators.title"), style="operators"),
    )  # fmt: skip


def _operator_row(row: OperatorRow, view: Operators) -> list[Child]:
    label: Child = element("bdi", {}, row.label)
    if row.state != "counted":
        label = joined([label, " ", element("small", {"class": "state"}, row.state)])
    if row.depth:
        label = element("span", {"class": f"inside inside-{row.depth}"}, label)
    intensity, floor = row.operational_intensity, "≥ " if row.at_least else ""
    sums = (floor + format_count(row.macs), floor + format_count(row.operations), format_count(row.parameters))
    cells: list[Child] = [
        label, f"×{row.times}",
        *(text if row.known else "?" for text in (*sums, floor + format_bytes(row.bytes_moved))),
        DASH if intensity is None else format_count(intensity),
    ]  # fmt: skip
    elsewhere = element("small", {}, say("operators.fused"))
    if view.with_roofline:
        seconds = row.roofline_seconds
        cells.append(elsewhere if row.roofline_elsewhere else format_seconds(seconds) if seconds else DASH)
    if view.with_measured:
        seconds = row.measured_seconds
        cells.append(format_seconds(seconds) if seconds is not None else elsewhere if row.measured_elsewhere else DASH)
    return cells


def _warnings(warnings: list[str]) -> Markup:
    if not warnings:
        return joined(())
    sentences = [element("p", {"class": "warning"}, short_sentence(warning)) for warning in warnings]
    return section("warnings", say("warnings.title"), *sentences)


def _method(lists: tuple[Facts, ...]) -> Markup:
    return section("method", say("method.title"), *map(_facts, lists))


def _facts(facts: Facts) -> Markup:
    rows = [
        element("div", {}, element("dt", {}, term), element("dd", {}, element("bdi", {}, text)))
        for term, text in facts.rows
    ]
    return joined([element("h3", {}, facts.title), element("dl", {"class": "facts"}, *rows)])


def _footer(analysis: Analysis) -> Markup:
    version = short_name(analysis.environment.get("attainable", "?"))
    return element("footer", {}, say("footer.made", {"version": version, "schema": analysis.schema_version}))
