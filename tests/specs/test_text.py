"""Text: strings have no width; counting n-grams is arithmetic."""

import pytest
from ops import activation, make_op, with_outputs, work_of

from attainable.cost.work import Work
from attainable.workload.graph import Op

WORDS = activation(2, 3, dtype="string")


@pytest.mark.parametrize(
    "op",
    [
        make_op("StringConcat", [WORDS, activation(3, dtype="string")], opset=20),
        make_op("StringNormalizer", [activation(3, dtype="string")], opset=10),
    ],
)
def test_strings_are_free(op: Op) -> None:
    assert work_of(op) == Work()


def test_numbers_are_written() -> None:
    matches = make_op("RegexFullMatch", [WORDS], attributes={"pattern": "a+"}, opset=20)
    assert work_of(matches) == Work(bytes_activation_out=6)
    # the number of pieces depends on the strings, and the pieces are strings
    pieces = make_op("StringSplit", [WORDS], outputs=2, opset=20)
    assert work_of(with_outputs(pieces, [((2, 3, 5), "string"), ((2, 3), "int64")])) == Work(bytes_activation_out=48)


def vectorizer(length: int, *, shortest: int, longest: int, skips: int, mode: str = "TF") -> Op:
    """A row of ``length`` words and a pool of 7 n-grams of up to 5 words."""
    attributes = {
        "min_gram_length": shortest, "max_gram_length": longest, "max_skip_count": skips, "mode": mode,
        "ngram_counts": (0, 4, 4, 4, 4), "ngram_indexes": (0, 1, 2, 3, 4, 5, 6), "pool_int64s": tuple(range(10)),
    }  # fmt: skip
    return make_op("TfIdfVectorizer", [activation(length, dtype="int32")], attributes=attributes, opset=9)


def places(length: int, *, shortest: int, longest: int, skips: int) -> int:
    """Every start of every n-gram whose last word is still in the row."""
    found = 0
    for words in range(shortest, longest + 1):
        for skip in range(skips + 1 if words > 1 else 1):
            found += sum(start + (words - 1) * (skip + 1) < length for start in range(length))
    return found


@pytest.mark.parametrize("length", [1, 2, 6, 12])
@pytest.mark.parametrize(("shortest", "longest", "skips"), [(1, 1, 0), (2, 2, 0), (1, 3, 2), (2, 4, 5), (1, 2, 20)])
def test_n_grams(length: int, shortest: int, longest: int, skips: int) -> None:
    plain = work_of(vectorizer(length, shortest=shortest, longest=longest, skips=skips))
    assert plain.total_operations == places(length, shortest=shortest, longest=longest, skips=skips)
    assert plain.bytes_activation_out == 7 * 4
    weighted = work_of(vectorizer(length, shortest=shortest, longest=longest, skips=skips, mode="TFIDF"))
    assert weighted.total_operations == plain.total_operations + 7


def test_hostile_lengths_take_no_time() -> None:
    op = vectorizer(2**40, shortest=1, longest=2**62, skips=2**62)
    assert work_of(op).total_operations > 2**40
    short = vectorizer(6, shortest=-9, longest=2**62, skips=2**62)
    assert work_of(short).total_operations == places(6, shortest=1, longest=5, skips=6)
