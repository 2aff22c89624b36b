"""Every sentence of ours in the screens of ``attainable devices``, by key.

A second language is a second table. Names enter as values only: a template never comes from a profile.
"""

from collections.abc import Mapping
from types import MappingProxyType

from attainable.messages import Messages

ENGLISH: Mapping[str, str] = MappingProxyType(
    {
        # kinds of numbers
        "kind.measured": "m",
        "kind.specified": "s",
        "kind.assumed": "a",
        "kinds": "m measured, s specified by the maker, a assumed.",
        # list
        "list.measured": "This machine",
        "list.cpu": "CPU",
        "list.soc": "CPU cores of a SoC",
        "list.gpu": "GPU",
        "list.npu": "NPU",
        "list.other": "Other",
        "list.not_calibrated": "{name}: not calibrated yet: run `attainable devices calibrate`",
        "list.device": "Device",
        "list.bandwidth": "Memory",
        "list.ridge": "Ridge",
        "list.kind": "Kind",
        "list.legend": "Peaks of the whole device in operations per second, multiply and add are two; f16 is the "
        "better of float16 and bfloat16. Ridge: operations per byte above which computing binds, of f32, else of the "
        "highest peak.",
        "list.none": "No device fits.",
        "own.measured": "{name}: measured here, {path}",
        "own.project": "{name}: of this project, {path}",
        "own.user": "{name}: your own, {path}",
        "own.hides": "{line}; stands before {hidden}",
        "own.hidden_shipped": "the one that ships with the tool",
        "list.faulty": "Cannot be read",
        "list.faults": "{what}: {fault}",
        "list.more_faulty": "{count} more files of these folders are no profiles; --json lists all.",
        "list.more_faulty.one": "1 more file of these folders is no profile; --json lists all.",
        # show
        "show.vendor": "vendor",
        "show.category": "category",
        "show.cores": "cores",
        "show.power": "power at most",
        "show.launch": "starting a kernel",
        "show.run": "starting an inference",
        "show.interfaces": "interfaces",
        "show.toolchains": "toolchains",
        "show.profile": "profile",
        "show.profile_of": "{path} ({origin})",
        "show.roofs": "Roof",
        "show.threads": "Threads",
        "show.stated": "Stated",
        "show.measured": "Measured",
        "show.ratio": "Ratio",
        "show.all_threads": "all",
        "show.ridge": "Ridge point",
        "show.ridge_unit": "{ridge} op/B",
        "show.memory": "Memory",
        "show.capacity": "capacity",
        "show.on_chip": "capacity, on the chip",
        "show.latency": "latency",
        "show.ceilings": "In practice",
        "show.rate": "Reached",
        "show.of_roof": "Of the roof",
        "show.ceiling": "{practice} {types}, {runtime}",
        "show.efficiencies": "Kind of operator",
        "show.limit": "Limit",
        "show.share": "Share of the roof",
        "show.alignments": "Rounded up",
        "show.any_type": "any type",
        "show.multiple": "To a multiple of",
        "show.conditions": "Conditions",
        "show.sources": "Sources",
        "show.legend": "{kinds} Ratio: measured / stated. [n]: where the number comes from.",
        # compare
        "compare.title": "{count} devices",
        "compare.about": "side by side",
        "compare.device": "{name}: {title}",
        "quantity.operations_per_second.matrix": "{dtype} peak",
        "quantity.operations_per_second.vector": "{dtype} vector",
        "quantity.operations_per_second.special": "{dtype} exp, tanh, erf",
        "quantity.bytes_per_second": "memory, read",
        "quantity.operations_per_byte": "ridge point, {dtype}",
        "quantity.capacity_bytes": "memory, size",
        "quantity.on_chip_bytes": "on the chip",
        "quantity.power_watts": "power at most",
        "quantity.operations_per_joule": "op/J, {dtype}",
        "compare.basis.measured": "Basis: measured figures where there are any, else specified, else assumed ones. "
        "Other: --basis specified.",
        "compare.basis.specified": "Basis: specified figures, assumed where a maker states none; measured only where "
        "there is nothing else. Other: --basis measured.",
        "compare.legend": "Whole devices; the peak is that of contractions. Ratios are to the first device. {kinds} "
        "What is worked out from two figures is as certain as the weaker one; op/J is the peak at the most power.",
        # choose
        "choose.title": "devices for {model}",
        "choose.dtype": "as {dtype}",
        "choose.device": "Device",
        "choose.type": "As",
        "choose.latency": "Latency",
        "choose.energy": "Energy",
        "choose.on_chip": "On chip",
        "choose.why": "Why",
        "choose.front": "*",
        "choose.power_not_stated": "power not stated",
        "choose.compute": "computing binds {share} of the time, at {rate}",
        "choose.memory": "memory binds {share} of the time, at {rate}",
        "choose.overhead": "starting kernels takes {share} of the time",
        "choose.nothing": "nothing to do",
        "choose.instead": "no {asked} here",
        "choose.only": "{dtype} only",
        "choose.does_not_fit": "does not fit: {needed} of {capacity}",
        "choose.fits": "takes {needed} of {capacity}",
        "choose.size_not_stated": "memory size not stated",
        "choose.at_least": "≥ {latency}",
        "choose.at_least_about": "≥: operations for which a device states no roof take no time here, up to {share} of "
        "them.",
        "choose.rest": "{count} more devices; --top {every} shows all.",
        "choose.rest.one": "1 more device; --top {every} shows all.",
        "choose.more": "{count} more",
        "choose.goals": "Sorted by {first}. Latency: the roofline ({accounting}) on all cores; nothing is measured.",
        "goal.latency": "latency",
        "goal.power": "energy",
        "goal.memory": "memory",
        "choose.front_about": "*: no other device is as good in {goals} and better in one.",
        "choose.power_about": "Energy: the most that the device draws times the latency, an upper limit at that "
        "latency; a device seldom draws it.",
        "choose.memory_about": "On chip: how much of the peak of the activations fits the explicit memory on the chip.",
        "choose.recast": "A type that the model does not have: as if it were quantised, every floating tensor alike.",
        "choose.left_out": "Left out",
        "choose.none": "No device is within the budget.",
        "choose.nothing_known": "No device can be ranked.",
        "choose.faulty": "{count} profiles cannot be read and are left out; see `attainable devices list`",
        "choose.faulty.one": "1 profile cannot be read and is left out; see `attainable devices list`",
        "choose.not_calibrated": "this machine is not among them; run `attainable devices calibrate` first",
        "why.no_roof": "no roof for {dtype}, nor for a type instead",
        "why.no_bandwidth": "no bandwidth stated",
        "why.power_not_stated": "power not stated, the budget cannot be proven",
        "why.over_latency": "over the latency budget",
        "why.over_power": "over the power budget",
        "why.over_energy": "over the energy budget",
        "why.over_memory": "over the memory budget",
    }
)
"""The sentences in English. ``.one`` is the form for exactly one."""

_SPOKEN = Messages(ENGLISH)
say, say_count = _SPOKEN.say, _SPOKEN.say_count
