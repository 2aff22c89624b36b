"""The sections of the page that answer: verdict, indicators, where it goes, roofline, findings, errors."""

from collections.abc import Iterable

from attainable.analysis.records import Analysis, Checked, Fault, Finding
from attainable.names import short_name, short_sentence
from attainable.quantities import format_count, format_operations_per_second, format_seconds, format_share
from attainable.report.markup import Child, Markup, element, joined
from attainable.report.messages import say, say_count
from attainable.report.svg import roofline_svg
from attainable.report.tables import Column, bar, kind_mark, table
from attainable.report.views.advice import checked_line, most_saved_first, saving_line
from attainable.report.views.hotspots import Hotspot, Hotspots
from attainable.report.views.indicators import Figure
from attainable.report.views.roofline_chart import Point, RooflineChart
from attainable.report.views.verdict import Verdict, VerdictRow

DASH = "–"


def section(name: str, title: str, *children: Child) -> Markup:
    """A section with its heading, reachable as ``#name``."""
    heading = element("h2", {"id": f"{name}-title"}, title)
    return element("section", {"id": name, "aria-labelledby": f"{name}-title"}, heading, *children)


def notes(sentences: Iterable[str]) -> Markup:
    """Sentences that say what the numbers above are."""
    return joined(element("p", {"class": "note"}, sentence) for sentence in sentences)


def verdict_section(verdict: Verdict, *, warnings: int) -> Markup:
    """At best, predicted, measured; and how many warnings stand further down."""
    longest = max((row.seconds for row in verdict.rows if row.seconds), default=0.0)
    rows = [_verdict_row(row, longest) for row in verdict.rows]
    answers = element("table", {"class": "verdict"}, element("tbody", {}, *rows))
    if not warnings:
        return section("verdict", say("verdict.title"), answers)
    link = element("a", {"href": "#warnings"}, say_count("verdict.warnings", warnings))
    return section("verdict", say("verdict.title"), answers, element("p", {"class": "note caution"}, link))


def _verdict_row(row: VerdictRow, longest: float) -> Markup:
    known = row.seconds is not None
    length = row.seconds / longest if row.seconds and longest else 0.0
    value = element("td", {"class": "value" if known else "value missing"}, row.value)
    note: list[Child] = [kind_mark(row.kind), ", ", row.note] if row.kind else [row.note]
    label: list[Child] = [
        row.label,
        *([element("small", {}, say("verdict.on_device", {"device": row.device}))] if row.device else []),
    ]
    share: list[Child] = [element("strong", {"class": "share"}, row.share)] if row.share else []
    says = element("p", {}, *note, *share)
    drawn = [bar(length, style="measured" if row.kind == say("kind.measured") else "")] if known else []
    return element(
        "tr", {}, element("th", {"scope": "row"}, *label), value, element("td", {"class": "says"}, *drawn, says)
    )


def indicators_section(verdict: Verdict) -> Markup:
    """Accuracy, latency, memory and energy, always all four."""
    tiles = [
        element(
            "div", {"class": "tile"}, element("h3", {}, indicator.name),
            *(_figure(figure, first=not index) for index, figure in enumerate(indicator.figures)),
        )
        for indicator in verdict.indicators
    ]  # fmt: skip
    return section("indicators", say("indicator.title"), element("div", {"class": "tiles"}, *tiles))


def _figure(figure: Figure, *, first: bool) -> Markup:
    if not first and not figure.kind:
        return element("p", {"class": "further missing"}, figure.meaning, ": ", figure.value)
    value = element("span", {"class": "value" if figure.kind else "value missing"}, figure.value)
    meaning = element("span", {"class": "meaning"}, figure.meaning, *([", ", figure.kind] if figure.kind else []))
    return element("p", {"class": "headline" if first else "further"}, value, " ", meaning)


def hotspots_section(hotspots: Hotspots) -> Markup:
    """Where it goes, with a bar for each row."""
    if not hotspots.rows:
        return section("hotspots", hotspots.title, notes(hotspots.notes))
    kind = say("kind.measured" if hotspots.measured else "kind.roofline")
    columns = [
        Column(say("column.rank"), numeric=True), Column(say("column.label"), names_row=True),
        Column(say("column.times"), numeric=True), Column(say("column.time"), kind, numeric=True),
        Column(say("column.share"), numeric=True), Column(""), Column(say("column.bound")),
        *([Column(say("column.of_roof"), numeric=True)] if hotspots.measured else []),
    ]  # fmt: skip
    shown = [*hotspots.rows, *([hotspots.rest] if hotspots.rest else [])]
    longest = hotspots.longest_seconds
    rows = [_hotspot_row(row, longest, measured=hotspots.measured) for row in shown]
    legend = say("hotspots.legend" if hotspots.measured else "hotspots.legend_paper")
    return section(
        "hotspots", hotspots.title,
        table(columns, rows, label=hotspots.title, style="hotspots"), notes((*hotspots.notes, legend)),
    )  # fmt: skip


