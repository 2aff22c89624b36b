"""What a person reads as the name of an op."""

import pytest

from attainable.analysis.labels import op_label
from attainable.workload.graph import Op
from tests.specs.ops import activation, constant, fused, make_op, with_outputs

IMAGE = activation(1, 16, 28, 28)


def _quantised() -> Op:
    scale, zero = constant(), constant(dtype="uint8")
    image, weight = activation(1, 16, 28, 28, dtype="uint8"), constant(32, 16, 3, 3, dtype="uint8")
    op = make_op("QLinearConv", [image, scale, zero, weight, scale, zero, scale, zero])
    return with_outputs(op, [((1, 32, 26, 26), "uint8")])


def _fused() -> Op:
    return fused("FusedConv", [IMAGE, constant(32, 16, 3, 3)], activation(1, 32, 26, 26))


def _four_bits() -> Op:
    weight, scales = constant(64, 1, 16, dtype="uint8"), constant(64)
    attributes = {"K": 32, "N": 64, "bits": 4, "block_size": 32}
    return fused("MatMulNBits", [activation(1, 3, 32), weight, scales], activation(1, 3, 64), attributes=attributes)


def _recurrent() -> Op:
    weights = [constant(1, 4 * 6, 7), constant(1, 4 * 6, 6)]
    return make_op("LSTM", [activation(5, 2, 7), *weights], attributes={"hidden_size": 6})


@pytest.mark.parametrize(
    ("op", "label"),
    [
        (make_op("Conv", [IMAGE, constant(32, 16, 3, 3)]), "Conv 3x3 16->32 on 26x26"),
        (
            make_op("Conv", [IMAGE, constant(16, 1, 3, 3)], attributes={"group": 16, "strides": (2, 2)}),
            "Conv depthwise 3x3 16->16 /2 on 13x13",
        ),
        (make_op("Conv", [IMAGE, constant(8, 8, 1, 1)], attributes={"group": 2}), "Conv 2 groups 1x1 16->8 on 28x28"),
        (_quantised(), "QLinearConv 3x3 16->32 on 26x26"),
        (_fused(), "FusedConv 3x3 16->32 on 26x26"),
        (make_op("MatMul", [activation(1, 5, 8), constant(8, 4)]), "MatMul 5x8 by 8x4"),
        (_four_bits(), "MatMulNBits 3x32 by 32x64 of 4 bits"),
        (_recurrent(), "LSTM 7->6 over 5 steps"),
        (make_op("Relu", [IMAGE]), "Relu 16x28x28"),
        (make_op("Relu", [activation(1, 1)]), "Relu 1"),
        (fused("FusedConv", [IMAGE], activation(1, 8)), "com.microsoft:FusedConv"),
    ],
)
def test_a_label_tells_the_operator_and_the_shapes_that_matter(op: Op, label: str) -> None:
    assert op_label(op) == label
