"""What a term counts of an op: contractions, elements in, elements out."""

from collections.abc import Callable, Iterable
from math import prod

from attainable.cost.count import OpCount
from attainable.cost.presets.preset import Term

Measure = Callable[[OpCount], int]


def macs(entry: OpCount) -> int:
    """Multiply-accumulates, as we count them."""
    return entry.work.macs


def double_macs(entry: OpCount) -> int:
    """Two operations a multiply-accumulate."""
    return 2 * entry.work.macs


def elements_in(factor: int = 1) -> Measure:
    """``factor`` for each element of the first input."""
    return lambda entry: factor * entry.op.input(0).elements


def elements_out(factor: int = 1) -> Measure:
    """``factor`` for each element of the first output."""
    return lambda entry: factor * entry.op.output.elements


def bias(position: int = 2) -> Measure:
    """One for each output where there is a bias."""
    return lambda entry: entry.op.output.elements if entry.op.optional_input(position) is not None else 0


def both(*measures: Measure) -> Measure:
    """The sum of several measures."""
    return lambda entry: sum(measure(entry) for measure in measures)


def constant_operand(measure: Measure) -> Measure:
    """``measure`` where one of the first two inputs is constant (a layer), else nothing (a product of activations)."""

    def of(entry: OpCount) -> int:
        return measure(entry) if any(tensor.is_constant for tensor in entry.op.present_inputs[:2]) else 0

    return of


def bias_of_layer(entry: OpCount) -> int:
    """One for each output of a sum with a constant vector, as a layer on more than two axes is written."""
    constants = [tensor for tensor in entry.op.present_inputs if tensor.is_constant and tensor.rank == 1]
    return entry.op.output.elements if constants and constants[0].elements > 1 else 0


def window(entry: OpCount) -> int:
    """One for each element of each window of a pooling."""
    return entry.op.output.elements * prod(entry.op.integers("kernel_shape"))


def each(kinds: Iterable[str], of: Measure, meaning: str) -> dict[str, Term]:
    """The same term for several kinds."""
    return {kind: Term(of, meaning) for kind in kinds}


CONVOLUTIONS = ("Conv", "ConvTranspose")
PRODUCTS = ("Gemm", "MatMul")
POOLS = ("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool")
