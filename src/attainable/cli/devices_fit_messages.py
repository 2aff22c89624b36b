"""Every sentence of ours in the screen of ``attainable devices fit``, by key.

A second language is a second table. Names enter as values only: a template never comes from a model.
"""

from collections.abc import Mapping
from types import MappingProxyType

from attainable.messages import Messages

ENGLISH: Mapping[str, str] = MappingProxyType(
    {
        "note": "fitted to {models} models on top of {base}",
        "column.class": "Operators",
        "column.share": "Computing, share of roof",
        "column.rate": "Reached",
        "column.moving": "Moving, share of bandwidth",
        "column.moved": "Reached",
        "column.model": "Left out",
        "column.measured": "Measured",
        "column.predicted": "Predicted",
        "column.error": "Error",
        "column.unseen": "Not measured",
        "column.interval": "90 % interval",
        "ends": "{low}..{high}",
        "interval": "{value} ({low}..{high})",
        "launch": "Start of a kernel",
        "run": "Start of a run",
        "convolutions": "3x3 convolutions",
        "algorithm.direct": "direct",
        "algorithm.winograd": "Winograd's way, fewer multiplications",
        "error": "Leave-one-out error",
        "error.value": "{median} % median; a model that was not measured lies within a factor of {factor} nine times "
        "in ten",
        "legend": "In brackets: 90 % interval. Shares are of the base's roofs, which may differ from the real ones; "
        "what is reached counts. Above 100 %: the base understates the device, or a cache or an algorithm helps.",
        "common": "in common",
        "untold": "-",
        "assumed": ", assumed",
        "others": "How these differ from what is common the models do not tell, it is assumed: {kinds}.",
        "progress": "reading {model} ({done} of {total})",
    }
)

_ENGLISH = Messages(ENGLISH)
say = _ENGLISH.say
