"""How well the outputs of a changed network agree with the original's, accumulated input by input."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

Array = NDArray[numpy.generic]


@dataclass(frozen=True, slots=True)
class OutputAgreement:
    """How one output of the changed network compares with the original's, over all inputs.

    Attributes:
        name: of the output.
        sqnr_decibels: power of the original's output by power of the difference; infinite where they are equal.
        worst_sqnr_decibels: of the input on which it is lowest.
        largest_absolute_error: largest difference of two elements.
        relative_error: that by the largest magnitude in the original's output.
        top1_agreement: share of rows whose largest element is at the same place, 0 to 1; None where the output is no
            matrix with a row of at least two classes per batch entry.
        fault: what makes the changed output useless whatever its error; empty where nothing does.

    Source: SQNR as in B. Widrow, I. Kollar, "Quantization Noise", section 1: 10 log10(signal power / noise power).
    """

    name: str
    sqnr_decibels: float
    worst_sqnr_decibels: float
    largest_absolute_error: float
    relative_error: float
    top1_agreement: float | None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """The outputs of a changed network against the original's.

    Attributes:
        inputs: how many inputs both were run on.
        source: where these came from.
        outputs: each output, in the order of the network; empty with a fault.
        fault: why the changed network cannot be run; empty where it can.
        warnings: what to know before trusting it, one sentence each.
    """

    inputs: int
    source: str
    outputs: tuple[OutputAgreement, ...]
    fault: str
    warnings: tuple[str, ...]

    @property
    def sqnr_decibels(self) -> float:
        """Of the output on which it is lowest."""
        return min((output.sqnr_decibels for output in self.outputs), default=math.inf)

    @property
    def relative_error(self) -> float:
        """Of the output on which it is largest."""
        return max((output.relative_error for output in self.outputs), default=0.0)

    @property
    def largest_absolute_error(self) -> float:
        """Of the output on which it is largest."""
        return max((output.largest_absolute_error for output in self.outputs), default=0.0)

    @property
    def top1_agreement(self) -> float | None:
        """Of the output on which it is lowest; None where no output looks like logits."""
        shares = [output.top1_agreement for output in self.outputs if output.top1_agreement is not None]
        return min(shares, default=None)


class Accumulator:
    """Compares one output over all inputs without keeping the arrays."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._inputs = 0
        self._signal = self._noise = 0.0
        self._worst = math.inf
        self._largest_error = self._largest_value = 0.0
        self._rows = self._agreeing = 0
        self._faults: dict[str, int] = {}
        self._first: tuple[Array, Array] | None = None
        self._varies = [False, False]

    def add(self, reference: Array, changed: Array) -> None:
        """Take in the output on one more input."""
        self._inputs += 1
        if reference.shape != changed.shape:
            self._fault(f"has shape {list(changed.shape)} instead of {list(reference.shape)}")
            return
        self._note_variation(reference, changed)
        wanted, got = (array.astype(numpy.float64) for array in (reference, changed))
        if not _same_places(wanted, got):
            self._fault("is NaN or infinite where the original is not")
            return
        finite = numpy.isfinite(wanted)
        signal, noise = _power(wanted[finite]), _power(wanted[finite] - got[finite])
        self._signal += signal
        self._noise += noise
        self._worst = min(self._worst, _decibels(signal, noise))
        if wanted[finite].size:
            self._largest_error = max(self._largest_error, float(numpy.abs(wanted[finite] - got[finite]).max()))
            self._largest_value = max(self._largest_value, float(numpy.abs(wanted[finite]).max()))
        if wanted.ndim == 2 and wanted.shape[1] > 1 and numpy.issubdtype(reference.dtype, numpy.floating):
            self._rows += wanted.shape[0]
            self._agreeing += int((wanted.argmax(axis=1) == got.argmax(axis=1)).sum())

    def agreement(self) -> OutputAgreement:
        """The comparison over all inputs so far."""
        reference_varies, changed_varies = self._varies
        faults = [f"{fault} on {count} of {self._inputs} inputs" for fault, count in self._faults.items()]
        if reference_varies and not changed_varies:
            faults.append("is the same for every input, the original's is not")
        relative = self._largest_error / self._largest_value if self._largest_value else self._largest_error
        return OutputAgreement(
            name=self._name,
            sqnr_decibels=_decibels(self._signal, self._noise),
            worst_sqnr_decibels=self._worst,
            largest_absolute_error=self._largest_error,
            relative_error=relative,
            top1_agreement=self._agreeing / self._rows if self._rows else None,
            fault="; ".join(faults),
        )

    @property
    def reference_is_constant(self) -> bool:
        """Whether the original's output was the same on several inputs, so that agreement says little."""
        return self._inputs > 1 and not self._varies[0]

    def _note_variation(self, reference: Array, changed: Array) -> None:
        if self._first is None:
            self._first = (reference, changed)
        for position, array in enumerate((reference, changed)):
            if not self._varies[position]:
                self._varies[position] = not numpy.array_equal(self._first[position], array)

    def _fault(self, text: str) -> None:
        self._faults[text] = self._faults.get(text, 0) + 1


def accumulate(
    accumulators: Mapping[str, Accumulator], reference: Mapping[str, Array], changed: Mapping[str, Array]
) -> None:
    """Take in all outputs on one more input; those that the changed network lacks count as empty."""
    for name, accumulator in accumulators.items():
        accumulator.add(reference[name], changed.get(name, numpy.zeros(0)))


def _same_places(wanted: NDArray[numpy.float64], got: NDArray[numpy.float64]) -> bool:
    """Whether what is not finite is the same in both."""
    loose = ~numpy.isfinite(wanted) | ~numpy.isfinite(got)
    return bool(numpy.array_equal(wanted[loose], got[loose], equal_nan=True))


def _power(values: NDArray[numpy.float64]) -> float:
    return float(numpy.dot(values.reshape(-1), values.reshape(-1)))


def _decibels(signal: float, noise: float) -> float:
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf
