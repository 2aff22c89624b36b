"""``attainable import`` of traces of GPU kernels: busy and achieved side by side, each called what it is."""

import json
from pathlib import Path

from onnx import helper

from attainable.analysis.records import Analysis
from attainable.names import clean
from tests.cli.shown import Command
from tests.importers import logs, traces
from tests.importers.traces import kernel
from tests.models import constant, model, save, value
from tests.report.evil import EVIL_NAMES


def written(text: str, name: str = "trace.json") -> Path:
    path = Path(name)
    path.write_text(text)
    return path


def product(width: int = 1024) -> Path:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    return save(model(nodes, [value("x", [width, width])], ["y"], [constant("w", width, width)]), Path())


def test_busy_is_called_what_it_is(attainable: Command) -> None:
    shown = attainable("import", written(traces.three_steps()))
    assert (shown.code, shown.err) == (0, "")
    assert "GPU 0 NVIDIA H100 80GB HBM3" in shown.out
    assert "50 %" in shown.out
    assert "nvidia-smi calls it GPU-Util" in shown.out
    assert "median, 100 us..100 us, 2 runs" in shown.out
    # gaps of 5 us between the kernels of two steps, and of 45 us behind each of them
    assert "4 gaps without a kernel: the longest 45.0 us, half of them over 25.0 us" in shown.out
    assert "aten::convolution" in shown.out


def test_the_sentence_that_says_the_difference(attainable: Command) -> None:
    arguments = ("import", written(traces.three_steps()), "--model", product(), "--device", "h100-sxm5")
    shown = attainable(*arguments)
    # 2 x 1024^3 operations in 100 us of 66.9e12 a second, 3 x 1024^2 x 4 bytes of 3.35e12
    told = " ".join(shown.out.split())
    assert "busy 50 % of the time and reached 32 % of its float32 peak and between 4 % of its memory bandwidth" in told
    assert "(if only weights, inputs and outputs moved) and 4 % (if nothing stayed on the chip)." in told
    assert "Counted at batch 1024; add --batch if the run had another." in told
    assert "no counters of the hardware" in shown.out
    assert "21.5 Top/s" in shown.out
    joined = json.loads(attainable(*arguments, "--json").out)
    assert joined["achieved"]["operations"][0]["roof_operations_per_second"] == 66.9e12
    assert round(joined["achieved"]["busy_share"], 6) == 0.5
    assert joined["log"]["trace"]["gpus"][0]["gaps"]["count"] == 4
    assert attainable(*arguments, "--output", "run.json").code == 0
    assert Analysis.from_json(Path("run.json").read_bytes()).runs[0].samples == 2


def test_more_than_the_peak_is_explained(attainable: Command) -> None:
    shown = attainable("import", written(traces.three_steps()), "--model", product(2048), "--device", "h100-sxm5")
    assert "257 % of its float32 peak" in shown.out
    assert "narrower type (TF32" in shown.out


def test_runs_that_nobody_marked_are_counted_by_hand(attainable: Command) -> None:
    trace = written(traces.NSYS_TRACE, "trace.csv")
    shown = attainable("import", trace)
    assert "Add --runs N" in shown.out
    assert "The log has no time of whole runs." in shown.out
    shown = attainable("import", trace, "--runs", "2", "--model", product(8), "--device", "h100-sxm5")
    assert "average, the log has no median" in shown.out
    assert "The GPU was busy 67 % of the time and reached <1 % of its float32 peak" in shown.out
    assert "Add --runs" not in shown.out
    refused = attainable("import", written(traces.three_steps()), "--runs", "2")
    assert refused.code == 2
    assert "marks 3 runs itself" in refused.err


def test_kernels_that_wait_to_be_started(attainable: Command) -> None:
    tiny = [kernel("tiny", 10 * number, 2, stream=number % 7) for number in range(40)]
    shown = attainable("import", written(traces.torch_trace(*tiny)))
    told = " ".join(shown.out.split())
    assert "kernels take less than 2.00 us, and half of the gaps in which nothing ran more than 8.00 us" in told
    assert "3 more" in shown.out


