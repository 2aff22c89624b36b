from dataclasses import replace

import pytest

from attainable.report.views.hotspots import hotspots
from tests.report.analyses import convolutions, group, large, nothing, on_paper, run


def test_groups_of_one_label_share_a_row() -> None:
    conv, concat = hotspots(convolutions()).rows
    assert (conv.rank, conv.label, conv.times) == (1, "Conv 3x3 8->8 on 9x9", 2)
    assert conv.seconds == pytest.approx(0.05)  # 2 x 25 ms
    assert conv.share == pytest.approx(0.05 / 0.0505)
    assert conv.of_roof == pytest.approx(0.8)  # 40 ms roofline / 50 ms measured
    assert (conv.bound_by, conv.over, conv.companions) == ("compute", "", ("Relu",))
    assert (concat.label, concat.bound_by) == ("Concat 16x9x9", "memory")


def test_what_beats_the_slope_came_from_a_cache() -> None:
    view = hotspots(convolutions())
    assert view.rows[1].of_roof == pytest.approx(2.0)  # 1 ms roofline / 0.5 ms measured
    assert view.rows[1].over == "cache"
    assert any("cache instead of memory" in note for note in view.notes)


def test_what_beats_the_plateau_is_another_algorithm() -> None:
    fast = group(["0"], "Conv", seconds=0.01, operations=1, bytes_moved=1, roofline_seconds=0.02, bound_by="compute")
    view = hotspots(replace(convolutions(), runs=[run([fast])]))
    assert view.rows[0].over == "algorithm"


def test_what_rounds_to_the_roof_beats_nothing() -> None:
    even = group(["0"], "Conv", seconds=1.0, operations=1, bytes_moved=1, roofline_seconds=1.004, bound_by="compute")
    assert hotspots(replace(convolutions(), runs=[run([even])])).rows[0].over == ""


def test_rows_beyond_the_most_are_summed() -> None:
    view = hotspots(large(100), most_rows=8)
    assert len(view.rows) == 8
    assert view.rest is not None
    assert (view.rest.times, view.rest.label, view.rest.rank) == (92, "everything else", 0)
    assert sum(row.seconds for row in (*view.rows, view.rest)) == pytest.approx(5050e-6)  # 1 + 2 + ... + 100 us
    assert view.rest.share == pytest.approx(1 - sum(row.share or 0 for row in view.rows))


def test_a_single_row_is_not_called_everything_else() -> None:
    assert hotspots(large(9), most_rows=8).rest is None


def test_without_a_run_the_rows_are_the_roofline_and_say_so() -> None:
    view = hotspots(replace(convolutions(), runs=[]))
    assert "not measured" in view.title
    assert not view.measured
    assert [(row.label, row.times) for row in view.rows] == [("Conv 3x3 8->8 on 9x9", 2), ("Concat 16x9x9", 1)]
    assert view.rows[0].seconds == pytest.approx(0.04)
    assert (view.rows[0].of_roof, view.rows[0].companions) == (None, ("Relu",))
    assert "roofline of AMD EPYC (fused): 41.0 ms" in view.notes[0]


def test_without_run_and_device_there_is_a_sentence() -> None:
    view = hotspots(on_paper([]))
    assert (view.rows, view.rest, len(view.notes)) == ((), None, 1)


def test_no_time_at_all_divides_by_nothing() -> None:
    assert hotspots(nothing()).rows == ()
    still = group(["0"], "Conv", seconds=0.0, operations=0, bytes_moved=0, roofline_seconds=0.0, bound_by="nothing")
    row = hotspots(replace(nothing(), runs=[run([still])])).rows[0]
    assert (row.share, row.of_roof, row.bound_by) == (None, None, "")


def test_groups_without_a_roofline_have_no_share_of_it() -> None:
    unknown = group(["0"], "Conv", seconds=0.01, operations=1, bytes_moved=1)
    row = hotspots(replace(convolutions(), runs=[run([unknown])])).rows[0]
    assert (row.of_roof, row.bound_by, row.roofline_seconds) == (None, "", None)


def test_kernels_that_do_not_add_up_to_the_run_need_a_word() -> None:
    assert not any("whole run" in note for note in hotspots(convolutions()).notes)
    analysis = convolutions()
    slow = replace(analysis.runs[0], seconds=0.1)
    assert any("whole run took 100 ms" in note for note in hotspots(replace(analysis, runs=[slow])).notes)
