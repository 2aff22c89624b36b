"""What the report tells of a run beside its time."""

from dataclasses import replace

from attainable.analysis.run_records import OutputRow, RunRow, Surrounding
from attainable.report.views.run_facts import run_facts
from attainable.report.views.verdict import verdict
from tests.report.analyses import convolutions, run

RIGHT = OutputRow("y", "", 2e-6, 1e-6, 0.99999999, 1.0, is_right=True)
WRONG = OutputRow("z\x1b[31m", "", 0.5, 0.25, 0.5, 0.125, is_right=False)
NOISY = Surrounding(
    "noisy", ["other processes used 50 % of the machine"], 3, 0.5, 0.01, 1.5, 3.2e9, 3.1e9, 9e-8
)  # fmt: skip


def facts(row: RunRow) -> dict[str, str]:
    return dict(run_facts(row))


def test_what_is_unknown_is_left_out() -> None:
    bare = replace(
        run(), threads=None, samples=None, load_seconds=None, minimum_seconds=None, peak_resident_bytes=None,
        profiled_seconds=None, unprofiled_seconds=None, kernels_seconds=None, profiler_seconds=None, inputs=[],
    )  # fmt: skip
    assert facts(bare) == {"runtime": "onnxruntime 1.31.1"}


def test_an_average_is_not_called_a_median() -> None:
    assert facts(replace(run(), statistic="average"))["samples"] == "62; average"
    assert "interval: 95 % for the median" in facts(run())["samples"]
    rows = verdict(replace(convolutions(), runs=[replace(run(), statistic="average", low_seconds=None)])).rows
    assert next(row.note for row in rows if row.label == "Measured") == "average of the runs, 62 runs"


def test_outputs_stand_beside_the_reference() -> None:
    told = facts(replace(run(), reference="onnxruntime 1.31.1", outputs=[RIGHT, WRONG]))
    assert told["outputs compared with"] == "onnxruntime 1.31.1"
    assert told["output y"].startswith("right: largest error 1.0e-06 of the values around it, cosine 1.000000")
    (wrong,) = (text for term, text in told.items() if term.startswith("output z"))
    assert wrong.startswith("WRONG: largest error 2.5e-01")
    assert not any("\x1b" in term for term in told)
    missing = OutputRow("y", "is missing", None, None, 1.0, 1.0, is_right=False)
    assert facts(replace(run(), outputs=[missing]))["output y"] == "WRONG: is missing"


def test_the_verdict_says_wrong_and_noisy_before_any_number() -> None:
    row = replace(run(), outputs=[WRONG], reference="onnxruntime 1.31.1", surroundings=NOISY)
    shown = verdict(replace(convolutions(), runs=[row]))
    note = next(row.note for row in shown.rows if row.label == "Measured")
    assert note.startswith("WRONG OUTPUTS, noisy: no claim, ")
    assert shown.indicators[0].figures[0].value == "WRONG"
    right = verdict(replace(convolutions(), runs=[replace(row, outputs=[RIGHT])]))
    assert right.indicators[0].figures[0].value == "1.0e-06"


def test_percentiles_and_energy_are_indicators_where_they_were_measured() -> None:
    row = replace(run(), p90_seconds=0.06, joules_per_run=0.5, energy_source="RAPL")
    _, latency, _, energy = verdict(replace(convolutions(), runs=[row])).indicators
    assert [figure.value for figure in latency.figures] == ["50.0 ms", "60.0 ms"]
    assert (energy.figures[0].value, energy.figures[0].meaning) == ("500 mJ", "of a run, RAPL")


def test_the_machine_around_the_run_is_told() -> None:
    told = facts(
        replace(run(), surroundings=NOISY, minor_faults=3, major_faults=1, voluntary_switches=5, involuntary_switches=2)
    )
    assert told["the machine was"] == "noisy; other processes used 50 % of the machine"
    assert (told["attempts for a quiet run"], told["used by other processes"]) == ("3", "50 %")
    assert told["clock"] == "3.20 GHz before, 3.10 GHz after"
    assert told["slowest hand-over between cores"] == "90.0 ns"
    assert told["page faults"] == "3 without and 1 with reading a disk"
    assert told["context switches"] == "5 to wait, 2 forced"
