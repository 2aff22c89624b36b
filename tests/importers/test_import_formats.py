"""Each format: what its sample says, figure by figure. Logs are in ms or us, records in seconds."""

import pytest

from attainable.importers import FORMATS, Log, logs_of, merged
from attainable.importers.content import content_of
from tests.importers import logs, traces
from tests.importers.logs import content


def only(text: str) -> Log:
    (log,) = logs_of(content(text))
    return log


def seconds(log: Log) -> dict[str, float]:
    return {kernel.name: round(kernel.seconds, 12) for kernel in log.kernels}


def test_onnxruntime_medians_leave_out_the_cold_run() -> None:
    durations = [(900, 500), (200, 30), (100, 20), (300, 10)]
    runs = [
        logs.onnxruntime_run(10_000 * (index + 1), ("conv1", "Conv", first), ("relu1", "Relu", second))
        for index, (first, second) in enumerate(durations)
    ]
    log = only(logs.onnxruntime_profile(*runs))
    # each run has 10 us before and behind its kernels: 1420, 250, 140, 330; the first one is cold
    assert (log.times.samples, log.times.basis) == (3, "runs")
    assert log.times.median == pytest.approx(250e-6)
    assert log.times.average == pytest.approx((250 + 140 + 330) / 3 * 1e-6)
    assert (log.times.minimum, log.times.maximum) == (pytest.approx(140e-6), pytest.approx(330e-6))
    assert log.first_run_seconds == pytest.approx(1420e-6)
    assert log.load_seconds == pytest.approx(300e-6)
    # medians of 200, 100, 300 and of 30, 20, 10
    assert seconds(log) == {"conv1": 200e-6, "relu1": 20e-6}
    assert [kernel.kind for kernel in log.kernels] == ["Conv", "Relu"]
    assert log.statistic == "median"
    assert log.threads is None


def test_onnxruntime_counts_the_body_of_a_loop_once() -> None:
    # the loop takes 100 us, and the two kernels of its body 40 us each within these
    run = [
        logs.event("inner_kernel_time", 1020, 40, "MatMul"),
        logs.event("inner_kernel_time", 1060, 40, "MatMul"),
        logs.event("loop_kernel_time", 1010, 100, "Loop"),
        logs.event("after_kernel_time", 1110, 5, "Relu"),
        logs.event("model_run", 1000, 120, category="Session"),
    ]
    assert seconds(only(logs.onnxruntime_profile(run))) == {"loop": 100e-6, "after": 5e-6}


def test_percentiles_stand_where_there_are_enough_samples() -> None:
    entries = ", ".join(f'{{"startEnqMs": 1, "latencyMs": {number}}}' for number in range(1, 101))
    # 90 % of 100 times of 1 to 100 ms are at most 90 ms; p99 takes 662 samples
    assert only(f"[{entries}]").times.percentiles == ((90.0, pytest.approx(0.09)),)


def test_onnxruntime_adds_up_calls_of_one_name() -> None:
    log = only(logs.onnxruntime_profile(logs.onnxruntime_run(1000, ("a", "Relu", 10), ("a", "Relu", 30))))
    assert [(kernel.calls, kernel.seconds) for kernel in log.kernels] == [(2, pytest.approx(40e-6))]
    assert any("cold" in note for note in log.notes)


def test_openvino_report() -> None:
    log = only(logs.OPENVINO_REPORT)
    assert (log.network, log.threads, log.batch, log.accelerator) == ("net", 2, 4, "")
    times = log.times
    assert (times.samples, times.median, times.average) == (50, 0.0075, 0.008)
    assert (times.minimum, times.maximum) == (0.007, 0.011)
    assert (log.load_seconds, log.first_run_seconds) == (pytest.approx(0.12), pytest.approx(0.009))
    assert times.missing == ("percentiles",)


def test_openvino_percentile_is_no_median() -> None:
    log = only(logs.OPENVINO_REPORT.replace("latency (ms);", "latency (90 percentile) (ms);"))
    assert log.times.median is None
    assert log.times.percentiles == ((90.0, 0.0075),)
    assert log.times.typical == ("average", 0.008)


