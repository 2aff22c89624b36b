"""Counts as formulas in the model's own dimensions, and as a table over a range of one of them.

A formula is found by exact interpolation over several bindings and checked at two further ones; a figure that a floor
or a maximum keeps from being a polynomial is refused, never approximated.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from attainable.cost.count import Count
from attainable.cost.polynomial import HIGHEST_DEGREE, Polynomial, degree, interpolate
from attainable.errors import InputError

STEPS = (1, 2, 4, 8, 16, 32, 64)
"""Multiples at which a dimension is sampled: an image behind five strides is a polynomial at multiples of 32 only."""

_FIRST, _SAMPLES = 2, HIGHEST_DEGREE + 3
"""An axis of one element broadcasts, so sampling starts at two; six points show a degree of three twice over."""

_NEAR, _FAR = (11, 23), 1009
"""Where a formula is checked: near, and far out, where another term of a maximum may lead."""

_MOST_DIMENSIONS = 4

Bindings = Mapping[str, int]
CountAt = Callable[[Bindings], Count]
"""Counts the network with these numbers for its dimensions."""

FIGURES: dict[str, Callable[[Count], int]] = {
    "macs": lambda count: count.totals.macs,
    "operations": lambda count: count.totals.operations,
    "bytes_moved": lambda count: count.totals.work.bytes_moved,
    "unavoidable_bytes": lambda count: count.unavoidable_bytes,
    "parameters": lambda count: count.totals.parameters,
    "peak_activation_bytes": lambda count: count.totals.memory.peak_bytes,
}
"""What is told in formulas and tables; the sizes of weights do not change."""

_SMOOTH = ("macs", "operations", "bytes_moved")
"""Sums over ops; a peak is a maximum, which need not be a polynomial."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A figure as a polynomial in Python's notation; null where there is none, and then why."""

    figure: str
    formula: str | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Symbolic:
    """The totals of a network in formulas.

    Attributes:
        model: its name.
        multiples: for each dimension the number of which it must be a multiple.
        formulas: one for each figure.
        at_least: some ops could not be counted.
        warnings: what the reader assumed.
    """

    model: str
    multiples: dict[str, int]
    formulas: list[Formula]
    at_least: bool
    warnings: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class SweepRow:
    """The figures where the dimension has this value."""

    value: int
    figures: dict[str, int]


@dataclass(frozen=True, slots=True)
class Sweep:
    """The totals of a network over a range of one dimension."""

    model: str
    dimension: str
    rows: list[SweepRow]
    at_least: bool
    warnings: list[str] = field(default_factory=list[str])


def symbolic(count_at: CountAt, dimensions: Sequence[str]) -> Symbolic:
    """Find the formulas of a network's totals.

    Args:
        count_at: counts the network at a binding of ``dimensions``.
        dimensions: the names that stay in the formulas.

    Raises:
        InputError: more than four dimensions, or the network accepts none of the numbers tried.
    """
    if not dimensions:
        raise InputError(
            "the file fixes every dimension", where="--symbolic", help="export the model with dynamic axes"
        )
    if len(dimensions) > _MOST_DIMENSIONS:
        raise InputError(
            f"has {len(dimensions)} open dimensions: {', '.join(dimensions)}", where="--symbolic",
            help=f"leave at most {_MOST_DIMENSIONS} open; bind others with --shape NAME=NUMBER",
        )  # fmt: skip
    samples = _Samples(count_at)
    base = _first_accepted(samples, dimensions)
    multiples: dict[str, int] = {}
    degrees: dict[str, dict[str, int | None]] = {}
    for name in dimensions:
        multiples[name], degrees[name] = _axis(samples, base, name)
    checks = _checks(samples, base, multiples)
    formulas = [
        _formula(figure, samples, dimensions, multiples, {name: degrees[name][figure] for name in dimensions}, checks)
        for figure in FIGURES
    ]
    count = samples.count(base)
    return Symbolic(count.workload.name, multiples, formulas, count.totals.at_least)


