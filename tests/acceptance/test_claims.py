"""The acceptance rows of ../shared/reference/claims.csv, each computed through the product.

Rows that read a file of ../shared are skipped, saying so, where it is absent.
"""

from collections.abc import Sequence

import pytest

from benchmarks.acceptance.claim import Check, Claim, Figure, Finding, Holds, allowed, outcome, outcomes, read_claims
from benchmarks.acceptance.counting import SHARED
from benchmarks.acceptance.table import TABLE

CLAIMS = read_claims(SHARED / "reference" / "claims.csv")
CHECKS = {id: (group, check) for group, checks in TABLE.items() for id, check in checks.items()}
CONTRADICTED = {"T058", "T083"}
TO_THE_DIGIT = {"T053", "T054", "T058", "T061", "T062", "T063", "T065", "T066", "T067", "T069", "T070", "T071", "T087"}


@pytest.mark.parametrize("id", [id for id, (_, check) in CHECKS.items() if check.compute is not None])
def test_the_claim_is_reproduced_or_contradicted_as_marked(id: str) -> None:
    group, check = CHECKS[id]
    found = outcome(id, group, check, CLAIMS.get(id), file_is_present=bool(CLAIMS))
    if found.status == "skipped":
        pytest.skip(found.note)
    assert found.status == ("contradicted" if id in CONTRADICTED else "passed"), found.note
    if id in TO_THE_DIGIT:
        assert found.to_the_digit == found.figures


def test_every_row_of_the_file_has_a_check() -> None:
    if not CLAIMS:
        pytest.skip("../shared/reference/claims.csv is absent")
    assert {id: group for id, (group, _) in CHECKS.items()} == {row.id: row.group for row in CLAIMS.values()}


def test_a_row_that_is_not_run_says_why() -> None:
    assert all(check.note for _, check in CHECKS.values() if check.compute is None)


@pytest.mark.parametrize(
    ("claimed", "tolerance", "expected"),
    [
        ("200", "1%", 2.0),
        ("41.1", "0.5 pt", 0.5),
        ("38.65", "0.01", 0.01),
        ("23.13", "printed", 0.005),
        ("1.25e8", "printed", 0.5e6),
        ("9408", "exact", 0.0),
    ],
)
def test_tolerances_are_read_as_the_file_writes_them(claimed: str, tolerance: str, expected: float) -> None:
    assert allowed(claimed, tolerance) == pytest.approx(expected, rel=1e-6, abs=1e-7)


CLAIM = Claim("T999", "formula", "a statement", "2.25 of 9", "1%", "calc", "a paper that says 2.5", "")


def said(*findings: Finding, tolerance: str = "1%", claim: Claim = CLAIM) -> tuple[str, str]:
    def compute() -> Sequence[Finding]:
        return findings

    found = outcome("T999", "formula", Check(tolerance, compute), claim, file_is_present=True)
    return found.status, found.note


def test_a_figure_beyond_the_tolerance_fails() -> None:
    assert said(Figure("2.25", 2.27)) == ("passed", "")
    assert said(Figure("2.25", 2.28)) == ("failed", "2.28 is not 2.25")
    assert said(Figure("2.25", float("nan"))) == ("failed", "nan is not 2.25")


def test_a_relation_that_does_not_hold_fails() -> None:
    assert said(Holds("the order", is_true=False)) == ("failed", "NOT: the order")


def test_a_check_must_say_what_the_file_says() -> None:
    assert said(Figure("2.2", 2.2)) == ("failed", "the file does not say 2.2")
    assert said(Figure("2.25", 2.25), tolerance="2%") == ("failed", "the file says the tolerance is '1%'")


def test_only_a_row_with_the_mark_is_contradicted() -> None:
    marked = Claim("T999", "formula", "a statement", "2.25", "1%", "calc-mismatch", "a paper that says 2.5", "")
    figures = Figure("2.25", 2.25), Figure("2.5", 2.25, mismatch=True)
    assert said(*figures, claim=marked) == ("contradicted", "the published 2.5 does not reproduce")
    assert said(*figures)[0] == "failed"
    assert said(figures[0], claim=marked)[0] == "failed"


def test_a_marked_number_that_reproduces_after_all_fails() -> None:
    marked = Claim("T999", "formula", "a statement", "2.5", "1%", "calc-mismatch", "", "")
    status, note = said(Figure("2.5", 2.5, mismatch=True), claim=marked)
    assert status == "failed" and note.startswith("2.5 reproduces 2.5")


def test_a_row_without_a_check_and_a_check_without_a_row_fail() -> None:
    check = Check("1%", lambda: [Figure("2.25", 2.25)])
    found = outcomes({"formula": {"T998": check}}, {"T999": CLAIM})
    assert [(entry.id, entry.status, entry.note) for entry in found] == [
        ("T998", "failed", "is not in the file"),
        ("T999", "failed", "has no check"),
    ]
