"""``attainable measure --kernels``: the executed graph on the screen and as JSON, and who cannot show one."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from attainable.cli.kernels_shown import print_executed
from attainable.measurement.correctness import Correctness
from attainable.measurement.executed import ExecutedGraph, executed_graph
from attainable.measurement.inputs import Array
from attainable.measurement.run import Run
from attainable.names import clean
from attainable.runtimes import RUNTIMES, Execution, Tolerance
from attainable.runtimes.agreement import Agreement
from attainable.runtimes.openvino import RUNTIME as OPENVINO
from attainable.testing.conformance import why_not_installed
from attainable.workload import Kernel, Op, Workload, load
from tests.cli.shown import Command
from tests.measurement import fake_runtime
from tests.report.evil import EVIL_NAMES
from tests.transforms.nets import Net, image, residual_network

COLOURS = re.compile(r"\x1b\[[\d;]*m")
RUN = Run(
    runtime="openvino", version="2026.4.1", threads=1, dtype="float32", samples=9, median_seconds=30e-6,
    low_seconds=29e-6, high_seconds=31e-6, minimum_seconds=28e-6, kernels=(), groups=(), attributed_share=None,
    kernels_seconds=20e-6, profiled_seconds=26e-6, unprofiled_seconds=25e-6, profiler_seconds=1e-6, load_seconds=0.1,
    peak_rss_bytes=2**27, inputs=(), warnings=(),
)  # fmt: skip


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return residual_network().save(folder, [image(batch="N")], "y")


@pytest.fixture
def network(tmp_path: Path) -> Workload:
    """0 Conv, 1 Relu, 2 Cast."""
    net = Net()
    net.op("Cast", net.op("Relu", net.conv("x", 3, 4)), outputs=["y"], attributes={"to": 10})
    return load(net.save(tmp_path, [image()], "y"))


def written(network: Workload, run: Run = RUN) -> ExecutedGraph:
    """20 us: a reorder of 1, a convolution of 13, a Cast of 1 in reference code, a Softmax of no op of 5."""
    kernels = (
        Kernel("@0_abcd_acdb_@1", "Reorder", 1e-6, ("0",), "layout"),
        Kernel("a", "Convolution", 13e-6, ("0", "1"), "exact"),
        Kernel("b", "Convert", 1e-6, ("2",), "exact"), Kernel("c", "Softmax", 5e-6, (), "none"),
    )  # fmt: skip
    executions = (
        Execution("Reorder", "jit_uni", "float32", "NHWC"), Execution("Convolution", "brgconv", "bfloat16", "NHWC"),
        Execution("Convert", "ref_f16", "float16", ""), Execution("Softmax", "", "float32", ""),
    )  # fmt: skip
    return executed_graph(replace(run, kernels=kernels, executions=executions), network)


def shown(graph: ExecutedGraph, labels: dict[str, str] | None = None, *, width: int = 120) -> str:
    stream = io.StringIO()
    out = Console(file=stream, width=width, force_terminal=True, color_system="truecolor")
    print_executed(graph, labels or {}, out, aside=out)
    return COLOURS.sub("", stream.getvalue())


def rows_of(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_the_executed_graph_reads_from_the_whole_to_the_kernels(network: Workload) -> None:
    rows = rows_of(shown(written(network), {"0": "Conv 3x3 3->4 on 8x8"}))
    for row in (
        "several ops fused into one kernel 1 13.0 us 65 %",  # 13 of 20
        "changes of the layout 1 1.00 us 5 %", "casts 1 1.00 us 5 %", "of no op of the model 1 5.00 us 25 %",
        "fallbacks 0 - -", "copies: reshapes, transposes, concatenations 0 - -",
        "bfloat16 1 13.0 us 65 %", "float32 2 6.00 us 30 %", "float16 1 1.00 us 5 %", "Conv+Relu 1 13.0 us 65 %",
        "0 layout Reorder jit_uni float32 NHWC 1.00 us 5 % for Conv 3x3 3->4 on 8x8 Conv0",
        "1 fused Convolution brgconv bfloat16 NHWC 13.0 us 65 % Conv 3x3 3->4 on 8x8, Relu Conv0",
        "2 cast Convert ref_f16 float16 1.00 us 5 % Cast Cast2", "3 unmapped Softmax float32 5.00 us 25 % none known",
        "20.0 us the kernels together, 80 % of the unprofiled median of 25.0 us",  # 20 of 25
        "25 % of the kernels' time could not be traced to ops of the model",  # the Softmax
        "+4.0 % what the profiler added to whole runs (25.0 us without, 26.0 us with it)",  # 26 of 25
        "1.00 us subtracted from each kernel for the profiler",
        "3 ops ran as 4 kernels; 2 ops share a kernel with others",
    ):  # fmt: skip
        assert row in rows, (row, rows)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_executed_graph_fits_the_width(network: Workload, width: int) -> None:
    lines = shown(written(network), {"0": "Conv 3x3 3->4 on 8x8"}, width=width).splitlines()
    assert max(map(len, lines)) <= width
    if width >= 80:
        # A narrow table keeps the type and the layout, in the kernel's own column.
        assert {"brgconv", "bfloat16", "NHWC"} <= set(" ".join(lines).split())


def test_wrong_outputs_and_what_is_told_of_them_come_first(network: Workload) -> None:
    outputs = (Agreement("y", "", 0.5, 1.0, 0.9, 0.25, 0.5),)
    correctness = Correctness("onnxruntime 1.31.1", Tolerance(1e-4), outputs)
    run = replace(RUN, correctness=correctness, warnings=correctness.faults)
    rows = rows_of(shown(written(network, run)))
    wrong = rows.index("WRONG outputs, compared with onnxruntime 1.31.1 without optimisation:")
    assert rows[wrong + 1].startswith("y is off by 5.0e-01 of the values around it")
    assert wrong < next(number for number, row in enumerate(rows) if row.startswith("Purpose"))
    assert not any(row.startswith("warning: wrong") for row in rows)  # once is enough


def test_the_longest_kernels_are_listed_in_their_order_and_the_rest_counted(network: Workload) -> None:
    # 42 kernels of 1 us and two of 4 us: 50 us. Listed are the two and 38 others, 46 us; 4 of 50 are left.
    times = [4, *[1] * 42, 4]
    kernels = tuple(Kernel(f"k{n}", f"Kind{n}", time * 1e-6, ("0",), "exact") for n, time in enumerate(times))
    text = shown(executed_graph(replace(RUN, kernels=kernels), network))
    listed = [int(row.split()[0]) for row in text.splitlines() if re.match(r" +\d+  split", row)]
    assert listed == [*range(39), 43]
    assert "4 shorter kernels are not listed: 8 % of the time; --json has all of them" in text


@pytest.mark.parametrize("name", EVIL_NAMES.values(), ids=EVIL_NAMES.keys())
@pytest.mark.parametrize("width", [80, 120])
def test_hostile_names_are_only_shown(network: Workload, name: str, width: int) -> None:
    ops = tuple(Op(str(number), name, name, "", 20, (), ()) for number in range(3))
    workload = replace(network, name=name, ops=ops)
    kernels = (Kernel(name, name, 1e-6, ("0", "1"), "exact"), Kernel(name, name, 1e-6, (), "none"))
    executions = (Execution(name, name, name, name), Execution(name, "", name, name))
    run = replace(
        RUN, version=name, precision=name, dtype=name, kernels=kernels, executions=executions, warnings=(name,)
    )
    text = shown(executed_graph(run, workload), {"0": name}, width=width)
    assert all(character.isprintable() or character == "\n" for character in text)
    assert max(map(len, text.splitlines())) <= width
    assert clean(name)[:5] in text
    assert len(text) < 40_000


def test_kernels_of_a_run(attainable: Command, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    answer = attainable("measure", model, "--kernels", "--time-budget", "1s")
    assert answer.code == 0
    for words in ("Executed graph of", "right: ", "changes of the layout", "the kernels together", "Ops of the model"):
        assert words in answer.out, words
    assert all(len(line) <= 80 for line in answer.out.splitlines())


def test_kernels_as_json_have_every_kernel_with_its_ops(attainable: Command, model: Path) -> None:
    graph = json.loads(attainable("measure", model, "--kernels", "--time-budget", "1s", "--json").out)
    assert len(graph["kernels"]) == len(graph["run"]["kernels"]) > 5
    assert sum(part["kernels"] for part in graph["purposes"]) == len(graph["kernels"])
    assert sum(part["share"] for part in graph["purposes"]) == pytest.approx(1)
    assert graph["unmapped_share"] == pytest.approx(0, abs=0.05)
    convolutions = {op["id"] for kernel in graph["kernels"] for op in kernel["ops"] if op["kind"] == "Conv"}
    assert convolutions == {op.id for op in load(model).ops if op.kind == "Conv"}
    assert {"layer", "implementation", "precision", "layout", "purpose", "fallback"} <= set(graph["kernels"][0])


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--vs", "{model}"], "--kernels: shows one model at one batch size"),
        (["--open-batch"], "--kernels: shows one model at one batch size"),
        (["--batch", "1,2"], "--kernels: shows one model at one batch size"),
        (["--threads", "1,2"], "--kernels: shows one model at one batch size"),
        (["--period", "33ms"], "--kernels: cannot be combined with --period, --beside or --load"),
        (["--beside", "{model}"], "--kernels: cannot be combined with --period, --beside or --load"),
        (["--load", "cpu=1"], "--kernels: cannot be combined with --period, --beside or --load"),
        (["--runtime", "gone"], "gone"),
    ],
)
def test_kernels_that_cannot_be_shown(attainable: Command, model: Path, arguments: list[str], fault: str) -> None:
    answer = attainable("measure", model, "--kernels", *[part.format(model=model) for part in arguments])
    assert (answer.code, answer.out) == (2, "")
    assert fault in answer.err


def test_a_profile_that_fails_is_no_graph(attainable: Command, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RUNTIMES, "fake", fake_runtime.__name__)
    answer = attainable("measure", model, "--kernels", "--runtime", "fake", "--time-budget", "1s")
    assert (answer.code, answer.out) == (3, "")
    assert "the profile failed, only whole runs are known: no profiler today" in answer.err


def test_a_precision_that_a_runtime_does_not_have(attainable: Command, model: Path) -> None:
    answer = attainable("measure", model, "--precision", "bfloat16")
    assert (answer.code, answer.out) == (3, "")
    assert "onnxruntime cannot be asked to compute in bfloat16" in answer.err


def test_the_precision_that_ran_is_told(attainable: Command, model: Path) -> None:
    if reason := why_not_installed(OPENVINO):
        pytest.skip(reason)
    arguments = ("--runtime", "openvino", "--precision", "bfloat16", "--time-budget", "1s")
    run = json.loads(attainable("measure", model, *arguments, "--json").out)
    # Which of the two it is depends on the processor.
    assert run["precision"] in ("bfloat16", "float32")
    asked = [warning for warning in run["warnings"] if warning.startswith("bfloat16 was asked for, float32 ran")]
    assert bool(asked) == (run["precision"] == "float32")
    screen = attainable("measure", model, *arguments).out
    assert ("ran in bfloat16; the model's own type is float32" in screen) == (run["precision"] == "bfloat16")


def nothing_but_zeros(outputs: dict[str, Array]) -> dict[str, Array]:
    return {name: np.zeros_like(array) for name, array in outputs.items()}


def test_wrong_outputs_are_told_first_and_end_with_exit_code_1(
    attainable: Command, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RUNTIMES, "fake", fake_runtime.__name__)
    monkeypatch.setattr(fake_runtime.RUNTIME, "answer", nothing_but_zeros)
    shown = attainable("measure", model, "--runtime", "fake", "--time-budget", "0.3s")
    assert shown.code == 1
    assert "WRONG outputs" in shown.out
    answer = attainable("measure", model, "--runtime", "fake", "--time-budget", "0.3s", "--json")
    checked = json.loads(answer.out)["correctness"]
    assert (answer.code, checked["is_right"], checked["wrong_outputs"]) == (1, False, ["y"])