def sweep(count_at: CountAt, dimension: str, values: Sequence[int]) -> Sweep:
    """Count a network at several values of one dimension."""
    counts = [(value, count_at({dimension: value})) for value in values]
    rows = [SweepRow(value, {name: figure(count) for name, figure in FIGURES.items()}) for value, count in counts]
    _, last = counts[-1]
    return Sweep(last.workload.name, dimension, rows, last.totals.at_least, list(last.workload.notes))


class _Samples:
    """Counts at bindings, each worked out once."""

    def __init__(self, count_at: CountAt) -> None:
        self._count_at = count_at
        self._known: dict[tuple[tuple[str, int], ...], Count] = {}

    def count(self, values: Bindings) -> Count:
        key = tuple(sorted(values.items()))
        if key not in self._known:
            self._known[key] = self._count_at(values)
        return self._known[key]

    def accepts(self, values: Bindings) -> bool:
        try:
            self.count(values)
        except InputError:
            return False
        return True


def _first_accepted(samples: _Samples, dimensions: Sequence[str]) -> dict[str, int]:
    """Numbers for all dimensions that the network accepts, the smallest tried."""
    refusal: InputError | None = None
    for step in STEPS:
        values = dict.fromkeys(dimensions, step * _FIRST)
        try:
            samples.count(values)
        except InputError as error:
            refusal = error
        else:
            return values
    raise refusal or InputError("accepts no number", where=", ".join(dimensions))


def _axis(samples: _Samples, base: Bindings, name: str) -> tuple[int, dict[str, int | None]]:
    """The smallest multiple at which the sums are polynomials in one dimension, and the degree of each figure."""
    best: tuple[int, dict[str, int | None]] | None = None
    for step in STEPS:
        try:
            counts = [samples.count({**base, name: step * (_FIRST + index)}) for index in range(_SAMPLES)]
        except InputError:
            continue
        degrees = {figure: degree([of(count) for count in counts]) for figure, of in FIGURES.items()}
        best = step, degrees
        if all(degrees[figure] is not None for figure in _SMOOTH):
            return best
    if best is None:
        raise InputError(
            "the network does not accept different numbers here", where=name, help=f"bind it: --shape {name}=NUMBER"
        )
    return best


def _checks(samples: _Samples, base: Bindings, multiples: Mapping[str, int]) -> list[Bindings]:
    """Bindings that the interpolation does not use: two near, and far out those that the network accepts."""
    near = [{name: step * (first + index) for index, (name, step) in enumerate(multiples.items())} for first in _NEAR]
    far = [{**base, name: step * _FAR} for name, step in multiples.items()]
    together = {name: step * (_FAR + index) for index, (name, step) in enumerate(multiples.items())}
    return [*near, *(values for values in (*far, together) if samples.accepts(values))]


def _formula(
    figure: str, samples: _Samples, dimensions: Sequence[str], multiples: Mapping[str, int],
    degrees: Mapping[str, int | None], checks: Sequence[Bindings],
) -> Formula:  # fmt: skip
    of = FIGURES[figure]
    curved = [name for name in dimensions if degrees[name] is None]
    if curved:
        return Formula(figure, None, f"not a polynomial in {', '.join(curved)}; see it with --sweep {curved[0]}=A..B")
    points = [[multiples[name] * (_FIRST + index) for index in range((degrees[name] or 0) + 1)] for name in dimensions]
    try:
        found: Polynomial = interpolate(dimensions, points, lambda values: of(samples.count(values)))
        wrong = [check for check in checks if found.at(check) != of(samples.count(check))]
    except InputError as error:
        return Formula(figure, None, f"the network does not accept the numbers tried: {error.what}")
    if wrong:
        at = ", ".join(f"{name}={value}" for name, value in wrong[0].items())
        reason = f"no single polynomial (one through small numbers fails at {at}); see it with --sweep"
        return Formula(figure, None, reason)
    return Formula(figure, str(found))
