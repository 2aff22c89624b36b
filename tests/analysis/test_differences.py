from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attainable.analysis import differences as module
from attainable.analysis.differences import Change, Figures, differences
from attainable.analysis.records import OpRow
from tests.report.analyses import op


def named(name: str, label: str, operations: int = 0, *, id: str = "0") -> OpRow:
    return replace(op(id, label, operations=operations, macs=operations // 2, bytes_moved=4), name=name)


def test_equal_models_have_no_differences() -> None:
    ops = [named("stem", "Conv a", 10), named("", "Relu", 1), named("", "Relu", 1)]
    found = differences(ops, ops)
    assert (found.equal, found.only_in_first, found.only_in_second, found.changed) == (3, [], [], [])


def test_ops_of_one_name_are_one_op_wherever_they_stand() -> None:
    first = [named("stem", "Conv 8", 10), named("head", "Gemm", 2)]
    second = [named("head", "Gemm", 2), named("stem", "Conv 16", 20)]
    found = differences(first, second)
    assert found.equal == 1
    (changed,) = found.changed
    assert changed.changes[0] == Change("label", "Conv 8", "Conv 16")
    # 20 - 10 operations, half of them MACs
    assert (changed.figures.operations, changed.figures.macs) == (10, 5)


def test_an_op_more_in_the_middle_is_one_difference() -> None:
    first = [named("", "Conv a", 10), named("", "Relu", 1), named("", "Conv b", 10), named("", "Relu", 1)]
    second = [*first[:2], named("", "Clip", 7), *first[2:]]
    found = differences(first, second)
    assert found.equal == 4
    assert [reference.label for reference in found.only_in_second] == ["Clip"]
    assert found.second == Figures(1, 3, 7, 0, 4, 0)
    # the other way round it is missing
    assert [reference.label for reference in differences(second, first).only_in_first] == ["Clip"]


def test_an_op_more_in_some_of_many_equal_blocks_is_found_in_each() -> None:
    block = [named("", f"Conv {index}", index) for index in range(20)]
    extra = named("", "Relu", 1)
    found = differences(block * 50, [*block, extra] * 10 + block * 40)
    assert (found.equal, found.second.ops, found.first.ops, found.changed) == (1000, 10, 0, [])


def test_names_that_an_exporter_counted_through_are_no_names() -> None:
    # without the first Conv every later name means the op after the one it meant before
    first = [named(f"Conv_{index}", f"Conv {index}", index) for index in range(5)]
    second = [named(f"Conv_{index}", f"Conv {index + 1}", index + 1) for index in range(4)]
    found = differences(first, second)
    assert (found.equal, [reference.label for reference in found.only_in_first]) == (4, ["Conv 0"])


def test_a_name_that_several_ops_carry_is_no_name() -> None:
    first = [named("x", "Conv a", 1), named("x", "Relu", 2)]
    second = [named("x", "Relu", 2)]
    found = differences(first, second)
    assert (found.equal, len(found.only_in_first), found.changed) == (1, 1, [])


def test_ops_of_one_kind_between_equal_ones_are_changed() -> None:
    first = [named("", "Relu", 1), named("", "Conv 8", 10), named("", "Clip", 1)]
    second = [named("", "Relu", 1), named("", "Conv 6", 6), named("", "Clip", 1)]
    (changed,) = differences(first, second).changed
    assert (changed.first_label, changed.second_label) == ("Conv 8", "Conv 6")


def test_models_too_large_to_align_pair_equal_ops_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_DIFFERENCES", 1)
    first = [named("", "Conv a", 1), named("", "Conv b", 1)]
    second = [named("", "Conv b", 1), named("", "Conv c", 1)]
    found = differences(first, second)
    assert not found.aligned
    assert (found.equal, len(found.only_in_first), len(found.only_in_second)) == (1, 1, 1)


ROWS = st.lists(
    st.builds(
        named, st.sampled_from(["", "", "a", "b", "Conv_1"]), st.sampled_from(["Conv x", "Conv y", "Relu"]),
        st.integers(0, 3),
    ),
    max_size=8,
)  # fmt: skip


@given(ROWS, ROWS, st.sampled_from([0, 3, 100]))
def test_the_differences_explain_the_totals(first: list[OpRow], second: list[OpRow], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_DIFFERENCES", most)
        found = differences(first, second)
    for rows, own in ((first, found.only_in_first), (second, found.only_in_second)):
        assert found.equal + len(found.changed) + len(own) == len(rows)
    gained = found.second.operations - found.first.operations + found.changed_by.operations
    assert gained == sum(row.operations for row in second) - sum(row.operations for row in first)
