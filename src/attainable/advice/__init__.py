"""Advice: rules that prove themselves on this machine.

A rule is a function in ``rules/<theme>.py`` and a row in that file's table; the tables are merged here. ``find`` in
``advice.find`` asks them all.
"""

from collections.abc import Iterable, Mapping

from attainable.advice.rule import Advice, Checked, Rule
from attainable.advice.rules import design, quantization, threads

__all__ = ["RULES", "Advice", "Checked", "Rule", "merged"]


def merged(tables: Iterable[Mapping[str, Rule]]) -> dict[str, Rule]:
    """The tables as one.

    Raises:
        ValueError: a code is used twice, or is not the code of its rule.
    """
    rules: dict[str, Rule] = {}
    for table in tables:
        for code, rule in table.items():
            if code in rules or code != rule.code:
                raise ValueError(f"the code {code} is used twice or stands for {rule.code}")
            rules[code] = rule
    return rules


RULES: dict[str, Rule] = merged((design.RULES, threads.RULES, quantization.RULES))
"""Every rule by its code."""
