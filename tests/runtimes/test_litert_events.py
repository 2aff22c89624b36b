"""Which operators of a file LiteRT's events are about, on lists of the kind that 2.3 makes; LiteRT is not needed."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from attainable.runtimes.litert import events
from attainable.runtimes.litert.events import owners, xnnpack_kind
from attainable.workload import load
from attainable.workload.graph import Op
from tests.workload.tflite_files import Operator, Tensor, write

SHAPE = (1, 4, 4, 4)


def chain(folder: Path, *kinds: str) -> tuple[Op, ...]:
    """Operators that each read what the one before gives."""
    tensors = [Tensor(f"t{number}", SHAPE) for number in range(len(kinds) + 1)]
    operators = [Operator(kind, [number], [number + 1]) for number, kind in enumerate(kinds)]
    return load(write(folder / "chain.tflite", tensors, operators, [0], [len(kinds)])).ops


def found(ops: Sequence[Op], *tags: str | int) -> list[tuple[int, ...]]:
    """The owners of events: of XNNPACK by tag, of LiteRT itself by the position of the operator."""
    reported = [
        {"tag": str(tag), "delegated": isinstance(tag, str), "index": tag if isinstance(tag, int) else number,
         "subgraph": 0, "seconds": 1e-6}
        for number, tag in enumerate(tags)
    ]  # fmt: skip
    return owners(reported, ops)


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("Convolution (NHWC, F32) IGEMM", "Convolution"),
        ("Fully Connected (NC, QD8, F32, QC8W) GEMM", "Fully Connected"),
        ("Add (ND)", "Add"),
        ("GELU", "GELU"),
        ("(", "("),
    ],
)
def test_an_event_says_what_it_is_of(tag: str, kind: str) -> None:
    assert xnnpack_kind(tag) == kind


def test_every_operator_with_an_event_of_its_own(tmp_path: Path) -> None:
    ops = chain(tmp_path, "TRANSPOSE", "CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "LOGISTIC")
    assert found(
        ops,
        "Transpose (ND, X32) Transpose",
        "Convolution (NHWC, F32) IGEMM",
        "Convolution (NHWC, F32) DWConv",
        # A convolution of one pixel is a matrix product.
        "Fully Connected (NC, F32) GEMM",
        "Sigmoid (NC, F32)",
    ) == [(0,), (1,), (2,), (3,), (4,)]


def test_padding_is_counted_with_the_convolution_that_took_it_over(tmp_path: Path) -> None:
    ops = chain(tmp_path, "CONV_2D", "PAD", "CONV_2D")
    assert found(ops, "Convolution (NHWC, F32) IGEMM", "Convolution (NHWC, F32) IGEMM") == [(0,), (1, 2)]


def test_padding_that_runs_has_its_own(tmp_path: Path) -> None:
    ops = chain(tmp_path, "CONV_2D", "PAD", "MAX_POOL_2D")
    tags = ("Convolution (NHWC, F32) IGEMM", "Constant Pad (ND, X32)", "Max Pooling (NHWC, F32)")
    assert found(ops, *tags) == [(0,), (1,), (2,)]


def test_an_activation_that_runs_by_itself_is_the_operators(tmp_path: Path) -> None:
    ops = chain(tmp_path, "ADD", "MUL")
    assert found(ops, "Add (ND)", "Clamp (NC)", "Multiply (ND)") == [(0,), (0,), (1,)]


def test_what_quantises_the_input_of_an_operator_is_that_operators(tmp_path: Path) -> None:
    ops = chain(tmp_path, "CONV_2D", "ADD", "CONV_2D", "QUANTIZE")
    convert, convolution = "Convert (NC, F32, QD8)", "Convolution (NHWC, QD8, F32, QC8W) IGEMM"
    assert found(ops, convert, convolution, "Add (ND)", "Clamp (NC)", convert, convolution, convert) == [
        (0,), (0,), (1,), (1,), (2,), (2,), (3,)
    ]  # fmt: skip


def test_an_activation_that_was_fused_is_counted_with_what_it_reads(tmp_path: Path) -> None:
    ops = chain(tmp_path, "CONV_2D", "RELU", "LOGISTIC")
    assert found(ops, "Convolution (NHWC, F32) IGEMM", "Sigmoid (NC, F32)") == [(0, 1), (2,)]


def test_the_pieces_of_a_split_are_one_operators(tmp_path: Path) -> None:
    ops = chain(tmp_path, "SPLIT", "CONCATENATION", "ABS")
    tags = ("Slice (ND, X32)", "Slice (ND, X32)", "Copy (NC, X32)", "Copy (NC, X32)", "Abs (NC, F32)")
    assert found(ops, *tags) == [(0,), (0,), (1,), (1,), (2,)]


def test_an_operator_that_xnnpack_does_not_have_names_itself(tmp_path: Path) -> None:
    ops = chain(tmp_path, "CONV_2D", "GATHER", "CONV_2D")
    first, second = "Convolution (NHWC, F32) IGEMM", "Fully Connected (NC, F32) GEMM"
    assert found(ops, first, 1, second) == [(0,), (1,), (2,)]


def test_a_part_takes_what_it_can_of_another_branch_along(tmp_path: Path) -> None:
    # t0 -> 0 ABS -> 1 GATHER -> 2 NEG, and t0 -> 3 LOGISTIC: XNNPACK gets 0 and 3 at once, before the gather.
    tensors = [Tensor(f"t{number}", SHAPE) for number in range(5)]
    operators = [
        Operator("ABS", [0], [1]), Operator("GATHER", [1], [2]), Operator("NEG", [2], [3]),
        Operator("LOGISTIC", [0], [4]),
    ]  # fmt: skip
    ops = load(write(tmp_path / "branches.tflite", tensors, operators, [0], [3, 4])).ops
    tags = ("Abs (NC, F32)", "Sigmoid (NC, F32)", 1, "Negate (NC, F32)")
    assert found(ops, *tags) == [(0,), (3,), (1,), (2,)]


def test_an_event_of_a_name_that_nobody_knows_is_lined_up_by_its_place(tmp_path: Path) -> None:
    ops = chain(tmp_path, "CONV_2D", "ATAN2", "CONV_2D")
    convolution = "Convolution (NHWC, F32) IGEMM"
    assert found(ops, convolution, "Imagined (ND)", convolution) == [(0,), (1,), (2,)]


def test_a_table_that_is_too_large_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ops = chain(tmp_path, "ABS", "NEG")
    tags = ("Abs (NC, F32)", "Negate (NC, F32)")
    monkeypatch.setattr(events, "MOST_PAIRS", 4)
    assert found(ops, *tags) == [(0,), (1,)]
    monkeypatch.setattr(events, "MOST_PAIRS", 3)
    assert found(ops, *tags) == [(), ()]


def test_events_of_nothing_are_nobodys(tmp_path: Path) -> None:
    assert found(chain(tmp_path, "CONV_2D"), 5, "Convolution (NHWC, F32) IGEMM") == [(), (0,)]
    assert found((), "Add (ND)") == [()]
    assert found(chain(tmp_path, "CONV_2D")) == []
