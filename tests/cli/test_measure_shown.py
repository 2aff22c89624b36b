"""The words of a comparison, and the rows of a table, from written numbers."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from attainable.cli.measure_shown import print_comparison, print_more, print_sweep, verdict_in_words
from attainable.measurement.compare import Comparison
from attainable.measurement.energy import Energy
from attainable.measurement.neighbours import NeighbourTimes
from attainable.measurement.run import Run
from attainable.measurement.sweep import Sweep
from attainable.runtimes.worker_statistics import Usage

STILL = (1.0,) * 9


def compared(
    ratios: tuple[float, ...], own: tuple[float, ...] = STILL, *, others: float | None = 0.01
) -> Comparison:  # fmt: skip
    middle = sorted(ratios)[len(ratios) // 2]
    return Comparison(
        "a", "b", "onnxruntime", "1.31.1", 1, 1e-3, 1e-3 / middle, middle, min(ratios), max(ratios), ratios, True, (),
        own, others, 10 * 2**20, 20 * 2**20,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("comparison", "words"),
    [
        # seven ratios: the interval goes from the smallest to the largest; 1 / 0.95 = 1.053, 1 / 0.96 = 1.042
        (compared((0.95, 0.95, 0.95, 0.95, 0.955, 0.96, 0.96)), "b is 5.3 % slower (95 % interval 4.2 to 5.3 %)"),
        (compared((2.0,) * 6), "b is faster: it takes 50.0 % less time (95 % interval 50.0 to 50.0 %)"),
        (compared((1.0,) * 9, (0.98, 0.98, *STILL)), "no difference beyond this machine's noise of 2.0 %"),
        (compared((1.0,) * 9, (0.9, 0.9, *STILL)), "noisy: no claim (a against itself differs by 11.1 %)"),
        (compared((1.0,) * 8 + (0.8, 0.8)), "noisy: no claim (the difference lies between 0.0 % and 25.0 %)"),
        (compared(STILL, others=0.66), "noisy: no claim (others used 66 % of the machine)"),
        (compared((1.0,) * 4), "4 pairs give no 95 % interval: no claim"),
    ],
)
def test_the_verdict_in_words(comparison: Comparison, words: str) -> None:
    assert verdict_in_words(comparison) == words


def on_screen(width: int = 80) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False), stream


def test_a_comparison_stands_with_what_it_rests_on() -> None:
    out, stream = on_screen()
    print_comparison(replace(compared((2.0,) * 6), second="b\x1b[31m"), out, aside=out)
    lines = [line.strip() for line in stream.getvalue().splitlines() if line.strip()]
    assert "\x1b" not in stream.getvalue()
    assert lines[0].endswith("against a     onnxruntime 1.31.1, 1 thread")
    assert "± 0.0 %  a against itself, 9 pairs" in stream.getvalue()
    assert "20.0 MiB  peak resident memory of b" in stream.getvalue()


RUN = Run(
    runtime="onnxruntime", version="1.31.1", threads=2, dtype="float32", samples=700, median_seconds=4e-3,
    low_seconds=3.9e-3, high_seconds=4.1e-3, minimum_seconds=3e-3, kernels=(), groups=(), attributed_share=None,
    kernels_seconds=None, profiled_seconds=None, unprofiled_seconds=None, profiler_seconds=None, load_seconds=0.1,
    peak_rss_bytes=2**27, inputs=(), warnings=(), batch=8, p90_seconds=5e-3, p99_seconds=6e-3, first_run_seconds=9e-3,
    resident_before_bytes=2**20, resident_first_run_bytes=3 * 2**20, usage=Usage(10, 2, 3, 4),
    energy=Energy(70.0, 0.1, "RAPL", 140.0, 0.2), processors=(0, 1), period_seconds=33e-3, missed_share=0.125,
    beside=(NeighbourTimes("other", 2e-3),), load="cpu=1",
)  # fmt: skip


def test_what_else_is_known_of_a_run() -> None:
    out, stream = on_screen()
    print_more(RUN, out)
    rows = [" ".join(line.split()) for line in stream.getvalue().splitlines()]
    for row in (
        "33.0 ms period; 12.5 % of the periods missed", "2.00 ms other beside it, median", "cpu=1 beside it",
        "bound to processors 0, 1",
        "2.00 k inferences per second, batch 8",  # 8 / 4 ms
        "5.00 ms 90 % of the runs took no longer", "6.00 ms 99 % of the runs took no longer", "9.00 ms the first run",
        "2.00 MiB resident memory more, for the model, after its first run",
        "12 page faults during 700 runs, 2 of them from a disk",
        "7 context switches, 4 of them forced by other programs", "100 mJ energy of a run (RAPL)",
        "200 mJ energy of a run (NVML counters of all GPU boards, all programs)",
    ):  # fmt: skip
        assert row in rows, (row, rows)
    print_more(replace(RUN, p99_seconds=None, samples=70), out)
    assert "p90 takes 64 runs, p99 662: there are 70" in stream.getvalue()


def test_a_table_marks_its_noisy_cells_and_says_each_warning_once() -> None:
    noisy = replace(RUN, threads=1, warnings=("noisy, no claim: others",))
    out, stream = on_screen()
    aside, warnings = on_screen()
    print_sweep(Sweep("net", (RUN, noisy, replace(noisy, batch=4))), out, aside=aside)
    rows = [line.split() for line in stream.getvalue().splitlines()]
    assert ["8", "2", "4.00", "ms", "±", "2.5", "%", "5.00", "ms", "2.00", "k", "128", "MiB", "12.5", "%"] in rows
    assert "Noisy: 8x1, 4x1 (the warnings tell why)." in stream.getvalue()
    assert warnings.getvalue().count("noisy, no claim: others") == 1
