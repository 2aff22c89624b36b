"""The four guidelines of ShuffleNetV2: what access explains of the times in its tables.

Source: arXiv:1807.11164, section 2.
"""

from collections.abc import Sequence

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value
from benchmarks.acceptance.claim import Check, Checks, Figure, Finding, Holds, measured_apart
from benchmarks.acceptance.counting import bytes_moved, conv, layers

EXTENT = 56
ACCESS_BY_RATIO = {(128, 128): "1.000", (90, 180): "1.053", (52, 312): "1.413", (36, 432): "1.811"}
"""Channels in and out of table 1 on the GPU, and the access to the first."""

ACCESS_BY_GROUPS = {(1, 128): "1.000", (2, 180): "1.398", (4, 256): "1.980", (8, 360): "2.776"}
"""Groups and channels of table 2 on the GPU, and the access to the first."""


def access(channels_in: int, channels: int, groups: int = 1) -> int:
    """Bytes of a 1x1 convolution."""
    return conv(channels_in, channels, EXTENT, kernel=1, groups=groups).totals.work.bytes_moved


def t105() -> Sequence[Finding]:
    """The bound of equation 2 with B the MACs, in elements."""
    result = conv(128, 128, EXTENT, kernel=1).totals
    positions = EXTENT**2
    bound = 2 * (positions * result.macs) ** 0.5 + result.macs / positions
    uneven = conv(64, 256, EXTENT, kernel=1).totals
    return [
        Figure("819200", result.work.bytes_moved // 4, meaning="access"),
        Figure("819200", bound, meaning="bound"),
        Holds("uneven channels above it", uneven.macs == result.macs and uneven.work.bytes_moved // 4 > bound),
    ]


def t106() -> Sequence[Finding]:
    """Channels to channels at about equal MACs."""
    base = access(128, 128)
    return [
        Figure(claimed, access(*channels) / base, meaning=f"at {channels[0]}:{channels[1]}")
        for channels, claimed in ACCESS_BY_RATIO.items()
    ]


def _relative(rates: Sequence[float], claimed: Sequence[str]) -> list[Finding]:
    return [Figure(text, rates[0] / rate, "printed") for text, rate in zip(claimed, rates, strict=True)]


def _same_order(rates: Sequence[float], accesses: Sequence[int]) -> Holds:
    by_rate = sorted(range(len(rates)), key=lambda row: -rates[row])
    by_access = sorted(range(len(rates)), key=accesses.__getitem__)
    return Holds("times have the order of our access", by_rate == by_access)


def t107() -> Sequence[Finding]:
    """Access explains the order."""
    rates = (1480, 1296, 876, 748)
    accesses = [access(*channels) for channels in ACCESS_BY_RATIO]
    return [
        *_relative(rates, ("1.000", "1.142", "1.689", "1.979")),
        _same_order(rates, accesses),
        Figure("1.811", accesses[-1] / accesses[0], "printed", "access"),
    ]


def t108() -> Sequence[Finding]:
    """On a core that computes slowly, access explains less."""
    rates = (76.2, 72.9, 69.1, 57.6)
    channels = ((32, 32), (22, 44), (13, 78), (9, 108))
    accesses = [access(*pair) for pair in channels]
    return [
        *_relative(rates, ("1.000", "1.045", "1.103", "1.323")),
        _same_order(rates, accesses),
        Figure("1.824", accesses[-1] / accesses[0], "printed", "access"),
        Holds("time grows less than access", rates[0] / rates[-1] < accesses[-1] / accesses[0]),
    ]


def _by_groups() -> list[int]:
    return [access(channels, channels, groups) for groups, channels in ACCESS_BY_GROUPS]


def t109() -> Sequence[Finding]:
    """Groups at about equal MACs."""
    first, *_ = accesses = _by_groups()
    rows = zip(ACCESS_BY_GROUPS.items(), accesses, strict=True)
    return [Figure(claimed, moved / first, meaning=f"at g={groups}") for ((groups, _), claimed), moved in rows]


def t110() -> Sequence[Finding]:
    """Access explains the order."""
    rates = (2451, 1725, 1026, 634)
    return [*_relative(rates, ("1.000", "1.421", "2.389", "3.866")), _same_order(rates, _by_groups())]


def t111() -> Sequence[Finding]:
    """Fragments at about equal MACs."""
    return [
        Figure("3.25", 2446 / 752, "printed", "4 in series"),
        Figure("3.54", 2446 / 691, "printed", "4 in parallel"),
        Figure("1.15", 40.2 / 35.0, "printed", "on the CPU"),
    ]


def t112() -> Sequence[Finding]:
    """Relu and the sum of a bottleneck have no MACs and move bytes."""
    speedups = (1.171, 1.150, 1.241, 1.169, 1.195, 1.080)
    mean = sum(speedups) / len(speedups) - 1
    result = layers((1, 256, EXTENT, EXTENT), _bottleneck)
    without = [entry for entry in result.ops if not entry.work.macs]
    share = bytes_moved(without) / result.totals.work.bytes_moved
    operations = sum(entry.work.total_operations for entry in without) / result.totals.operations
    return [
        Holds(f"the mean of the speedups, {mean:.1%}, is about 20 %", 0.15 <= mean <= 0.25),
        Holds(f"{operations:.1%} of the operations move {share:.1%} of the bytes", operations < 0.02 < 0.2 < share),
    ]


def _bottleneck(builder: GraphBuilder, x: Value) -> Value:
    inner = builder.relu("relu1", builder.conv("reduce", x, channels=64, kernel=1))
    inner = builder.relu("relu2", builder.conv("filter", inner, channels=64, kernel=3, padding=1))
    return builder.relu("relu3", builder.add("sum", (x, builder.conv("expand", inner, channels=256, kernel=1))))


def t113() -> Sequence[Finding]:
    """Batches per second."""
    return [Figure("2.74", 502 / 183, "printed", "measured")]


CHECKS: Checks = {
    "T105": Check("exact", t105, "elements: bytes / 4"),
    "T106": Check("0.002", t106),
    "T107": Check("order", t107, "consistent"),
    "T108": Check("order", t108, "consistent; channels of the paper's table"),
    "T109": Check("0.002", t109),
    "T110": Check("order", t110, "consistent"),
    "T111": Check("order", t111, "consistent"),
    "T112": Check("n/a", t112, "consistent; our own bottleneck 256-64-64-256 @56, unfused"),
    "T113": Check("n/a", t113, "consistent"),
    **measured_apart({"T114": "order of medians", "T115": "order of medians", "T116": "order"}),
}
