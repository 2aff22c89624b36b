"""The guidelines G1 to G4 of ShuffleNet V2, measured in ONNX Runtime at one thread.

Source: Ma et al., ShuffleNet V2, arXiv:1807.11164, section 2.
"""

from collections.abc import Callable, Mapping, Sequence

import onnx

from attainable.calibration.local import local_device
from attainable.cost.count import count
from attainable.prediction.roofline import roofline
from attainable.workload import Workload
from benchmarks.local_rows.judging import Finding, Result, claim_between, judge_order, ordering, shown_claim
from benchmarks.local_rows.rounds import Effort, Rounds, measure_networks
from benchmarks.local_rows.row import Row, Rows, contenders, equal_macs, written
from benchmarks.local_rows.stacks import ALIGNED_RATIOS, RATIOS, by_elementwise, by_fragments, by_groups, by_ratio

Judge = Callable[[Rounds, Mapping[str, Workload]], Sequence[Finding]]


def _measured(models: Mapping[str, onnx.ModelProto], judge: Judge, effort: Effort, note: str = "") -> Result:
    """Time networks of equal MACs, and judge."""
    with written(models) as workloads:
        equal = equal_macs(workloads.values())
        rounds = measure_networks(contenders(workloads), effort)
        findings = tuple(judge(rounds, workloads))
    return Result(findings, rounds.count, rounds.others, f"{equal}{note}")


def _in_order(*, strict: bool) -> Judge:
    def judge(rounds: Rounds, workloads: Mapping[str, Workload]) -> Sequence[Finding]:
        names = list(workloads)
        return judge_order(rounds, names, strict=strict), _ends(rounds, names), _predicted(workloads)

    return judge


def _ends(rounds: Rounds, names: Sequence[str]) -> Finding:
    claim = claim_between(rounds, names[0], names[-1])
    return Finding(f"{names[-1]} against {names[0]} {shown_claim(claim)}", "printed")


def _predicted(workloads: Mapping[str, Workload]) -> Finding:
    """What the roofline of this machine says of the same networks, by the first one's."""
    device = local_device()
    seconds = [roofline(count(workload), device, threads=1).seconds for workload in workloads.values()]
    times = ", ".join(f"{name} {time / seconds[0]:.3f}" for name, time in zip(workloads, seconds, strict=True))
    return Finding(f"roofline by that of the first, {seconds[0] * 1e3:.2f} ms: {times}", "printed")


def _fragments(rounds: Rounds, workloads: Mapping[str, Workload]) -> Sequence[Finding]:
    first, *others = workloads
    found: list[Finding] = []
    for name in others:
        claim = claim_between(rounds, first, name)
        text = f"{name} {rounds.median(name) * 1e3:.2f} ms against {rounds.median(first) * 1e3:.2f} ms"
        found.append(Finding(f"{text}, {shown_claim(claim)}", ordering([claim], strict=False)))
    return found


def _elementwise(rounds: Rounds, workloads: Mapping[str, Workload]) -> Sequence[Finding]:
    first, *others = workloads
    found: list[Finding] = []
    for name in others:
        claim = claim_between(rounds, name, first)
        text = f"{first} against {name} {shown_claim(claim)}"
        found.append(Finding(text, ordering([claim], strict=True) if name == "neither" else "printed"))
    return found


ROWS: Rows = {
    "T114": Row(
        "G1: stacks of 10 blocks of two 1x1 convolutions, c1:c2 at equal MACs",
        "time 1:1 <= 1:2 <= 1:6 <= 1:12",
        lambda effort: _measured(by_ratio(RATIOS), _in_order(strict=False), effort),
    ),
    "G1-aligned": Row(
        "G1 with channels in whole blocks of 16, so that no padding of channels is mixed in",
        "time 1:1 <= 1:4 <= 1:16",
        lambda effort: _measured(by_ratio(ALIGNED_RATIOS), _in_order(strict=False), effort, ", a row of ours"),
    ),
    "T115": Row(
        "G2: 10 1x1 convolutions in 1, 2, 4, 8 groups at equal MACs",
        "time grows with the groups",
        lambda effort: _measured(by_groups(), _in_order(strict=True), effort),
    ),
    "T116": Row(
        "G3: 4 fragments against 1 at equal MACs, 10 blocks",
        "slower or equal",
        lambda effort: _measured(by_fragments(), _fragments, effort),
    ),
    "G4": Row(
        "G4: 4 bottlenecks 256-64-64-256 with ReLU and shortcut against without either",
        "slower; 8 to 24 % in table 4",
        lambda effort: _measured(by_elementwise(), _elementwise, effort, ", a row of ours on T112"),
    ),
}
