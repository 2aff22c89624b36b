"""A measured run as rows of an Analysis."""

from dataclasses import replace
from pathlib import Path

import pytest

from attainable.analysis.run_rows import run_row
from attainable.cost.count import Count, count
from attainable.measurement.attribution import groups
from attainable.measurement.correctness import Correctness
from attainable.measurement.run import Run
from attainable.measurement.surroundings import Surroundings
from attainable.runtimes import Execution, Tolerance
from attainable.runtimes.agreement import Agreement
from attainable.runtimes.worker_statistics import Usage
from attainable.workload import load
from attainable.workload.kernel import Kernel
from tests.models import chain, save

KERNEL = Kernel("k", "Conv", 2e-3, ("0", "1"), "exact")


@pytest.fixture
def counted(tmp_path: Path) -> Count:
    return count(load(save(chain(1), tmp_path)))


def a_run(**fields: object) -> Run:
    run = Run(
        runtime="fake", version="7", threads=2, dtype="float32", samples=9, median_seconds=4e-3, low_seconds=3e-3,
        high_seconds=5e-3, minimum_seconds=2e-3, kernels=(KERNEL,), groups=groups([KERNEL]), attributed_share=1.0,
        kernels_seconds=2e-3, profiled_seconds=5e-3, unprofiled_seconds=4e-3, profiler_seconds=0.0, load_seconds=0.1,
        peak_rss_bytes=0, inputs=(), warnings=(), batch=8,
    )  # fmt: skip
    return replace(run, **fields)


def test_a_run_keeps_its_figures_and_what_is_unknown_stays_so(counted: Count) -> None:
    row = run_row(counted, a_run(usage=Usage(1, 2, 3, 4), p90_seconds=6e-3), None)
    # 8 inferences in 4 ms
    assert (row.seconds, row.statistic, row.batch, row.inferences_per_second) == (4e-3, "median", 8, 2000)
    assert (row.minor_faults, row.major_faults, row.voluntary_switches, row.involuntary_switches) == (1, 2, 3, 4)
    assert (row.p90_seconds, row.p99_seconds, row.peak_resident_bytes, row.joules_per_run) == (6e-3, None, None, None)
    assert (row.outputs, row.reference, row.surroundings) == ([], "", None)
    assert [(group.ops, group.seconds, group.roofline_seconds) for group in row.groups] == [(["0", "1"], 2e-3, None)]


def test_kernels_say_how_they_ran_where_the_runtime_tells(counted: Count) -> None:
    assert run_row(counted, a_run(), None).kernels[0].implementation == ""
    told = run_row(counted, a_run(executions=(Execution("Convolution", "jit", "bfloat16", "NHWC"),)), None).kernels[0]
    assert (told.layer, told.implementation, told.precision, told.layout) == ("Convolution", "jit", "bfloat16", "NHWC")


def test_outputs_beyond_the_tolerance_make_a_run_wrong(counted: Count) -> None:
    near = Agreement("y", absolute_error=1e-6, magnitude=2.0, relative_error=5e-7)
    infinite = float("inf")
    far = Agreement("z", absolute_error=infinite, magnitude=2.0, cosine=0.5, same_top=0.25, relative_error=infinite)
    checked = Correctness("onnxruntime 1.31.1", Tolerance(relative=1e-4), (near, far))
    row = run_row(counted, a_run(correctness=checked), None)
    assert row.is_wrong
    assert [(each.name, each.relative_error, each.is_right) for each in row.outputs] == [
        ("y", 5e-7, True), ("z", None, False)
    ]  # fmt: skip
    assert row.tolerance == 1e-4
    assert not run_row(counted, a_run(correctness=replace(checked, outputs=(near,))), None).is_wrong


def test_the_machine_around_it_comes_along(counted: Count) -> None:
    around = Surroundings("noisy", ("others",), 3, others_share=0.5, clock_before_hertz=3e9)
    row = run_row(counted, a_run(surroundings=around), None)
    assert row.surroundings is not None
    assert (row.surroundings.state, row.surroundings.reasons, row.surroundings.attempts) == ("noisy", ["others"], 3)
    assert (row.surroundings.others_share, row.surroundings.steal_share) == (0.5, None)
