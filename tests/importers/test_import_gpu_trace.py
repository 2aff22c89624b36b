"""Traces of GPU kernels: how busy the GPU was, what a run took, and which figures a trace does not give."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attainable.errors import InvalidQuantity
from attainable.importers import Log, logs_of
from attainable.importers.trace import Activity, GpuActivity, Trace, trace_of, union
from attainable.importers.traced_runs import with_runs
from tests.importers import logs, traces
from tests.importers.logs import content
from tests.importers.traces import kernel

MICROSECOND = 1e-6


def log_of(text: str) -> Log:
    (log,) = logs_of(content(text))
    return log


def traced(log: Log) -> tuple[Trace, GpuActivity]:
    assert log.trace is not None
    (gpu,) = log.trace.gpus
    return log.trace, gpu


def test_busy_is_when_at_least_one_kernel_ran() -> None:
    trace, gpu = traced(log_of(traces.torch_trace(
        kernel("a", 100, 10), kernel("b", 105, 10, stream=8), kernel("a", 120, 10),
    )))  # fmt: skip
    # from 100 to 130: busy from 100 to 115 and from 120 to 130
    assert trace.span_seconds == pytest.approx(30 * MICROSECOND)
    assert gpu.busy_seconds == pytest.approx(25 * MICROSECOND)
    assert gpu.busy_share == pytest.approx(25 / 30)
    assert (gpu.name, gpu.kernels) == ("NVIDIA H100 80GB HBM3", 3)
    assert [(stream.stream, stream.kernels, round(stream.busy_share, 6)) for stream in gpu.streams] == [
        ("7", 2, round(20 / 30, 6)), ("8", 1, round(10 / 30, 6)),
    ]  # fmt: skip
    assert (gpu.gaps.count, gpu.gaps.longest_seconds) == (1, pytest.approx(5 * MICROSECOND))


def test_copies_are_not_busy() -> None:
    trace, gpu = traced(log_of(traces.torch_trace(
        traces.copy(0, 10), kernel("a", 8, 4), {**traces.copy(20, 4), "cat": "gpu_memset"},
    )))  # fmt: skip
    # the copy runs alone until 8, the fill from 20 to 24
    assert trace.span_seconds == pytest.approx(24 * MICROSECOND)
    assert (gpu.busy_seconds, gpu.copy_seconds) == (pytest.approx(4 * MICROSECOND), pytest.approx(12 * MICROSECOND))


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20), st.sampled_from("78")), min_size=1, max_size=30))
def test_busy_agrees_with_looking_at_every_nanosecond(kernels: Sequence[tuple[int, int, str]]) -> None:
    activities = [Activity("k", "kernel", start, start + length, 0, stream) for start, length, stream in kernels]
    ran = [any(each.start <= now < each.end for each in activities) for now in range(100)]
    first, last = min(each.start for each in activities), max(each.end for each in activities)
    (gpu,) = trace_of(activities, {}, window=(first, last)).gpus
    assert gpu.busy_seconds == pytest.approx(sum(ran) * 1e-9)
    idle = "".join("#" if busy else "." for busy in ran[first:last]).split("#")
    gaps = [len(gap) for gap in idle if gap]
    assert (gpu.gaps.count, gpu.gaps.seconds) == (len(gaps), pytest.approx(sum(gaps) * 1e-9))
    assert gpu.gaps.longest_seconds == pytest.approx(max(gaps, default=0) * 1e-9)
    for stream in gpu.streams:
        its = [each for each in activities if each.stream == stream.stream]
        assert stream.busy_seconds == pytest.approx(
            sum(any(each.start <= now < each.end for each in its) for now in range(100)) * 1e-9
        )


def test_intervals_that_touch_are_one() -> None:
    assert list(union([(0, 5), (5, 7), (8, 9)])) == [(0, 7), (8, 9)]


def test_a_marked_run_lasts_until_the_next_one_begins() -> None:
    log = log_of(traces.three_steps())
    trace, gpu = traced(log)
    # the GPU begins 20 us behind each step, so that two whole runs are from 1020 to 1220
    assert (trace.runs, trace.marked, trace.span_seconds) == (3, True, pytest.approx(200 * MICROSECOND))
    assert (log.times.samples, log.times.median) == (2, pytest.approx(100 * MICROSECOND))
    # 40 and 10 us in each 100
    assert gpu.busy_share == pytest.approx(0.5)
    assert [(each.name, each.kind, each.calls) for each in log.kernels] == [
        ("void conv(float*)", "aten::convolution", 1), ("relu", "", 1),
    ]  # fmt: skip
    assert [each.seconds for each in log.kernels] == [pytest.approx(40 * MICROSECOND), pytest.approx(10 * MICROSECOND)]
    assert log.accelerator == "gpu"


def test_a_kernel_belongs_to_the_step_that_started_it() -> None:
    events = [
        traces.step(1, 0, 10), traces.step(2, 10, 10),
        *(traces.processor("cudaLaunchKernel", "cuda_runtime", 1 + 10 * n, 1, correlation=n) for n in range(2)),
        # both run long after the steps have ended on the processor
        kernel("a", 100, 30, correlation=0), kernel("a", 150, 50, correlation=1),
    ]  # fmt: skip
    log = log_of(traces.torch_trace(*events))
    assert (log.times.samples, log.times.median) == (1, pytest.approx(50 * MICROSECOND))
    # the median of 30 and 50
    assert [each.seconds for each in log.kernels] == [pytest.approx(40 * MICROSECOND)]


def test_a_kernel_that_only_half_of_the_runs_have_has_the_median_with_zero() -> None:
    events = [traces.step(1, 0, 100), traces.step(2, 100, 100), kernel("a", 10, 10), kernel("b", 110, 6)]
    log = log_of(traces.torch_trace(*events))
    assert {each.name: each.seconds for each in log.kernels} == {"b": pytest.approx(3 * MICROSECOND)}


def test_the_only_marked_run_lasts_as_long_as_the_gpu_works() -> None:
    log = log_of(traces.torch_trace(traces.step(4, 0, 50), kernel("a", 5, 10), kernel("b", 25, 10)))
    assert (log.times.samples, log.times.median) == (1, pytest.approx(30 * MICROSECOND))


def test_what_is_outside_of_marked_runs_is_told() -> None:
    log = log_of(traces.torch_trace(traces.step(4, 0, 50), kernel("a", 5, 10), kernel("b", 70, 10)))
    assert any("1 of 2 activities are in no marked run" in note for note in log.notes)
    assert [each.name for each in log.kernels] == ["a"]


def test_steps_at_the_same_time_mark_nothing() -> None:
    log = log_of(traces.torch_trace(traces.step(1, 0, 50), traces.step(1, 20, 50), kernel("a", 5, 10)))
    assert traced(log)[0].runs is None
    assert any("marked at the same time" in note for note in log.notes)


def test_a_trace_without_marks_has_no_time_of_a_run_until_somebody_counts_them() -> None:
    log = log_of(traces.NSYS_TRACE)
    assert (log.times.typical, log.statistic) == (None, "whole log")
    told = with_runs(log, 2)
    # from 1 to 10 us
    assert (told.times.average, told.times.median) == (pytest.approx(4.5 * MICROSECOND), None)
    # relu ran twice for 2 us each; the product once, for 3 us
    assert {each.name: (each.seconds, each.calls) for each in told.kernels} == {
        "void gemm<float, 4>(float*, int)": (pytest.approx(1.5 * MICROSECOND), 1),
        "relu": (pytest.approx(2 * MICROSECOND), 1),
        "[CUDA memcpy HtoD]": (pytest.approx(0.25 * MICROSECOND), 1),
    }
    assert any("2 of 3 kernels did not run a multiple of 2 times" in note for note in told.notes)
    assert (traced(told)[0].runs, traced(told)[0].marked) == (2, False)


def test_runs_are_told_of_traces_without_marks_only() -> None:
    with pytest.raises(InvalidQuantity, match="marks 3 runs itself"):
        with_runs(log_of(traces.three_steps()), 3)
    with pytest.raises(InvalidQuantity, match="traces of GPU kernels"):
        with_runs(log_of(logs.RKNN_PERF), 3)


def test_kernels_shorter_than_the_gaps_between_them_are_bound_by_their_start() -> None:
    short = [kernel("tiny", 10 * number, 2) for number in range(20)]
    _, gpu = traced(log_of(traces.torch_trace(*short)))
    # 2 us of kernel, 8 us of gap
    assert (gpu.median_kernel_seconds, gpu.gaps.median_seconds) == (
        pytest.approx(2 * MICROSECOND), pytest.approx(8 * MICROSECOND),
    )  # fmt: skip
    assert gpu.launch_bound
    close = [kernel("large", 10 * number, 9) for number in range(20)]
    assert not traced(log_of(traces.torch_trace(*close)))[1].launch_bound
    # long gaps are rare: nothing that the start of kernels explains
    rare = [kernel("large", 10 * number, 10) for number in range(20)]
    assert not traced(log_of(traces.torch_trace(*rare, kernel("large", 215, 10))))[1].launch_bound


def test_occupancy_is_weighted_by_time_and_left_out_where_it_is_not_told() -> None:
    known = {"est. achieved occupancy %": 40}
    high = {"est. achieved occupancy %": 100}
    _, gpu = traced(log_of(traces.torch_trace(
        kernel("a", 0, 30, **known), kernel("b", 30, 10, **high), kernel("c", 40, 99),
    )))  # fmt: skip
    # 30 us at 40 % and 10 us at 100 %
    assert gpu.occupancy == pytest.approx(0.55)
    assert traced(log_of(traces.torch_trace(kernel("c", 40, 99))))[1].occupancy is None


def test_old_releases_write_categories_with_capitals_and_times_since_1970() -> None:
    old = {**kernel("a", 1689861288841850, 9), "cat": "Kernel"}
    (found,) = log_of(traces.torch_trace(old, {**traces.copy(1689861288841800, 9), "cat": "Memcpy"})).kernels[1:]
    # a double holds quarters of a microsecond there
    assert (found.name, found.seconds) == ("a", pytest.approx(9 * MICROSECOND))


@pytest.mark.parametrize(
    ("name", "is_narrow"),
    [
        ("sm80_xmma_gemm_f32f32_tf32f32_f32_tn_n_tilesize128x128x16", True),
        ("ampere_fp16_s16816gemm_fp16_128x64_ldg8_f2f_stages_32x6_tn", True),
        ("void cutlass::Kernel<cutlass_80_tensorop_s1688gemm_128x128_16x5_tn_align4>(Params)", True),
        ("volta_h884gemm_64x128_ldg8_nn", True),
        ("ampere_sgemm_128x64_nn", False),
        ("void cudnn::ops::nchwToNhwcKernel<float, float, float, false, true>(int)", False),
        ("void at::native::vectorized_elementwise_kernel<4, at::native::AddFunctor<float>>(int)", False),
    ],
)
def test_names_tell_of_narrower_types(name: str, *, is_narrow: bool) -> None:
    # 30 of 40 us
    log = log_of(traces.torch_trace(kernel(name, 0, 30), kernel("relu", 30, 10), traces.copy(40, 50)))
    notes = [note for note in log.notes if "float32 peak" in note]
    assert (
        notes
        == ["kernels of 75 % of the time have names of TF32 or 16-bit routines: a float32 peak is not theirs"][
            : int(is_narrow)
        ]
    )


def test_gpus_are_told_apart() -> None:
    log = log_of(traces.torch_trace(kernel("a", 0, 10), kernel("a", 0, 40, device=1)))
    assert log.trace is not None
    assert [(gpu.gpu, gpu.busy_share) for gpu in log.trace.gpus] == [(0, pytest.approx(0.25)), (1, pytest.approx(1.0))]


def test_nsys_skips_what_stands_before_the_table() -> None:
    log = log_of(traces.NSYS_TRACE)
    trace, gpu = traced(log)
    # kernels from 2 to 6 and 8 to 10 of the 9 us from 1 to 10
    assert trace.span_seconds == pytest.approx(9 * MICROSECOND)
    assert gpu.busy_share == pytest.approx(6 / 9)
    assert (gpu.name, gpu.kernels, gpu.copy_seconds) == ("NVIDIA H100", 3, pytest.approx(0.5 * MICROSECOND))
    assert [stream.stream for stream in gpu.streams] == ["7", "13"]
    assert {each.name: each.kind for each in log.kernels}["[CUDA memcpy HtoD]"] == "copy"
    assert log.sources[0].format == "nsys"


@pytest.mark.parametrize(("unit", "factor"), [("nsec", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9)])
def test_nsys_tells_its_unit_in_the_header(unit: str, factor: float) -> None:
    text = traces.NSYS_TRACE.replace("(ns)", f"({unit})")
    assert traced(log_of(text))[0].span_seconds == pytest.approx(9 * MICROSECOND * factor)


def test_nsys_counts_the_gpus_by_their_numbers() -> None:
    rows = [traces.nsys_row(0, 10, "a", gpu="H100 (3)"), traces.nsys_row(5, 15, "a", gpu="H100 (1)")]
    log = log_of("\n".join([traces.NSYS_HEADER, *rows]))
    assert log.trace is not None
    assert [(gpu.gpu, gpu.name, gpu.busy_share) for gpu in log.trace.gpus] == [
        (1, "H100", pytest.approx(0.75)), (3, "H100", pytest.approx(0.5)),
    ]  # fmt: skip


def test_onnxruntime_tells_kernels_where_it_was_built_to() -> None:
    runs = [logs.onnxruntime_run(start, ("conv1", "Conv", 80)) for start in (1000, 2000, 3000)]
    on_gpu: list[traces.Event] = [
        {"cat": "Kernel", "pid": -1, "tid": -1, "dur": duration, "ts": start, "ph": "X", "name": name,
         "args": {"stream": "7", "grid_x": "8", "op_name": ""}}
        for start, duration, name in [
            (1010, 90, "cold"), (2010, 30, "void conv()"), (2050, 10, "MemcpyDeviceToHost"), (3010, 30, "void conv()"),
        ]
    ]  # fmt: skip
    log = log_of(logs.onnxruntime_profile(*runs, on_gpu))
    trace, gpu = traced(log)
    # the warm runs are from 2000 to 2100 and from 3000 to 3100
    assert (trace.runs, trace.span_seconds) == (2, pytest.approx(1100 * MICROSECOND))
    assert (gpu.busy_seconds, gpu.copy_seconds) == (pytest.approx(60 * MICROSECOND), pytest.approx(10 * MICROSECOND))
    assert [each.name for each in log.kernels] == ["conv1"]
    assert log_of(logs.onnxruntime_profile(*runs)).trace is None


@pytest.mark.parametrize(
    ("copies", "bound"),
    [
        # start and length in each 10 us, of which a kernel has the first 2: 6 of the 8 others are a copy
        ([(3, 6)], "copies"),
        # 1 of 8; half of the gaps in which nothing ran are of 3 us, half of 4
        ([(5, 1)], "launches"),
        # 3 of 8, and most of the gaps between them are of 1 us, shorter than the kernels
        ([(3, 1), (5, 1), (7, 1)], ""),
    ],
)
def test_gaps_of_copies_are_not_gaps_before_a_start(copies: Sequence[tuple[int, int]], bound: str) -> None:
    events = [kernel("tiny", 10 * number, 2) for number in range(21)]
    events += [traces.copy(10 * number + start, length) for number in range(20) for start, length in copies]
    _, gpu = traced(log_of(traces.torch_trace(*events)))
    together = sum(length for _, length in copies)
    assert gpu.gaps.seconds == pytest.approx(20 * 8 * MICROSECOND)
    assert gpu.idle.seconds == pytest.approx(20 * (8 - together) * MICROSECOND)
    assert (gpu.copy_bound, gpu.launch_bound) == (bound == "copies", bound == "launches")


def test_kernels_of_earlier_runs_only_are_told() -> None:
    steps = [traces.step(1, 0, 100), traces.step(2, 100, 100)]
    same = [kernel("b", 50, 4), kernel("b", 110, 8)]
    log = log_of(traces.torch_trace(*steps, kernel("a", 10, 6), kernel("a", 20, 6), *same))
    assert [each.name for each in log.kernels] == ["b"]
    # 12 us of a and 12 us of b
    assert (
        "kernels of earlier runs that the last one did not run, and that are not listed: 1, 50 % of the kernels' time "
        "in marked runs" in log.notes
    )
    assert not any("earlier runs" in note for note in log_of(traces.torch_trace(*steps, *same)).notes)
