"""The style sheets of the page and of the chart."""

from importlib.resources import files


def asset(name: str) -> str:
    """The text of a file of this folder."""
    return files("attainable.report.assets").joinpath(name).read_text(encoding="utf-8")
