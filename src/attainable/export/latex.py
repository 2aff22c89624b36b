"""LaTeX: the table of a paper, one row a model, for the package booktabs."""

from collections.abc import Sequence

from attainable.analysis.comparison import Comparison
from attainable.analysis.records import Analysis
from attainable.export.escaping import latex_text
from attainable.export.figures import Figures, figures, notes
from attainable.export.messages import say
from attainable.names import clean

_COLUMNS = ("model", "parameters", "macs", "access", "peak")


def count_latex(analysis: Analysis) -> str:
    """Parameters, MACs, memory access and peak memory of one model."""
    return _table([figures(analysis.model, analysis.totals)])


def comparison_latex(comparison: Comparison) -> str:
    """Parameters, MACs, memory access and peak memory of each model."""
    return _table([figures(entry.model, entry.totals, label=entry.label) for entry in comparison.models])


def _table(rows: Sequence[Figures]) -> str:
    comments = [say("note.booktabs"), *notes(rows)]
    lines = [
        *(f"% {clean(comment)}" for comment in comments),
        rf"\begin{{tabular}}{{l{'r' * (len(_COLUMNS) - 1)}}}",
        r"\toprule",
        _line([latex_text(say(f"column.{column}")) for column in _COLUMNS]),
        r"\midrule",
        *(_line(_cells(row)) for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _cells(row: Figures) -> list[str]:
    floor = r"$\geq$\," if row.at_least else ""
    # a thin space that does not break stands between a number and its unit
    quantities = [quantity.replace(" ", r"\,") for quantity in (row.parameters, row.macs, row.access, row.peak)]
    return [latex_text(row.label), quantities[0], *(floor + quantity for quantity in quantities[1:])]


def _line(cells: Sequence[str]) -> str:
    return rf"{' & '.join(cells)} \\"
