"""The TFLite reader: the counts of the ONNX twin, the batch, names, and files that are broken on purpose."""

import struct
from pathlib import Path

import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from attainable.cost.count import Totals
from attainable.cost.rules import RULES
from attainable.errors import AttainableError, InvalidQuantity, ModelFileError, ModelGraphError, UnboundDimensions
from attainable.workload import load
from attainable.workload.tflite.schema import OPERATORS
from tests.models import constant, model, save, value
from tests.workload.described import counted
from tests.workload.tflite_files import Operator, Tensor, serialize, write

MOBILE_TENSORS = [
    Tensor("image", (1, 32, 32, 3), signature=(-1, 32, 32, 3)),
    Tensor("w0", (8, 3, 3, 3), stored=True),
    Tensor("b0", (8,), stored=True),
    Tensor("conv", (1, 16, 16, 8), signature=(-1, 16, 16, 8)),
    Tensor("w1", (1, 3, 3, 8), stored=True),
    Tensor("b1", (8,), stored=True),
    Tensor("depthwise", (1, 16, 16, 8), signature=(-1, 16, 16, 8)),
    Tensor("sum", (1, 16, 16, 8), signature=(-1, 16, 16, 8)),
    Tensor("pooled", (1, 1, 1, 8), signature=(-1, 1, 1, 8)),
    Tensor("rows", (1, 8), signature=(-1, 8)),
    Tensor("w2", (10, 8), stored=True),
    Tensor("b2", (10,), stored=True),
    Tensor("logits", (1, 10), signature=(-1, 10)),
    Tensor("shares", (1, 10), signature=(-1, 10)),
    Tensor("shape", (2,), "int32", stored=struct.pack("<2i", -1, 8)),
]

MOBILE_OPERATORS = [
    Operator("CONV_2D", [0, 1, 2], [3], [(1, "int32", 2), (2, "int32", 2), (3, "int8", "RELU6")]),
    Operator("DEPTHWISE_CONV_2D", [3, 4, 5], [6], [(1, "int32", 1), (2, "int32", 1), (3, "int32", 1)]),
    Operator("ADD", [3, 6], [7], [(0, "int8", "RELU")]),
    Operator("AVERAGE_POOL_2D", [7], [8], [(3, "int32", 16), (4, "int32", 16)]),
    Operator("RESHAPE", [8, 14], [9]),
    Operator("FULLY_CONNECTED", [9, 10, 11], [12]),
    Operator("SOFTMAX", [12], [13], [(0, "float32", 1.0)]),
]


def mobile(folder: Path) -> Path:
    """A small network with the layers of MobileNet."""
    return write(folder / "mobile.tflite", MOBILE_TENSORS, MOBILE_OPERATORS, [0], [13])


def mobile_twin() -> onnx.ModelProto:
    """The same network in ONNX, channels first."""
    return model(
        [
            helper.make_node("Conv", ["x", "w0", "b0"], ["c"], strides=[2, 2], pads=[1, 1, 1, 1]),
            helper.make_node("Clip", ["c", "low", "high"], ["c6"]),
            helper.make_node("Conv", ["c6", "w1", "b1"], ["d"], group=8, pads=[1, 1, 1, 1]),
            helper.make_node("Add", ["c6", "d"], ["s"]),
            helper.make_node("Relu", ["s"], ["r"]),
            helper.make_node("GlobalAveragePool", ["r"], ["g"]),
            helper.make_node("Flatten", ["g"], ["f"]),
            helper.make_node("Gemm", ["f", "w2", "b2"], ["l"], transB=1),
            helper.make_node("Softmax", ["l"], ["y"]),
        ],
        [value("x", ["N", 3, 32, 32])],
        ["y"],
        [
            constant("w0", 8, 3, 3, 3), constant("b0", 8), constant("low"), constant("high"),
            constant("w1", 8, 1, 3, 3), constant("b1", 8), constant("w2", 10, 8), constant("b2", 10),
        ],
    )  # fmt: skip


def figures(totals: Totals) -> tuple[object, ...]:
    """What does not depend on the layout or on how ops are fused."""
    return totals.macs, totals.work.operations, totals.parameters, totals.parameter_bytes


