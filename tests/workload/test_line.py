"""Operators in a line, each with the shapes that it stands for."""

import pytest

from attainable.cost.count import count
from attainable.errors import InvalidQuantity
from attainable.workload.line import described


@pytest.mark.parametrize(
    ("line", "shape", "macs"),
    [
        ("conv 3x3 64->64 @56", (1, 64, 56, 56), 64 * 56 * 56 * 64 * 9),
        ("conv 3x3 64->128 @56 s2", (1, 128, 28, 28), 128 * 28 * 28 * 64 * 9),  # (56 + 2 - 3) // 2 + 1
        ("conv 1x1 64->32 @56x40 g4", (1, 32, 56, 40), 32 * 56 * 40 * 64 // 4),
        ("conv 3x3 8->8 @14 p0 b2", (2, 8, 12, 12), 2 * 8 * 12 * 12 * 8 * 9),
        ("conv 3x3 8->8 @14 d2", (1, 8, 14, 14), 8 * 14 * 14 * 8 * 9),  # padded by 2
        ("depthwise 3x3 128 @28", (1, 128, 28, 28), 128 * 28 * 28 * 9),
        ("linear 512->1000 b8", (8, 1000), 8 * 512 * 1000),
        ("matmul 128x768x3072", (1, 128, 3072), 128 * 768 * 3072),
        ("maxpool 2x2 64 @112 s2", (1, 64, 56, 56), 0),
        ("add 64 @56", (1, 64, 56, 56), 0),
        ("SOFTMAX 12x128x128 b2", (2, 12, 128, 128), 0),
    ],
)
def test_a_line_is_an_operator_with_its_shapes(line: str, shape: tuple[int, ...], macs: int) -> None:
    workload = described(line)
    assert workload.outputs[0].shape == shape
    assert count(workload).totals.macs == macs
    assert workload.name == line


def test_an_element_type_may_stand_anywhere() -> None:
    (tensor,) = described("conv int8 3x3 64->64 @56").inputs
    assert (tensor.dtype, tensor.bytes) == ("int8", 64 * 56 * 56)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("", "begins with none of conv, depthwise"),
        ("fold 3x3", "begins with none of conv, depthwise"),
        ("conv 3x3 64->64", "lacks its height and width"),
        ("conv 3x3 @56", "lacks its channels"),
        ("conv 64->64 @56", "lacks its kernel"),
        ("conv 3x3 64->64 @56 quickly", "cannot be read @ quickly"),
        ("conv 3x3 64->64 @0", "has a size of 0"),
        ("conv 3x3 64->64 @56 g0", "has a size of 0"),
        ("conv 3x3 64->64 @56 g3", "3 groups do not divide 64 and 64 channels"),
        ("conv 9x9 4->4 @5 p0", "has a kernel larger than its padded input"),
        ("conv 3x3 64->99999999999 @56", "has a size above 16777216 @ 64->99999999999"),
        ("linear 64->64 s2", "says something that linear does not have @ s2"),
        ("maxpool 2x2 64 @112 d2", "says something that maxpool does not have @ d2"),
        ("matmul 128x768", "needs rows x summed x columns"),
        ("relu", "lacks its shape"),
    ],
)
def test_what_cannot_be_read_says_what_is_missing(line: str, what: str) -> None:
    with pytest.raises(InvalidQuantity) as caught:
        described(line)
    assert what in caught.value.what
    assert "conv 3x3 64->64 @56" in caught.value.help
