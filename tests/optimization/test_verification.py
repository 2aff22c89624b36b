"""How well outputs agree: numbers with their derivation, and outputs that are useless whatever their error."""

import math

import numpy as np
import pytest
from numpy.typing import ArrayLike

from attainable.optimization import OutputAgreement, Verification
from attainable.optimization.verification import Accumulator, accumulate
from attainable.optimization.verify import shortfall


def agreement(*pairs: tuple[ArrayLike, ArrayLike]) -> OutputAgreement:
    accumulator = Accumulator("y")
    for wanted, got in pairs:
        accumulator.add(np.asarray(wanted, np.float32), np.asarray(got, np.float32))
    return accumulator.agreement()


def test_signal_by_noise_over_all_inputs_and_of_the_worst() -> None:
    found = agreement(([[3.0, 4.0]], [[3.0, 4.5]]), ([[10.0, 0.0]], [[10.0, 0.0]]))
    # (9 + 16 + 100) / 0.25 = 500; of the first input 25 / 0.25 = 100
    assert found.sqnr_decibels == pytest.approx(10 * math.log10(500))
    assert found.worst_sqnr_decibels == pytest.approx(20.0)
    # 0.5 of at most 10
    assert (found.largest_absolute_error, found.relative_error) == (0.5, 0.05)
    assert (found.top1_agreement, found.fault) == (1.0, "")


def test_equal_outputs_have_no_noise() -> None:
    found = agreement(([[1.0, 2.0]], [[1.0, 2.0]]), ([[0.0, 0.0]], [[0.0, 0.0]]))
    assert found == OutputAgreement("y", math.inf, math.inf, 0.0, 0.0, 1.0)


def test_top1_counts_rows_and_only_where_rows_are_classes() -> None:
    rows = [[0.0, 1.0], [1.0, 0.0], [2.0, 3.0], [3.0, 2.0]]
    assert agreement((rows, [[0.0, 1.0], [1.0, 0.0], [3.0, 2.0], [3.0, 2.0]])).top1_agreement == 0.75
    assert agreement(([[1.0]], [[1.0]])).top1_agreement is None
    assert agreement(([[[1.0, 2.0]]], [[[1.0, 2.0]]])).top1_agreement is None


def test_an_error_without_any_signal() -> None:
    found = agreement(([[0.0, 0.0]], [[0.0, 0.5]]))
    assert (found.sqnr_decibels, found.relative_error) == (-math.inf, 0.5)


def test_what_is_not_finite_must_be_so_in_both() -> None:
    assert (
        agreement(([[1.0, 2.0]], [[1.0, math.nan]])).fault
        == "is NaN or infinite where the original is not on 1 of 1 inputs"
    )
    assert agreement(([[1.0, 2.0]], [[1.0, math.inf]])).fault
    assert agreement(([[1.0, math.inf]], [[1.0, -math.inf]])).fault
    same = agreement(([[1.0, math.nan, math.inf]], [[1.0, math.nan, math.inf]]))
    assert (same.fault, same.sqnr_decibels) == ("", math.inf)


def test_other_shapes_and_missing_outputs() -> None:
    assert agreement(([[1.0, 2.0]], [[1.0]])).fault == "has shape [1, 1] instead of [1, 2] on 1 of 1 inputs"
    accumulators = {"y": Accumulator("y")}
    accumulate(accumulators, {"y": np.ones((1, 2))}, {"z": np.ones((1, 2))})
    assert accumulators["y"].agreement().fault == "has shape [0] instead of [1, 2] on 1 of 1 inputs"


def test_an_output_that_no_longer_listens() -> None:
    assert agreement(([[1.0, 2.0]], [[1.5, 1.5]]), ([[2.0, 1.0]], [[1.5, 1.5]])).fault == (
        "is the same for every input, the original's is not"
    )
    # the original may be constant, then agreement says little
    accumulator = Accumulator("y")
    for _ in range(2):
        accumulator.add(np.ones((1, 2)), np.ones((1, 2)))
    assert accumulator.reference_is_constant
    assert accumulator.agreement().fault == ""


def verification(*outputs: OutputAgreement, fault: str = "") -> Verification:
    return Verification(32, "32 seeded inputs", outputs, fault, ())


def judged(found: Verification, *, exact: bool) -> str:
    return shortfall(found, exact=exact, minimum_sqnr_decibels=15.0)


def test_the_worst_output_decides() -> None:
    good = OutputAgreement("good", 40.0, 39.0, 0.1, 1e-5, 0.9)
    bad = OutputAgreement("bad", 14.94, 12.0, 0.2, 1e-3, None)
    both = verification(good, bad)
    assert (both.sqnr_decibels, both.relative_error, both.largest_absolute_error) == (14.94, 1e-3, 0.2)
    assert both.top1_agreement == 0.9
    assert judged(verification(good), exact=True) == judged(verification(good), exact=False) == ""
    assert judged(both, exact=False) == "SQNR of output bad is 14.9 dB, below 15 dB; --minimum-sqnr may allow less"
    assert judged(both, exact=True) == "output bad differs by 1.0e-03 relative, at most 1e-04 is rounding"


def test_faults_come_before_numbers() -> None:
    broken = OutputAgreement("y", math.inf, math.inf, 0.0, 0.0, 1.0, "is the same for every input")
    assert judged(verification(broken), exact=False) == "output y is the same for every input"
    assert judged(verification(fault="onnxruntime does not run it"), exact=True) == "onnxruntime does not run it"
