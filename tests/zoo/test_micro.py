"""The smallest networks are valid, cost what their shapes say, and compute it."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from attainable.cost.count import count
from attainable.workload import load
from attainable.zoo.micro import Micro, MicroConvolutions, MicroProduct, build_micro

PRODUCT = MicroProduct(4, 6, 5)
CONVOLUTIONS = MicroConvolutions((3, 8, 2), kernel=3, extent=5)

TYPES = [
    ("float32", "float32"), ("float16", "float16"), ("bfloat16", "bfloat16"), ("uint8", "int8"), ("uint8", "uint8"),
    ("int8", "int8"),
]  # fmt: skip


@pytest.mark.parametrize("types", TYPES, ids=[" ".join(types) for types in TYPES])
@pytest.mark.parametrize(
    ("micro", "macs"),
    [
        (PRODUCT, 4 * 6 * 5),
        # no padding: the first convolution has 7 x 7 results, so that the second has 5 x 5
        (CONVOLUTIONS, 8 * 7 * 7 * 3 * 9 + 2 * 5 * 5 * 8 * 9),
    ],
)
def test_the_model_is_valid_and_costs_what_its_shapes_say(
    micro: Micro, macs: int, types: tuple[str, str], tmp_path: Path
) -> None:
    dtype, weight_dtype = types
    proto = build_micro(micro, dtype=dtype, weight_dtype=weight_dtype)
    cast(Any, onnx.checker).check_model(proto, full_check=True)
    path = tmp_path / "micro.onnx"
    path.write_bytes(proto.SerializeToString())
    totals = count(load(path)).totals
    assert totals.macs == macs
    assert {name for engine, name, _ in totals.work.operations if engine == "matrix"} == {dtype}


@pytest.mark.parametrize(("dtype", "weight_dtype"), [("uint8", "int8"), ("uint8", "uint8"), ("int8", "int8")])
def test_an_integer_product_is_one(dtype: str, weight_dtype: str) -> None:
    proto = build_micro(PRODUCT, dtype=dtype, weight_dtype=weight_dtype)
    weight = numpy_helper.to_array(proto.graph.initializer[0])
    assert weight.dtype == weight_dtype
    x = np.arange(24).reshape(4, 6).astype(dtype)
    (y,) = run(proto, x)
    np.testing.assert_array_equal(y, x.astype(np.int64) @ weight.astype(np.int64))


def test_convolutions_end_at_their_extent() -> None:
    (y,) = run(build_micro(CONVOLUTIONS, dtype="uint8", weight_dtype="int8"), np.full((1, 3, 9, 9), 7, np.uint8))
    assert y.shape == (1, 2, 5, 5)
    assert len(np.unique(y)) > 1  # not saturated throughout


def test_the_same_model_each_time() -> None:
    first, second = (build_micro(CONVOLUTIONS, dtype="float32", weight_dtype="float32") for _ in range(2))
    assert first == second


def test_names_say_what_is_computed() -> None:
    assert str(PRODUCT) == "product 4 x 6 x 5"
    assert str(CONVOLUTIONS) == "convolutions 3x3, 3-8-2 channels, last at 5 x 5"


def run(proto: onnx.ModelProto, x: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    session = cast(Any, onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"]))
    return session.run(None, {"x": x})
