"""Containers hold references; cutting and joining move every element."""

import pytest
from ops import activation, constant, integers, make_op, with_outputs, work_of

from attainable.cost.rules import RULES
from attainable.cost.work import Storage, Work
from attainable.workload.graph import Container, Op, Tensor

X = activation(4, 6)
BYTES = 96


def container(kind: Container, *parts: Tensor) -> Tensor:
    return Tensor(f"{kind}_of_{len(parts)}", None, "float32", container=kind, parts=parts)


def op(kind: str, *inputs: Tensor, output: Tensor) -> Op:
    return Op("0", "", kind, "", 17, inputs, (output,))


PAIR = container("sequence", X, activation(2, 6))
NUMBER = Tensor("number", (), "int64")


@pytest.mark.parametrize(
    ("op", "storage"),
    [
        (op("SequenceConstruct", X, X, output=PAIR), "view"),
        (op("SequenceEmpty", output=container("sequence")), "own"),
        (op("SequenceInsert", PAIR, X, output=container("sequence", X, X, X)), "view"),
        (op("SequenceErase", PAIR, NUMBER, output=container("sequence", X)), "view"),
        (op("SequenceAt", PAIR, NUMBER, output=X), "view"),
        (op("Optional", X, output=container("optional", X)), "view"),
        (op("OptionalGetElement", container("optional", X), output=X), "view"),
    ],
)
def test_references_are_free(op: Op, storage: Storage) -> None:
    assert work_of(op) == Work()
    assert RULES[op.kind].storage == storage


def test_what_a_container_tells() -> None:
    assert work_of(op("SequenceLength", PAIR, output=NUMBER)) == Work(bytes_activation_out=8)
    flag = Tensor("flag", (), "bool")
    assert work_of(op("OptionalHasElement", container("optional"), output=flag)) == Work(bytes_activation_out=1)


def test_cutting() -> None:
    """Where the pieces are not known, they are still as large as the whole."""
    pieces = Tensor("pieces", None, "float32", container="sequence")
    assert work_of(op("SplitToSequence", X, output=pieces)) == Work(
        bytes_activation_in=BYTES, bytes_activation_out=BYTES
    )
    cut = work_of(op("SplitToSequence", X, integers(1, 3), output=pieces))
    assert cut == Work(bytes_activation_in=BYTES, bytes_weight=16, bytes_activation_out=BYTES)
    table = work_of(op("SplitToSequence", constant(4, 6), NUMBER, output=pieces))
    assert table == Work(bytes_activation_in=8, bytes_weight=BYTES, bytes_activation_out=BYTES)


def test_joining() -> None:
    whole = op("ConcatFromSequence", PAIR, output=Tensor("whole", (6, 6), "float32"))
    assert work_of(whole) == Work(bytes_activation_in=144, bytes_activation_out=144)


def test_as_a_split_and_a_concatenation_would() -> None:
    halves = make_op("Split", [X], attributes={"num_outputs": 2}, outputs=2)
    assert work_of(halves).bytes_moved == work_of(op("SplitToSequence", X, output=PAIR)).bytes_moved
    joined = with_outputs(make_op("Concat", [X, activation(2, 6)], attributes={"axis": 0}), [((6, 6), "float32")])
    whole = op("ConcatFromSequence", PAIR, output=joined.output)
    assert work_of(joined).bytes_moved == work_of(whole).bytes_moved
