"""What the measured rows of ../shared/reference/claims.csv rest on: equal work, lines, orders, verdicts.

Nothing is timed here: the times are made up, and every expected number is derived from them.
"""

from math import log

import onnx
import pytest

from attainable.cost.count import count
from attainable.measurement.claim import Claim, Kind
from benchmarks.acceptance.counting import counted
from benchmarks.acceptance.table import TABLE
from benchmarks.local_rows.judging import Finding, Result, Verdict, judge_order, ordering, together, within
from benchmarks.local_rows.layers import dilated
from benchmarks.local_rows.line import fit_line, spearman
from benchmarks.local_rows.precision import in_half
from benchmarks.local_rows.rounds import Rounds
from benchmarks.local_rows.row import EQUAL_MACS, equal_macs, spread_of_macs, written
from benchmarks.local_rows.stacks import ALIGNED_RATIOS, RATIOS, by_elementwise, by_fragments, by_groups, by_ratio
from benchmarks.local_rows.table import ROWS
from benchmarks.local_rows.turns import take_turns
from benchmarks.local_rows.widths import at_width
from benchmarks.width_sweep import rule, slopes

ROUNDS = 9


def rounds(*, others: float = 0.0, own: float = 1.0, **seconds: float) -> Rounds:
    """Nine equal rounds; the first contender's second process takes ``own`` times as long."""
    first = next(iter(seconds.values()))
    return Rounds({name: (time,) * ROUNDS for name, time in seconds.items()}, (own * first,) * ROUNDS, others)


def test_every_claim_that_is_measured_apart_has_a_row_and_every_row_a_claim() -> None:
    apart = {id for checks in TABLE.values() for id, check in checks.items() if check.is_measured}
    assert {name for name in ROWS if name.startswith("T")} == apart


# --- equal work ---


@pytest.mark.parametrize(
    "models",
    [by_ratio(RATIOS, seed=None), by_ratio(ALIGNED_RATIOS, seed=None), by_groups(seed=None),
     by_fragments(seed=None), by_elementwise(seed=None)],
    ids=["G1", "G1 aligned", "G2", "G3", "G4"],
)  # fmt: skip
def test_the_networks_of_a_guideline_have_equal_macs(models: dict[str, onnx.ModelProto]) -> None:
    with written(models) as workloads:
        assert spread_of_macs(workloads.values()) <= EQUAL_MACS


def test_the_first_stack_has_the_macs_of_its_layers() -> None:
    # 10 blocks x 2 convolutions x 56 x 56 positions x 128 x 128 channels.
    result = counted(by_ratio(RATIOS, seed=None)["1:1"])
    assert result.totals.macs == 10 * 2 * 56 * 56 * 128 * 128


def test_networks_of_unequal_macs_are_refused() -> None:
    models = {"128": by_ratio({"": (128, 128)}, seed=None)[""], "64": by_ratio({"": (64, 128)}, seed=None)[""]}
    with written(models) as workloads, pytest.raises(ValueError, match=r"100\.0%"):
        equal_macs(workloads.values())


def test_dilation_changes_no_work() -> None:
    with written({"plain": dilated(1, seed=None), "dilated": dilated(2, seed=None)}) as workloads:
        plain, spread = (count(workload) for workload in workloads.values())
    assert plain.totals.macs == spread.totals.macs
    assert plain.ops[-1].op.outputs == spread.ops[-1].op.outputs


def test_mobilenet_v2_at_width_one_is_the_network_of_the_zoo() -> None:
    # 300.8 M MACs: the published count of the network; see tests/cost/test_count.py.
    assert counted(at_width("mobilenet_v2", 1.0, seed=None)).totals.macs == pytest.approx(300.8e6, rel=1e-3)


def test_half_precision_halves_the_weights_and_keeps_the_ends() -> None:
    model = by_ratio({"": (16, 16)})[""]
    half = counted(in_half(model))
    assert half.totals.parameter_bytes * 2 == counted(model).totals.parameter_bytes
    assert {tensor.dtype for tensor in (*half.workload.inputs, *half.workload.outputs)} == {"float32"}


# --- lines and orders ---


def test_a_line_through_points_on_it_is_found_and_explains_all() -> None:
    line = fit_line([1, 2, 4], [5, 7, 11])  # y = 3 + 2 x
    assert (line.slope, line.intercept, line.r2) == (pytest.approx(2), pytest.approx(3), pytest.approx(1))


def test_r2_is_the_share_of_the_variance_that_the_line_explains() -> None:
    # Means 1 and 2/3; xx = 2, xy = 0, so that the slope is 0 and the line explains nothing.
    assert fit_line([0, 1, 2], [0, 2, 0]).r2 == 0
    # Means 1.5 and 1.5; xx = 5, xy = 4, yy = 5: slope 0.8, r2 16/25.
    line = fit_line([0, 1, 2, 3], [0, 2, 1, 3])
    assert (line.slope, line.r2) == (pytest.approx(0.8), pytest.approx(0.64))


