"""Fitting a device to latencies: what it finds, when it refuses, and what a written profile says."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attainable.calibration.fit.choose import choose_models
from attainable.calibration.fit.fit import MOST_FITS, Fit, fit, predict
from attainable.calibration.fit.observation import Observation
from attainable.calibration.fit.prior import Prior
from attainable.devices import Bandwidth, Device, Efficiency, Memory, Roof, Sourced
from attainable.devices.profile import format_profile, parse_profile
from attainable.devices.traits import Limit, OpClass
from attainable.errors import InputError
from attainable.prediction.calibrated import CONVOLUTIONS, operations_executed, predicted_seconds
from attainable.prediction.kernel_work import KernelWork


def assumed(number: float) -> Sourced:
    return Sourced(number, "test", "assumed")


def device(*, roof: float = 100e9, bandwidth: float = 25e9) -> Device:
    return Device(
        "toy", "Toy", 4,
        (Roof("vector", "float32", None, assumed(roof)),),
        (Memory("DRAM", None, (Bandwidth(None, assumed(bandwidth)),)),),
    )  # fmt: skip


def kernel(op_class: OpClass, operations: float, moved: float, repeats: int = 1) -> KernelWork:
    return KernelWork(op_class, "float32", "matrix", int(operations), 0, int(moved), 0, repeats=repeats)


def network(seed: int) -> tuple[KernelWork, ...]:
    """A network whose mix of kinds and sizes differs with the seed."""
    return (
        kernel("conv", 2e8 * (1 + seed % 5), 1e6 * (1 + seed % 3), repeats=3 + seed % 4),
        kernel("pointwise", 1e8 * (1 + seed % 7), 2e6, repeats=2 + seed % 6),
        kernel("depthwise", 4e6 * (1 + seed % 4), 3e6 * (1 + seed % 5), repeats=1 + seed % 8),
        kernel("matvec", 2e6, 4e6 * (1 + seed % 6)),
        kernel("elementwise", 1e5, 1e6 * (1 + seed % 2), repeats=1 + seed % 9),
    )


SHARES: tuple[tuple[OpClass, Limit, float], ...] = (
    ("conv", "compute", 0.8), ("pointwise", "compute", 0.6), ("depthwise", "compute", 0.1),
    ("matvec", "compute", 0.5), ("elementwise", "compute", 0.5),
    ("conv", "memory", 0.5), ("pointwise", "memory", 0.4), ("depthwise", "memory", 0.45),
    ("matvec", "memory", 0.9), ("elementwise", "memory", 0.7),
)  # fmt: skip
TRUTH = replace(
    device(),
    efficiencies=tuple(
        Efficiency(name, limit, assumed(share))
        for name, limit, share in SHARES
    ),
    launch_seconds=assumed(2e-5),
    run_seconds=assumed(3e-4),
)  # fmt: skip
"""What the latencies of the tests come from."""


def measured(seeds: Sequence[int], truth: Device = TRUTH) -> list[Observation]:
    return [Observation(f"net{seed}", predicted_seconds(truth, network(seed)), network(seed)) for seed in seeds]


@pytest.fixture(scope="module")
def eight() -> Fit:
    return fit(measured(range(8)), device())


def test_the_time_is_the_sum_over_kernels_of_the_norm_of_computing_and_moving() -> None:
    # 2e8 / (100e9 x 0.8) = 2.5 ms of computing, 5e7 / (25e9 x 0.5) = 4 ms of moving, sqrt(2.5^2 + 4^2) = 4.717 ms;
    # two of them and two launches of 20 us, and 300 us for the run
    both = kernel("conv", 2e8, 5e7, repeats=2)
    assert predicted_seconds(TRUTH, [both]) == pytest.approx(2 * (4.717e-3 + 2e-5) + 3e-4, rel=1e-4)


def test_enough_exact_latencies_give_the_device_back() -> None:
    # a prior that hardly holds anything, and more networks than figures
    free = Prior(class_compute_width=3.0, class_memory_width=3.0, memory_width=3.0, noise=1e-4)
    found = fit(measured(range(60)), device(), prior=free)
    for efficiency in TRUTH.efficiencies:
        # of fully connected layers and element-wise ops only moving shows in the time
        if efficiency.limit == "memory" or efficiency.op_class in ("conv", "pointwise", "depthwise"):
            share = found.device.efficiency(efficiency.op_class, efficiency.limit)
            assert share == pytest.approx(efficiency.share.value, rel=0.02), efficiency.op_class
    assert found.median_error < 1e-3
    assert found.device.launch_seconds is not None
    assert found.device.launch_seconds.value == pytest.approx(2e-5, rel=0.02)


def test_eight_latencies_predict_networks_that_were_not_measured(eight: Fit) -> None:
    for seed in range(8, 40):
        seconds = predicted_seconds(TRUTH, network(seed))
        prediction = predict(eight, network(seed))
        assert prediction.seconds == pytest.approx(seconds, rel=0.2)
        assert prediction.low < prediction.seconds < prediction.high


def test_a_machine_ten_times_as_slow_has_a_tenth_of_every_share(eight: Fit) -> None:
    slow = fit([replace(row, seconds=10 * row.seconds) for row in measured(range(8))], device())
    assert slow.median_error == pytest.approx(eight.median_error, rel=1e-2)
    for one, other in zip(slow.device.efficiencies, eight.device.efficiencies, strict=True):
        assert one.share.value == pytest.approx(other.share.value / 10, rel=1e-3)


def test_the_order_of_the_models_changes_nothing(eight: Fit) -> None:
    backwards = fit(list(reversed(measured(range(8)))), device())
    for one, other in zip(backwards.device.efficiencies, eight.device.efficiencies, strict=True):
        assert one.share.value == pytest.approx(other.share.value, rel=1e-3)


def test_one_bad_latency_moves_the_others_little(eight: Fit) -> None:
    rows = measured(range(8))
    bad = fit([replace(rows[0], seconds=5 * rows[0].seconds), *rows[1:]], device())
    assert any("net0" in warning and "measure again" in warning for warning in bad.warnings)
    for seed in range(8, 16):
        assert predict(bad, network(seed)).seconds == pytest.approx(predict(eight, network(seed)).seconds, rel=0.1)


@given(
    roof=st.floats(1e9, 1e12),
    bandwidth=st.floats(1e9, 1e12),
    share=st.floats(0.01, 1.0),
    seed=st.integers(0, 50),
    which=st.sampled_from(["roof", "bandwidth", "compute", "memory"]),
)
@settings(deadline=None)
def test_time_never_falls_when_a_roof_or_a_share_falls(
    roof: float, bandwidth: float, share: float, seed: int, which: str
) -> None:
    before = replace(device(roof=roof, bandwidth=bandwidth), efficiencies=TRUTH.efficiencies)
    after = replace(
        device(
            roof=roof * (share if which == "roof" else 1), bandwidth=bandwidth * (share if which == "bandwidth" else 1)
        ),
        efficiencies=tuple(
            replace(row, share=assumed(row.share.value * share)) if row.limit == which else row
            for row in TRUTH.efficiencies
        ),
    )
    assert predicted_seconds(after, network(seed)) >= predicted_seconds(before, network(seed)) * (1 - 1e-12)


def test_the_written_profile_predicts_what_the_fit_predicts(eight: Fit) -> None:
    read = parse_profile(format_profile(eight.device), where="fitted.toml")
    assert read == eight.device
    for seed in range(12):
        assert predicted_seconds(read, network(seed)) == predict(eight, network(seed)).seconds


def test_every_fitted_figure_says_where_it_came_from_and_how_sure_it_is(eight: Fit) -> None:
    shares = {(row.op_class, row.limit): row.share for row in eight.device.efficiencies}
    seen = shares["conv", "compute"]
    assert seen.kind == "measured"
    assert seen.source.startswith("fitted to 8 models, leave-one-out error ")
    assert seen.low is not None and seen.high is not None and seen.low < seen.value < seen.high
    unseen = shares["softmax", "compute"]
    assert unseen.kind == "assumed"
    assert "they do not tell this kind apart" in unseen.source
    assert dict(eight.device.conditions)["fitted to"].startswith("net0, net1")


def test_fewer_models_give_wider_intervals(eight: Fit) -> None:
    five = fit(measured(range(5)), device())
    assert any("only 5 models" in warning for warning in five.warnings)
    many, few = predict(eight, network(20)), predict(five, network(20))
    assert few.high / few.low > many.high / many.low


WINOGRAD = KernelWork(
    "conv", "float32", "matrix", 3600, 0, 0, 0, taps=9, input_channels=64, output_channels=64, output_positions=16
)
"""On 4 x 4 outputs: one tile of 4 takes 36 products instead of 144; transforms cost 32/64 + 32/64 on top."""


@pytest.mark.parametrize(
    ("change", "operations"),
    [
        ({}, 3600 * 36 / 144 * 2),
        # 6 x 6: one tile of 6 takes 64 products instead of 324
        ({"output_positions": 36}, 3600 * 64 / 324 * 2),
        # 5 x 5: 9 tiles of 2 take 144 products, 4 of 4 take 144, one of 6 takes 64, all instead of 225
        ({"output_positions": 25}, 3600 * 64 / 225 * 2),
        # many channels: transforms cost 32/3200 + 32/3200
        ({"input_channels": 3200, "output_channels": 3200}, 3600 * 36 / 144 * 1.02),
        ({"taps": 25}, 3600),
        ({"stride": 2}, 3600),
        ({"input_channels": 3}, 3600),
        ({"output_positions": 1}, 3600),
        ({"op_class": "depthwise"}, 3600),
    ],
)
def test_winograd_saves_on_wide_3x3_convolutions_of_stride_1_alone(
    change: dict[str, object], operations: float
) -> None:
    changed = replace(WINOGRAD, **change)  # pyright: ignore[reportArgumentType]
    assert operations_executed(changed, "winograd") == pytest.approx(operations)
    assert operations_executed(changed, "direct") == 3600


@pytest.mark.parametrize("algorithm", ["direct", "winograd"])
def test_the_latencies_tell_the_algorithm_of_the_convolutions(algorithm: str) -> None:
    truth = replace(TRUTH, conditions=((CONVOLUTIONS, algorithm),))
    wide = replace(WINOGRAD, operations=10**8)
    rows: list[Observation] = []
    for repeats in range(1, 9):
        # 3x3 and 5x5 convolutions in every proportion
        kernels = (replace(wide, repeats=repeats), replace(wide, taps=25, repeats=3 * (9 - repeats)))
        rows.append(Observation(f"net{repeats}", predicted_seconds(truth, kernels), kernels))
    found = fit(rows, device(), prior=Prior(noise=0.02))
    assert dict(found.device.conditions)[CONVOLUTIONS] == algorithm
    assert found.median_error < 0.01


def test_all_faults_of_the_observations_are_listed_at_once() -> None:
    rows = measured(range(4))
    rows[0] = replace(rows[0], seconds=nan)
    rows[1] = replace(rows[1], seconds=-1.0)
    rows[2] = replace(rows[2], seconds=inf)
    rows += [rows[3], Observation("empty", 1e-3, ()), Observation("half", 1e-3, _as_type(network(9), "float16"))]
    with pytest.raises(InputError) as caught:
        fit(rows, device())
    assert caught.value.faults == (
        "measured 2 times @ net3",
        "latency of nan s @ net0",
        "latency of -1.0 s @ net1",
        "latency of inf s @ net2",
        "computes nothing that is counted @ empty",
        "toy states no roof for float16 @ half",
    )


def _as_type(kernels: Sequence[KernelWork], dtype: str) -> tuple[KernelWork, ...]:
    return tuple(replace(kernel, dtype=dtype) for kernel in kernels)


def test_three_models_or_one_under_four_names_are_refused() -> None:
    alike = [Observation(f"copy{number}", 1e-3, network(1)) for number in range(6)]
    for rows, found in ((measured(range(3)), 3), (alike, 1), ([], 0)):
        with pytest.raises(InputError) as caught:
            fit(rows, device())
        assert caught.value.faults == (f"{found} different models, at least 4 are needed @ measurements",)


def test_a_base_without_bandwidth_is_refused() -> None:
    with pytest.raises(InputError, match="states no bandwidth @ toy"):
        fit(measured(range(5)), replace(device(), memories=()))


def test_latencies_that_have_nothing_to_do_with_the_models_are_refused() -> None:
    rows = measured(range(8))
    swapped = [replace(row, seconds=1e-3 / row.seconds * 1e-2) for row in rows]
    with pytest.raises(InputError, match="the fit is meaningless") as caught:
        fit(swapped, device())
    assert len(caught.value.faults) == 8


def test_the_models_to_measure_differ() -> None:
    # six nets of nothing but convolutions, one with much depthwise work and one that reads large weights
    candidates = {f"plain{size}": (kernel("conv", 1e9 * size, 1e6, repeats=5),) for size in range(1, 7)}
    candidates["depthwise"] = (kernel("depthwise", 1e9, 1e6, repeats=5),)
    candidates["weights"] = (kernel("matvec", 1e6, 1e9),)
    assert {"depthwise", "weights"} < set(choose_models(candidates, 3, device()))
    assert set(choose_models(candidates, 99, device())) == set(candidates)


def test_of_many_models_several_are_left_out_at_once_and_each_once() -> None:
    rows = [replace(row, model=f"{row.model}.{copy}") for copy in range(2) for row in measured(range(40))]
    assert len(rows) > MOST_FITS
    left_out = fit(rows, device()).left_out
    assert [row.model for row in left_out] == [row.model for row in rows]
    assert all(row.predicted_seconds > 0 for row in left_out)
