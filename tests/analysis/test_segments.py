from attainable.analysis.segments import Segments, segments
from attainable.workload.graph import Body, Op, Tensor


def op(inputs: str, output: str) -> Op:
    """An op on tensors of 4 float32 elements, 16 bytes; names are single letters."""
    flow = [Tensor(name, (4,), "float32") for name in inputs]
    return Op(output, "", "Relu", "", 17, tuple(flow), (Tensor(output, (4,), "float32"),))


CHAIN = [op("x", "a"), op("a", "b"), op("b", "c"), op("c", "d")]


def test_a_network_that_is_taken_whole_is_one_segment() -> None:
    assert segments(CHAIN, [False] * 4) == Segments(accelerator=1, beside=0, transfers=0, transfer_bytes=0)


def test_an_op_in_the_middle_cuts_a_chain_in_two() -> None:
    # a, then b beside, then c and d; tensors a and b go over, 2 x 16 bytes
    assert segments(CHAIN, [False, True, False, False]) == Segments(2, 1, 2, 32)


def test_an_op_at_an_end_cuts_nothing_in_two() -> None:
    assert segments(CHAIN, [True, False, False, False]) == Segments(1, 1, 1, 16)
    assert segments(CHAIN, [False, False, False, True]) == Segments(1, 1, 1, 16)


def test_all_beside_is_one_segment_there() -> None:
    assert segments(CHAIN, [True] * 4) == Segments(0, 1, 0, 0)


def test_branches_at_one_level_run_in_one_segment() -> None:
    # b and c both follow a and both run beside: one segment there; d joins them
    fork = [op("x", "a"), op("a", "b"), op("a", "c"), op("bc", "d")]
    # a goes over once although two ops read it, b and c come back: 3 x 16 bytes
    assert segments(fork, [False, True, True, False]) == Segments(2, 1, 3, 48)


def test_a_branch_that_is_taken_joins_the_segment_before_the_cut() -> None:
    # c does not wait for b, so it runs with a; d waits for both
    fork = [op("x", "a"), op("a", "b"), op("a", "c"), op("bc", "d")]
    assert segments(fork, [False, True, False, False]) == Segments(2, 1, 2, 32)


def test_what_a_body_reads_from_outside_is_a_transfer_too() -> None:
    inner = Body("then_branch", (op("a", "r"),), (), (Tensor("r", (4,), "float32"),))
    branch = Op("b", "", "If", "", 17, (), (Tensor("b", (4,), "float32"),), bodies=(inner,))
    assert segments([op("x", "a"), branch], [False, True]) == Segments(1, 1, 1, 16)