def test_openvino_counters() -> None:
    log = only(logs.OPENVINO_COUNTERS)
    assert seconds(log) == {"conv1": 0.002, "conv1_abcd_acdb": 0.0005}
    assert log.kernels[0].fused == ("relu1",)
    assert log.kernels[0].precision == "f32"
    assert log.times.typical is None


def test_openvino_detailed_counters_are_averaged_over_requests() -> None:
    second = logs.OPENVINO_COUNTERS.replace("2.000;2.000", "4.000;4.000")
    # 2 ms in the first request and 4 ms in the second
    assert seconds(only(logs.OPENVINO_COUNTERS + second)) == {"conv1": 0.003, "conv1_abcd_acdb": 0.0005}


def test_openvino_names_may_hold_the_separator() -> None:
    assert "a;b" in seconds(only(logs.OPENVINO_COUNTERS.replace("\nconv1;", "\na;b;")))


def test_openvino_written_in_cpp_ends_lines_with_a_separator() -> None:
    text = "\n".join(f"{line};" if line else line for line in logs.OPENVINO_COUNTERS.replace("Status.", "").split("\n"))
    assert seconds(only(text)) == {"conv1": 0.002, "conv1_abcd_acdb": 0.0005}


def test_trtexec_profile() -> None:
    log = only(logs.TRTEXEC_PROFILE)
    assert list(seconds(log).values()) == [0.00125, 0.0005]
    # the sum of the averages is no time of whole runs, and medians do not add up
    assert (log.times.basis, log.times.average, log.times.median) == ("operators", pytest.approx(0.002), None)
    assert (log.times.samples, log.statistic, log.accelerator) == (100, "median", "gpu")


def test_trtexec_profile_of_old_releases_has_averages_only() -> None:
    text = logs.TRTEXEC_PROFILE.replace('"medianMs" : 1.25, ', "").replace('"medianMs" : 0.5,', "")
    log = only(text)
    assert (list(seconds(log).values()), log.statistic) == ([0.0015, 0.0005], "average")


def test_trtexec_times() -> None:
    log = only(logs.TRTEXEC_TIMES)
    assert (log.times.samples, log.times.median, log.times.minimum) == (3, pytest.approx(0.004), pytest.approx(0.003))
    # computing took 2, 4 and 3 ms
    assert any("3.00 ms" in note for note in log.notes)


def test_trtexec_files_of_one_engine_are_one_run() -> None:
    log = merged([only(text) for text in (logs.TRTEXEC_LAYERS, logs.TRTEXEC_PROFILE, logs.TRTEXEC_TIMES)])
    assert (log.times.basis, log.times.median) == ("runs", pytest.approx(0.004))
    assert [kernel.kind for kernel in log.kernels] == ["CaskConvolution", ""]
    assert (log.statistic, len(log.sources)) == ("median", 3)


def test_benchncnn_has_no_median() -> None:
    first, quantised, second = logs_of(content(logs.BENCHNCNN))
    assert (first.network, first.threads, first.times.samples) == ("squeezenet", 4, 20)
    assert (first.times.median, first.times.average) == (None, pytest.approx(0.011))
    assert (first.times.minimum, first.times.maximum) == (pytest.approx(0.01), pytest.approx(0.0125))
    assert first.times.missing == ("median", "percentiles")
    assert first.notes == ("it ran on the big cores only",)
    assert quantised.precision == "int8"
    # the settings of the output before are forgotten
    assert (second.threads, second.times.samples, second.accelerator, second.notes) == (1, 8, "gpu", ())


def test_tflite_times_are_those_after_the_warm_up() -> None:
    log = only(logs.TFLITE_BENCHMARK)
    assert (log.network, log.threads) == ("net", 4)
    assert (log.times.samples, log.times.median, log.times.average) == (
        60,
        pytest.approx(0.01615),
        pytest.approx(0.0162),
    )
    assert (log.times.minimum, log.times.maximum) == (pytest.approx(0.0159), pytest.approx(0.0171))
    assert log.times.percentiles == ((5.0, pytest.approx(0.01595)), (95.0, pytest.approx(0.0168)))
    assert (log.load_seconds, log.first_run_seconds) == (pytest.approx(0.012), pytest.approx(0.02))