def test_hostile_names_of_kernels_reach_no_terminal(attainable: Command) -> None:
    for name in (name for key, name in EVIL_NAMES.items() if key != "surrogate"):
        events = [kernel(name, 0, 5), kernel("a", 9, 5, stream=name), traces.copy(4, 3)]  # type: ignore[arg-type]
        shown = attainable(
            "import", written(traces.torch_trace(*events).replace("NVIDIA H100", json.dumps(name)[1:-1]))
        )
        assert shown.code == 0, name
        assert all(clean(line) == line for line in shown.out.split("\n"))


def test_the_example_of_the_page_about_utilisation(attainable: Command) -> None:
    page = (Path(__file__).parents[2] / "docs" / "learn" / "gpu-utilisation.md").read_text()
    for text, sentence in [
        # 21 of 21.65 us, and 4.8 of 8 us
        (traces.example(21.0, 0.65), "busy 97 % of the time and reached 11 % of its float32 peak"),
        (traces.example(4.8, 3.2), "busy 60 % of the time and reached 31 % of its float32 peak"),
    ]:
        shown = attainable("import", written(text), "--model", "resnet50", "--device", "h100-sxm5")
        assert sentence in shown.out
        assert "Counted at batch 1; add --batch if the run had another." in shown.out
    bandwidth = "3 % of its memory bandwidth (if only weights, inputs and outputs moved) and 12 % (if nothing"
    shown = attainable("import", written(traces.example(21.0, 0.65)), "--model", "resnet50", "--device", "h100-sxm5")
    assert all(bandwidth in " ".join(text.split()) for text in (shown.out, page))
    assert "| first | 1.08 ms | 97 % | 11 % |" in page
    assert "| second | 400 us | 60 % | 31 % |" in page


def test_a_gpu_that_waits_for_copies(attainable: Command) -> None:
    # 2 us of kernel, then 8 us without one, of which 6 are a copy
    events = [kernel("tiny", 10 * number, 2) for number in range(21)]
    copies = [traces.copy(10 * number + 3, 6) for number in range(20)]
    told = " ".join(attainable("import", written(traces.torch_trace(*events, *copies))).out.split())
    assert "In 75 % of the time without a kernel it copied or filled memory: the GPU waits for copies." in told
    assert "waits for kernels to be started" not in told


def test_more_than_the_bandwidth_is_explained(attainable: Command) -> None:
    width, ops = 1024, 100
    nodes = [helper.make_node("Relu", [f"t{number}"], [f"t{number + 1}"]) for number in range(ops)]
    relus = save(model(nodes, [value("t0", [width, width])], [f"t{ops}"]), Path())
    shown = attainable("import", written(traces.three_steps()), "--model", relus, "--device", "h100-sxm5")
    told = " ".join(shown.out.split())
    # 2 x 1024^2 x 4 bytes in 100 us of 3.35e12 a second, once and for each op
    low = 2 * width**2 * 4 / 100e-6 / 3.35e12
    assert f"between {low:.0%} of its memory bandwidth".replace("%", " %") in told
    assert f"and {ops * low:.0%} (if nothing stayed on the chip)".replace("%", " %") in told
    assert "More than the bandwidth means that the run kept tensors on the chip." in told


def test_what_could_not_be_counted_makes_floors(attainable: Command) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("Mystery", ["m"], ["y"], domain="com.example"),
    ]
    unknown = save(model(nodes, [value("x", [1024, 1024])], ["y"], [constant("w", 1024, 1024)]), Path())
    shown = attainable("import", written(traces.three_steps()), "--model", unknown, "--device", "h100-sxm5")
    told = " ".join(shown.out.split())
    # the product alone, as above
    assert "reached at least 32 % of its float32 peak" in told
    assert "attainable count MODEL; --trip-count" in told


def test_the_sum_of_operators_is_no_run(attainable: Command) -> None:
    shown = attainable("import", written(logs.RKNN_PERF, "perf.txt"), "--model", product(8), "--device", "rk3588-cpu")
    assert shown.code == 0
    told = " ".join(shown.out.split())
    assert "Not a run of the analysis: the log has the time of operators only, not of whole runs." in told
    assert "Achieved" not in told
