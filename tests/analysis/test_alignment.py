from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attainable.analysis.alignment import longest_common

TEXTS = st.text("abc", max_size=12)


def longest_length(first: str, second: str) -> int:
    """The length of a longest common subsequence, by its recurrence."""

    @cache
    def length(i: int, j: int) -> int:
        if i == len(first) or j == len(second):
            return 0
        if first[i] == second[j]:
            return 1 + length(i + 1, j + 1)
        return max(length(i + 1, j), length(i, j + 1))

    return length(0, 0)


@given(TEXTS, TEXTS)
def test_the_pairs_are_a_longest_common_subsequence(first: str, second: str) -> None:
    pairs = longest_common(first, second, most_differences=24)
    assert pairs is not None
    assert len(pairs) == longest_length(first, second)
    assert all(first[left] == second[right] for left, right in pairs)
    for (left, right), (next_left, next_right) in pairwise(pairs):
        assert left < next_left and right < next_right


@given(TEXTS, TEXTS)
def test_it_gives_up_exactly_where_there_are_more_differences(first: str, second: str) -> None:
    differences = len(first) + len(second) - 2 * longest_length(first, second)
    assert longest_common(first, second, most_differences=differences) is not None
    if differences:
        assert longest_common(first, second, most_differences=differences - 1) is None


@pytest.mark.parametrize("length", [0, 1, 5000])
def test_equal_sequences_have_no_differences(length: int) -> None:
    elements = list(range(length))
    assert longest_common(elements, elements, most_differences=0) == [(index, index) for index in range(length)]
