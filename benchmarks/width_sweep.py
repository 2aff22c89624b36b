"""Claim: within one family of networks time goes with operations.

One architecture at several widths, timed in turns in ONNX Runtime at one thread: operations, median time, and the
slopes of time against operations. ``python -m benchmarks width_sweep --network mobilenet_v1`` takes another one. The
slope of the logarithms is the power of the operations that time goes with; it is fitted in every round, so that it has
an interval.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from math import log

from attainable.cost.count import count
from attainable.measurement.shelter import sheltered
from attainable.quantities import format_share
from attainable.timing.conditions import read_conditions
from attainable.timing.gate import MOST_OTHERS
from attainable.timing.statistics import FEWEST_FOR_INTERVAL, summarize
from benchmarks.local_rows.judging import judge_order, shown
from benchmarks.local_rows.line import fit_line
from benchmarks.local_rows.rounds import Effort, Rounds, measure_networks
from benchmarks.local_rows.row import contenders, written
from benchmarks.local_rows.widths import ARCHITECTURES, WIDTHS, at_width

UNTOLD = 0.1
"""Where half the interval is a larger share of the slope, nothing is said of it."""


def slopes(operations: Sequence[int], rounds: Rounds) -> list[float]:
    """Slope of the logarithm of time on that of operations, one a round."""
    logarithms = [log(each) for each in operations]
    by_round = zip(*rounds.seconds.values(), strict=True)
    return [fit_line(logarithms, [log(time) for time in times]).slope for times in by_round]


def rule(slope_samples: Sequence[float], others: float | None = None) -> str:
    """What the slopes say of the rule, in words."""
    found = summarize(slope_samples)
    if others is not None and others > MOST_OTHERS:
        return "no claim, others used the machine"
    if found.relative_half_width > UNTOLD:
        return "the interval is too wide to say more"
    if found.low > 1:
        return "time grows faster than operations"
    if found.high < 1:
        return "time grows more slowly than operations"
    return "time is proportional to operations, within the interval"


def report(operations: dict[str, int], rounds: Rounds) -> None:
    """Print the table and the slopes."""
    print(f"{'width':<8}{'operations':>12}{'median':>11}{'95 % interval':>22}{'achieved':>14}")
    for name, work in operations.items():
        found = summarize(rounds.seconds[name])
        interval = f"{found.low * 1e3:.2f} to {found.high * 1e3:.2f} ms"
        rate = f"{work / found.median / 1e9:.1f} Gop/s"
        print(f"{name:<8}{work / 1e6:>10.1f} M{found.median * 1e3:>8.2f} ms{interval:>22}{rate:>14}")
    work = list(operations.values())
    times = [rounds.median(name) for name in operations]
    powers = slopes(work, rounds)
    power = fit_line([log(each) for each in work], [log(time) for time in times])
    line = fit_line(work, times)
    print(
        f"\nlog time on log operations: slope {shown(powers, '.3f')}, r2 {power.r2:.4f}; {rule(powers, rounds.others)}"
        f"\ntime on operations: {line.slope * 1e12:.2f} ms per Gop ({1 / line.slope / 1e9:.1f} Gop/s at the margin), "
        f"{line.intercept * 1e3:+.2f} ms at none, r2 {line.r2:.4f}"
        f"\ntwice the operations take {2**power.slope:.2f} times as long"
    )
    order = judge_order(rounds, list(operations), strict=True)
    noise = "unknown" if rounds.noise is None else format_share(rounds.noise)
    others = "unknown" if rounds.others is None else format_share(rounds.others)
    verdict = "noisy (no claim)" if order.verdict == "noisy" else order.verdict
    print(f"the rule, times in the order of operations: {verdict}\n{order.text}")
    print(f"{rounds.count} rounds; noise {noise}, others {others}")


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="width_sweep")
    parser.add_argument("--network", choices=sorted(ARCHITECTURES), default="mobilenet_v2")
    parser.add_argument("--rounds", type=int, default=Effort().rounds, help=f"at least {FEWEST_FOR_INTERVAL}")
    options = parser.parse_args(arguments or [])
    if options.rounds < FEWEST_FOR_INTERVAL:
        parser.error(f"an interval needs {FEWEST_FOR_INTERVAL} rounds")
    conditions = read_conditions()
    print(f"{options.network}, onnxruntime, 1 thread, {conditions.cpu}, {conditions.cores} cores\n", flush=True)
    effort = replace(Effort(), rounds=options.rounds, progress=_tell)
    with sheltered(), written({f"{width:g}": at_width(options.network, width) for width in WIDTHS}) as workloads:
        operations = {name: count(workload).totals.operations for name, workload in workloads.items()}
        rounds = measure_networks(contenders(workloads), effort)
    print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    report(operations, rounds)


def _tell(done: int, rounds: int) -> None:
    print(f"\r\x1b[Kround {done} of {rounds}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
