"""The words of a comparison, and the rows of a table, from written numbers."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from attainable.cli.measure_checks import scientific, show_checks
from attainable.cli.measure_shown import print_comparison, print_more, print_sweep, verdict_in_words
from attainable.measurement.compare import Comparison
from attainable.measurement.correctness import Correctness
from attainable.measurement.energy import Energy
from attainable.measurement.neighbours import NeighbourTimes
from attainable.measurement.run import Run
from attainable.measurement.surroundings import Surroundings
from attainable.measurement.sweep import Sweep
from attainable.runtimes import Tolerance
from attainable.runtimes.agreement import Agreement
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
    print_more(replace(RUN, p99_seconds=None, samples=70, usage=None), out)
    assert "page faults and context switches: not counted by this system" in stream.getvalue()
    assert "p90 takes 64 runs, p99 662: there are 70" in stream.getvalue()


def test_a_table_marks_its_noisy_cells_and_says_each_warning_once() -> None:
    noisy = replace(RUN, threads=1, warnings=("noisy, no claim: others",))
    out, stream = on_screen()
    aside, warnings = on_screen()
    print_sweep(Sweep("net", (RUN, noisy, replace(noisy, batch=4))), out, aside=aside)
    rows = [line.split() for line in stream.getvalue().splitlines()]
    assert ["8", "2", "4.00", "ms", "±", "2.5", "%", "5.00", "ms", "2.00", "k", "128", "MiB", "12.5", "%", "?"] in rows
    assert "Noisy: 8x1, 4x1 (the warnings tell why)." in stream.getvalue()
    assert warnings.getvalue().count("noisy, no claim: others") == 1


def against_the_reference(*errors: float, name: str = "y") -> Correctness:
    """Outputs whose largest value is 2 and whose largest error is this."""
    outputs = tuple(
        Agreement(f"{name}{n}", "", error, 2.0, 1.0 if error < 1e-3 else 0.5, 0.25, error / 2)
        for n, error in enumerate(errors)
    )
    return Correctness("onnxruntime 1.31.1", Tolerance(1e-4), outputs)


def checks(run: Run) -> list[str]:
    out, stream = on_screen()
    show_checks(out, run)
    return stream.getvalue().split("\n  ")


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        (
            (2e-7, 6.2e-7),
            "right: within 3.1e-7 of onnxruntime 1.31.1 without optimisation (1e-4 is allowed)",
        ),  # 6.2 / 2
        ((0.0,), "right: equal to onnxruntime 1.31.1 without optimisation"),
        ((2e-7, 0.5), "WRONG outputs, compared with onnxruntime 1.31.1 without optimisation:"),
    ],
)
def test_whether_the_outputs_are_right_is_said_first(errors: tuple[float, ...], said: str) -> None:
    run = replace(RUN, correctness=against_the_reference(*errors))
    assert " ".join(" ".join(checks(run)).split()).startswith(said)


def test_wrong_outputs_are_named_and_counted() -> None:
    text = " ".join(
        " ".join(checks(replace(RUN, correctness=against_the_reference(*[0.5] * 6, name="\x1b[2J")))).split()
    )
    assert "y is off" not in text
    assert "\x1b" not in text
    assert text.count("is off by 2.5e-01 of the values around it, 1e-04 is usual") == 4  # 0.5 of 2
    assert text.endswith("and 2 more outputs")


def test_why_nothing_was_compared_is_said() -> None:
    nothing = Correctness("", Tolerance(1e-4), (), absence="the network draws random numbers")
    assert "outputs not compared: the network draws random numbers" in checks(replace(RUN, correctness=nothing))[0]


def test_the_precision_that_ran_and_the_surroundings_are_said() -> None:
    quiet = Surroundings("quiet", others_share=0.01)
    noisy = Surroundings("noisy", ("other processes used 42 % of the machine", "the clock fell"), others_share=0.42)
    assert [line.strip() for line in checks(replace(RUN, precision="bfloat16", surroundings=quiet))] == [
        "ran in bfloat16; the model's own type is float32", "quiet: others used 1 % of the machine",
    ]  # fmt: skip
    assert [line.strip() for line in checks(replace(RUN, precision="float32", surroundings=noisy))] == [
        "noisy, no claim: other processes used 42 % of the machine, and 1 more",
    ]  # fmt: skip
    assert (
        checks(replace(RUN, surroundings=Surroundings("unknown")))[0].strip()
        == "not known whether the machine was quiet"
    )


@pytest.mark.parametrize(("number", "text"), [(3.14e-7, "3.1e-7"), (1e-4, "1e-4"), (2.0, "2e0"), (float("inf"), "inf")])
def test_numbers_with_a_power_of_ten(number: float, text: str) -> None:
    assert scientific(number) == text


def test_a_table_tells_wrong_outputs_cell_by_cell() -> None:
    right = replace(RUN, correctness=against_the_reference(1e-7))
    wrong = replace(RUN, threads=1, correctness=against_the_reference(0.5))
    out, stream = on_screen()
    print_sweep(Sweep("net", (right, wrong)), out, aside=out)
    lines = [line.rstrip() for line in stream.getvalue().splitlines()]
    assert "  WRONG outputs: 8x1 (the warnings tell how)." in lines
    assert [line.split()[-1] for line in lines if line.split()[:1] == ["8"]] == ["yes", "NO"]
    assert max(map(len, lines)) <= 80
