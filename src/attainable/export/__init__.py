"""Export: what was counted or compared, in the formats of other programs. One file a format."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from attainable.analysis.comparison import Comparison
from attainable.analysis.records import Analysis, as_json
from attainable.errors import InvalidQuantity, unknown_name
from attainable.export.csv import comparison_csv, count_csv
from attainable.export.latex import comparison_latex, count_latex
from attainable.export.markdown import comparison_markdown, count_markdown
from attainable.export.model_explorer import count_model_explorer
from attainable.export.netron import count_netron
from attainable.export.nodes import unnamed_warnings

__all__ = ["COMPARISON_FORMATS", "FORMATS", "TABLE", "Format", "chosen_format", "export_count"]

TABLE = "table"
"""The name of what the terminal shows, which is no format of a file."""


def _no_warnings(analysis: Analysis) -> list[str]:
    del analysis
    return []


@dataclass(frozen=True, slots=True)
class Format:
    """How to write the counts of a model.

    Attributes:
        render: the content of the file.
        extensions: of files that get this format where none is named.
        warnings: what the file cannot say.
    """

    render: Callable[[Analysis], str]
    extensions: tuple[str, ...] = ()
    warnings: Callable[[Analysis], list[str]] = _no_warnings


FORMATS: dict[str, Format] = {
    "json": Format(Analysis.to_json, (".json",)),
    "csv": Format(count_csv, (".csv",)),
    "markdown": Format(count_markdown, (".md", ".markdown")),
    "latex": Format(count_latex, (".tex",)),
    "netron": Format(count_netron, warnings=unnamed_warnings),
    "model-explorer": Format(count_model_explorer, warnings=unnamed_warnings),
}
"""The formats of ``attainable count`` by name. A new one is one file and one line here."""

_EXTENSIONS_OF_A_TABLE = ("", ".txt", ".text", ".log")

COMPARISON_FORMATS: dict[str, Callable[[Comparison], str]] = {
    "json": as_json,
    "csv": comparison_csv,
    "markdown": comparison_markdown,
    "latex": comparison_latex,
}
"""The formats of ``attainable compare`` by name."""


def export_count(analysis: Analysis, format: str) -> str:
    """The counts of a model in a format of ``FORMATS``.

    Raises:
        UnknownName: there is no such format.
    """
    if format not in FORMATS:
        raise unknown_name("format", format, FORMATS)
    return FORMATS[format].render(analysis)


def chosen_format(name: str | None, output: Path | None, known: Iterable[str]) -> str:
    """The format that the user asked for: by name, else by the extension of the output, else ``table``.

    Raises:
        UnknownName: there is no such format.
        InvalidQuantity: the extension belongs to no format.
    """
    names = (TABLE, *known)
    if name is not None:
        if name not in names:
            raise unknown_name("format", name, names)
        return name
    suffix = output.suffix.lower() if output else ""
    if suffix in _EXTENSIONS_OF_A_TABLE:
        return TABLE
    found = next((known for known, entry in FORMATS.items() if suffix in entry.extensions and known in names), None)
    if found is None:
        extensions = [entry.extensions[0] for known, entry in FORMATS.items() if entry.extensions and known in names]
        raise InvalidQuantity(
            "cannot tell the format of the output", where=str(output),
            help=f"name a file that ends in {', '.join(extensions)} or .txt, or name the format: --format "
            f"{'|'.join(names)}; an HTML report is what `attainable analyze` writes",
        )  # fmt: skip
    return found
