"""Aligns two sequences: which elements of one are those of the other, in their order.

Source: E. W. Myers, An O(ND) Difference Algorithm and Its Variations, Algorithmica 1, 1986, the greedy algorithm.
"""

from array import array
from collections.abc import Hashable, Sequence


def longest_common(
    first: Sequence[Hashable], second: Sequence[Hashable], *, most_differences: int
) -> list[tuple[int, int]] | None:
    """Positions of a longest common subsequence, ascending; None where the sequences differ in too many elements.

    Takes time and memory of the order of the lengths and the square of ``most_differences``.

    Args:
        first: one sequence; elements are compared by ``==``.
        second: the other one.
        most_differences: elements that are in one sequence only, in both together.
    """
    numbers: dict[Hashable, int] = {}
    left = array("q", (numbers.setdefault(element, len(numbers)) for element in first))
    right = array("q", (numbers.setdefault(element, len(numbers)) for element in second))
    rounds: list[array[int]] = []
    # reached[offset + k]: how far into ``first`` one comes on diagonal k = x - y with so many differences
    offset = most_differences + 1
    reached = array("q", bytes(8 * (2 * offset + 1)))
    for differences in range(min(most_differences, len(left) + len(right)) + 1):
        rounds.append(reached[offset - differences : offset + differences + 1])
        for k in range(-differences, differences + 1, 2):
            x = _start(reached, offset, k, differences)
            y = x - k
            while x < len(left) and y < len(right) and left[x] == right[y]:
                x += 1
                y += 1
            reached[offset + k] = x
            if x >= len(left) and y >= len(right):
                return _walk_back(rounds, len(left), len(right))
    return None


def _start(reached: Sequence[int], offset: int, k: int, differences: int) -> int:
    """Where diagonal ``k`` is entered: one step down from the diagonal above, or right from the one below."""
    down = k == -differences or (k != differences and reached[offset + k - 1] < reached[offset + k + 1])
    return reached[offset + k + 1] if down else reached[offset + k - 1] + 1


def _walk_back(rounds: Sequence["array[int]"], x: int, y: int) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for differences in range(len(rounds) - 1, -1, -1):
        k = x - y
        if differences == 0:
            start_x = before_x = 0
            before_y = 0
        else:
            reached = rounds[differences]
            down = k == -differences or (
                k != differences and reached[differences + k - 1] < reached[differences + k + 1]
            )
            before_k = k + 1 if down else k - 1
            before_x = reached[differences + before_k]
            before_y = before_x - before_k
            start_x = before_x if down else before_x + 1
        pairs += ((position, position - k) for position in range(x - 1, start_x - 1, -1))
        x, y = before_x, before_y
    pairs.reverse()
    return pairs
