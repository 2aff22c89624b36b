"""Markdown (GitHub's): a table of models, and the operators of one model."""

from collections.abc import Iterable, Sequence

from attainable.analysis.comparison import Comparison, DeviceComparison
from attainable.analysis.grouping import OpGroup, by_kind
from attainable.analysis.records import Analysis
from attainable.export.escaping import markdown_text
from attainable.export.figures import Figures, accounting_notes, figures, notes
from attainable.export.messages import say
from attainable.quantities import format_bytes, format_count, format_seconds, format_share

_MODEL_COLUMNS = ("model", "parameters", "macs", "operations", "access", "peak")
_KIND_COLUMNS = ("operator", "ops", "macs", "operations", "share", "parameters", "moved")
_DEVICE_COLUMNS = ("model", "bound", "roofline", "binds")


def count_markdown(analysis: Analysis) -> str:
    """The model in a row, then its operators, the one with most operations first."""
    row = figures(analysis.model, analysis.totals)
    kinds = _table(_KIND_COLUMNS, (_kind_cells(group, analysis) for group in by_kind(analysis.ops)), texts=1)
    return _document(_models([row]), kinds, _notes([row]))


def comparison_markdown(comparison: Comparison) -> str:
    """The models in a row each, then a table for each device."""
    rows = [figures(entry.model, entry.totals, label=entry.label) for entry in comparison.models]
    parts = [_models(rows)]
    for device in comparison.devices:
        parts += [
            f"**{markdown_text(device.name)}** ({markdown_text(device.title)})",
            _device(device, [row.label for row in rows]),
        ]
    if comparison.devices:
        parts.append("\n".join(f"- {markdown_text(note)}" for note in accounting_notes(comparison)))
    return _document(*parts, _notes(rows))


def _models(rows: Iterable[Figures]) -> str:
    return _table(_MODEL_COLUMNS, (_model_cells(row) for row in rows), texts=1)


def _model_cells(row: Figures) -> list[str]:
    floor = "≥ " if row.at_least else ""
    figures = (row.macs, row.operations, row.access, row.peak)
    return [markdown_text(row.label), row.parameters, *(floor + figure for figure in figures)]


def _kind_cells(group: OpGroup, analysis: Analysis) -> list[str]:
    known = group.uncounted < group.ops
    floor = "≥ " if group.uncounted else ""
    total = analysis.totals.operations
    share = format_share(group.operations / total) if total else "-"
    counts = [floor + format_count(number) if known else "?" for number in (group.macs, group.operations)]
    return [
        markdown_text(group.name), str(group.ops), *counts, share if known else "?", format_count(group.parameters),
        floor + format_bytes(group.bytes_moved) if known else "?",
    ]  # fmt: skip


def _device(device: DeviceComparison, labels: Sequence[str]) -> str:
    cells = (
        [markdown_text(label), format_seconds(times.bound_seconds), format_seconds(times.roofline_seconds),
         markdown_text(times.bound_by)]
        for label, times in zip(labels, device.times, strict=True)
    )  # fmt: skip
    return _table(_DEVICE_COLUMNS, cells, texts=1)


def _notes(rows: Sequence[Figures]) -> str:
    return "\n".join(f"- {markdown_text(note)}" for note in notes(rows))


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int) -> str:
    """A table whose first ``texts`` columns are text and the others numbers, aligned in the source too."""
    lines = [[say(f"column.{column}") for column in columns], *rows]
    widths = [max(3, *(len(line[index]) for line in lines)) for index in range(len(columns))]
    ruler = ["-" * width if index < texts else f"{'-' * (width - 1)}:" for index, width in enumerate(widths)]
    aligned = [
        [cell.ljust(width) if index < texts else cell.rjust(width) for index, (cell, width) in
         enumerate(zip(line, widths, strict=True))]
        for line in lines
    ]  # fmt: skip
    return "\n".join(f"| {' | '.join(line)} |" for line in (aligned[0], ruler, *aligned[1:]))


def _document(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"