def _hotspot_row(row: Hotspot, longest: float, *, measured: bool) -> list[Child]:
    label = element("bdi", {}, row.label)
    if row.companions:
        with_others = say("hotspots.with", {"kinds": ", ".join(row.companions)})
        label = joined([label, " ", element("small", {}, with_others)])
    scale = longest if longest > 0 else 1.0
    part = None if row.roofline_seconds is None else row.roofline_seconds / scale
    cells: list[Child] = [
        str(row.rank) if row.rank else "", label, f"×{row.times}", format_seconds(row.seconds),
        DASH if row.share is None else format_share(row.share), bar(row.seconds / scale, part=part) if row.rank else "",
        binding(row.bound_by),
    ]  # fmt: skip
    if measured:
        of_roof = DASH if row.of_roof is None else format_share(row.of_roof)
        cells.append(joined([of_roof, " ", element("small", {}, row.over)]) if row.over else of_roof)
    return cells


def binding(bound_by: str) -> Child:
    """Which roof binds, with its colour and its shape from the chart."""
    if bound_by not in ("compute", "memory"):
        return bound_by or DASH
    return element("span", {"class": f"binds {bound_by}"}, bound_by)


def chart_section(chart: RooflineChart) -> Markup:
    """The roofline chart, how to read it, and the same as a table."""
    if chart.is_empty:
        return section("roofline", say("chart.title"), notes([say("chart.none")]))
    sentences = [say("chart.measured" if chart.measured else "chart.paper"), say("chart.reading")]
    if chart.left_out:
        sentences.append(say_count("chart.left_out", chart.left_out))
    if chart.undrawn:
        sentences.append(say_count("chart.undrawn", chart.undrawn))
    roofs = (element("span", {"class": f"binds {roof}"}, say(f"chart.{roof}")) for roof in ("compute", "memory"))
    legend = element("p", {"class": "legend"}, *roofs)
    return section(
        "roofline", say("chart.title"), legend,
        element("div", {"class": "scroll", "role": "region", "aria-label": say("chart.title"), "tabindex": "0"},
                roofline_svg(chart, described_by="roofline-table")),
        notes(sentences),
        element("details", {"id": "roofline-table"}, element("summary", {}, say("chart.table")), _chart_table(chart)),
    )  # fmt: skip


def _chart_table(chart: RooflineChart) -> Markup:
    kind = say("kind.measured" if chart.measured else "kind.roofline")
    columns = [
        Column(say("column.label"), names_row=True), Column(say("column.intensity"), say("kind.counted"), numeric=True),
        Column(say("column.attained"), kind, numeric=True),
        Column(say("column.roof"), say("kind.roofline"), numeric=True), Column(say("column.bound")),
    ]  # fmt: skip
    return table(columns, map(_chart_row, chart.points), label=say("chart.table"))


def _chart_row(point: Point) -> list[Child]:
    label = f"{point.rank}  {point.label}" if point.rank else point.label
    roof = DASH if point.roof is None else format_operations_per_second(point.roof)
    attained = format_operations_per_second(point.operations_per_second)
    return [
        element("bdi", {}, label),
        format_count(point.operational_intensity),
        attained,
        roof,
        binding(point.bound_by),
    ]


def findings_section(analysis: Analysis) -> Markup:
    """What to change, most seconds first; then what was looked at without gain; or why nothing was looked at."""
    findings, checked = analysis.findings, analysis.checked
    why = "findings.none" if checked else "findings.no_probes" if analysis.runs else "findings.no_run"
    none = [] if findings else [notes([say(why)])]
    return section(
        "findings", say("findings.title"), *none, *map(_finding, most_saved_first(findings)), *map(_checked, checked)
    )


def _checked(checked: Checked) -> Markup:
    return element("p", {"class": "checked"}, element("code", {}, short_name(checked.code)), " ", checked_line(checked))


def _finding(finding: Finding) -> Markup:
    confidence = say("findings.confidence", {"confidence": short_name(finding.confidence)})
    return element(
        "div", {"class": "finding"},
        element("h3", {}, element("code", {}, short_name(finding.code)), " ", short_sentence(finding.title)),
        element("p", {"class": "saves"}, element("strong", {}, saving_line(finding)), ", ", confidence),
        element("p", {}, short_sentence(finding.observation)), element("p", {}, short_sentence(finding.action)),
    )  # fmt: skip


def errors_section(errors: list[Fault]) -> Markup:
    """What failed and what to do, before everything else; nothing where nothing failed."""
    if not errors:
        return joined(())
    return section("errors", say("errors.title"), element("p", {}, say("errors.about")), *map(_fault, errors))


def _fault(fault: Fault) -> Markup:
    failed = say("errors.failed", {"stage": short_name(fault.stage), "what": short_sentence(fault.what)})
    where = [f" ({short_sentence(fault.where)})"] if fault.where else []
    help = (
        [element("p", {"class": "help"}, say("errors.help", {"help": short_sentence(fault.help)}))]
        if fault.help
        else []
    )
    return element("div", {"class": "fault"}, element("p", {}, element("strong", {}, failed), *where), *help)
