"""The planned arena by example: what is made, what takes over whose memory, and where it lies."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from attainable.cost.arena import PlannedArena, planned_arena
from attainable.workload import load
from attainable.zoo import write
from tests.models import constant, model, save, value

FLOAT = 4
TENSOR = 64 * 16 * FLOAT
"""Bytes of a [64, 16] activation: a multiple of the alignment of 256."""

X = [value("x", [64, 16])]


def plan(nodes: list[onnx.NodeProto], tmp_path: Path, *weights: onnx.TensorProto) -> PlannedArena:
    return planned_arena(load(save(model(nodes, X, ["y"], weights), tmp_path)))


def image(nodes: list[onnx.NodeProto], tmp_path: Path, *weights: onnx.TensorProto) -> PlannedArena:
    """Plan a network that reads a [1, 3, 8, 8] image."""
    return planned_arena(load(save(model(nodes, [value("x", [1, 3, 8, 8])], ["y"], weights), tmp_path)))


def test_a_chain_of_unary_ops_is_one_kernel_and_makes_only_the_output(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Exp", ["a"], ["y"])]
    assert plan(nodes, tmp_path) == PlannedArena(0, TENSOR)


def test_two_tensors_live_where_an_op_cannot_write_over_its_input(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Transpose", ["a"], ["b"]),  # a and b live together
        helper.make_node("Transpose", ["b"], ["y"]),
    ]
    assert plan(nodes, tmp_path) == PlannedArena(2 * TENSOR, TENSOR)


def test_a_dead_tensor_of_the_same_shape_gives_its_memory(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Transpose", ["a"], ["b"]),
        helper.make_node("Transpose", ["b"], ["c"]),  # a is dead: c, [64, 16] again, lies where a was
        helper.make_node("Transpose", ["c"], ["y"]),
    ]
    assert plan(nodes, tmp_path).intermediate_bytes == 2 * TENSOR


def test_a_view_takes_no_memory(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Flatten", ["a"], ["b"], axis=0),
             helper.make_node("Transpose", ["b"], ["y"])]  # fmt: skip
    assert plan(nodes, tmp_path).intermediate_bytes == TENSOR


def test_an_add_overwrites_the_operand_that_dies(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Neg", ["x"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["c"]),  # over a
        helper.make_node("Transpose", ["c"], ["y"]),
    ]
    assert plan(nodes, tmp_path).intermediate_bytes == 2 * TENSOR


def test_x_times_its_sigmoid_is_one_kernel_with_an_output_of_its_own(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Sigmoid", ["a"], ["s"]),
        helper.make_node("Mul", ["a", "s"], ["b"]),
        helper.make_node("Transpose", ["b"], ["y"]),
    ]
    assert plan(nodes, tmp_path).intermediate_bytes == 2 * TENSOR  # a and b, no s


def test_a_later_tensor_lies_in_the_gap_that_fits_best(tmp_path: Path) -> None:
    """[a 1][b 1/4]: a dies with b, and c of half a tensor goes into the hole that a left, not behind b."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("MatMul", ["a", "w"], ["b"]),  # [64, 4]
        helper.make_node("MatMul", ["b", "v"], ["c"]),  # [64, 8]
        helper.make_node("Concat", ["b", "c"], ["y"], axis=1),
    ]
    arena = plan(nodes, tmp_path, constant("w", 16, 4), constant("v", 4, 8))
    assert arena.intermediate_bytes == TENSOR + TENSOR // 4


def test_channels_are_filled_up_to_whole_blocks(tmp_path: Path) -> None:
    """A convolution to 12 channels makes 16 in blocks of 8; the copy to the plain layout of the output has 12."""
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"])]
    arena = image(nodes, tmp_path, constant("w", 12, 3, 1, 1))
    assert arena == PlannedArena(16 * 64 * FLOAT, 12 * 64 * FLOAT)


