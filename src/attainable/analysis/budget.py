"""Budgets: limits on counted totals, so that a check fails when a change makes a model too large."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from attainable.analysis.records import Analysis
from attainable.errors import InvalidQuantity
from attainable.quantities import format_bytes, format_count, parse_bytes, parse_count


@dataclass(frozen=True, slots=True)
class Quantity:
    """A total that a budget can limit: how to find, read and write it.

    Attributes:
        actual: its value in an analysis, in SI base units.
        parse: from the user's text; the keyword ``where`` is for messages.
        format: for a person.
        always_whole: known in full even where some ops could not be counted.
    """

    actual: Callable[[Analysis], int]
    parse: Callable[..., int]
    format: Callable[[float], str]
    always_whole: bool = False


QUANTITIES: Mapping[str, Quantity] = {
    "macs": Quantity(lambda analysis: analysis.totals.macs, parse_count, format_count),
    "operations": Quantity(lambda analysis: analysis.totals.operations, parse_count, format_count),
    "parameters": Quantity(lambda analysis: analysis.totals.parameters, parse_count, format_count),
    "weights": Quantity(
        lambda analysis: analysis.model.parameter_bytes + analysis.model.buffer_bytes, parse_bytes, format_bytes
    ),
    "bytes": Quantity(lambda analysis: analysis.totals.bytes_moved, parse_bytes, format_bytes),
    "peak": Quantity(lambda analysis: analysis.totals.peak_activation_bytes, parse_bytes, format_bytes),
    "file": Quantity(
        lambda analysis: analysis.model.file_bytes + analysis.model.external_bytes,
        parse_bytes, format_bytes, always_whole=True,
    ),
}  # fmt: skip
"""What a budget can limit, by the key that users write."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A limit beside what the model takes.

    Attributes:
        key: in ``QUANTITIES``.
        limit, actual: in SI base units.
        at_least: ``actual`` is a floor, because some ops could not be counted.
    """

    key: str
    limit: int
    actual: int
    at_least: bool

    @property
    def exceeded(self) -> bool:
        """The model takes more than the limit, however much could not be counted."""
        return self.actual > self.limit

    @property
    def proven(self) -> bool:
        """Whether the model keeps to the limit or not is certain."""
        return self.exceeded or not self.at_least


def parse_budget(texts: Iterable[str]) -> dict[str, int]:
    """Read ``--budget`` flags such as ``macs=4.1G,peak=50MiB``.

    Returns:
        The limit by key; the smallest where one is given twice.

    Raises:
        InvalidQuantity: lists every part that is not ``KEY=LIMIT`` with a known key and a limit that can be read.
    """
    return read_limits(
        texts, {key: quantity.parse for key, quantity in QUANTITIES.items()}, example="macs=4.1G,peak=50MiB"
    )  # fmt: skip


_Key = TypeVar("_Key", bound=str)
_Number = TypeVar("_Number", int, float)


def read_limits(
    texts: Iterable[str], parsers: Mapping[_Key, Callable[..., _Number]], *, example: str
) -> dict[_Key, _Number]:
    """Read ``KEY=LIMIT`` parts of ``--budget`` flags, several in one with commas between them.

    Args:
        texts: the flags.
        parsers: what reads a limit, by key; the keyword ``where`` is for messages.
        example: what the help shows.

    Returns:
        The limit by key; the smallest where one is given twice.

    Raises:
        InvalidQuantity: lists every part that is not ``KEY=LIMIT`` with a known key and a limit that can be read.
    """
    keys: dict[str, _Key] = {key: key for key in parsers}
    limits: dict[_Key, _Number] = {}
    faults: list[str] = []
    for part in (part.strip() for text in texts for part in text.split(",")):
        word, separator, limit = (piece.strip() for piece in part.partition("="))
        key = keys.get(word)
        if key is None or not separator:
            faults.append(f"{'no such key' if separator else 'not KEY=LIMIT'} @ --budget {part}")
            continue
        try:
            value = parsers[key](limit, where=f"--budget {key}")
        except InvalidQuantity as error:
            faults.append(f"{error.what} ({error.help}) @ --budget {key}")
            continue
        limits[key] = min(value, limits.get(key, value))
    if faults:
        raise InvalidQuantity(
            "cannot read the budget", where="--budget", faults=faults,
            help=f"write --budget {example}; known: {', '.join(parsers)}",
        )  # fmt: skip
    return limits


def judge(analysis: Analysis, limits: Mapping[str, int]) -> list[Verdict]:
    """Hold an analysis against limits by key, in their order."""
    return [
        Verdict(
            key, limit, QUANTITIES[key].actual(analysis),
            analysis.totals.at_least and not QUANTITIES[key].always_whole,
        )
        for key, limit in limits.items()
    ]  # fmt: skip
