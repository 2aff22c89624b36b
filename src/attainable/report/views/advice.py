"""Findings and what was checked without gain, as lines."""

from attainable.analysis.records import Checked, Finding
from attainable.names import short_sentence
from attainable.quantities import format_seconds
from attainable.report.messages import say


def most_saved_first(findings: list[Finding]) -> list[Finding]:
    """The findings in the order in which they are shown."""
    return sorted(findings, key=lambda finding: -finding.saves_high_seconds)


def saving_line(finding: Finding) -> str:
    """What a finding saves: an interval, measured by its probe."""
    low, high = format_seconds(finding.saves_low_seconds), format_seconds(finding.saves_high_seconds)
    return say("findings.saves", {"low": low, "high": high})


def checked_line(checked: Checked) -> str:
    """What a rule without gain measured; its code stands beside it."""
    return say("findings.checked", {"observation": short_sentence(checked.observation)})
