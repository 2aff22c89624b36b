"""Every sentence of ours in the exported formats and in the screens of grouped ops, budgets and comparisons, by key.

A second language is a second table. Names enter as values only: a template never comes from a model.
"""

from collections.abc import Mapping
from types import MappingProxyType

from attainable.messages import Messages

ENGLISH: Mapping[str, str] = MappingProxyType(
    {
        # columns
        "column.model": "Model",
        "column.operator": "Operator",
        "column.module": "Module",
        "column.ops": "Ops",
        "column.macs": "MACs",
        "column.operations": "Operations",
        "column.parameters": "Parameters",
        "column.access": "Memory access",
        "column.moved": "Moved",
        "column.peak": "Peak activations",
        "column.peak_short": "Peak",
        "column.bound": "Bound",
        "column.roofline": "Roofline",
        "column.binds": "Binds",
        "column.share": "Share",
        # conventions under a table
        "note.conventions": "1 MAC = 2 operations. Memory access: each op reads its inputs and writes its outputs "
        "once. Peak: activations alive at once, nothing reused in place, weights apart. Counted from the shapes.",
        "note.binding": "{model}: {bindings}",
        "note.at_least": "≥: some ops could not be counted.",
        "note.booktabs": r"Needs \usepackage{{booktabs}}.",
        # grouped ops
        "groups.kind": "By operator",
        "groups.scope": "By module",
        "groups.none": "The network has no ops.",
        "groups.no_module": "(no module)",
        "groups.rest": "{count} more rows are not shown; --format csv lists every op.",
        "groups.rest.one": "1 more row is not shown; --format csv lists every op.",
        "groups.scopeless": "The file names no modules; --by kind groups by operator.",
        "groups.nested": "A module contains its parts; --depth shows more or fewer levels.",
        # attachments
        "attachment.unnamed": "{count} ops have no name of their own and are left out of the file",
        "attachment.unnamed.one": "1 op has no name of its own and is left out of the file",
        # budgets
        "budget.over": "over budget: {key} is {floor}{actual}, the limit {limit}, over by {excess}",
        "budget.open": "budget not proven: {key} is at least {actual} of {limit}, because ops could not be counted",
        "budget.at_least": "at least ",
        # single operators
        "op.in": "in",
        "op.weight": "weights",
        "op.out": "out",
        "op.intensity": "op/byte",
        "op.class": "class",
        "op.ridge": "ridge",
        "op.attainable": "attainable",
        "op.of_peak": "of peak",
        "op.compute_bound": "compute-bound",
        "op.memory_bound": "memory-bound",
        "op.overhead_bound": "launch-bound",
        "op.nothing_bound": "free",
        "op.left_out_bound": "left out",
        "op.unknown_bound": "unknown",
        "op.kinds": "Rooflines, not measurements. Ratios are to the first operator.",
        # comparisons
        "compare.title": "{count} models",
        "compare.paper": "on paper",
        "compare.to_first": "Ratios are to the first model.",
        "compare.at_best": "At best on",
        "compare.cores": "{count} threads",
        "compare.cores.one": "1 thread",
        "compare.no_flip": "The order in the roofline ({accounting}) is the same on all of these devices.",
        "compare.flip": "The winner flips (roofline, {accounting}): {first} is faster at best on {first_devices}, "
        "{second} on {second_devices}.",
        "compare.wins": "On {device} {winner} wins, {ratio} the time of {loser}: it does {compute} the computing and "
        "{memory} the moving; {waiting} of the time of {loser} and {winner_waiting} of its own wait for memory.",
        "compare.wins_computing": "On {device} {winner} wins, {ratio} the time of {loser}: it does {compute} the "
        "computing; moving takes no time in these figures.",
        "compare.tie": "On {device} {winner} and {loser} take equally long.",
        "compare.unknown": "{device} states neither a roof nor a bandwidth for these models: no time can be given.",
        "compare.without_bandwidth": "{device} states no bandwidth: the time of moving is left out.",
        "compare.at_least": "Some ops of {models} could not be counted and are in none of these times.",
        "compare.depends": "On {device} the verdict depends on the accounting.",
        "compare.by_accounting": "By accounting",
        "compare.bandwidth_flip": "bandwidth of the flip",
        "compare.above": "{bandwidth}, above it {winner}",
        "compare.below": "{bandwidth}, below it {winner}",
        "compare.never": "none",
        "compare.class_change": "{model}: {count} kernels that computing binds on {compute} wait for memory on "
        "{memory}, such as {examples}.",
        "compare.class_change.one": "{model}: 1 kernel that computing binds on {compute} waits for memory on "
        "{memory}: {examples}.",
        "compare.predicted": "predicted",
        "compare.inputs": "takes {inputs}",
        "compare.kinds": "Bounds and rooflines, not measurements. Nothing beats a bound; a cache may beat a roofline.",
        "accounting.fused": "Roofline: element-wise ops join the kernel before them",
        "accounting.unfused": "Roofline: each op moves its own traffic",
        "accounting.contractions": "ops without MACs are left out, as much of the literature counts",
        "accounting.w+out": "activations are not read",
        "accounting.caches": "what fits a cache or the on-chip memory moves at its speed",
        "accounting.specified": "figures that the maker specifies before measured ones",
        "accounting.efficiency": "kinds of operators reach the shares of a roof that the device's description states",
        "accounting.alignment": "channels are rounded up as the device's description states",
        "accounting.launch": "each kernel costs the launch time of the device",
        "accounting.others": "--accounting names other ways.",
        "compare.without_roof": "{device} states no roof for {dtypes}, whose computing time is left out for {models}.",
        "compare.assumed": "{name}: {text}",
        "diff.summary": "Op by op: {equal} equal, {changed} changed, {first} only in {first_model}, {second} only in "
        "{second_model}.",
        "diff.help": "--ops lists the differences.",
        "diff.title": "Op by op",
        "diff.only": "only in {model}",
        "diff.changed": "changed",
        "diff.changed_fields": "changed: {fields}",
        "diff.total": "all differences",
        "diff.rest": "{count} more differences are not shown; --json lists all.",
        "diff.rest.one": "1 more difference is not shown; --json lists all.",
        "diff.by_count": "These models are too large to align op by op: equal ops are paired in their order.",
    }
)
"""The sentences in English. ``.one`` is the form for exactly one."""

_SPOKEN = Messages(ENGLISH)
say, say_count = _SPOKEN.say, _SPOKEN.say_count