@pytest.mark.parametrize("batch", [None, 1, 5])
def test_the_counts_are_those_of_the_onnx_twin(tmp_path: Path, batch: int | None) -> None:
    result = counted(mobile(tmp_path), batch=batch)
    twin = counted(save(mobile_twin(), tmp_path), batch=batch)
    assert not result.totals.at_least
    assert figures(result.totals) == figures(twin.totals)
    # 16 x 16 x (8 x 27 + 8 x 9) and 8 x 10, for each image
    assert result.totals.macs == (batch or 1) * (256 * 288 + 80)
    assert result.workload.provenance.format == "tflite"


def test_an_int8_network_counts_as_int8_like_qlinearconv(tmp_path: Path) -> None:
    tensors = [
        Tensor("x", (1, 8, 8, 4), "int8"),
        Tensor("w", (6, 3, 3, 4), "int8", stored=True),
        Tensor("b", (6,), "int32", stored=True),
        Tensor("y", (1, 8, 8, 6), "int8"),
    ]
    path = write(
        tmp_path / "int8.tflite", tensors, [Operator("CONV_2D", [0, 1, 2], [3], [(3, "int8", "RELU6")])], [0], [3]
    )
    names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"]
    twin = model(
        [helper.make_node("QLinearConv", names, ["y"], pads=[1, 1, 1, 1])],
        [value("x", [1, 4, 8, 8], onnx.TensorProto.INT8)],
        ["y"],
        [
            constant("xs"), constant("xz", dtype="int8"), constant("w", 6, 4, 3, 3, dtype="int8"), constant("ws"),
            constant("wz", dtype="int8"), constant("ys"), constant("yz", dtype="int8"), constant("b", 6, dtype="int32"),
        ],
    )  # fmt: skip
    result = counted(path)
    assert figures(result.totals) == figures(counted(save(twin, tmp_path)).totals)
    # 64 positions x 6 x 36; 256 differences and 5 for each of 384 outputs, the bounds of RELU6 among them
    assert result.totals.work.operations == (("matrix", "int8", 2 * 64 * 216), ("vector", "int8", 256 + 5 * 384))


def test_the_batch_can_be_chosen_where_the_file_leaves_it_free(tmp_path: Path) -> None:
    path = mobile(tmp_path)
    assert load(path).notes == ("batch dimension 'batch' is 1 as stored; choose another with --batch",)
    for workload in (load(path, batch=3), load(path, {"batch": 3}), load(path, {"image": (3, 32, 32, 3)})):
        assert workload.inputs[0].dims == (3, 32, 32, 3)
        assert workload.outputs[0].dims == (3, 10)
        assert workload.bindings
        assert not workload.notes
    with pytest.raises(InvalidQuantity, match="the file stores 1x32x32x3 @ image"):
        load(path, {"image": (1, 64, 64, 3)})
    with pytest.raises(InvalidQuantity, match="no input has this name @ x"):
        load(path, {"x": (1, 64, 64, 3)})
    with pytest.raises(InvalidQuantity, match="the batch is asked to be 2 and 3"):
        load(path, {"image": (3, 32, 32, 3)}, batch=2)


def test_a_fixed_shape_cannot_be_changed(tmp_path: Path) -> None:
    tensors = [Tensor("x", (2, 3)), Tensor("y", (2, 3))]
    path = write(tmp_path / "fixed.tflite", tensors, [Operator("RELU", [0], [1])], [0], [1])
    assert load(path, {"x": (2, 3)}).outputs[0].dims == (2, 3)
    assert load(path, batch=2).outputs[0].dims == (2, 3)
    with pytest.raises(InvalidQuantity, match="the file fixes the batch at 2"):
        load(path, batch=4)
    free = [Tensor("x", (1, 1, 3), signature=(-1, -1, 3)), Tensor("y", (1, 1, 3), signature=(-1, -1, 3))]
    path = write(tmp_path / "free.tflite", free, [Operator("RELU", [0], [1])], [0], [1])
    with pytest.raises(UnboundDimensions, match="free axes besides the batch"):
        load(path)


