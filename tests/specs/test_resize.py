"""Interpolation: T taps are T products and T - 1 additions; the nearest element is a selection."""

import numpy as np
import pytest
from counting import Number, Numbers, Tally, total, values
from ops import Attributes, activation, constant, evaluate, integers, make_op, with_outputs, work_of

from attainable.workload.graph import Op


def resize(shape: tuple[int, ...], to: tuple[int, ...], attributes: Attributes) -> Op:
    return make_op("Resize", [activation(*shape), None, None, integers(*to)], attributes=attributes, opset=19)


@pytest.mark.parametrize(
    ("shape", "to", "attributes", "per_output"),
    [
        ((1, 3, 8, 8), (1, 3, 16, 16), {"mode": "nearest"}, 0),
        ((1, 3, 8, 8), (1, 3, 16, 16), {"mode": "linear"}, 7),  # 2 x 2 taps
        ((1, 3, 8, 8), (1, 3, 8, 16), {"mode": "linear"}, 3),  # 2 taps: one axis keeps its extent
        ((1, 3, 8, 8, 8), (1, 3, 16, 16, 16), {"mode": "linear"}, 15),  # 2 x 2 x 2 taps
        ((1, 3, 8, 8), (1, 3, 16, 16), {"mode": "cubic"}, 31),  # 4 x 4 taps
        ((1, 3, 8, 8), (1, 3, 8, 8), {"mode": "linear"}, 0),  # nothing changes
        ((1, 3, 8, 8), (1, 3, 4, 4), {"mode": "linear"}, 7),
        # the filter is widened to 2 x 8 / 4 = 4 taps an axis
        ((1, 3, 8, 8), (1, 3, 4, 4), {"mode": "linear", "antialias": 1}, 31),
        ((1, 3, 8, 8), (1, 3, 16, 16), {"mode": "linear", "antialias": 1}, 7),
    ],
)
def test_operations(shape: tuple[int, ...], to: tuple[int, ...], attributes: Attributes, per_output: int) -> None:
    op = resize(shape, to, attributes)
    assert op.output.dims == to
    assert work_of(op).total_operations == per_output * op.output.elements


def test_upsample() -> None:
    scales: Attributes = {"scales": (1.0, 1.0, 2.0, 2.0)}
    nearest = make_op("Upsample", [activation(1, 3, 4, 4)], attributes=scales, opset=7)
    assert work_of(nearest).total_operations == 0
    assert work_of(nearest).bytes_moved == 4 * (48 + 192)
    linear = make_op("Upsample", [activation(1, 3, 4, 4)], attributes={**scales, "mode": "linear"}, opset=7)
    assert work_of(linear).total_operations == 7 * 192


def test_the_nearest_reads_what_it_takes() -> None:
    work = work_of(resize((1, 1, 8, 8), (1, 1, 4, 4), {"mode": "nearest"}))
    assert work.bytes_activation_in == 64  # 16 of 64 elements
    assert work.bytes_weight == 32  # 4 sizes of int64


def test_linear_naive_loop() -> None:
    """Half-pixel centres, edges repeated; the four weights of an output are known from its position."""
    tally = Tally()
    x = tally.numbers(1, 2, 4, 4)
    op = resize((1, 2, 4, 4), (1, 2, 8, 8), {"mode": "linear"})
    y: Numbers = np.empty((1, 2, 8, 8), dtype=object)

    def taps(position: int) -> list[tuple[int, float]]:
        centre = (position + 0.5) / 2 - 0.5
        first = int(np.floor(centre))
        fraction = centre - first
        return [(min(max(first, 0), 3), 1 - fraction), (min(max(first + 1, 0), 3), fraction)]

    for n, c, i, j in np.ndindex(*y.shape):
        products: list[Number] = [x[n, c, k, m] * (a * b) for k, a in taps(i) for m, b in taps(j)]
        y[n, c, i, j] = total(products)
    np.testing.assert_allclose(values(y), evaluate(op, [values(x)]), rtol=1e-4)
    assert work_of(op).total_operations == tally.operations


def test_the_nearest_of_a_constant_reads_no_activation() -> None:
    """Sizes that are computed at run time keep the result from being known before the run."""
    sizes = activation(4, dtype="int64")
    op = make_op("Resize", [constant(1, 1, 8, 8), None, None, sizes], attributes={"mode": "nearest"})
    work = work_of(with_outputs(op, [((1, 1, 4, 4), "float32")]))
    assert (work.bytes_weight, work.bytes_activation_in) == (64, 32)  # 16 of 64 elements; 4 sizes of int64
