"""Each limit of a support table: an op that keeps it and one that does not."""

import pytest

from attainable.devices.targets.limits import LIMITS, misses
from attainable.devices.targets.target import LimitValue
from attainable.workload.graph import AttributeValue, Op, Shape, Tensor, UnresolvedShape, Value


def flow(*shape: int, dtype: str = "float32") -> Tensor:
    return Tensor(f"t{shape}", shape, dtype)


def held(*shape: int, value: Value | None = None) -> Tensor:
    return Tensor(f"c{shape}", shape, "float32", is_constant=True, value=value)


def numbers(*values: int) -> Tensor:
    return Tensor("numbers", (len(values),), "int64", is_constant=True, value=values)


def op(kind: str, inputs: tuple[Tensor | None, ...], output: Tensor, **attributes: AttributeValue) -> Op:
    domain, _, name = kind.rpartition(":")
    return Op("0", "", name, domain, 17, inputs, (output,), tuple(sorted(attributes.items())))


def conv(*kernel: int, channels: int = 8, group: int = 1, size: int = 16, **attributes: AttributeValue) -> Op:
    """A convolution of ``channels`` to as many; the output has the shape of padding that keeps the size."""
    x = flow(1, channels, size, size)
    return op("Conv", (x, held(channels, channels // group, *kernel), held(channels)), x, group=group, **attributes)


def relu(*shape: int, dtype: str = "float32") -> Op:
    return op("Relu", (flow(*shape, dtype=dtype),), flow(*shape, dtype=dtype))


def add(first: Shape, second: Shape) -> Op:
    return op("Add", (flow(*first), flow(*second)), flow(*first))


def resize(before: int, after: int) -> Op:
    return op("Resize", (flow(1, 3, before, before),), flow(1, 3, after, after))


def softmax(axis: int) -> Op:
    return op("Softmax", (flow(2, 3, 4),), flow(2, 3, 4), axis=axis)


def slice_by(step: int) -> Op:
    inputs = (flow(1, 8), numbers(0), numbers(8), numbers(1), numbers(step))
    return op("Slice", inputs, flow(1, 8 // step))


CASES: dict[str, tuple[LimitValue, Op, Op]] = {
    "max_rank": (4, relu(1, 2, 3, 4), relu(1, 2, 3, 4, 5)),
    "min_rank": (3, relu(1, 2, 3), relu(1, 2)),
    "ranks": ((4, 5), relu(1, 2, 3, 4, 5), relu(1, 2, 3)),
    "input_ranks": ((4,), op("Flatten", (flow(1, 2, 3, 4),), flow(1, 24)), relu(1, 24)),
    "output_ranks": ((2,), op("Flatten", (flow(1, 2, 3, 4),), flow(1, 24)), relu(1, 2, 3, 4)),
    "index_ranks": (
        (0, 1),
        op("Gather", (flow(9, 4), flow(5)), flow(5, 4)),
        op("Gather", (flow(9, 4), flow(5, 6)), flow(5, 6, 4)),
    ),
    "max_axes": (3, relu(1, 2, 3, 4), relu(2, 2, 3, 4)),
    "max_batch": (1, relu(1, 5), relu(2, 5)),
    "max_channels": (64, relu(1, 64, 100, 100), relu(1, 65, 1, 1)),
    "max_height": (8, relu(1, 9, 8, 9), relu(1, 1, 9, 1)),
    "max_width": (8, relu(1, 9, 9, 8), relu(1, 1, 1, 9)),
    "max_dimension": (8, relu(8, 8), relu(1, 9)),
    # 4 x 4 pixels against 4 x 5
    "max_pixels": (16, relu(9, 9, 4, 4), relu(1, 1, 4, 5)),
    # 4 x 4 elements against 17
    "max_elements": (16, relu(4, 4), relu(17)),
    "dtypes": (("int8", "uint8"), relu(1, dtype="int8"), relu(1, dtype="float32")),
    "max_kernel": (7, conv(7, 1), conv(1, 8)),
    "min_kernel": (2, conv(2, 3), conv(1, 3)),
    "kernels": ((1, 3, 5), conv(5, 5), conv(2, 3)),
    "kernel_form": (("square",), conv(3, 3), conv(3, 1)),
    # 3 x 5 = 15 against 4 x 4 = 16
    "max_kernel_area": (15, conv(3, 5), conv(4, 4)),
    # gaps of 2 between 3 taps: 2 x 2 + 1 = 5
    "max_dilated_height": (4, conv(3, 3, dilations=(1, 9)), conv(3, 3, dilations=(2, 1))),
    # 5 x 3 = 15 against 5 x 5
    "max_dilated_area": (15, conv(3, 3, dilations=(2, 1)), conv(3, 3, dilations=(2, 2))),
    # 3 x 3 x 8 = 72 weights of a filter; depthwise it is 9
    "max_kernel_weights": (71, conv(3, 3, group=8), conv(3, 3)),
    "max_stride": (2, conv(3, 3, strides=(1, 2)), conv(3, 3, strides=(3, 1))),
    "min_stride": (2, conv(3, 3, strides=(2, 2)), conv(3, 3)),
    "strides": ((2, 4), conv(3, 3, strides=(4, 2)), conv(3, 3, strides=(3, 2))),
    "max_stride_height": (4, conv(1, 1, strides=(4, 9)), conv(1, 1, strides=(5, 1))),
    "max_stride_width": (4, conv(1, 1, strides=(9, 4)), conv(1, 1, strides=(1, 5))),
    "stride_form": (("square",), conv(1, 1, strides=(2, 2)), conv(1, 1, strides=(2, 1))),
    "max_dilation": (2, conv(3, 3, dilations=(2, 2)), conv(3, 3, dilations=(1, 3))),
    "dilations": ((1, 2, 4), conv(3, 3, dilations=(4, 4)), conv(3, 3, dilations=(3, 3))),
    "dilation_form": (("square",), conv(3, 3, dilations=(2, 2)), conv(3, 3, dilations=(1, 2))),
    "pads": ((0,), conv(3, 3), conv(3, 3, pads=(0, 0, 1, 0))),
    # to keep 16 with a kernel of 7 takes 6 in all, 3 on either side
    "max_pad": (2, conv(5, 5, auto_pad="SAME_UPPER"), conv(7, 7, auto_pad="SAME_LOWER")),
    "groups": (("dense", "depthwise"), conv(3, 3, group=8), conv(3, 3, group=2)),
    "axes": ((1,), softmax(1), softmax(-1)),
    "forbidden_axes": ((0,), softmax(2), softmax(-3)),
    "axes_from_end": ((-1,), softmax(2), softmax(1)),
    "steps": ((1,), slice_by(1), slice_by(2)),
    "scales": ((1, 2, 4), resize(7, 28), resize(7, 21)),
    "max_scale": (8, resize(4, 32), resize(4, 36)),
    "min_scale": (1, resize(4, 4), resize(4, 2)),
    "broadcast": (("none", "channel"), add((1, 8, 4, 4), (1, 8, 1, 1)), add((1, 8, 4, 4), (4, 4))),
    "constant_inputs": (
        (1,),
        op("MatMul", (flow(2, 3), held(3, 4)), flow(2, 4)),
        op("MatMul", (flow(2, 3), flow(3, 4)), flow(2, 4)),
    ),
    "single_inputs": (
        (1,),
        op("Pow", (flow(2, 3), held(1)), flow(2, 3)),
        op("Pow", (flow(2, 3), held(2, 3)), flow(2, 3)),
    ),
    "max_inputs": (2, add((4,), (4,)), op("Max", (flow(1), flow(2), flow(3)), flow(3))),
    "max_outputs": (1, relu(1), Op("0", "", "Split", "", 17, (flow(4),), (flow(2), flow(2)))),
}


def test_every_limit_has_a_case() -> None:
    assert set(CASES) == set(LIMITS)


@pytest.mark.parametrize("name", CASES)
def test_a_limit_is_kept_and_missed(name: str) -> None:
    value, keeps, breaks = CASES[name]
    limit = LIMITS[name]
    assert misses(limit, value, limit.measure(keeps)) == ()
    assert misses(limit, value, limit.measure(breaks)) != ()


def test_what_misses_a_limit_is_said_once() -> None:
    # both axes of the kernel are 9
    assert misses(LIMITS["max_kernel"], 7, LIMITS["max_kernel"].measure(conv(9, 9))) == (9,)
    product = op("MatMul", (flow(2, 3), flow(3, 4)), flow(2, 4))
    assert misses(LIMITS["constant_inputs"], (0, 1), LIMITS["constant_inputs"].measure(product)) == (0, 1)


def test_a_convolution_of_tflite_tells_its_kernel_and_not_its_strides() -> None:
    # the weight is output channels x height x width x input channels
    x = flow(1, 16, 16, 8)
    convolution = op("tflite:CONV_2D", (x, held(4, 3, 5, 8), held(4)), flow(1, 16, 16, 4))
    assert LIMITS["max_kernel"].measure(convolution) == (3, 5)
    assert LIMITS["max_channels"].measure(convolution) == (8, 4)
    assert LIMITS["groups"].measure(convolution) == ("dense",)
    with pytest.raises(UnresolvedShape):
        LIMITS["max_stride"].measure(convolution)


def test_the_window_of_a_global_pooling_is_its_image() -> None:
    pooling = op("GlobalAveragePool", (flow(1, 8, 7, 9),), flow(1, 8, 1, 1))
    assert LIMITS["max_kernel"].measure(pooling) == (7, 9)


def test_axes_come_from_the_attribute_the_input_or_the_operator() -> None:
    x = flow(2, 3, 4, 5)
    assert LIMITS["axes"].measure(op("ReduceMean", (x,), x, axes=(-1, 2))) == (3, 2)
    assert LIMITS["axes"].measure(op("ReduceMean", (x, numbers(2, 3)), x)) == (2, 3)
    assert LIMITS["axes"].measure(op("ReduceMean", (x,), x)) == (0, 1, 2, 3)
    assert LIMITS["axes"].measure(op("Softmax", (x,), x)) == (3,)
    # begins of the four axes, then ends: only the last is padded
    assert LIMITS["axes"].measure(op("Pad", (x, numbers(0, 0, 0, 1, 0, 0, 0, 0)), x)) == (3,)
    with pytest.raises(UnresolvedShape):
        LIMITS["axes"].measure(op("ReduceMean", (x, flow(2)), x))


def test_a_softmax_before_opset_13_works_along_axis_1() -> None:
    x = flow(2, 3, 4, 5)
    assert LIMITS["axes"].measure(Op("0", "", "Softmax", "", 11, (x,), (x,))) == (1,)


def test_the_batch_of_a_recurrent_cell_is_its_second_axis() -> None:
    cell = op("LSTM", (flow(10, 3, 8), held(1, 16, 8)), flow(10, 1, 3, 4))
    assert LIMITS["max_batch"].measure(cell) == (3,)
