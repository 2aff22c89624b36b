from dataclasses import replace

import pytest

from attainable.analysis.records import BodyRow, NetworkShape, OpRow, StageRow
from attainable.report.views.operators import MOST_DEPTH, MOST_ROWS_INSIDE, operator_rows, operators
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


def with_bodies(id: str, label: str, *bodies: BodyRow, state: str = "counted", operations: int = 0) -> OpRow:
    return replace(op(id, label, operations=operations, state=state), bodies=list(bodies))


def test_what_runs_inside_stands_below_with_its_repeats() -> None:
    inner = [op("0/body/0", "MatMul 8x8", operations=100, macs=50, bytes_moved=12, parameters=64),
             op("0/body/1", "Relu 8", operations=8), op("0/body/2", "Relu 8", operations=8)]  # fmt: skip
    loop = with_bodies("0", "Loop 8x8", BodyRow("body", 10, inner), operations=1160)
    view = operators(on_paper([loop, op("1", "Relu 8", operations=8)]))
    assert [(row.depth, row.label, row.times, row.operations) for row in view.rows] == [
        (0, "Loop 8x8", 1, 1160),
        (1, "MatMul 8x8", 10, 1000),
        (1, "Relu 8", 20, 160),
        (0, "Relu 8", 1, 8),
    ]
    product = view.rows[1]
    # macs and bytes ten times, parameters once
    assert (product.macs, product.bytes_moved, product.parameters) == (500, 120, 64)
    assert any("Indented" in note for note in view.notes)


def test_repeats_multiply_through_bodies_in_bodies() -> None:
    innermost = BodyRow("body", 3, [op("0/body/0/body/0", "Add 8", operations=8)])
    inner = BodyRow("body", 5, [with_bodies("0/body/0", "Loop 8", innermost, operations=24)])
    rows = operators(on_paper([with_bodies("0", "Scan 8", inner, operations=120)])).rows
    assert [(row.depth, row.times, row.operations) for row in rows] == [(0, 1, 120), (1, 5, 120), (2, 15, 120)]


def test_branches_are_named_and_one_that_never_runs_is_left_out() -> None:
    then, never = op("0/then_branch/0", "Relu 8", operations=8), op("0/else_branch/0", "Exp 8", operations=8)
    both = with_bodies("0", "If 8", BodyRow("then_branch", 1, [then]), BodyRow("else_branch", 1, [never]))
    one = with_bodies("0", "If 8", BodyRow("then_branch", 1, [then]), BodyRow("else_branch", 0, [never]))
    assert [row.label for row in operators(on_paper([both])).rows[1:]] == ["then_branch: Relu 8", "else_branch: Exp 8"]
    assert [row.label for row in operators(on_paper([one])).rows[1:]] == ["then_branch: Relu 8"]


def test_small_rows_inside_are_summed() -> None:
    inner = [op(f"0/body/{index}", f"Add {index}", operations=100 - index) for index in range(8)]
    rows = operators(on_paper([with_bodies("0", "Loop 8", BodyRow("body", 2, inner))])).rows
    assert len(rows) == 1 + MOST_ROWS_INSIDE + 1
    # the last three of eight, twice: 2 x (95 + 94 + 93)
    assert (rows[-1].label, rows[-1].times, rows[-1].operations) == ("everything else inside", 6, 564)


def test_a_loop_that_does_not_say_how_often_it_runs_shows_floors() -> None:
    body = BodyRow("body", 1, [op("0/body/0", "Add 8", operations=8, bytes_moved=4)])
    loop = with_bodies("0", "Loop 8", body, state="unknown trip count", operations=8)
    outer, inner = operators(on_paper([loop])).rows
    assert (outer.known, outer.at_least, outer.operational_intensity) == (True, True, None)
    assert (inner.known, inner.at_least, inner.operational_intensity) == (True, False, 2.0)


def test_an_op_is_a_floor_where_something_inside_was_not_counted() -> None:
    deep = with_bodies("0/body/0", "If 8", BodyRow("then_branch", 1, [op("x", "Mystery 8", state="no rule")]))
    outer, middle, mystery = operators(on_paper([with_bodies("0", "Loop 8", BodyRow("body", 2, [deep]))])).rows
    assert (outer.at_least, middle.at_least) == (True, True)
    assert (mystery.known, mystery.at_least) == (False, False)


def test_bodies_are_shown_to_a_depth_and_never_recursed_into_further() -> None:
    nested = op("x", "Add 8", operations=8)
    for level in range(5000):
        nested = with_bodies(str(level), f"Loop {level}", BodyRow("body", 1, [nested]))
    assert max(row.depth for row in operators(on_paper([nested])).rows) == MOST_DEPTH


@pytest.mark.parametrize(
    ("in_stages", "stages", "shown"), [(600, 1, True), (400, 1, False), (300, 2, True), (250, 3, False)]
)
def test_stages_are_shown_where_most_of_the_work_is_on_images(in_stages: int, stages: int, shown: bool) -> None:
    rows = [StageRow([12, 12], 1, 8, in_stages)] * stages
    shape = NetworkShape(1, 1, layers=1, widest_level=1, fragments=1, critical_path_operations=1000, parallelism=1.0,
                         stages=rows)  # fmt: skip
    work = work_on_paper(replace(on_paper([op("0", "Conv 1x1", operations=1000)]), network=shape))
    assert any("of one resolution" in total.meaning for total in work.totals) is shown
