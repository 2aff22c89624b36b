"""Every sentence of a support check, by key. Names enter as values only: a template never comes from a model."""

from collections.abc import Mapping
from types import MappingProxyType

from attainable.messages import Messages

ENGLISH: Mapping[str, str] = MappingProxyType(
    {
        # reasons
        "reason.no": "not supported",
        "reason.fallback": "runs on the {beside}",
        "reason.absent": "not in the operator list",
        "reason.unknown": "nothing is known of it",
        "reason.inside": "its body holds {operator}: {reason}",
        "reason.at_most": "{what} {actual}, at most {limit}",
        "reason.at_least": "{what} {actual}, at least {limit}",
        "reason.one_of": "{what} {actual}, takes {limit}",
        "reason.none_of": "{what} {actual}, not {limit}",
        "reason.includes": "input {actual} is no {what}",
        "reason.attribute": "{what} is {actual}, takes {limit}",
        # patterns
        "pattern.channel_shuffle": "channel shuffle",
        "pattern.hard_swish": "hard swish, spelled out",
        "pattern.folded_batch_normalization": "batch normalization behind a convolution",
        # verdict
        "check.title": "held against support tables",
        "check.taken": "{count} of {ops} ops taken",
        "check.refused": "{count} refused",
        "check.fallback": "{count} on the {beside}",
        "check.not_listed": "{count} not listed",
        "check.all": "all {count} ops taken",
        "check.share": "{macs} of the MACs and {moved} of the memory access are not on the accelerator",
        "check.unknown": "{count} ops are not in this table, which is not complete: nothing is said of them.",
        "check.unknown.one": "1 op is not in this table, which is not complete: nothing is said of it.",
        "check.unchecked": "{count} ops have limits that the file does not tell enough to check.",
        "check.unchecked.one": "1 op has limits that the file does not tell enough to check.",
        "check.condition": "Not checked: {condition}",
        "check.cut": "{accelerator} on the accelerator, {beside} beside it; {transfers} ({moved}) between them",
        "check.segments": "{count} segments",
        "check.segments.one": "1 segment",
        "check.tensors": "{count} tensors",
        "check.tensors.one": "1 tensor",
        "check.if_moved": "Were what is refused run on the {beside}: ",
        "check.source": "source: {document}, {section} ({date})",
        "check.help": "help: {help}",
        "check.ids": "{label}; ids {ids}",
        # statuses
        "status.refused": "refused",
        "status.fallback": "beside",
        "status.not_listed": "not listed",
        # columns
        "column.operator": "operator",
        "column.reason": "reason",
        "column.ops": "ops",
    }
)

_MESSAGES = Messages(ENGLISH)
say = _MESSAGES.say
say_count = _MESSAGES.say_count
