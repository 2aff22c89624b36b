"""The report: what an analysis says, as one HTML file."""

from collections.abc import Callable
from pathlib import Path

from attainable.analysis.records import Analysis
from attainable.errors import InvalidQuantity
from attainable.files import write_atomically
from attainable.report.page import render_html

__all__ = ["FORMATS", "render_html", "require_format", "write_analysis", "write_html"]


def write_html(analysis: Analysis, path: str | Path, *, overwrite: bool = False) -> None:
    """Write the report of an analysis as one HTML file, whole or not at all.

    Raises:
        OutputExists: the file is there and ``overwrite`` is false.
        InputError: the folder is missing, read-only or full.
    """
    write_atomically(Path(path), render_html(analysis).encode(), overwrite=overwrite)


FORMATS: dict[str, Callable[[Analysis], str]] = {
    ".html": render_html,
    ".htm": render_html,
    ".json": Analysis.to_json,
}
"""How to write an analysis, by the extension of the file."""


def require_format(path: Path) -> None:
    """Check before long work that an analysis can be written in the format of this file.

    Raises:
        InvalidQuantity: the extension is no key of ``FORMATS``.
    """
    if path.suffix.lower() not in FORMATS:
        raise InvalidQuantity(
            "cannot tell the format of the output", where=str(path), help="name a file that ends in .html or .json"
        )


def write_analysis(analysis: Analysis, path: str | Path, *, overwrite: bool = False) -> None:
    """Write an analysis in the format of the file's extension: ``.html`` or ``.json``.

    Raises:
        InvalidQuantity: another extension.
        OutputExists: the file is there and ``overwrite`` is false.
        InputError: the folder is missing, read-only or full.
    """
    target = Path(path)
    require_format(target)
    write_atomically(target, FORMATS[target.suffix.lower()](analysis).encode(), overwrite=overwrite)
