from dataclasses import replace

import pytest

from attainable.report.views.operators import operator_rows, operators
from attainable.report.views.work import work_on_paper
from tests.report.analyses import convolutions, large, on_paper, op


def test_equal_ops_share_a_row() -> None:
    conv, concat, relu = operator_rows(convolutions())
    assert (conv.label, conv.kind, conv.times) == ("Conv 3x3 8->8 on 9x9", "Conv", 2)
    assert (conv.macs, conv.operations, conv.parameters, conv.bytes_moved) == (2 * 10**9, 4 * 10**9, 1152, 40_000_000)
    assert conv.operational_intensity == pytest.approx(100)
    assert conv.roofline_seconds == pytest.approx(0.04)
    assert (concat.operational_intensity, relu.times) == (0.0, 2)


def test_measured_time_stands_at_the_op_that_works_most() -> None:
    conv, concat, relu = operator_rows(convolutions())
    assert conv.measured_seconds == pytest.approx(0.05)
    assert concat.measured_seconds == pytest.approx(0.0005)
    assert (relu.measured_seconds, relu.measured_elsewhere, relu.roofline_elsewhere) == (None, True, True)


def test_without_device_and_run_those_columns_are_absent() -> None:
    view = operators(on_paper([op("0", "Add 8", operations=8)]))
    assert (view.with_roofline, view.with_measured) == (False, False)
    assert view.rows[0].roofline_seconds is None


def test_ops_that_were_not_counted_have_a_row_of_their_own() -> None:
    rows = operator_rows(on_paper([op("0", "Add 8", operations=8), op("1", "Add 8", state="unresolved shape")]))
    assert [(row.state, row.times) for row in rows] == [("counted", 1), ("unresolved shape", 1)]


def test_rows_beyond_the_most_are_summed_in_a_sentence() -> None:
    view = operators(large(10), most_rows=7)
    assert len(view.rows) == 7
    # the shortest three: 1000 + 1001 + 1002 operations, 100 + 101 + 102 bytes
    assert view.notes[-1] == "3 more rows are not shown: 3.00 k operations and 303 B in all."


def test_an_empty_network_says_so() -> None:
    view = operators(on_paper([]))
    assert (view.rows, view.notes) == ((), ("The network has no ops.",))


def test_ten_thousand_ops_of_a_few_kinds_are_a_few_rows() -> None:
    ops = [op(str(index), f"Relu {index % 5}", operations=1) for index in range(10_000)]
    assert len(operators(on_paper(ops)).rows) == 5


def test_totals_of_an_incomplete_count_are_at_least() -> None:
    ops = [op("0", "Add 8", operations=8), op("1", "Odd", state="no rule")]
    work = work_on_paper(replace(on_paper(ops, at_least=True)))
    assert {total.meaning: total.value for total in work.totals}["operations"] == "at least 8"
    assert work.coverage == "1 of 2 ops counted."


def test_totals_name_their_figures() -> None:
    figures = {total.meaning: total.value for total in work_on_paper(convolutions()).totals}
    assert figures["MACs"] == "2.00 G"
    assert figures["operations"] == "4.00 G"
    assert figures["parameters"] == "1.00 k (3.91 KiB)"
