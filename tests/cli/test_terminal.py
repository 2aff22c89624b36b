import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from attainable.analysis.records import Analysis, BodyRow, Fault, Finding
from attainable.cli.screen import WIDTH_OF_A_PIPE
from attainable.cli.terminal import print_analysis, print_count, print_progress, print_run
from attainable.measurement.run import Run
from attainable.names import clean
from attainable.workload.kernel import Kernel
from tests.report.analyses import convolutions, large, nothing, on_paper, op, renamed
from tests.report.evil import EVIL_NAMES

COLOURS = re.compile(r"\x1b\[[\d;]*m")


def printed(print_it: Callable[[Console], None], *, width: int = 120, colours: bool = False) -> str:
    """What reaches the terminal."""
    screen = io.StringIO()
    print_it(Console(file=screen, width=width, force_terminal=colours, color_system="truecolor" if colours else None))
    return screen.getvalue()


def shown(analysis: Analysis, *, width: int = 120, colours: bool = False) -> str:
    return printed(lambda console: print_analysis(analysis, console, aside=console), width=width, colours=colours)


def complete() -> Analysis:
    finding = Finding("DSG005", "odd channels", ["0"], "65 channels", "use 64 channels", 0.005, 0.008, "measured")
    fault = Fault("measurement", "the worker crashed", "net.onnx", "try again")
    return replace(convolutions(), findings=[finding], warnings=["noisy"], errors=[fault])


VERDICT = """
  net.onnx on this machine (AMD EPYC, 2 cores, onnxruntime 1.31.1)     f32, batch 1, 1 thread
  At best     40.0 ms         bound, measured roofs, compute binds
  Predicted   not available   of devices fitted to latencies only: attainable devices fit
  Measured    50.0 ms         measured, ± 300 us, 62 runs   80 % of the bound
  At best     200 ms          bound, specified roofs, compute binds, on Some Board

  Where it goes                  time   share   binds         of roof
  Conv 3x3 8->8 on 9x9   x2   50.0 ms    99 %   compute          80 %
  Concat 16x9x9          x1    500 us     1 %   memory    cache 200 %
  Kernels as onnxruntime 1.31.1 ran them, by its own profiler: 50.5 ms in all.
  Each row stands beside the roofline of what its kernels must read and write.
  Over 100 %, cache: the tensors came from a cache instead of memory.

  Accuracy   not measured    no outputs were compared
  Latency    50.0 ms         measured, median of a run
  Memory     1.00 MiB        counted, peak of the activations
             4.00 KiB        counted, weights and buffers
             256 MiB         measured, peak resident memory, runtime included
  Energy     not available   no energy counter was read

  DSG005   odd channels     saves 5.00 ms to 8.00 ms
           help: use 64 channels
warning: noisy
error: measurement failed: the worker crashed (net.onnx)
  help: try again
"""


def test_the_verdict_reads_like_the_design() -> None:
    assert "".join(f"{line.rstrip()}\n" for line in shown(complete()).splitlines()) == VERDICT


@pytest.mark.parametrize("analysis", [nothing(), on_paper([]), replace(convolutions(), runs=[]), large(1000)])
@pytest.mark.parametrize("width", [40, 80, 120])
def test_every_analysis_fits_the_width(analysis: Analysis, width: int) -> None:
    counts = printed(lambda console: print_count(analysis, console, aside=console), width=width)
    lines = [*shown(analysis, width=width).splitlines(), *counts.splitlines()]
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines if width >= 80)


def test_without_a_run_the_table_is_the_roofline() -> None:
    text = shown(replace(convolutions(), runs=[]))
    assert "roofline, not measured" in text
    assert "Measured    not measured    the network was not run" in text
    assert "of roof" not in text


def test_a_count_prints_totals_conventions_coverage_and_operators() -> None:
    text = printed(lambda console: print_count(convolutions(), console, aside=console))
    assert "net.onnx on paper" in text
    for line in ("2.00 G  MACs", "4.00 G  operations", "1 MAC = 2 operations", "5 of 5 ops counted"):
        assert line in text
    # 2 x 1 G MACs, 2 G operations each, 2 x 20 MB moved, 4 G / 40 M
    assert re.search(r"Conv 3x3 8->8 on 9x9 +x2 +2\.00 G +4\.00 G +1\.15 k +38\.1 MiB +100\n", text)
    assert "roofline" not in text