def test_ranks_correlate_whatever_the_scale() -> None:
    assert spearman([1, 2, 3], [1, 10, 1000]) == pytest.approx(1)
    assert spearman([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    # 1 - 6 sum(d^2) / (n (n^2 - 1)) with d = 0, 1, 1, 0: 1 - 12 / 60.
    assert spearman([1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx(0.8)
    assert spearman([1, 2, 3], [5, 5, 5]) == 0


def test_equal_values_share_their_rank() -> None:
    # Ranks 0.5, 0.5, 2 and 0, 1, 2: xy = 1.5, xx = 1.5, yy = 2.
    assert spearman([1, 1, 2], [1, 2, 3]) == pytest.approx(1.5 / (1.5 * 2) ** 0.5)


def test_the_slope_of_a_power_law_is_its_power() -> None:
    operations = [100, 200, 400]
    found = slopes(operations, rounds(a=1.0, b=2**0.5, c=2.0))  # time = sqrt(operations) / 10
    assert found == pytest.approx([0.5] * ROUNDS)
    assert rule(found) == "time grows more slowly than operations"


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ([1.01] * 9, "time grows faster than operations"),
        ([0.98, 1.02] * 5, "time is proportional to operations, within the interval"),
        ([0.5, 1.5] * 5, "the interval is too wide to say more"),
    ],
)
def test_the_rule_is_told_by_the_interval_of_the_slope(samples: list[float], said: str) -> None:
    assert rule(samples) == said


def test_nothing_is_said_of_the_rule_while_others_use_the_machine() -> None:
    assert rule([1.0] * ROUNDS, others=0.5) == "no claim, others used the machine"


# --- verdicts ---


@pytest.mark.parametrize(
    ("ratio", "noise", "verdict"),
    [
        (1.20, 0.01, "passed"),
        (1.105, 0.01, "noisy"),  # above the limit of 1.1 by 0.5 %, less than the noise
        (1.095, 0.01, "noisy"),
        (1.05, 0.01, "contradicted"),
        (1.05, 0.06, "noisy"),  # below it by 4.8 %
    ],
)
def test_a_lower_limit_is_decided_beyond_the_noise(ratio: float, noise: float, verdict: Verdict) -> None:
    assert within([ratio] * ROUNDS, least=1.1, noise=noise) == verdict


def test_both_limits_count() -> None:
    assert [within([ratio] * ROUNDS, least=0.9, most=1.1) for ratio in (0.8, 1.0, 1.2)] == [
        "contradicted", "passed", "contradicted",
    ]  # fmt: skip


def test_an_interval_across_the_limit_decides_nothing() -> None:
    # Of nine samples the second smallest and the second largest bound the median: 1.0 and 1.3.
    assert within([0.9, 1.0, 1.2, 1.2, 1.2, 1.2, 1.2, 1.3, 1.4], least=1.1) == "noisy"


def test_others_too_few_rounds_and_unknown_noise_leave_all_open() -> None:
    assert within([2.0] * ROUNDS, least=1.1, others=0.5) == "noisy"
    assert within([2.0] * 5, least=1.1) == "noisy"
    assert within([2.0] * ROUNDS, least=1.1, noise=None) == "noisy"


def step(kind: Kind) -> Claim:
    return Claim(kind, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("kinds", "weak", "strict"),
    [
        (("slower", "slower"), "passed", "passed"),
        (("slower", "no difference"), "passed", "contradicted"),
        (("slower", "noisy"), "noisy", "noisy"),
        (("faster", "noisy"), "contradicted", "contradicted"),
        (("slower", "too few pairs"), "noisy", "noisy"),
    ],
)
def test_an_order_holds_if_each_step_does(kinds: tuple[Kind, ...], weak: Verdict, strict: Verdict) -> None:
    steps = [step(kind) for kind in kinds]
    assert (ordering(steps, strict=False), ordering(steps, strict=True)) == (weak, strict)


def test_a_step_up_that_is_smaller_than_the_noise_leaves_a_strict_order_open() -> None:
    up = Claim("no difference", 0.04, 0.035, 0.045, 0.045)
    assert ordering([up], strict=True) == "noisy"
    assert ordering([up], strict=False) == "passed"


def test_an_order_of_times_is_judged_step_by_step() -> None:
    assert judge_order(rounds(a=1.0, b=1.2, c=1.5), "abc", strict=True).verdict == "passed"
    assert judge_order(rounds(a=1.0, b=1.5, c=1.2), "abc", strict=True).verdict == "contradicted"
    assert judge_order(rounds(a=1.0, b=1.5, c=1.2, others=0.5), "abc", strict=True).verdict == "noisy"
    # The first contender differs from itself by 30 %: no step is certain.
    assert judge_order(rounds(a=1.0, b=1.2, c=1.5, own=1.3), "abc", strict=True).verdict == "noisy"


def test_a_row_passes_if_all_parts_do_and_printed_parts_have_no_say() -> None:
    assert together(["passed", "printed"]) == "passed"
    assert together(["passed", "noisy"]) == "noisy"
    assert together(["noisy", "contradicted", "passed"]) == "contradicted"
    assert Result((Finding("a time", "printed"),), 9).verdict == "printed"


def test_turns_go_forwards_and_backwards_and_give_medians() -> None:
    calls: list[str] = []

    def timed(name: str, times: list[float]) -> list[float]:
        calls.append(name)
        return times

    found = take_turns([lambda _: timed("a", [1.0, 2.0, 9.0]), lambda _: timed("b", [4.0])], seconds=0.1)
    # Two to warm up, then the fewest turns, four, for each has run long enough.
    assert "".join(calls) == "ab" + "abba" * 2
    assert found == [2.0, 4.0]


def test_a_slope_of_one_is_that_of_proportional_times() -> None:
    line = fit_line([log(1e8), log(2e8), log(8e8)], [log(1e-3), log(2e-3), log(8e-3)])
    assert (line.slope, line.r2) == (pytest.approx(1), pytest.approx(1))
