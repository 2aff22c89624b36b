"""What every rule has: a code of its theme, four headings, a page of the documentation that is up to date."""

import re
from pathlib import Path

import pytest

from attainable.advice import RULES, Rule, merged
from attainable.advice.explain import HEADINGS, explanation, rule
from attainable.errors import UnknownName

PAGES = Path(__file__).parents[2] / "docs" / "advice"
EACH = pytest.mark.parametrize("known", RULES.values(), ids=RULES.keys())


@EACH
def test_the_docstring_has_exactly_four_headings(known: Rule) -> None:
    found = explanation(known)
    assert tuple(heading for heading, _ in found.sections) == HEADINGS
    assert all(len(text) > 40 for _, text in found.sections)
    assert found.title == known.title


@EACH
def test_the_code_names_the_theme(known: Rule) -> None:
    assert re.fullmatch(r"[A-Z]{3}\d{3}", known.code)
    assert known.look.__module__ == f"attainable.advice.rules.{known.theme}"


@EACH
def test_the_page_is_up_to_date(known: Rule) -> None:
    page = (PAGES / f"{known.code}.md").read_text(encoding="utf-8")
    assert page == explanation(known).as_markdown(), f"run attainable explain {known.code} --markdown"


def test_there_is_no_page_without_a_rule() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == set(RULES)


def test_a_code_used_twice_is_an_error() -> None:
    known = RULES["DSG005"]
    with pytest.raises(ValueError, match="DSG005 is used twice"):
        merged([{"DSG005": known}, {"DSG005": known}])
    with pytest.raises(ValueError, match="DSG006 is used twice or stands for DSG005"):
        merged([{"DSG006": known}])


def test_an_unknown_code_names_the_closest() -> None:
    assert rule("dsg005") is RULES["DSG005"]
    with pytest.raises(UnknownName, match="no rule is called 'DSG050'") as raised:
        rule("DSG050")
    assert raised.value.help == "did you mean DSG005? known: DSG005, THR001, QNT004"