def test_a_convolution_adds_into_the_shortcut(tmp_path: Path) -> None:
    """With the sum apart the shortcut, a convolution's output and its input were three tensors; here they are two."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Conv", ["a", "v"], ["b"]),
        helper.make_node("Conv", ["b", "v"], ["c"]),
        helper.make_node("Add", ["a", "c"], ["d"]),
        helper.make_node("Relu", ["d"], ["e"]),
        helper.make_node("GlobalAveragePool", ["e"], ["y"]),
    ]
    wide, pooled = 8 * 64 * FLOAT, 256  # 8 channels of 8 x 8; 8 numbers, rounded up to the alignment
    arena = image(nodes, tmp_path, constant("w", 8, 3, 1, 1), constant("v", 8, 8, 1, 1))
    # a and b, then e over a; the pooled channels, still in blocks, take the hole that b left
    assert arena.intermediate_bytes == 2 * wide
    assert arena.output_bytes == pooled


def test_a_convolution_that_reads_what_it_adds_to_writes_beside_it(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Conv", ["a", "v"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["c"]),
        helper.make_node("GlobalAveragePool", ["c"], ["y"]),
    ]
    wide = 8 * 64 * FLOAT
    arena = image(nodes, tmp_path, constant("w", 8, 3, 1, 1), constant("v", 8, 8, 1, 1))
    assert arena.intermediate_bytes == 2 * wide  # a and c; the pooled channels take the hole that a left


def test_a_convolution_in_blocks_does_not_add_to_a_plain_tensor(tmp_path: Path) -> None:
    """t is plain, a product in blocks is copied to the plain layout, and the copy and t are summed in place."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Transpose", ["a"], ["t"], perm=[0, 1, 3, 2]),
        helper.make_node("Conv", ["t", "v"], ["b"]),
        helper.make_node("Add", ["b", "t"], ["c"]),
        helper.make_node("Transpose", ["c"], ["y"], perm=[0, 1, 3, 2]),
    ]
    wide = 8 * 64 * FLOAT
    arena = image(nodes, tmp_path, constant("w", 8, 3, 1, 1), constant("v", 8, 8, 1, 1))
    # t, t in blocks and the product live together; accumulating into t they were two
    assert arena.intermediate_bytes == 3 * wide


def test_resnet18_holds_the_stem_and_its_pooled_image(tmp_path: Path) -> None:
    """64 x 112 x 112 and, half as wide and high, 64 x 56 x 56; the allocator's log says 4,014,080 too."""
    path = tmp_path / "resnet18.onnx"
    write("resnet18", path)
    stem, pooled = 64 * 112 * 112 * FLOAT, 64 * 56 * 56 * FLOAT
    assert planned_arena(load(path)).intermediate_bytes == stem + pooled == 4_014_080


def test_mobilenet_v2_peaks_in_the_second_block(tmp_path: Path) -> None:
    """16 x 112 x 112 at the start, 96 x 112 x 112 behind it, and 96 x 56 x 56 behind that; so says the log."""
    path = tmp_path / "mobilenet_v2.onnx"
    write("mobilenet_v2", path)
    narrow, wide, strided = 16 * 112 * 112, 96 * 112 * 112, 96 * 56 * 56
    assert planned_arena(load(path)).intermediate_bytes == (narrow + wide + strided) * FLOAT == 6_823_936


def test_a_thousand_live_tensors_take_no_quadratic_time(tmp_path: Path) -> None:
    """All outputs live until a last Sum reads them: each has memory of its own, and nothing is lost."""
    count = 1500
    nodes = [helper.make_node("Transpose", ["x"], [f"t{index}"]) for index in range(count)]
    nodes.append(helper.make_node("Concat", [f"t{index}" for index in range(count)], ["y"], axis=0))
    assert plan(nodes, tmp_path).intermediate_bytes == count * TENSOR


def test_a_body_keeps_what_it_reads_from_outside_and_its_own_names_mean_nothing_here(tmp_path: Path) -> None:
    inner = [helper.make_node("Neg", ["a"], ["mine"]), helper.make_node("Exp", ["mine"], ["result"])]
    branch = helper.make_graph(inner, "branch", [], [value("result", [64, 16])])
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Transpose", ["a"], ["b"]),
        helper.make_node("Transpose", ["b"], ["c"]),
        helper.make_node("If", ["flag"], ["d"], then_branch=branch, else_branch=branch),
        helper.make_node("Add", ["c", "d"], ["y"]),
    ]
    proto = model(nodes, [*X, value("flag", [], TensorProto.BOOL)], ["y"])
    # a lives until the If, so that c lies behind b and not in place of a; d takes the place of b, which has died
    assert planned_arena(load(save(proto, tmp_path))).intermediate_bytes == 3 * TENSOR


