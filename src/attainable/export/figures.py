"""What the tables for people say of a model: its label and the four figures of a paper."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from attainable.analysis.comparison import Comparison
from attainable.analysis.records import Model, Totals
from attainable.export.messages import say
from attainable.quantities import format_bytes, format_count


@dataclass(frozen=True, slots=True)
class Figures:
    """A row of a paper's table.

    Attributes:
        label: the model, foreign text.
        parameters, macs, operations, access, peak: with prefix and unit, a space between.
        at_least: some ops could not be counted, so that all but the parameters are floors.
        bindings: the shapes that the figures hold for, foreign text; empty where the file fixes all.
    """

    label: str
    parameters: str
    macs: str
    operations: str
    access: str
    peak: str
    at_least: bool
    bindings: str


def figures(model: Model, totals: Totals, *, label: str = "") -> Figures:
    """The figures of a model; its file name is the label unless another one is given."""
    return Figures(
        label=label or model_label(model), parameters=format_count(totals.parameters),
        macs=format_count(totals.macs), operations=format_count(totals.operations),
        access=format_bytes(totals.bytes_moved), peak=format_bytes(totals.peak_activation_bytes),
        at_least=totals.at_least,
        bindings=", ".join(f"{name}={_shape(value)}" for name, value in model.bindings.items()),
    )  # fmt: skip


def model_label(model: Model) -> str:
    """The file name without its extension, foreign text."""
    return PurePath(model.path).stem or model.name


def notes(rows: Iterable[Figures]) -> list[str]:
    """What stands under a table: the conventions, what was bound, and whether figures are floors."""
    rows = list(rows)
    bound = [say("note.binding", {"model": row.label, "bindings": row.bindings}) for row in rows if row.bindings]
    floors = [say("note.at_least")] if any(row.at_least for row in rows) else []
    return [say("note.conventions"), *bound, *floors]


def accounting_notes(comparison: Comparison) -> list[str]:
    """What kind of numbers the times of a comparison are, and what its rooflines sum over."""
    return [
        say("compare.kinds"), f"{accounting_terms(comparison.devices[0].accounting)}. {say('accounting.others')}"
    ]  # fmt: skip


def accounting_terms(accounting: str) -> str:
    """What the words of an accounting's name mean, as one sentence without its full stop."""
    terms = "; ".join(say(f"accounting.{word}") for word in accounting.split(", "))
    return f"{terms[:1].upper()}{terms[1:]}"


def _shape(value: int | list[int]) -> str:
    return str(value) if isinstance(value, int) else "x".join(map(str, value)) or "scalar"
