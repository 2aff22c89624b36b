"""Every sentence of ours in the screen of ``attainable doctor``, by key; a checkup brings its own.

A second language is a second table.
"""

from collections.abc import Mapping
from types import MappingProxyType

from attainable.messages import Messages

ENGLISH: Mapping[str, str] = MappingProxyType(
    {
        "runtimes": "Runtimes",
        "no_version": "-",
        "state.usable": "usable",
        "state.slow": "slow to start",
        "state.broken": "installed, but broken",
        "state.missing": "not installed",
        "origin.configured": "configured: {python}",
        "origin.managed": "its own environment: {python}",
        "machine": "Machine",
        "row.cpu": "processor",
        "row.cores": "cores",
        "row.processors": "logical processors",
        "row.cpu quota": "granted",
        "row.isa": "instruction sets",
        "row.governor": "governor",
        "row.clock after": "clock, measured",
        "row.hand-over": "hand-over, processors {pair}",
        "row.memory": "memory",
        "row.memory limit": "memory granted",
        "row.system": "system",
        "here": "this machine",
        "there": "the other",
        "differences": "What differs from {file}",
        "no_differences": "Nothing that matters differs from {file}",
        "difference": "- {sentence}",
        "bullet": "-",
        "severity.unusable": "No time can be believed while",
        "severity.disturbs": "Times vary more than they need to",
        "severity.notable": "To know when reading times",
        "verdict.fine": "Fine: nothing disturbs measuring here.",
        "verdict.disturbed": "Disturbed: measure, but look at the intervals and at the marks of the runs.",
        "verdict.unusable": "Unusable: no time that is measured here now can be believed.",
    }
)

_MESSAGES = Messages(ENGLISH)
say = _MESSAGES.say