UNIT = 256
"""Bytes of 64 numbers, and the alignment."""


def test_of_two_gaps_the_smaller_one_that_fits_is_taken(tmp_path: Path) -> None:
    """[a 2][b 1][c 4][d 1]: a and c die with d; e of 2 goes where a was, so that f of 4 finds room where c was."""
    nodes = [
        helper.make_node("MatMul", ["x", "w2"], ["a"]),
        helper.make_node("MatMul", ["a", "w1"], ["b"]),
        helper.make_node("MatMul", ["b", "w4"], ["c"]),
        helper.make_node("Einsum", ["a", "c"], ["d"], equation="ia,ic->ac"),  # [2, 4]
        helper.make_node("MatMul", ["w32", "d"], ["e"]),  # [32, 4]: 128 numbers
        helper.make_node("MatMul", ["e", "w8"], ["f"]),  # [32, 8]: 256 numbers
        helper.make_node("Einsum", ["b", "d", "e", "f"], ["y"], equation="ab,cd,ef,eg->bdfg"),
    ]
    weights = [constant("w2", 16, 2), constant("w1", 2, 1), constant("w4", 1, 4), constant("w32", 32, 2)]
    assert plan(nodes, tmp_path, *weights, constant("w8", 4, 8)).intermediate_bytes == (2 + 1 + 4 + 1) * UNIT


def test_the_later_branch_of_the_file_runs_first(tmp_path: Path) -> None:
    """Its result of 4 units waits while the other branch takes 8; the other way round 1 would wait while it takes 2."""
    nodes = [
        helper.make_node("MatMul", ["x", "w8"], ["p"]),
        helper.make_node("MatMul", ["p", "v1"], ["q"]),
        helper.make_node("MatMul", ["x", "w2"], ["r"]),
        helper.make_node("MatMul", ["r", "v4"], ["s"]),
        helper.make_node("Concat", ["q", "s"], ["y"], axis=1),
    ]
    weights = [constant("w8", 16, 8), constant("v1", 8, 1), constant("w2", 16, 2), constant("v4", 2, 4)]
    # [r 2][s 4][p 8], and q in the gap that r left
    assert plan(nodes, tmp_path, *weights).intermediate_bytes == (2 + 4 + 8) * UNIT


def test_a_dense_convolution_of_an_odd_number_of_channels_stays_plain(tmp_path: Path) -> None:
    """9 input channels are neither fewer than a block nor whole fours: nothing is filled up or copied."""
    proto = model([helper.make_node("Conv", ["x", "w"], ["y"])], [value("x", [1, 9, 8, 8])], ["y"],
                  [constant("w", 12, 9, 1, 1)])  # fmt: skip
    assert planned_arena(load(save(proto, tmp_path))) == PlannedArena(0, 12 * 64 * FLOAT)


def test_channels_that_fill_no_block_are_joined_in_the_plain_layout(tmp_path: Path) -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"]), helper.make_node("Concat", ["a", "a"], ["y"], axis=1)]
    arena = image(nodes, tmp_path, constant("w", 12, 3, 1, 1))
    assert arena.intermediate_bytes == (16 + 12) * 64 * FLOAT  # a in blocks, and its plain copy


def test_a_sum_behind_an_activated_convolution_is_a_kernel_of_its_own(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Conv", ["a", "v"], ["b"]),
        helper.make_node("Relu", ["b"], ["r"]),  # joins the convolution, which then adds nothing any more
        helper.make_node("Add", ["a", "r"], ["c"]),
        helper.make_node("GlobalAveragePool", ["c"], ["y"]),
    ]
    arena = image(nodes, tmp_path, constant("w", 8, 3, 1, 1), constant("v", 8, 8, 1, 1))
    assert arena.intermediate_bytes == 3 * 8 * 64 * FLOAT  # a, r and c
