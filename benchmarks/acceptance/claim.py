"""Claims, the figures that checks compute for them, and what comes of the two."""

import csv
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.acceptance.counting import Absent

Status = Literal["passed", "contradicted", "measured apart", "skipped", "failed"]
Number = int | float
MISMATCH = "calc-mismatch"
"""Mark of the rows whose published numbers do not reproduce."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A row of the file."""

    id: str
    group: str
    statement: str
    expected: str
    tolerance: str
    verified: str
    source: str
    note: str

    @property
    def text(self) -> str:
        """All that the row says."""
        return f"{self.statement} {self.expected} {self.source} {self.note}"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of a claim and ours.

    Attributes:
        claimed: as the claim prints it.
        computed: ours, in the same unit.
        tolerance: how far apart they may be; None takes that of the claim. See ``allowed``.
        meaning: unit or name, where the claim has several.
        mismatch: the published number of a row that is marked as one that does not reproduce.
    """

    claimed: str
    computed: Number
    tolerance: str | None = None
    meaning: str = ""
    mismatch: bool = False

    def agrees(self, tolerance: str) -> bool:
        """Whether ours is within the figure's own tolerance, else within this one."""
        return self.agrees_in(self.tolerance or tolerance)

    def agrees_in(self, tolerance: str) -> bool:
        """Whether ours is within this tolerance."""
        return abs(self.computed - float(self.claimed)) <= allowed(self.claimed, tolerance)

    @property
    def shown(self) -> str:
        """Ours, and what it is."""
        number = str(self.computed) if isinstance(self.computed, int) else f"{self.computed:.6g}"
        return f"{number} {self.meaning}".strip()


@dataclass(frozen=True, slots=True)
class Holds:
    """A relation between our numbers that a claim states: an order, a class."""

    statement: str
    is_true: bool

    @property
    def shown(self) -> str:
        """The relation, and whether it holds."""
        return self.statement if self.is_true else f"NOT: {self.statement}"


Finding = Figure | Holds


@dataclass(frozen=True, slots=True)
class Check:
    """How the figures of a claim are computed.

    Attributes:
        tolerance: of the claim, in its words.
        compute: the figures; raises Absent where it needs a file that is not there. None where it is not to be run.
        note: the convention of the computation, why it is not to be run, or what measures it.
        is_measured: whether only a measurement on a machine tells.
    """

    tolerance: str
    compute: Callable[[], Sequence[Finding]] | None
    note: str = ""
    is_measured: bool = False


Checks = dict[str, Check]


def measured_apart(tolerances: Mapping[str, str]) -> Checks:
    """Checks, by id, of claims that only a measurement on a machine can tell of; given their tolerances."""
    return {
        id: Check(tolerance, None, f"python -m benchmarks local_claims --only {id}", is_measured=True)
        for id, tolerance in tolerances.items()
    }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a claim.

    Attributes:
        id: of the row.
        group: of the row.
        status: see ``outcome``.
        expected: as the file says it, else as the check does.
        computed: our figures.
        note: faults, then the convention of the computation; or why it was not run, or where it is measured.
        figures: how many there are, published ones that do not reproduce left out.
        to_the_digit: how many of those agree in every printed digit.
    """

    id: str
    group: str
    status: Status
    expected: str
    computed: str
    note: str
    figures: int = 0
    to_the_digit: int = 0


_PERCENT = re.compile(r"([0-9.e-]+) ?%")
_POINTS = re.compile(r"([0-9.e-]+) pt")
_EXACT = 1e-12
"""Relative rounding of float64 over a few operations."""


def allowed(claimed: str, tolerance: str) -> float:
    """The largest difference from a claimed number.

    Args:
        claimed: the number as printed.
        tolerance: ``exact``; ``printed``: half a unit of the last printed digit; ``2%``: relative; ``0.5 pt``: points
            of a percentage; a bare number: absolute.
    """
    if tolerance == "exact":
        return _EXACT * abs(float(claimed))
    if tolerance == "printed":
        mantissa, _, exponent = claimed.lower().partition("e")
        # a half is on the claim's side, whichever way it was rounded
        return 0.5000001 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    if match := _PERCENT.fullmatch(tolerance):
        return float(match.group(1)) / 100 * abs(float(claimed))
    if match := _POINTS.fullmatch(tolerance):
        return float(match.group(1))
    return float(tolerance)


def read_claims(path: Path) -> dict[str, Claim]:
    """The rows of the file by id; none where it is absent."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            Claim(
                row["id"], row["group"], row["statement"], row["expected"], row["tolerance"], row["verified"],
                row["source"], row["note"],
            )
            for row in csv.DictReader(file)
        ]  # fmt: skip
    return {row.id: row for row in rows}


