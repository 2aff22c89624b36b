"""Sampling at computed positions: finding the taps once a position, interpolating once a channel."""

import math
from itertools import product

import numpy as np
import pytest
from counting import Number, Numbers, Tally, total, values
from ops import activation, constant, evaluate, integers, make_op, with_outputs, work_of

from attainable.workload.graph import Op


def grid_sample(mode: str, *, aligned: int = 0, padding: str = "zeros", opset: int = 22) -> Op:
    """One image of 3 channels, 5 x 6, at 4 x 4 positions."""
    attributes = {"mode": mode, "align_corners": aligned, "padding_mode": padding}
    return make_op("GridSample", [activation(1, 3, 5, 6), activation(1, 4, 4, 2)], attributes=attributes, opset=opset)


def test_linear_by_hand() -> None:
    # a position: 2 axes of 4 to pixels, 2 compared with the ends, 3 for the corner; 4 weights. A channel: 4 *, 3 +
    assert work_of(grid_sample("linear")).total_operations == 16 * (2 * 9 + 4) + 48 * 7
    assert work_of(grid_sample("bilinear", opset=16)) == work_of(grid_sample("linear"))
    assert work_of(grid_sample("linear", aligned=1)).total_operations == 16 * (2 * 8 + 4) + 48 * 7
    assert work_of(grid_sample("linear", padding="border")) == work_of(grid_sample("linear"))
    assert work_of(grid_sample("linear", padding="reflection")).total_operations == 16 * (2 * 14 + 4) + 48 * 7


def test_cubic_and_nearest() -> None:
    # 25 for the four polynomials of an axis; 16 taps: 16 weights, 16 *, 15 +
    assert work_of(grid_sample("cubic")).total_operations == 16 * (2 * 34 + 16) + 48 * 31
    assert work_of(grid_sample("bicubic", opset=16)) == work_of(grid_sample("cubic"))
    # to pixels, the ends, a rounding
    assert work_of(grid_sample("nearest")).total_operations == 16 * 2 * 7


def test_volumes() -> None:
    # 3 axes, 8 taps: 2 products for each weight
    volume = make_op("GridSample", [activation(2, 4, 3, 3, 3), activation(2, 2, 2, 2, 3)])
    assert work_of(volume).total_operations == 16 * (3 * 9 + 2 * 8) + 64 * 15


def test_linear_naive_loop() -> None:
    """Results are compared where all taps are inside the image; the others cost the same."""
    tally = Tally()
    outside: dict[int, bool] = {}
    x, grid = tally.numbers(1, 3, 5, 6), tally.numbers(1, 4, 4, 2)
    op = grid_sample("linear")
    y: Numbers = np.empty((1, 3, 4, 4), dtype=object)

    def axis(coordinate: Number, extent: int) -> tuple[int, list[Number]]:
        pixel = ((coordinate + 1) * extent - 1) / 2
        for end in (0, extent - 1):
            outside[end] = pixel > end
        below = pixel.apply(math.floor)
        fraction = pixel - below
        return int(below.value), [fraction.apply(lambda value: 1 - value), fraction]

    for i, j in np.ndindex(4, 4):
        left, columns = axis(grid[0, i, j, 0], 6)
        top, rows = axis(grid[0, i, j, 1], 5)
        weights = [(a, b, rows[a] * columns[b]) for a, b in product((0, 1), repeat=2)]
        for channel in range(3):
            y[0, channel, i, j] = total(
                x[0, channel, min(top + a, 4), min(left + b, 5)] * weight for a, b, weight in weights
            )
    positions = values(grid).max(axis=-1)[0] < 0.6
    expected = evaluate(op, [values(x), values(grid)])
    np.testing.assert_allclose(values(y)[0][:, positions], expected[0][:, positions], rtol=1e-4)
    assert np.any(positions)
    assert work_of(op).total_operations == tally.operations


def regions(*, samples: int, mode: str = "avg", transformation: str = "half_pixel") -> Op:
    """7 regions of 3 channels in 2 x 4 bins."""
    attributes = {
        "output_height": 2, "output_width": 4, "sampling_ratio": samples, "mode": mode,
        "coordinate_transformation_mode": transformation,
    }  # fmt: skip
    return make_op(
        "RoiAlign", [activation(2, 3, 9, 9), activation(7, 4), activation(7, dtype="int64")], attributes=attributes
    )


def test_regions() -> None:
    # region: 4 scaled, 4 moved, 2 extents, 2 bins, 2 steps; 6 * 3 coordinates of 7; 8 * 9 points of 4 weights
    shared = 14 + 18 * 7 + 72 * 4
    # a channel: 7 a point, 8 more and a quotient a bin
    assert work_of(regions(samples=3)).total_operations == 7 * (shared + 3 * (72 * 7 + 8 * 9))
    assert work_of(regions(samples=3, mode="max")).total_operations == 7 * (shared + 3 * (72 * 7 + 8 * 8))
    # at least one pixel high and wide instead of half a pixel off
    old = work_of(regions(samples=3, transformation="output_half_pixel"))
    assert old.total_operations == work_of(regions(samples=3)).total_operations - 7 * 2


def test_regions_of_any_size_take_four_points_a_bin() -> None:
    """Where the file leaves it to the region: the four points of Mask R-CNN."""
    assert work_of(regions(samples=0)) == work_of(regions(samples=2))


def test_opset_10_is_not_moved_by_half_a_pixel() -> None:
    inputs = [activation(2, 3, 9, 9), activation(7, 4), activation(7, dtype="int64")]
    attributes = {"output_height": 2, "output_width": 4, "sampling_ratio": 3}
    op = make_op("RoiAlign", inputs, attributes=attributes, opset=10)
    assert work_of(op) == work_of(regions(samples=3, transformation="output_half_pixel"))


def test_region_maximum_is_at_most_that_of_the_image() -> None:
    op = make_op("MaxRoiPool", [activation(1, 3, 9, 9), activation(7, 5)], attributes={"pooled_shape": (2, 4)})
    assert work_of(op).total_operations == 7 * 3 * (81 - 8)


def test_affine_grid() -> None:
    # 2 images of 5 x 6 positions, 3 rows of 4 in the function body; a known size makes known coordinates
    op = make_op("AffineGrid", [activation(2, 2, 3), integers(2, 3, 5, 6)])
    assert work_of(op).macs == 2 * 30 * 12
    assert work_of(op).total_operations == 2 * work_of(op).macs
    assert work_of(op).bytes_activation_out == 4 * 2 * 30 * 2


@pytest.mark.parametrize("masked", [False, True])
def test_deformable_convolution(masked: bool) -> None:
    """One image of 4 channels in 2 groups, 6 outputs, 3 x 3 taps, 5 x 5 positions, 2 groups of offsets."""
    mask = [None, activation(1, 18, 5, 5)] if masked else []
    inputs = [activation(1, 4, 7, 7), constant(6, 2, 3, 3), activation(1, 36, 5, 5), *mask]
    op = make_op("DeformConv", inputs, attributes={"group": 2, "offset_group": 2}, opset=19)
    op = with_outputs(op, [((1, 6, 5, 5), "float32")])
    work = work_of(op)
    assert work.macs == 6 * 25 * 2 * 9
    # 2 * 9 * 25 positions: 2 axes of 1 to move, 2 for the ends, 3 for the corner; 4 weights
    # 4 * 9 * 25 elements: 4 products, 3 additions, the mask
    expected = 450 * (2 * 6 + 4) + 900 * (8 if masked else 7)
    assert work.total_operations - 2 * work.macs == expected
