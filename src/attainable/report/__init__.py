"""The report: what an analysis says, as one HTML file."""

from pathlib import Path

from attainable.analysis.records import Analysis
from attainable.errors import InvalidQuantity
from attainable.files import write_atomically
from attainable.report.page import render_html

__all__ = ["render_html", "write_analysis", "write_html"]


def write_html(analysis: Analysis, path: str | Path, *, overwrite: bool = False) -> None:
    """Write the report of an analysis as one HTML file, whole or not at all.

    Raises:
        OutputExists: the file is there and ``overwrite`` is false.
        InputError: the folder is missing, read-only or full.
    """
    write_atomically(Path(path), render_html(analysis).encode(), overwrite=overwrite)


def write_analysis(analysis: Analysis, path: str | Path, *, overwrite: bool = False) -> None:
    """Write an analysis in the format of the file's extension: ``.html`` or ``.json``.

    Raises:
        InvalidQuantity: another extension.
        OutputExists: the file is there and ``overwrite`` is false.
        InputError: the folder is missing, read-only or full.
    """
    suffix = Path(path).suffix.lower()
    if suffix in (".html", ".htm"):
        write_html(analysis, path, overwrite=overwrite)
    elif suffix == ".json":
        write_atomically(Path(path), analysis.to_json().encode(), overwrite=overwrite)
    else:
        raise InvalidQuantity(
            "cannot tell the format of the output", where=str(path), help="name a file that ends in .html or .json"
        )