def outcomes(groups: Mapping[str, Checks], claims: Mapping[str, Claim]) -> list[Outcome]:
    """Run every check, and hold the checks to the file where it is present."""
    found = [
        outcome(id, group, check, claims.get(id), file_is_present=bool(claims))
        for group, checks in groups.items()
        for id, check in checks.items()
    ]
    known = {entry.id for entry in found}
    found += [
        Outcome(row.id, row.group, "failed", row.expected, "", "has no check")
        for row in claims.values()
        if row.id not in known
    ]
    return sorted(found, key=lambda entry: int(entry.id[1:]))


def outcome(id: str, group: str, check: Check, claim: Claim | None, *, file_is_present: bool) -> Outcome:
    """Run one check: passed, contradicted, skipped with the reason, or failed with the faults.

    A claim that only a measurement can tell of is measured apart, and the note says how.
    """
    expected = claim.expected if claim is not None else ""
    if check.compute is None:
        return Outcome(id, group, "measured apart" if check.is_measured else "skipped", expected, "", check.note)
    try:
        findings = check.compute()
    except Absent as absent:
        return Outcome(id, group, "skipped", expected, "", str(absent))
    faults = [_fault(finding) for finding in findings if not _agrees(finding, check)]
    if claim is not None:
        faults += _differences(group, check, findings, claim)
    elif file_is_present:
        faults.append("is not in the file")
    figures = [finding for finding in findings if isinstance(finding, Figure) and not finding.mismatch]
    mismatches = [finding for finding in findings if isinstance(finding, Figure) and finding.mismatch]
    status: Status = "failed" if faults else "contradicted" if mismatches else "passed"
    published = [f"the published {figure.claimed} does not reproduce" for figure in mismatches]
    notes = [*faults, *published, check.note]
    return Outcome(
        id, group, status, expected or "; ".join(map(_claimed, findings)),
        "; ".join(finding.shown for finding in findings), "; ".join(filter(None, notes)),
        len(figures), sum(figure.agrees_in("printed") for figure in figures),
    )  # fmt: skip


def _agrees(finding: Finding, check: Check) -> bool:
    if isinstance(finding, Holds):
        return finding.is_true
    return math.isfinite(finding.computed) and finding.agrees(check.tolerance) != finding.mismatch


def _fault(finding: Finding) -> str:
    if isinstance(finding, Holds):
        return finding.shown
    return f"{finding.shown} {'reproduces' if finding.mismatch else 'is not'} {finding.claimed}"


def _claimed(finding: Finding) -> str:
    return finding.statement if isinstance(finding, Holds) else finding.claimed


def _differences(group: str, check: Check, findings: Sequence[Finding], claim: Claim) -> list[str]:
    """Where a check does not say what the file says."""
    faults = [
        f"the file does not say {finding.claimed}"
        for finding in findings
        if isinstance(finding, Figure)
        and not re.search(rf"(?<![0-9.]){re.escape(finding.claimed)}(?![0-9])", claim.text)
    ]
    if check.tolerance != claim.tolerance:
        faults.append(f"the file says the tolerance is {claim.tolerance!r}")
    if group != claim.group:
        faults.append(f"the file has it in the group {claim.group}")
    marked = any(isinstance(finding, Figure) and finding.mismatch for finding in findings)
    if marked != (claim.verified == MISMATCH):
        faults.append(f"the file has it as {claim.verified!r}")
    return faults
