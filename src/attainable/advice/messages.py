"""Every sentence that the rules say, by key. A second language is a second table; names of a model never enter here."""

from collections.abc import Mapping
from types import MappingProxyType

from attainable.messages import Messages

ENGLISH: Mapping[str, str] = MappingProxyType(
    {
        "confidence.measured": "high: every variant was measured here, in turns, {rounds} fresh processes each",
        "confidence.rough": "medium: measured here in {rounds} rounds of fresh processes; that it saves is certain, "
        "how much is not",
        "confidence.weak": "low: only {rounds} rounds fitted into the time budget, too few for a 95 % interval",
        "progress.probe": "probing {code}, {number} of {count}",
        "warning.not_probed.one": "{code}: 1 candidate was not probed, time was up; give more with --time-budget",
        "warning.not_probed": "{code}: {count} candidates were not probed, time was up; give more with --time-budget",
        "warning.shapes": "{code}: the shape of {tensor} is not known; bind it with --shape",
        "warning.failed": "{code}: a probe failed, nothing is known: {error}",
        "warning.alone": "savings of findings that share ops do not add up: change one, then ask again",
        # DSG005
        "channels.headline": "{count} convolutions have {channels} channels where {proposed} would do",
        "channels.headline.one": "1 convolution has {channels} channels where {proposed} would do",
        "channels.headline.pad": "{count} convolutions have {channels} channels; {proposed} take less time",
        "channels.headline.pad.one": "1 convolution has {channels} channels; {proposed} take less time",
        "channels.seen.one": "{example}: the runtime computes channels in blocks of {block} here. Measured: {times}.",
        "channels.seen": "{count} convolutions, such as {example}: the runtime computes channels in blocks of {block} "
        "here, and leaves its fast layout where a convolution reads a number that is no multiple of 4. Measured, all "
        "of them together: {times}.",
        "channels.share": "That saves {share} of the time with {operations} of the operations.",
        "channels.slower": "That takes {share} longer.",
        "channels.no_step": "No gain that is certain and larger than the work left out.",
        "channels.action": "make them {proposed} channels wide and train again",
        "channels.action.pad": "pad them to {proposed} channels with zeros, which changes no result",
        "channels.or": "or {action} (saves {saves})",
        "channels.none.one": "The number of channels that a convolution decides on ({channels}) is a multiple of 4 and "
        "not just above one of {block}.",
        "channels.none": "{count} numbers of channels that convolutions decide on ({channels}): none lies just above a "
        "multiple of {block} or is no multiple of 4.",
        "channels.no_widths": "No convolution decides on a number of channels that could be another.",
        "channels.unknown": "The step of {runtime} on this processor is not known.",
        "channels.as_found": "{channels} channels",
        "channels.proposed": "{channels} channels",
        "channels.padded": "padded to {channels}",
        # THR001
        "threads.headline": "{threads} threads on {allowed} processors",
        "threads.seen": "{threads} threads were asked for; {limit}. Measured: {asked} with {threads}, {fewer} with "
        "{allowed} (median runs).",
        "threads.action": "run with {allowed} threads: --threads {allowed}, or intra_op_num_threads = {allowed}",
        "threads.within": "{threads} asked for; {limit}.",
        "threads.count": "{count} threads",
        "threads.count.one": "1 thread",
        "threads.quota": "the control group grants {quota} processors' worth of time, and {processors} may be used",
        "threads.no_quota": "{processors} processors may be used, without a quota",
        # QNT004
        "quantized.headline": "{count} quantised convolutions run in floating point",
        "quantized.headline.one": "1 quantised convolution runs in floating point",
        "quantized.seen.one": "{example} is quantised ({found}), yet a floating-point kernel computes it. "
        "QuantizeLinear and DequantizeLinear take {conversions} of {total} in the run. Measured: as it is {as_found}, "
        "with {form} {as_taken}.",
        "quantized.seen": "{count} convolutions, such as {example}, are quantised ({found}), yet floating-point "
        "kernels compute them. QuantizeLinear and DequantizeLinear take {conversions} of {total} in the run. "
        "Measured, all of them together: as they are {as_found}, with {form} {as_taken}.",
        "quantized.form": "uint8 activations per tensor and int8 weights per channel",
        "quantized.action": "quantise again with {form}, the zero point behind a ReLU being 0",
        "quantized.none": "The network has no QuantizeLinear and no DequantizeLinear.",
        "quantized.fused.one": "The quantised convolution runs in an integer kernel; the conversions that are left "
        "take {conversions} of {total}.",
        "quantized.fused": "All {count} quantised convolutions run in integer kernels; the conversions that are left "
        "take {conversions} of {total}.",
        "quantized.elsewhere": "No convolution is quantised; conversions take {conversions} of {total}.",
        "quantized.no_profile": "The kernels of the run are not known, so that nothing can be said.",
        "quantized.not_here": "Which pairs {runtime} should fuse on this processor is not known.",
    }
)
"""The sentences in English."""

_SPOKEN = Messages(ENGLISH)
say, say_count = _SPOKEN.say, _SPOKEN.say_count
