"""``attainable import``: the screen, the JSON, the file that a report is made of, and refusals."""

import json
from pathlib import Path

from attainable.analysis.records import Analysis
from attainable.names import clean
from tests.cli.shown import Command
from tests.importers import logs
from tests.models import chain, save
from tests.report.evil import EVIL_NAMES


def written(text: str, name: str = "log.txt") -> Path:
    path = Path(name)
    path.write_text(text)
    return path


def profile() -> Path:
    runs = [
        logs.onnxruntime_run(10_000 * (index + 1), ("c0", "Conv", 100), ("mystery", "Fused", 300)) for index in range(8)
    ]
    return written(logs.onnxruntime_profile(*runs), "profile.json")


def test_the_screen_names_the_statistic_and_the_source(attainable: Command) -> None:
    shown = attainable("import", profile())
    assert (shown.code, shown.err) == (0, "")
    # 7 warm runs of 10 + 100 + 300 + 10 us
    assert "420 us   median, 420 us..420 us, 7 runs" in shown.out
    assert "Add --model MODEL" in shown.out
    assert "Source: profile.json, written by ONNX Runtime's profiler, sha256 " in shown.out


def test_a_log_without_median_says_so(attainable: Command) -> None:
    shown = attainable("import", written("loop_count = 4\nnum_threads = 2\n" + logs.BENCHNCNN.splitlines()[6]))
    assert "11.0 ms   average, the log has no median, 10.0 ms..12.5 ms, 4 runs" in shown.out
    assert "2 threads" in shown.out
    assert "Not in the log: the median, percentiles." in shown.out


def test_a_list_of_networks(attainable: Command) -> None:
    shown = attainable("import", written(logs.BENCHNCNN))
    assert "resnet18_int8" in shown.out
    assert "3 networks and settings" in shown.out


def test_several_files_of_one_run(attainable: Command) -> None:
    files = (written(logs.OPENVINO_REPORT, "a.csv"), written(logs.OPENVINO_COUNTERS, "b.csv"))
    shown = attainable("import", *files)
    assert shown.code == 0
    assert "7.50 ms   median" in shown.out
    assert "conv1" in shown.out


def test_ops_beside_kernels_and_a_report(attainable: Command) -> None:
    model = save(chain(1), Path())
    arguments = ("--model", model, "--threads", "1", "--device", "rk3588-cpu", "--output", "run.json")
    name = json.loads(attainable("count", model, "--json").out)["ops"][0]["name"]
    text = profile().read_text().replace('"c0_kernel_time', f'"{name or "t0"}_kernel_time')
    shown = attainable("import", written(text, "profile.json"), *arguments)
    assert shown.code == 0
    analysis = Analysis.from_json(Path("run.json").read_bytes())
    assert analysis.runs[0].seconds == analysis.runs[0].minimum_seconds
    assert analysis.runs[0].provenance["log format"].startswith("onnxruntime")
    assert attainable("report", "run.json", "--output", "page.html").code == 0
    again = attainable("import", "profile.json", *arguments)
    assert again.code == 2
    assert "exists already" in again.err


def test_json_is_what_was_read(attainable: Command) -> None:
    (run,) = json.loads(attainable("import", profile(), "--json").out)
    assert [kernel["name"] for kernel in run["kernels"]] == ["c0", "mystery"]
    model = save(chain(1), Path())
    joined = json.loads(attainable("import", profile(), "--model", model, "--json").out)
    assert joined["left_out"] == []
    assert joined["analysis"]["runs"][0]["threads"] is None
    assert joined["log"]["sources"][0]["path"] == "profile.json"


def test_refusals_write_nothing(attainable: Command) -> None:
    model, output = save(chain(1), Path()), Path("run.json")
    for arguments in (
        (written("hello", "hello.txt"), "--output", output),
        (profile(), "--format", "csv", "--output", output),
        (profile(), "--device", "rk3588-cpu", "--output", output),
        (Path("missing"), "--output", output),
        (written(logs.BENCHNCNN), "--model", model, "--output", output),
    ):
        shown = attainable("import", *arguments)
        assert shown.code == 2, arguments
        assert shown.err.startswith("error: ")
        assert not output.exists()


def test_hostile_names_reach_no_terminal(attainable: Command) -> None:
    for name in (name for key, name in EVIL_NAMES.items() if key != "surrogate"):
        run = logs.onnxruntime_run(1000, (name, name, 100))
        shown = attainable("import", written(logs.onnxruntime_profile(run), "profile.json"))
        assert shown.code == 0, name
        assert all(clean(line) == line for line in shown.out.split("\n"))
