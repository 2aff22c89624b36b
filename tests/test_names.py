import pytest

from attainable.names import LONGEST_NAME, clean, clean_lines, short_name, short_pairs, short_sentence
from tests.report.evil import EVIL_NAMES


@pytest.mark.parametrize("name", EVIL_NAMES.values(), ids=EVIL_NAMES.keys())
def test_a_clean_name_is_one_line_of_visible_characters(name: str) -> None:
    assert clean(name).isprintable()
    assert short_name(name).isprintable()
    assert len(short_name(name)) <= LONGEST_NAME + 10


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain é 中 ->", "plain é 中 ->"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("\u202eabc", "\\u202eabc"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("a\xa0b", "a b"),
    ],
)
def test_invisible_characters_show_as_escapes(name: str, shown: str) -> None:
    assert clean(name) == shown


def test_lines_stay_lines_where_they_are_ours() -> None:
    assert clean_lines("first\n  second\x1b[2J") == "first\n  second\\x1b[2J"


def test_a_long_name_keeps_its_beginning_and_a_hash_of_the_whole() -> None:
    one, other = short_name("n" * 200 + "a"), short_name("n" * 200 + "b")
    assert one[:LONGEST_NAME] == other[:LONGEST_NAME] == "n" * 80
    assert one != other
    assert short_name("n" * 80) == "n" * 80


def test_escapes_do_not_make_a_name_longer_than_allowed() -> None:
    assert len(short_name("\x1b" * 80)) == LONGEST_NAME + len("… 12345678")


def test_sentences_may_be_longer_than_names() -> None:
    assert short_sentence("s" * 500) == "s" * 500
    assert len(short_sentence("s" * 10**6)) < 700


def test_pairs_are_shortened_on_both_sides() -> None:
    assert short_pairs({"a\n": "b\x00"}) == (("a\\n", "b\\x00"),)
