"""Groups are the connected components of kernels and ops: no kernel is lost, no op is in two, times add up."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attainable.measurement.attribution import attributed_share, groups
from attainable.workload.kernel import Attribution, Group, Kernel


def kernel(*ops: str, seconds: float = 1.0, attribution: Attribution = "exact") -> Kernel:
    return Kernel("name", "kind", seconds, ops, attribution)


def test_shared_ops_join_kernels() -> None:
    kernels = [kernel("0", "1"), kernel("2"), kernel("1", "3", seconds=2.0), kernel(), kernel("3")]
    assert groups(kernels) == (
        Group(kernels=(0, 2, 4), ops=("0", "1", "3"), seconds=4.0),
        Group(kernels=(1,), ops=("2",), seconds=1.0),
        Group(kernels=(3,), ops=(), seconds=1.0),
    )


def test_a_late_kernel_can_join_two_groups() -> None:
    assert [group.kernels for group in groups([kernel("0"), kernel("1"), kernel("1", "0")])] == [(0, 1, 2)]
    assert groups([]) == ()


KERNELS = st.lists(
    st.builds(kernel, st.sampled_from("abcdef"), st.sampled_from("abcdefgh"), seconds=st.floats(0, 10))
    | st.builds(kernel, seconds=st.floats(0, 10)),
    max_size=12,
)


@settings(deadline=None)
@given(KERNELS)
def test_groups_partition_kernels_and_ops(kernels: list[Kernel]) -> None:
    found = groups(kernels)
    assert sorted(index for group in found for index in group.kernels) == list(range(len(kernels)))
    ops = [op for group in found for op in group.ops]
    assert sorted(ops) == sorted({op for kernel in kernels for op in kernel.ops})
    assert sum(group.seconds for group in found) == pytest.approx(sum(kernel.seconds for kernel in kernels))
    assert [group.kernels[0] for group in found] == sorted(group.kernels[0] for group in found)


@settings(deadline=None)
@given(KERNELS)
def test_two_kernels_are_together_exactly_if_a_path_of_shared_ops_joins_them(kernels: list[Kernel]) -> None:
    reached = {index: {index} for index in range(len(kernels))}
    for _ in kernels:
        for index, members in reached.items():
            shared = {op for member in members for op in kernels[member].ops}
            members |= {other for other in reached if shared & set(kernels[other].ops)}
            assert index in members
    assert {frozenset(members) for members in reached.values()} == {frozenset(g.kernels) for g in groups(kernels)}


def test_share_counts_layout_changes_only_where_they_serve_an_op() -> None:
    kernels = [
        kernel("0", seconds=4.0),
        kernel("1", seconds=2.0, attribution="region"),
        kernel("1", seconds=1.0, attribution="layout"),
        kernel(seconds=1.0, attribution="layout"),
        kernel(seconds=2.0, attribution="none"),
    ]
    assert attributed_share(kernels) == pytest.approx(0.7)
    assert attributed_share([]) == 0.0
