"""CSV: one row an op for one model, one row a model for a comparison. Figures are whole numbers, units in the names.

A figure that is not known is an empty cell, never zero. The ops are those of the graph: an op with bodies (a branch, a
loop, a call of a function) is one row with the figures of its bodies together, so that the rows sum to the totals.
"""

import csv
import io
from collections.abc import Iterable, Sequence

from attainable.analysis.comparison import Comparison
from attainable.analysis.grouping import COUNTED
from attainable.analysis.records import Analysis, OpRow
from attainable.export.escaping import csv_text

OP_COLUMNS = (
    "id", "name", "operator", "scope", "element_type", "label", "state", "macs", "operations", "bytes_read",
    "bytes_written", "parameters", "shares_parameters", "input_shapes", "output_shapes",
)  # fmt: skip
"""The header of a model's table. Columns are only added, at the end."""

MODEL_COLUMNS = (
    "model", "macs", "operations", "parameters", "parameter_bytes", "bytes_moved", "unavoidable_bytes",
    "peak_activation_bytes", "at_least", "macs_ratio", "operations_ratio", "parameters_ratio", "bytes_moved_ratio",
    "peak_activation_bytes_ratio", "device", "threads", "accounting", "bound_seconds", "bound_by", "roofline_seconds",
)  # fmt: skip
"""The header of a comparison: a row for each model, or for each model on each device."""

Cell = str | int | float | bool | None


def count_csv(analysis: Analysis) -> str:
    """The ops of a model in the order of the file."""
    return _table(OP_COLUMNS, (_op_cells(op) for op in analysis.ops))


def comparison_csv(comparison: Comparison) -> str:
    """The models of a comparison, each once for every device."""
    rows: list[list[Cell]] = []
    for index, entry in enumerate(comparison.models):
        totals, ratios = entry.totals, entry.ratios
        counted: list[Cell] = [
            entry.label, totals.macs, totals.operations, totals.parameters, totals.parameter_bytes, totals.bytes_moved,
            totals.unavoidable_bytes, totals.peak_activation_bytes, totals.at_least, ratios.macs, ratios.operations,
            ratios.parameters, ratios.bytes_moved, ratios.peak_activation_bytes,
        ]  # fmt: skip
        rows += [
            [
                *counted, device.name, device.threads, device.accounting, times.bound_seconds, times.bound_by,
                times.roofline_seconds,
            ]
            for device in comparison.devices
            for times in [device.times[index]]
        ] or [[*counted, *[None] * (len(MODEL_COLUMNS) - len(counted))]]  # fmt: skip
    return _table(MODEL_COLUMNS, rows)


def _op_cells(op: OpRow) -> list[Cell]:
    known = op.state in COUNTED
    figures: list[Cell] = [op.macs, op.operations, op.bytes_read, op.bytes_written]
    return [
        op.id, op.name, op.kind, op.scope, op.dtype, op.label, op.state,
        *(figures if known else [None] * len(figures)), op.parameters, op.shared,
        _shapes(op.input_shapes), _shapes(op.output_shapes),
    ]  # fmt: skip


def _shapes(shapes: Sequence[Sequence[int] | None]) -> str:
    """Shapes in the order of the operator: ``1x64x56x56 64x64x3x3``; ``?`` for an unknown or omitted one."""
    return " ".join("?" if shape is None else "x".join(map(str, shape)) or "scalar" for shape in shapes)


def _table(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def _cell(cell: Cell) -> str | int | float:
    if isinstance(cell, str):
        return csv_text(cell)
    if cell is None or isinstance(cell, bool):
        return "" if cell is None else str(cell).lower()
    return cell
