"""Channels just above the step of ONNX Runtime: does advice say so, and does the change save what the probe measured?

Each network is built twice: with a number of channels just above a multiple of 16, and with that multiple. The first
must have a finding (DSG005), the second none; and the two networks, timed whole against each other in fresh processes,
must differ by a time within the finding's interval. One thread.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from attainable.advice.find import find
from attainable.advice.probe import probe
from attainable.advice.rule import Advice, Variant
from attainable.analysis.records import Finding
from attainable.cost.count import count
from attainable.measurement.measure import measure_workload
from attainable.timing.statistics import Summary
from attainable.workload import Workload, load
from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value

CODE = "DSG005"
PROBE_SECONDS = 40.0


def plain(builder: GraphBuilder, x: Value, *, channels: int) -> Value:
    """Four times two 3x3 convolutions, 64 channels to ``channels`` and back."""
    x = _convolution(builder, "stem", x, channels=64, stride=2)
    for block in range(4):
        x = _convolution(builder, f"{block}.wide", x, channels=channels)
        x = _convolution(builder, f"{block}.back", x, channels=64)
    return x


def residual(builder: GraphBuilder, x: Value, *, channels: int) -> Value:
    """Four residual blocks, ``channels`` throughout."""
    x = _convolution(builder, "stem", x, channels=channels, stride=2)
    for block in range(4):
        y = _convolution(builder, f"{block}.first", x, channels=channels)
        y = builder.conv(f"{block}.second", y, channels=channels, kernel=3, padding=1, bias=True)
        x = builder.relu(f"{block}.relu", builder.add(f"{block}.add", (x, y)))
    return x


def inverted(builder: GraphBuilder, x: Value, *, channels: int) -> Value:
    """Six inverted residual blocks, 32 channels to ``channels``, a depthwise convolution, and back."""
    x = _convolution(builder, "stem", x, channels=32, stride=2)
    for block in range(6):
        y = builder.relu6(f"{block}.a", builder.conv(f"{block}.expand", x, channels=channels, kernel=1, bias=True))
        y = builder.conv(f"{block}.depth", y, channels=channels, kernel=3, padding=1, groups=channels, bias=True)
        y = builder.conv(f"{block}.back", builder.relu6(f"{block}.b", y), channels=32, kernel=1, bias=True)
        x = builder.add(f"{block}.add", (x, y))
    return x


def _convolution(builder: GraphBuilder, name: str, x: Value, *, channels: int, stride: int = 1) -> Value:
    x = builder.conv(name, x, channels=channels, kernel=3, stride=stride, padding=1, bias=True)
    return builder.relu(f"{name}.relu", x)


Body = Callable[..., Value]
CASES: tuple[tuple[Body, int, int, int], ...] = (
    (plain, 65, 64, 56),
    (plain, 17, 16, 56),
    (residual, 65, 64, 28),
    (residual, 129, 128, 14),
    (inverted, 65, 64, 28),
    (inverted, 193, 192, 14),
)
"""Body, number of channels above the step, the step, extent of the image behind the stem."""


def network(body: Body, channels: int, extent: int, path: Path) -> Workload:
    """Write a network of this body and read it back."""
    builder = GraphBuilder(body.__name__)
    x = body(builder, builder.input("x", (1, 3, 2 * extent, 2 * extent)), channels=channels)
    x = builder.flatten("flatten", builder.global_average_pool("pool", x))
    path.write_bytes(builder.finish(builder.linear("classifier", x, features=10), name="y").SerializeToString())
    return load(path)


def advice(workload: Workload) -> Advice:
    """What advise says of a network on one thread."""
    return find(count(workload), measure_workload(workload, time_budget_seconds=5.0))


def finding(advice: Advice) -> Finding | None:
    """The finding of the rule, if there is one."""
    return next((found for found in advice.findings if found.code == CODE), None)


def obtained(wide: Workload, narrow: Workload, *, budget_seconds: float = PROBE_SECONDS) -> Summary:
    """What the change saves in the whole network: both timed in turns, in fresh processes."""
    variants = [Variant(1, lambda folder: wide), Variant(1, lambda folder: narrow)]
    return probe(variants, runtime="onnxruntime", budget_seconds=budget_seconds).saving(1)


def main() -> None:
    """Print the table."""
    print(f"{'network':<20}{'finding, ms':>16}{'obtained, ms':>24}{'within':>8}{'twin':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for body, above, step, extent in CASES:
            wide = network(body, above, extent, Path(folder) / "wide.onnx")
            narrow = network(body, step, extent, Path(folder) / "narrow.onnx")
            found, twin = finding(advice(wide)), finding(advice(narrow))
            saved = obtained(wide, narrow)
            low, high = (found.saves_low_seconds, found.saves_high_seconds) if found else (0.0, 0.0)
            interval = f"{low * 1e3:.2f} to {high * 1e3:.2f}" if found else "none"
            print(
                f"{body.__name__ + f' {above}->{step}':<20}{interval:>16}"
                f"{f'{saved.median * 1e3:.2f} ({saved.low * 1e3:.2f} to {saved.high * 1e3:.2f})':>24}"
                f"{'yes' if low <= saved.median <= high else 'NO':>8}{'finding' if twin else 'none':>10}",
                flush=True,
            )


if __name__ == "__main__":
    main()
