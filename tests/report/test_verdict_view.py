from dataclasses import replace

import pytest

from attainable.analysis.records import Analysis, EngineOperations, Fault, Prediction
from attainable.report.views.verdict import VerdictRow, verdict
from tests.report.analyses import convolutions, nothing, on_paper


def row(analysis: Analysis, label: str, *, device: str = "") -> VerdictRow:
    (found,) = (row for row in verdict(analysis).rows if row.label == label and row.device == device)
    return found


def test_the_title_says_what_ran_where() -> None:
    answer = verdict(convolutions())
    assert answer.title == "net.onnx on this machine (AMD EPYC, 2 cores, onnxruntime 1.31.1)"
    assert answer.subject.note == "f32, batch 1, 1 thread"


def test_the_bound_says_where_its_roofs_come_from_and_which_one_binds() -> None:
    best = row(convolutions(), "At best")
    assert (best.value, best.kind, best.note) == ("40.0 ms", "bound", "measured roofs, compute binds")


def test_every_further_device_has_a_row() -> None:
    best = row(convolutions(), "At best", device="Some Board")
    assert (best.value, best.note) == ("200 ms", "specified roofs, compute binds")


def test_the_measured_time_has_its_interval_and_its_share_of_the_bound() -> None:
    measured = row(convolutions(), "Measured")
    assert (measured.value, measured.kind, measured.note) == ("50.0 ms", "measured", "± 300 us, 62 runs")
    assert measured.share == "80 % of the bound"  # 40 ms at best / 50 ms measured


def test_an_uneven_interval_shows_both_ends() -> None:
    analysis = convolutions()
    uneven = replace(analysis.runs[0], low_seconds=0.0499, high_seconds=0.053)
    assert row(replace(analysis, runs=[uneven]), "Measured").note == "49.9 ms to 53.0 ms, 62 runs"


def test_a_run_faster_than_the_bound_is_explained() -> None:
    analysis = convolutions()
    fast = replace(analysis.runs[0], seconds=0.02)
    share = row(replace(analysis, runs=[fast]), "Measured").share
    assert share.startswith("200 % of the bound: a faster algorithm")


def test_a_run_is_not_held_against_the_bound_of_other_threads() -> None:
    analysis = convolutions()
    assert row(replace(analysis, runs=[replace(analysis.runs[0], threads=2)]), "Measured").share == ""


def test_a_prediction_is_missing_until_there_is_one() -> None:
    assert row(convolutions(), "Predicted").value == "not available"
    assert "of devices fitted" in row(convolutions(), "Predicted").note
    predicted = row(replace(convolutions(), predicted=Prediction(0.05, 0.048, 0.052)), "Predicted")
    assert (predicted.value, predicted.kind, predicted.note) == ("50.0 ms", "predicted", "± 2.00 ms")


def test_nothing_is_left_out_where_nothing_is_known() -> None:
    answer = verdict(on_paper([]))
    assert [(row.label, row.value) for row in answer.rows] == [
        ("At best", "not available"),
        ("Predicted", "not available"),
        ("Measured", "not measured"),
    ]
    assert "attainable devices calibrate" in answer.rows[0].note
    assert answer.title == "net.onnx on paper"


def test_a_failed_run_is_not_a_run_that_nobody_asked_for() -> None:
    failed = replace(on_paper([]), errors=[Fault("measurement", "crashed", "", "")])
    assert row(on_paper([]), "Measured").note == "the network was not run"
    assert row(failed, "Measured").note == "the run failed, see the errors"


def test_an_empty_network_in_no_time_divides_by_nothing() -> None:
    analysis = nothing()
    assert row(analysis, "At best").note == "measured roofs, nothing to compute or to move"
    assert (row(analysis, "Measured").value, row(analysis, "Measured").share) == ("0 s", "")


def test_a_bound_says_what_it_leaves_out() -> None:
    analysis = convolutions()
    blind = replace(analysis.devices[0], without_roof=[EngineOperations("matrix", "int8", 10)])
    floor = replace(analysis.totals, at_least=True)
    note = row(replace(analysis, devices=[blind], totals=floor), "At best").note
    assert "i8 has no roof here and is left out" in note
    assert "ops that could not be counted are left out" in note


def test_a_device_without_roofs_bounds_nothing() -> None:
    analysis = convolutions()
    blank = replace(analysis.devices[0], roofs=[], bytes_per_second=None, bound_seconds=0.0)
    best = row(replace(analysis, devices=[blank]), "At best")
    assert (best.value, best.kind, best.seconds) == ("not available", "", None)


@pytest.mark.parametrize("analysis", [convolutions(), on_paper([]), nothing()], ids=["run", "paper", "nothing"])
def test_four_indicators_are_always_there(analysis: Analysis) -> None:
    assert [indicator.name for indicator in verdict(analysis).indicators] == [
        "Accuracy", "Latency", "Memory", "Energy"
    ]  # fmt: skip


def test_indicators_name_the_kind_of_each_number() -> None:
    accuracy, latency, memory, energy = verdict(convolutions()).indicators
    assert (accuracy.figures[0].value, energy.figures[0].value) == ("not measured", "not available")
    assert (latency.figures[0].value, latency.figures[0].kind) == ("50.0 ms", "measured")
    assert [(figure.value, figure.kind) for figure in memory.figures] == [
        ("1.00 MiB", "counted"), ("4.00 KiB", "counted"), ("256 MiB", "measured")
    ]  # fmt: skip


def test_indicators_say_what_was_not_measured() -> None:
    _, latency, memory, _ = verdict(on_paper([], at_least=True)).indicators
    assert (latency.figures[0].value, latency.figures[0].kind) == ("not measured", "")
    assert memory.figures[0].value == "at least 1.00 MiB"
    assert memory.figures[-1].value == "not measured"


SHAPES: list[tuple[list[list[int] | None], str]] = [
    ([[8, 3, 4]], "batch 8"),
    ([[8, 3], [8, 5]], "batch 8"),
    ([[8, 3], [2, 5]], "input 8x3"),
    ([[7]], "input 7"),
    ([None], ""),
    ([[]], ""),
]


@pytest.mark.parametrize(("shapes", "note"), SHAPES)
def test_the_note_names_a_batch_only_where_all_inputs_agree(shapes: list[list[int] | None], note: str) -> None:
    analysis = on_paper([])
    ports = [replace(analysis.model.inputs[0], shape=shape) for shape in shapes]
    assert verdict(replace(analysis, model=replace(analysis.model, inputs=ports))).subject.note == note


def test_a_saved_count_is_not_mistaken_for_a_machine_without_roofs() -> None:
    counted = replace(on_paper([]), environment={})
    assert row(counted, "At best").note == "this is a count alone: run `attainable analyze` on the model"
    assert "attainable devices calibrate" in row(on_paper([]), "At best").note
