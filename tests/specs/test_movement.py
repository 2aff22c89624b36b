"""Movement: no operations; what is taken is read, what is made is written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ops import Attributes, activation, constant, integers, make_op, scalar, with_outputs, work_of

from attainable.cost.rules import RULES
from attainable.workload.graph import Op, Tensor

X = activation(2, 8, 4, 4)
ALL = 1024
"""Bytes of X: 256 elements of 4."""


def moved(
    kind: str, *inputs: Tensor | None, attributes: Attributes | None = None, outputs: int = 1, opset: int = 22
) -> tuple[int, int, int, int]:
    """Operations, and bytes of activations read, of constants read, and written."""
    work = work_of(make_op(kind, inputs, attributes=attributes, outputs=outputs, opset=opset))
    return work.total_operations, work.bytes_activation_in, work.bytes_weight, work.bytes_activation_out


def test_all_of_it() -> None:
    assert moved("Transpose", X) == (0, ALL, 0, ALL)
    assert moved("DepthToSpace", X, attributes={"blocksize": 2}) == (0, ALL, 0, ALL)
    assert moved("SpaceToDepth", X, attributes={"blocksize": 2}) == (0, ALL, 0, ALL)
    assert moved("Concat", X, activation(2, 1, 4, 4), attributes={"axis": 1}) == (0, ALL + 128, 0, ALL + 128)
    assert moved("Split", X, attributes={"axis": 1, "num_outputs": 2}, outputs=2) == (0, ALL, 0, ALL)
    assert moved("Split", X, integers(3, 5), attributes={"axis": 1}, outputs=2) == (0, ALL, 16, ALL)
    assert moved("Pad", X, integers(0, 0, 1, 1, 0, 0, 1, 1)) == (0, ALL, 64, 2 * 8 * 6 * 6 * 4)
    assert moved("Pad", X, attributes={"pads": (0, 0, 1, 1, 0, 0, 1, 1)}, opset=2) == (0, ALL, 0, 2304)
    assert moved("Tile", X, integers(3, 1, 1, 1)) == (0, ALL, 32, 3 * ALL)
    assert moved("Expand", activation(1, 8, 1, 4), integers(2, 8, 4, 4)) == (0, 128, 32, ALL)
    assert moved("Trilu", X) == (0, ALL, 0, ALL)
    lengths = activation(4, dtype="int64")
    assert moved("ReverseSequence", activation(2, 4), lengths) == (0, 32 + 32, 0, 32)


def test_part_of_it() -> None:
    """Of the first input as many bytes are read as are written, at most all of it."""
    assert moved("Slice", X, integers(0), integers(2), integers(1)) == (0, 256, 24, 256)  # 2 of 8 channels
    assert moved("Slice", X, attributes={"starts": (0,), "ends": (2,), "axes": (1,)}, opset=1) == (0, 256, 0, 256)
    indices = activation(1, 128, dtype="int64")
    rows, index_bytes = 128 * 768 * 4, 128 * 8
    # a vocabulary of 30,522 words: 128 rows of 768 features
    assert moved("Gather", constant(30522, 768), indices) == (0, index_bytes, rows, rows)
    assert moved("Gather", activation(30522, 768), indices) == (0, rows + index_bytes, 0, rows)
    # two token types, 128 times: each row is read once
    assert moved("Gather", constant(2, 768), indices) == (0, index_bytes, 2 * 768 * 4, rows)
    some = activation(2, 8, 4, 1, dtype="int64")
    assert moved("GatherElements", X, some, attributes={"axis": 3}) == (0, 256 + 512, 0, 256)
    assert moved("GatherND", X, activation(3, 2, dtype="int64")) == (0, 3 * 64 + 48, 0, 3 * 64)
    assert moved("CenterCropPad", X, integers(2, 8, 2, 2)) == (0, 256, 32, 256)
    compressed = make_op("Compress", [X, activation(4, dtype="bool")], attributes={"axis": 3})
    compressed = with_outputs(compressed, [((2, 8, 4, 2), "float32")])
    assert work_of(compressed).bytes_activation_in == 512 + 4


def test_scatter() -> None:
    """The first input is copied, the updates are put into the copy."""
    indices, updates = activation(3, 2, dtype="int64"), activation(3, 4, 4)
    assert moved("ScatterND", X, indices, updates) == (0, ALL + 48 + 192, 0, ALL)
    # an addition for each of the 48 updates
    assert moved("ScatterND", X, indices, updates, attributes={"reduction": "add"})[0] == 48
    positions, elements = activation(2, 1, 4, 4, dtype="int64"), activation(2, 1, 4, 4)
    attributes: Attributes = {"axis": 1, "reduction": "max"}
    assert moved("ScatterElements", X, positions, elements, attributes=attributes)[0] == 32
    assert moved("ScatterElements", X, positions, elements, attributes={"axis": 1}) == (0, ALL + 256 + 128, 0, ALL)
    cache, update = activation(2, 3, 16, 8), activation(2, 3, 1, 8)
    written_at = activation(2, dtype="int64")
    assert moved("TensorScatter", cache, update, written_at, opset=24) == (0, 3072 + 192 + 16, 0, 3072)
    assert RULES["TensorScatter"].storage == "in_place"


def test_only_written() -> None:
    assert moved("Shape", X) == (0, 0, 0, 32)  # 4 extents of int64
    assert moved("Size", X) == (0, 0, 0, 8)
    assert moved("ConstantOfShape", integers(2, 3)) == (0, 0, 0, 24)
    assert moved("EyeLike", activation(3, 3)) == (0, 0, 0, 36)
    one_hot = make_op("OneHot", [activation(5, dtype="int64"), scalar(10), constant(2)])
    assert work_of(one_hot).bytes_activation_in == 40
    assert work_of(one_hot).bytes_activation_out == 5 * 10 * 4


def test_range() -> None:
    # number of elements: sub, div, ceil, max; then one addition for each
    assert moved("Range", scalar(0), scalar(10), scalar(2)) == (5 + 4, 0, 24, 40)


def test_nonzero() -> None:
    op = with_outputs(make_op("NonZero", [activation(2, 3)]), [((2, 4), "int64")])
    assert work_of(op).total_operations == 6  # a comparison with zero for each element
    assert work_of(op).bytes_activation_out == 64


@pytest.mark.parametrize("kind", ["Transpose", "Gather", "Slice", "Pad", "Tile", "Expand", "Split"])
def test_only_the_first_input_holds_parameters(kind: str) -> None:
    assert RULES[kind].parameters == (0,)


def gather(table: int, indices: int, columns: int) -> Op:
    return make_op("Gather", [constant(table, columns), activation(indices, dtype="int64")])


@settings(max_examples=50, deadline=None)
@given(table=st.integers(1, 50), indices=st.integers(0, 50), columns=st.integers(1, 8))
def test_gather_reads_rows_once(table: int, indices: int, columns: int) -> None:
    work = work_of(gather(table, indices, columns))
    assert work.total_operations == 0
    assert work.bytes_weight == 4 * columns * min(table, indices)
    assert work.bytes_activation_in == 8 * indices
    assert work.bytes_activation_out == 4 * columns * indices
