"""Other numbers of channels for one kind of region: what to run, and what the times say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from attainable.advice.messages import say, say_count
from attainable.advice.model import write_ops
from attainable.advice.regions import Region, RegionFinder, macs
from attainable.advice.rule import Candidate, Conclusion, Probed, Situation, Variant
from attainable.advice.widths import is_convolution
from attainable.analysis.labels import op_label
from attainable.quantities import format_seconds, format_share
from attainable.timing.statistics import Summary
from attainable.workload.graph import Op

STEP = 1.5
"""Fewer channels are less work anyway: at a step this many times more of the time is saved than of the operations."""

CONTEXT = 0.1
"""A region alone is not the network: what it saves differs by up to this share. Source: benchmarks/channel_step.py."""

_MOST_NUMBERS = 3


@dataclass(frozen=True, slots=True)
class Proposal:
    """Numbers of channels to try.

    Attributes:
        changed: new number by position of the width.
        is_padding: whether the channels that are added are zero, so that results stay the same.
    """

    changed: Mapping[int, int]
    is_padding: bool


@dataclass(frozen=True, slots=True)
class ChannelChange:
    """Proposals for regions that are equal but for their names.

    Attributes:
        situation: the network, and how it ran.
        finder: cuts regions out of it.
        regions: all occurrences.
        proposals: what to try, in order of preference.
        block: channels that the runtime computes together.
    """

    situation: Situation
    finder: RegionFinder
    regions: Sequence[Region]
    proposals: Sequence[Proposal]
    block: int

    def candidate(self) -> Candidate:
        """What to probe."""
        ops = tuple(self.finder.ops[op].id for region in self.regions for op in region.touched)
        return Candidate(
            ops=ops,
            at_stake_seconds=self.situation.seconds_of(ops),
            variants=(self._variant({}), *(self._variant(proposal.changed) for proposal in self.proposals)),
            conclude=self.conclude,
        )

    def _variant(self, changed: Mapping[int, int]) -> Variant:
        ops = self.finder.written(self.regions[0], changed)
        return Variant(self.situation.run.threads, lambda folder: write_ops(ops, folder / "probe.onnx"))

    def conclude(self, probed: Probed) -> Conclusion:
        """The first proposal that certainly saves time, and more of it than of the operations."""
        gains = [index for index in range(len(self.proposals)) if self._gains(probed, index)]
        if not gains:
            return Conclusion(None, self._seen(probed, 0, say("channels.no_step")))
        first, *others = gains
        proposal = self.proposals[first]
        headline = "channels.headline.pad" if proposal.is_padding else "channels.headline"
        actions = [self._action(proposal), *(self._alternative(probed, other) for other in others)]
        return Conclusion(
            saves=self._saving(probed, first),
            headline=say_count(
                headline,
                self._convolutions,
                {"channels": self._present, "proposed": self._numbers(proposal.changed)},
            ),
            observation=self._seen(probed, first, ""),
            action="; ".join(actions),
        )

    def _saving(self, probed: Probed, index: int) -> Summary:
        saving = probed.saving(index + 1, occurrences=len(self.regions))
        margin = CONTEXT * abs(saving.median)
        return replace(saving, low=saving.low - margin, high=saving.high + margin)

    def _gains(self, probed: Probed, index: int) -> bool:
        certain = self._saving(probed, index).low > 0
        return certain and self._share_of_time(probed, index) > STEP * self._share_of_operations(index)

    def _share_of_time(self, probed: Probed, index: int) -> float:
        return 1 - probed.seconds(index + 1) / probed.seconds(0)

    def _share_of_operations(self, index: int) -> float:
        """The share of the convolutions' operations that a proposal leaves out; none where it adds some."""
        return max(0.0, 1 - self._macs(self.proposals[index].changed) / self._macs({}))

    def _macs(self, changed: Mapping[int, int]) -> int:
        return macs(self.finder.written(self.regions[0], changed))

    def _seen(self, probed: Probed, index: int, verdict: str) -> str:
        times = [say("channels.as_found", {"channels": self._present})]
        times += [
            say(
                "channels.padded" if each.is_padding else "channels.proposed", {"channels": self._numbers(each.changed)}
            )
            for each in self.proposals
        ]
        measured = ", ".join(
            f"{label} {format_seconds(len(self.regions) * probed.seconds(position))}"
            for position, label in enumerate(times)
        )
        share = self._share_of_time(probed, index)
        shares = {"share": format_share(abs(share)), "operations": format_share(self._share_of_operations(index))}
        compared = say("channels.share" if share >= 0 else "channels.slower", shares)
        values = {"example": self._example, "block": self.block, "times": measured}
        sentences = (say_count("channels.seen", self._convolutions, values), compared, verdict)
        return " ".join(filter(None, sentences))

    def _action(self, proposal: Proposal) -> str:
        key = "channels.action.pad" if proposal.is_padding else "channels.action"
        return say(key, {"proposed": self._numbers(proposal.changed)})

    def _alternative(self, probed: Probed, index: int) -> str:
        saves = format_seconds(self._saving(probed, index).median)
        return say("channels.or", {"action": self._action(self.proposals[index]), "saves": saves})

    @property
    def _convolutions(self) -> int:
        return len(self.regions) * len(self._touched_convolutions)

    @property
    def _example(self) -> str:
        return op_label(self._touched_convolutions[0])

    @property
    def _touched_convolutions(self) -> list[Op]:
        return [op for position in self.regions[0].touched if is_convolution(op := self.finder.ops[position])]

    @property
    def _present(self) -> str:
        return self._numbers({width: self.finder.widths.widths[width].channels for width in self.proposals[0].changed})

    def _numbers(self, changed: Mapping[int, int]) -> str:
        """The numbers of channels that convolutions give; those of concatenations follow from them."""
        free = self.finder.widths.free
        numbers = sorted({number for width, number in changed.items() if width in free})
        if len(numbers) > _MOST_NUMBERS:
            return f"{numbers[0]} to {numbers[-1]}"
        return " or ".join(map(str, numbers))