def test_a_count_shows_what_runs_inside_of_a_loop_and_floors() -> None:
    body = BodyRow("body", 1, [op("0/body/0", "Add 8", operations=8, bytes_moved=96)])
    loop = replace(op("0", "Loop 8", operations=8, bytes_moved=96, state="unknown trip count"), bodies=[body])
    text = printed(lambda console: print_count(on_paper([loop]), console, aside=console))
    assert re.search(
        r"\n  Loop 8 \(unknown trip count\) +x1 +≥ 0 +≥ 8 +0 +≥ 96 B +-\n    Add 8 +x1 +0 +8 +0 +96 B", text
    )


def test_a_narrow_count_leaves_out_what_operations_already_say() -> None:
    text = printed(lambda console: print_count(convolutions(), console, aside=console), width=80)
    assert "macs" not in text
    assert re.search(r"Conv 3x3 8->8 on 9x9 +x2 +4\.00 G +1\.15 k +38\.1 MiB +100\n", text)


@pytest.mark.parametrize("name", EVIL_NAMES.values(), ids=EVIL_NAMES.keys())
def test_a_terminal_obeys_no_name(name: str) -> None:
    evil = renamed(complete(), lambda original: name + original)
    text = shown(evil, colours=True) + printed(lambda console: print_count(evil, console, aside=console), colours=True)
    text += printed(lambda console: print_run(run(name), console, aside=console), colours=True)
    plain = COLOURS.sub("", text)
    assert all(character.isprintable() or character == "\n" for character in plain)
    assert clean(name)[:20] in plain
    assert len(plain) < 40_000


def test_colours_are_ours_and_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert COLOURS.search(shown(complete(), colours=True))
    assert "\x1b" not in shown(complete())
    monkeypatch.setenv("NO_COLOR", "1")
    screen = io.StringIO()
    print_analysis(complete(), Console(file=screen, force_terminal=True, width=80), aside=Console(file=screen))
    assert not re.search(r"\x1b\[[\d;]*3\d", screen.getvalue())


def test_a_pipe_gets_the_result_and_stderr_the_warnings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    print_analysis(complete())
    captured = capsys.readouterr()
    assert "Where it goes" in captured.out
    assert "warning: noisy" in captured.err
    assert "error: measurement failed" in captured.err
    assert "noisy" not in captured.out
    assert "\x1b" not in captured.out + captured.err
    assert max(map(len, captured.out.splitlines())) <= WIDTH_OF_A_PIPE


def test_columns_can_be_asked_for(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    print_analysis(complete())
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 60


def test_a_terminal_without_unicode_shows_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii", write_through=True))
    print_analysis(convolutions())
    assert b"measured, \\xb1 300 us" in written.getvalue()


def test_progress_is_not_part_of_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    print_progress("running [red]\x1b[2J")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "running [red]\\x1b[2J ...\n")


def run(name: str = "") -> Run:
    kernels = [
        Kernel(f"{name}k", f"{name}{kind}", seconds, (), "none") for kind, seconds in (("Conv", 0.03), ("Add", 0.01))
    ]
    return Run(
        runtime=f"{name}onnxruntime", version=f"{name}1.31.1", threads=2, dtype=f"{name}float32", samples=1,
        median_seconds=0.05, low_seconds=0.05, high_seconds=0.05, minimum_seconds=0.049,
        kernels=(kernels[0], kernels[0], kernels[1]), groups=(), attributed_share=None, kernels_seconds=0.07,
        profiled_seconds=None, unprofiled_seconds=None, profiler_seconds=None, load_seconds=0.2, peak_rss_bytes=2**28,
        inputs=(f"{name}x: normal numbers",), warnings=(f"{name}noisy",),
    )  # fmt: skip


def test_a_run_prints_its_time_and_its_kernels() -> None:
    text = printed(lambda console: print_run(run(), console, aside=console))
    for line in (
        "onnxruntime 1.31.1     float32, 2 threads",
        "50.0 ms   1 run, fastest 49.0 ms",
        "256 MiB",
        "warning: noisy",
    ):
        assert line in text
    assert re.search(r"Conv +x2 +60\.0 ms +86 %", text)  # 2 x 30 ms of 70 ms
    assert re.search(r"Add +x1 +10\.0 ms +14 %", text)