def test_operators_without_a_rule_are_listed(tmp_path: Path) -> None:
    tensors = [Tensor("x", (1, 8)), Tensor("y", (1, 8)), Tensor("z", (1, 8))]
    operators = [
        Operator("CUSTOM", [0], [1], custom="TFLite_Detection_PostProcess"),
        Operator("HASHTABLE_FIND", [1], [2]),
    ]
    result = counted(write(tmp_path / "custom.tflite", tensors, operators, [0], [2]))
    assert result.totals.at_least
    assert result.coverage.kinds_without_rule == (
        "tflite.custom:TFLite_Detection_PostProcess",
        "tflite:HASHTABLE_FIND",
    )


def test_weights_stored_as_float16_are_dequantised_before_the_run(tmp_path: Path) -> None:
    tensors = [
        Tensor("x", (1, 8)),
        Tensor("half", (4, 8), "float16", stored=True),
        Tensor("w", (4, 8)),
        Tensor("y", (1, 4)),
    ]
    operators = [Operator("DEQUANTIZE", [1], [2]), Operator("FULLY_CONNECTED", [0, 2, -1], [3])]
    result = counted(write(tmp_path / "half.tflite", tensors, operators, [0], [3]))
    assert [entry.state for entry in result.ops] == ["folded", "counted"]
    assert (result.totals.macs, result.totals.parameters, result.totals.parameter_bytes) == (32, 32, 64)


def test_the_rules_are_for_operators_that_exist() -> None:
    assert {kind.partition(":")[2] for kind in RULES if kind.startswith("tflite:")} <= set(OPERATORS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x18\x00\x00\x00TFL3", "is not a valid TFLite flatbuffer (byte 0)"),
        (b"\x00\x00\x00\x00TFL3", "is not a valid TFLite flatbuffer (byte 0)"),
        (b"\xff\xff\xff\xffTFL3" + bytes(64), "is not a valid TFLite flatbuffer (byte 0)"),
        (b"TFL3", "is not a TFLite model"),
        (b"\x08\x00\x00\x00ONNX" + bytes(64), "is not a TFLite model"),
    ],
)
def test_files_that_are_no_tflite_model(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        load(path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("operator", "message"),
    [
        (Operator("RELU", [9], [1]), "names tensor 9, which is not there"),
        (Operator("RELU", [-2], [1]), "names tensor -2, which is not there"),
        (Operator("RELU", [1], [1]), "reads 'y' before it is made"),
        (Operator("SPLIT", [0], [1, 1]), "names tensor 1, which is not there or made already"),
    ],
)
def test_broken_graphs(tmp_path: Path, operator: Operator, message: str) -> None:
    path = write(tmp_path / "broken.tflite", [Tensor("x", (2, 3)), Tensor("y", (2, 3))], [operator], [0], [1])
    with pytest.raises(ModelGraphError) as caught:
        load(path)
    assert message in str(caught.value)


def test_broken_shapes_and_repeated_names(tmp_path: Path) -> None:
    relu = [Operator("RELU", [0], [1])]
    path = write(tmp_path / "shape.tflite", [Tensor("x", (2, -3)), Tensor("y", (2, 3))], relu, [0], [1])
    with pytest.raises(ModelGraphError, match=r"has the impossible shape \[2, -3\] @ tensor 0"):
        load(path)
    names = [Tensor(name, (2, 3)) for name in ("t#1", "t#1", "t", "t#1#1", "t")]
    chain = [Operator("RELU", [index], [index + 1]) for index in range(4)]
    workload = load(write(tmp_path / "names.tflite", names, chain, [0], [4]))
    assert len({workload.inputs[0].name, *(op.output.name for op in workload.ops)}) == 5


VALID = serialize(MOBILE_TENSORS, MOBILE_OPERATORS, [0], [13])


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), min_size=1, max_size=4), st.booleans())
def test_changed_files_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], cut: bool
) -> None:
    """Bytes changed, and the file cut off at the first of them: a Workload or a typed error, nothing else."""
    content = bytearray(VALID)
    for position, byte in changes:
        content[position] = byte
    path = tmp_path_factory.getbasetemp() / "changed.tflite"
    path.write_bytes(bytes(content[: changes[0][0]] if cut else content) or b"\0")
    try:
        counted(path)
    except AttainableError:
        return
