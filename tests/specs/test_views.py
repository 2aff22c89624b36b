"""Views: nothing is computed, read or written."""

import pytest
from ops import activation, integers, make_op, scalar, work_of

from attainable.cost.rules import RULES
from attainable.cost.work import Work
from attainable.workload.graph import Op

X = activation(2, 1, 4)


@pytest.mark.parametrize(
    "op",
    [
        make_op("Reshape", [X, integers(2, 4)]),
        make_op("Squeeze", [X, integers(1)]),
        make_op("Squeeze", [X], attributes={"axes": (1,)}, opset=11),
        make_op("Unsqueeze", [X, integers(0)]),
        make_op("Flatten", [X]),
        make_op("Identity", [X]),
        make_op("BitCast", [X], attributes={"to": 6}, opset=26),
        make_op("Dropout", [X]),
        make_op("Dropout", [X], attributes={"ratio": 0.5}, opset=10),
        make_op("Dropout", [X, scalar(0.5), scalar(False)]),
    ],
)
def test_views_are_free(op: Op) -> None:
    assert work_of(op) == Work()
    assert RULES[op.type].storage == "view"


def test_dropout_in_training() -> None:
    # a random number, a comparison with the ratio, * scale, * mask
    work = work_of(make_op("Dropout", [X, scalar(0.5), scalar(True)]))
    assert work.total_operations == 4 * 8
    assert work.bytes_activation_out == 32


def test_constants_are_free() -> None:
    assert work_of(make_op("Constant", [], attributes={"value_ints": (1, 2)})) == Work()
