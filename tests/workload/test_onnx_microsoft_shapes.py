"""Shapes of ONNX Runtime's operators, each derived beside it."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from attainable.workload import load
from tests.models import model, save, value

Shapes = tuple[tuple[int, ...], ...]
U8, I64, I32 = TensorProto.UINT8, TensorProto.INT64, TensorProto.INT32


def node(kind: str, inputs: int, outputs: int = 1, **attributes: int | list[int] | str) -> onnx.NodeProto:
    """A node that reads a, b, c ... and makes y0, y1 ..."""
    made = onnx.NodeProto(
        op_type=kind,
        domain="com.microsoft",
        input=[chr(ord("a") + index) for index in range(inputs)],
        output=[f"y{index}" for index in range(outputs)],
    )
    made.attribute.extend(helper.make_attribute(name, content) for name, content in attributes.items())
    return made


CASES: tuple[tuple[onnx.NodeProto, Shapes, Shapes], ...] = (
    (node("Gelu", 1), ((2, 3),), ((2, 3),)),
    (node("BiasSplitGelu", 2), ((2, 7, 8), (8,)), ((2, 7, 4),)),  # half of it gates the other half
    (node("SkipLayerNormalization", 3, 4), ((2, 5, 8), (2, 5, 8), (8,)), ((2, 5, 8), (2, 5, 1), (2, 5, 1), (2, 5, 8))),
    (node("FusedConv", 2, strides=[2, 2]), ((1, 3, 9, 9), (4, 3, 3, 3)), ((1, 4, 4, 4),)),  # (9 - 3) / 2 + 1
    (node("NhwcConv", 2, pads=[1, 1, 1, 1]), ((1, 9, 9, 3), (4, 3, 3, 3)), ((1, 9, 9, 4),)),
    (node("NhwcMaxPool", 1, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1), ((1, 9, 9, 3),), ((1, 5, 5, 3),)),
    (node("FusedMatMul", 2, transA=1, transB=1), ((2, 5, 3), (7, 5)), ((2, 3, 7),)),
    (node("FusedGemm", 2, transB=1), ((3, 5), (7, 5)), ((3, 7),)),
    (node("MatMulNBits", 3, K=64, N=7, block_size=32), ((2, 5, 64), (7, 2, 16), (14,)), ((2, 5, 7),)),
    (node("DynamicQuantizeMatMul", 3), ((2, 5), (5, 7), ()), ((2, 7),)),
    (node("QLinearGlobalAveragePool", 5, channels_last=1), ((1, 6, 6, 4), (), (), (), ()), ((1, 1, 1, 4),)),
    (node("QLinearAdd", 6), ((2, 1, 4), (), (), (3, 1), (), ()), ((2, 3, 4),)),
    (node("QLinearConcat", 8, axis=1), ((), (), (2, 3), (), (), (2, 4), (), ()), ((2, 7),)),
    (node("QLinearReduceMean", 5, axes=[1], keepdims=0), ((2, 3, 4), (), (), (), ()), ((2, 4),)),
    (node("QGemm", 6, transB=1), ((3, 5), (), (), (7, 5), (), ()), ((3, 7),)),
    (node("EmbedLayerNormalization", 7, 2), ((2, 5), (2, 5), (99, 8), (16, 8), (2, 8), (8,), (8,)), ((2, 5, 8), (2,))),
    # hidden 8 in 2 heads of 4, 3 positions passed and 5 new ones
    (
        node("Attention", 5, 2, num_heads=2),
        ((1, 5, 6), (6, 24), (24,), (1, 8), (2, 1, 2, 3, 4)),
        ((1, 5, 8), (2, 1, 2, 8, 4)),
    ),
    (
        node("MultiHeadAttention", 3, 3, num_heads=2),
        ((1, 5, 8), (1, 7, 8), (1, 7, 12)),
        ((1, 5, 12), (1, 2, 7, 4), (1, 2, 7, 6)),
    ),
    # 4 heads and 2 shared ones of 8, packed: (4 + 2 x 2) x 8
    (node("GroupQueryAttention", 1, 1, num_heads=4, kv_num_heads=2), ((1, 5, 64),), ((1, 5, 32),)),
    (node("RelativePositionBias", 3), ((32, 4), (), ()), ((1, 4, 2, 2),)),  # both lengths are given as 2
    (node("ExpandDims", 2), ((3, 4, 5), ()), ((3, 4, 1, 5),)),  # axis 2
    (node("Rfft", 1), ((2, 9),), ((2, 5, 2),)),  # 9 / 2 + 1
    (node("Irfft", 1), ((2, 5, 2),), ((2, 8),)),
    (node("UnfoldTensor", 1, dim=1, size=3, step=2), ((2, 9),), ((2, 4, 3),)),  # (9 - 3) / 2 + 1
    (node("CDist", 2), ((3, 4), (5, 4)), ((3, 5),)),
    (node("TorchEmbedding", 2), ((99, 8), (2, 5)), ((2, 5, 8),)),
)  # fmt: skip


@pytest.mark.parametrize(("made", "inputs", "outputs"), CASES, ids=[made.op_type for made, _, _ in CASES])
def test_shapes(tmp_path: Path, made: onnx.NodeProto, inputs: Shapes, outputs: Shapes) -> None:
    # a scalar is stored, as the integer 2, for operators that are told an axis or a length
    pairs = list(zip(made.input, inputs, strict=True))
    stored = [numpy_helper.from_array(np.array(2, np.int64), name) for name, shape in pairs if not shape]
    declared = [value(name, shape) for name, shape in pairs if shape]
    # a claim in the file must not win against what follows from the inputs
    proto = model([made], declared, list(made.output), stored)
    proto.graph.value_info.append(value(made.output[0], [999]))
    assert tuple(tensor.shape for tensor in load(save(proto, tmp_path)).outputs) == outputs


def test_a_grouped_attention_tells_its_caches_where_the_total_is_known(tmp_path: Path) -> None:
    made = node("GroupQueryAttention", 7, 3, num_heads=4, kv_num_heads=2)
    shapes = [(1, 1, 32), (1, 1, 16), (1, 1, 16), (1, 2, 6, 8), (1, 2, 6, 8)]
    inputs = [value(chr(ord("a") + index), shape) for index, shape in enumerate(shapes)]
    inputs += [value("f", [1], I32), value("g", [], I32)]
    path = save(model([made], inputs, ["y0", "y1", "y2"]), tmp_path)
    assert [tensor.shape for tensor in load(path).outputs] == [(1, 1, 32), None, None]
    # six positions passed, one new: seven; a buffer of six that is shared would be 6
    given = load(path, values={"g": np.array(7, np.int32)})
    assert [tensor.shape for tensor in given.outputs] == [(1, 1, 32), (1, 2, 7, 8), (1, 2, 7, 8)]


def test_rows_of_packed_elements_are_unpacked(tmp_path: Path) -> None:
    """Two 4-bit elements to a byte: 16 bytes are 32 elements."""
    made = node("GatherBlockQuantized", 3, bits=4, gather_axis=0, quantize_axis=1, block_size=16)
    inputs = [value("a", [99, 16], U8), value("b", [2, 5], I64), value("c", [99, 2])]
    (y,) = load(save(model([made], inputs, ["y0"]), tmp_path)).outputs
    assert (y.shape, y.dtype) == ((2, 5, 32), "float32")


def test_an_operator_that_nobody_knows_keeps_the_claim_of_the_file(tmp_path: Path) -> None:
    nodes = [node("NoSuchOperator", 1), helper.make_node("Relu", ["y0"], ["z"])]
    proto = model(nodes, [value("a", [2])], ["z"])
    proto.graph.value_info.append(value("y0", [4, 5]))
    workload = load(save(proto, tmp_path))
    assert [op.output.shape for op in workload.ops] == [(4, 5), (4, 5)]
