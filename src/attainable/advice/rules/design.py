"""Rules about how a network is built: what its author can choose anew."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from attainable.advice.channels import ChannelChange, Proposal
from attainable.advice.messages import say, say_count
from attainable.advice.regions import Region, RegionFinder, structure
from attainable.advice.rule import Candidate, Conclusion, Rule, Situation
from attainable.advice.widths import Widths, find_widths
from attainable.workload.graph import Workload

_BLOCKS = (("avx512f", 16), ("avx2", 8))
"""Channels that onnxruntime's blocked layout keeps together. Source: MlasNchwcGetBlockSize, and measured."""
_LAYOUT_GRAIN = 4
_MOST_GIVEN_UP = 1 / 8
"""A number is "just above" a step if at most this share of the channels lies above it."""
_MOST_SHOWN = 8


def channels_above_step(situation: Situation) -> Sequence[Candidate | Conclusion]:
    """Channels just above the runtime's step.

    What it sees:
        A convolution gives or reads a number of channels that lies just above a multiple of the runtime's block, at
        most one eighth of it, or that is no multiple of 4; and nothing but convolutions decides on that number. All
        widths that hang together are changed together: what makes them, what hands them on, what reads them.

    Why it costs time:
        onnxruntime keeps 8 channels (AVX2) or 16 (AVX-512) together in one vector register and computes whole blocks:
        65 channels take as long as 72 or 80. A convolution that reads a number of channels that is no multiple of 4
        cannot use the blocked layout at all: it falls back to im2col and a matrix product, with a change of layout
        before and after. Time is a staircase over the number of channels, while operations are a straight line.

    What to do:
        Take the next lower step (64 in place of 65) and train again. Or pad with channels whose weights are zero up to
        a multiple of the block: this changes no result, and pays where the number was no multiple of 4. Both are
        measured here with the network's own shapes, and only what saves time is proposed.

    Source:
        onnxruntime, core/optimizer/nchwc_transformer.cc (TransformConv) and mlas/lib/snchwc.cpp. Measured with
        onnxruntime 1.31.1 on AMD Zen 3 (AVX2), two 3x3 convolutions 64->C->64 on 28x28, one thread: C = 56 1.05 ms,
        57 1.30, 60 1.22, 63 1.40, 64 1.21, 65 1.57, 68 1.45, 72 1.45, 73 1.69, 80 1.54.
    """
    block = _block(situation)
    if block is None:
        return [Conclusion(None, say("channels.unknown", {"runtime": situation.run.runtime}))]
    workload = situation.count.workload
    widths = find_widths(workload)
    free = _image_widths(workload, widths)
    padded = {width: -(-channels // block) * block for width, channels in free.items() if channels % _LAYOUT_GRAIN}
    lower = {width: step for width, channels in free.items() if (step := _step_below(channels, block))}
    changed = widths.with_sums({**padded, **lower})
    if not changed:
        return [Conclusion(None, _nothing(free, block))]
    alike: defaultdict[tuple[object, ...], list[Region]] = defaultdict(list)
    finder = RegionFinder(workload, widths)
    for region in finder.regions(changed):
        alike[structure(finder.written(region, {}))].append(region)
    padding = widths.with_sums(padded)
    return [
        ChannelChange(situation, finder, regions, _proposals(regions[0], padding), block).candidate()
        for regions in alike.values()
    ]


def _proposals(region: Region, padding: Mapping[int, int]) -> list[Proposal]:
    """The steps below, with padding where there is none; and padding alone, where it is something else."""
    pads = {width: number for width, number in padding.items() if width in region.changed}
    if pads == region.changed:
        return [Proposal(pads, is_padding=True)]
    proposals = [Proposal(region.changed, is_padding=False)]
    return [*proposals, Proposal(pads, is_padding=True)] if pads else proposals


def _block(situation: Situation) -> int | None:
    if situation.run.runtime != "onnxruntime":
        return None
    return next((block for flag, block in _BLOCKS if flag in situation.conditions.isa), None)


def _step_below(channels: int, block: int) -> int | None:
    """The multiple of the block that lies just below; None where there is none near enough."""
    step = channels // block * block
    return step if step and 0 < channels - step <= _MOST_GIVEN_UP * channels else None


def _image_widths(workload: Workload, widths: Widths) -> dict[int, int]:
    """Channels of the free widths whose tensors can be in the blocked layout: images of float32."""
    others = {
        widths.of_tensor[tensor.name]
        for op in workload.ops for tensor in op.present_outputs
        if tensor.name in widths.of_tensor and (tensor.dtype != "float32" or tensor.rank != 4)
    }  # fmt: skip
    return {width: channels for width, channels in widths.free.items() if width not in others}


def _nothing(free: Mapping[int, int], block: int) -> str:
    if not free:
        return say("channels.no_widths")
    seen = sorted(set(free.values()))
    shown = ", ".join(map(str, seen[:_MOST_SHOWN])) + (", ..." if len(seen) > _MOST_SHOWN else "")
    return say_count("channels.none", len(free), {"channels": shown, "block": block})


RULES: dict[str, Rule] = {
    "DSG005": Rule("DSG005", "Channels just above the runtime's step", "design", channels_above_step),
}
"""Rules about the design of a network, by code."""