def test_tflite_kernels_are_those_of_a_run() -> None:
    log = only(logs.TFLITE_BENCHMARK)
    # 3 calls of 1.5 ms; what ran in some runs only has 9.375 % of 16 ms; tensors are allocated once
    assert list(seconds(log).values()) == [0.010, 0.0045, 0.0015]
    assert [kernel.kind for kernel in log.kernels] == ["CONV_2D", "Convolution (NHWC, F32) DWConv", "SOFTMAX"]


def test_tflite_of_old_releases_counts_no_calls_and_has_no_median() -> None:
    table = logs.TFLITE_TABLE.replace("[first]", "[start]\t  [first]")
    text = (
        f"Running benchmark for 1 iterations\ncount=1 curr=83235\n\nRunning benchmark for 50 iterations\n"
        f"count=50 first=79449 curr=81350 min=77385 max=88213 avg=79732 std=1929\n\n{table}"
        "\t CONV_2D\t 0.000\t 4.269\t 4.269\t 0.107%\t 0.107%\t 0.000\t 0\t[a]\n"
        "\t SOFTMAX\t 79.443\t 0.029\t 0.029\t 0.001%\t 1.993%\t 0.000\t 0\t[b]\n\n"
    )
    log = only(text)
    assert seconds(log) == {"[a]": 0.004269, "[b]": 0.000029}
    assert (log.times.median, log.times.average) == (None, pytest.approx(0.079732))


def test_rknn_operators_of_one_frame() -> None:
    log = only(logs.RKNN_PERF)
    assert seconds(log) == {"InputOperator:x": 4e-6, "Conv:conv1": 0.0016, "Pad:pad1": 0.000396}
    assert [kernel.kind for kernel in log.kernels] == ["InputOperator (CPU)", "ConvRelu", "Pad (CPU)"]
    assert (log.times.samples, log.times.median, log.times.basis) == (1, pytest.approx(0.002), "operators")


def test_rknn_of_newer_releases_has_three_columns_of_cycles() -> None:
    text = logs.RKNN_PERF.replace("0/0/0", "0 0 0").replace("100/80/100", "100 80 100")
    assert seconds(only(text)) == {"InputOperator:x": 4e-6, "Conv:conv1": 0.0016, "Pad:pad1": 0.000396}


def test_rknn_without_the_table_is_a_whole_frame() -> None:
    log = only("CPU Current Frequency List:\n    - 1800000\nTotal Time(us): 17219\nFPS: 58.08\n")
    assert (log.times.basis, log.times.median, log.kernels) == ("runs", pytest.approx(0.017219), ())


def test_every_sample_is_recognised_by_one_format_only() -> None:
    samples = {
        "onnxruntime": [logs.onnxruntime_profile(logs.onnxruntime_run(1000, ("a", "Relu", 10)))],
        "openvino": [logs.OPENVINO_REPORT, logs.OPENVINO_COUNTERS],
        "trtexec": [logs.TRTEXEC_PROFILE, logs.TRTEXEC_TIMES, logs.TRTEXEC_LAYERS],
        "benchncnn": [logs.BENCHNCNN],
        "tflite": [logs.TFLITE_BENCHMARK],
        "rknn": [logs.RKNN_PERF],
        "torch": [traces.three_steps()],
        "nsys": [traces.NSYS_TRACE],
    }
    assert samples.keys() == FORMATS.keys()
    for name, texts in samples.items():
        for text in texts:
            assert [format for format, row in FORMATS.items() if row.sniff(text[: row.head])] == [name]
            assert {log.sources[0].format for log in logs_of(content(text))} == {name}


def test_a_redirection_under_windows_writes_utf_16() -> None:
    (log,) = logs_of(content_of(logs.RKNN_PERF.encode("utf-16"), where="log"))
    assert len(log.kernels) == 3
