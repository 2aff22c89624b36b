"""Logs that are cut off, wrong or hostile: one typed error that says what and where, whatever the bytes are."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attainable.errors import InputError, UnknownName
from attainable.importers import FORMATS, logs_of, merged, read_log
from attainable.importers.content import content_of
from tests.importers import logs, traces
from tests.importers.logs import content

PROFILE = logs.onnxruntime_profile(logs.onnxruntime_run(1000, ("conv1", "Conv", 100)))
SAMPLES = {
    "onnxruntime": PROFILE, "openvino": logs.OPENVINO_REPORT, "openvino counters": logs.OPENVINO_COUNTERS,
    "trtexec": logs.TRTEXEC_PROFILE, "trtexec times": logs.TRTEXEC_TIMES, "trtexec layers": logs.TRTEXEC_LAYERS,
    "benchncnn": logs.BENCHNCNN, "tflite": logs.TFLITE_BENCHMARK, "rknn": logs.RKNN_PERF,
    "torch": traces.three_steps(), "nsys": traces.NSYS_TRACE,
}  # fmt: skip


def refused(text: str, format: str | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        logs_of(content(text), format)
    assert caught.value.help
    return caught.value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PROFILE[:-20], "ends before its JSON does"),
        (PROFILE.replace("model_run", "other"), "has no run of a model"),
        (logs.OPENVINO_REPORT.split("Execution")[0], "has no results"),
        (logs.OPENVINO_COUNTERS.split("Total")[0], "ends before its total"),
        (logs.TRTEXEC_TIMES[:-3], "ends before its JSON does"),
        (logs.TFLITE_BENCHMARK.split("Inference timings")[0].rsplit("INFO: Running", 1)[0], "ends after the warm-up"),
        (
            logs.TFLITE_BENCHMARK.split("[net/softmax]")[0].rsplit("\n", 1)[0],
            "ends within its table",
        ),
        (logs.RKNN_PERF.split("Total")[0], "ends before its total"),
        (logs.BENCHNCNN.split("          squeezenet")[0], "has no line with times"),
    ],
)
def test_a_log_that_is_cut_off(text: str, words: str) -> None:
    assert words in refused(text).what


def test_all_faults_of_a_log_are_told_with_their_lines() -> None:
    text = logs.BENCHNCNN.replace("10.00", "-1.00").replace("21.00", "nan").replace("4.00", "1e99999")
    error = refused(text)
    assert error.faults == (
        "a time of '-1.00' is negative @ line 7",
        "a time of 'nan' is no number @ line 8",
        "the average is not between the smallest and the largest time @ line 8",
        "a time of '1e99999' is no number @ line 12",
        "the average is not between the smallest and the largest time @ line 12",
    )


def test_a_thousand_faults_are_counted() -> None:
    lines = "".join(f"n{index}  min = x  max = y  avg = z\n" for index in range(1000))
    error = refused(logs.BENCHNCNN + lines)
    # three numbers in a line
    assert error.faults[-1] == "and 2980 more"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (PROFILE.replace('"dur": 100', '"dur": -5'), "is negative @ event"),
        (PROFILE.replace('"dur": 100', '"dur": 1e300'), "is too large @ event"),
        (logs.TRTEXEC_TIMES.replace('"latencyMs" : 5', '"latencyMs" : -5'), "is negative @ entry 1"),
        (logs.TRTEXEC_TIMES.replace('"latencyMs" : 5', '"other" : 5'), "has no latency @ entry 1"),
        (logs.TRTEXEC_PROFILE.replace('"count" : 100', '"count" : 0'), "how many runs were profiled @ entry 0"),
        (logs.OPENVINO_REPORT.replace("7.50", "soon"), "a time of 'soon' is no number @ line 16"),
        (logs.OPENVINO_REPORT.replace("batch size;4", "batch size;4.5"), "'4.5' is no whole number @ line 8"),
        (logs.OPENVINO_COUNTERS.replace("2.000;2.000", "inf;2.000"), "a time of 'inf' is no number @ line 3"),
        (logs.OPENVINO_COUNTERS.replace("conv1;Status", "conv1"), "is no layer with its counters @ line 3"),
        (logs.TFLITE_BENCHMARK.replace("median=16150", "median=-1"), "is negative @ line 10"),
        (logs.RKNN_PERF.replace("1600", "lots"), "a time of 'lots' is no number @ line 6"),
    ],
)  # fmt: skip
def test_figures_that_are_none(text: str, fault: str) -> None:
    assert any(fault in found for found in refused(text).faults), refused(text).faults


def test_runs_at_the_same_time_are_refused() -> None:
    runs = [logs.onnxruntime_run(start, ("a", "Relu", 100)) for start in (1000, 1050)]
    assert "at the same time" in refused(logs.onnxruntime_profile(*runs)).what


def test_json_nested_without_end() -> None:
    refused('[{"cat":"Node","ph":"X","dur":1,"args":' + "[" * 200_000, "onnxruntime")
    unread = PROFILE.replace('"pid": 1', '"pid": ' + "[" * 100_000 + "]" * 100_000)
    assert "JSON" in refused(unread, "onnxruntime").what


def test_a_line_of_broken_json_is_told() -> None:
    assert refused("[\n\n{x}\n]", "onnxruntime").where == "log line 3"


def test_an_unknown_or_ambiguous_format_lists_all() -> None:
    for text in ("hello", logs.BENCHNCNN + logs.RKNN_PERF):
        assert all(name in refused(text).help for name in FORMATS)
    with pytest.raises(UnknownName, match="onnxruntime"):
        read_log(Path("log"), "onnx")


@pytest.mark.parametrize("format", FORMATS)
def test_another_format_than_the_named_one(format: str) -> None:
    for name, text in SAMPLES.items():
        if not name.startswith(format):
            refused(text, format)


def test_files_that_are_none(tmp_path: Path) -> None:
    empty, binary, pipe = tmp_path / "empty", tmp_path / "binary", tmp_path / "pipe"
    empty.write_bytes(b" \n")
    binary.write_bytes(b"\x08\x07onnx\0\0")
    os.mkfifo(pipe)
    for path in (empty, binary, pipe, tmp_path, tmp_path / "missing", Path("a\0b")):
        with pytest.raises(InputError):
            read_log(path)


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attainable.importers.content.MOST_BYTES", 100)
    path = tmp_path / "log"
    path.write_bytes(b"x" * 101)
    with pytest.raises(InputError, match="larger"):
        read_log(path)
    monkeypatch.setattr("attainable.importers.content.MOST_LINES", 3)
    assert "more than 3 lines" in refused(logs.BENCHNCNN).what
    monkeypatch.setattr("attainable.importers.content.LONGEST_LINE", 5)
    assert "line without end" in refused(logs.BENCHNCNN).what
    monkeypatch.setattr("attainable.importers.onnxruntime_profile.MOST_EVENTS", 3)
    assert "more than 3 events" in refused(PROFILE).what
    monkeypatch.setattr("attainable.importers.trtexec.MOST_KERNELS", 1)
    assert "more than 1 layers" in refused(logs.TRTEXEC_PROFILE).what


def test_only_files_of_one_run_are_merged() -> None:
    (counters,), (report,), (times,) = (
        logs_of(content(text)) for text in (logs.OPENVINO_COUNTERS, logs.OPENVINO_REPORT, logs.TRTEXEC_TIMES)
    )
    with pytest.raises(InputError, match="several runtimes"):
        merged([counters, times])
    with pytest.raises(InputError, match="more than once"):
        merged([report, report])
    assert merged([counters, report]).times == report.times


def parse(bytes: bytes, format: str | None) -> None:
    """Nothing but a typed error may leave an importer."""
    try:
        for log in logs_of(content_of(bytes, where="log"), format):
            assert all(kernel.seconds >= 0 for kernel in log.kernels)
    except InputError as error:
        assert str(error)


FORMAT_OR_NONE = st.sampled_from([None, *FORMATS])
PIECES = [
    "min =", "-1", "nan", "1e308", "99999999999999999999", "[", "]", "{", "}", '"', ";", "\t", "\n\n", "=====", "%",
    "  ", "Run Order", "Total;", "count=", "\x1b[2J", "\u202e", "\0", "Total Time(us): ", "null", "true",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(bytes=st.binary(max_size=300), format=FORMAT_OR_NONE)
def test_any_bytes(bytes: bytes, format: str | None) -> None:
    parse(bytes, format)


@settings(max_examples=400, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(SAMPLES)), format=FORMAT_OR_NONE)
def test_samples_with_pieces_cut_out_and_put_in(data: st.DataObject, name: str, format: str | None) -> None:
    text = SAMPLES[name]
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 200)))
        text = text[:start] + data.draw(st.sampled_from(["", *PIECES]) | st.text(max_size=8)) + text[end:]
    parse(text.encode("utf-8", "replace"), format)
