from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from attainable.analysis.grouping import OpGroup, by_kind, by_scope
from attainable.analysis.records import OpRow
from tests.report.analyses import op


def scoped(id: str, scope: str, operations: int = 1) -> OpRow:
    return replace(op(id, "Conv", operations=operations, bytes_moved=10), scope=scope)


def shown(groups: tuple[OpGroup, ...]) -> list[str]:
    return [f"{'  ' * (group.depth - 1)}{group.name} {group.operations}" for group in groups]


def test_operators_are_summed_and_the_busiest_comes_first() -> None:
    ops = [op("0", "Relu", operations=5, bytes_moved=8), op("1", "Conv", operations=20), op("2", "Relu", operations=5)]
    assert shown(by_kind(ops)) == ["Conv 20", "Relu 10"]
    # 8 bytes of the first Relu, none of the second
    assert by_kind(ops)[1].bytes_moved == 8


def test_a_module_holds_its_parts_and_comes_before_them() -> None:
    # stem is called again after layer1 and stays in its first place
    ops = [scoped("0", "stem"), scoped("1", "layer1/a"), scoped("2", "layer1/b"), scoped("3", "stem")]
    assert shown(by_scope(ops, depth=2)) == ["stem 2", "layer1 2", "  a 1", "  b 1"]
    assert shown(by_scope(ops, depth=1)) == ["stem 2", "layer1 2"]


def test_a_part_that_returns_stays_with_its_module() -> None:
    ops = [scoped("0", "m/a"), scoped("1", "n"), scoped("2", "m/c")]
    assert shown(by_scope(ops, depth=2)) == ["m 2", "  a 1", "  c 1", "n 1"]


def test_paths_with_dots_and_without_a_module() -> None:
    assert shown(by_scope([scoped("0", "layer1.0.conv"), scoped("1", "")], depth=3)) == [
        "layer1 1", "  0 1", "    conv 1", " 1",
    ]  # fmt: skip


def test_ops_that_could_not_be_counted_are_told() -> None:
    (group,) = by_kind([op("0", "Conv", operations=2), op("1", "Conv", state="no rule")])
    assert (group.ops, group.uncounted, group.operations) == (2, 1, 2)


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c"]), max_size=4).map("/".join), max_size=12))
def test_the_modules_at_the_top_sum_to_the_network(scopes: list[str]) -> None:
    ops = [scoped(str(index), scope, operations=2**index) for index, scope in enumerate(scopes)]
    for depth in (1, 3):
        top = [group for group in by_scope(ops, depth=depth) if group.depth == 1]
        # powers of two: no other set of ops has this sum
        assert sum(group.operations for group in top) == 2 ** len(ops) - 1
