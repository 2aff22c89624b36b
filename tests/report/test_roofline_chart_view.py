import math
from dataclasses import replace

import pytest

from attainable.analysis.records import RoofRow
from attainable.report.svg import roofline_svg
from attainable.report.views.roofline_chart import roofline_chart
from tests.report.analyses import BANDWIDTH, PEAK, convolutions, group, large, nothing, on_paper, run
from tests.report.evil import EVIL_NAMES, parse


def test_a_mark_is_a_row_at_its_intensity_and_measured_rate() -> None:
    (conv,) = roofline_chart(convolutions()).points
    assert (conv.rank, conv.label, conv.bound_by) == (1, "Conv 3x3 8->8 on 9x9", "compute")
    assert conv.operational_intensity == pytest.approx(4_002_000_000 / 40_000_000)
    assert conv.operations_per_second == pytest.approx(4_002_000_000 / 0.05)
    assert conv.roof == pytest.approx(4_002_000_000 / 0.04)


def test_rows_without_operations_are_counted_instead_of_drawn() -> None:
    assert roofline_chart(convolutions()).left_out == 1


def test_the_slope_ends_where_the_plateau_starts() -> None:
    slope, plateau = roofline_chart(convolutions()).roofs
    ridge = (PEAK / BANDWIDTH, PEAK)
    assert (slope.slope, plateau.slope) == (True, False)
    assert slope.end == pytest.approx(ridge)
    assert plateau.start == pytest.approx(ridge)
    assert slope.start[1] == pytest.approx(slope.start[0] * BANDWIDTH)
    assert "10.0 GB/s" in slope.label
    assert "100 Gop/s" in plateau.label
    assert "measured" in plateau.label


def test_each_type_has_its_plateau_and_the_slope_reaches_the_highest() -> None:
    analysis = convolutions()
    half = RoofRow("vector", "float16", 2 * PEAK, "data sheet", "specified")
    wide = replace(analysis.devices[0], roofs=[*analysis.devices[0].roofs, half])
    slope, *plateaus = roofline_chart(replace(analysis, devices=[wide])).roofs
    assert [plateau.end[1] for plateau in plateaus] == [PEAK, 2 * PEAK]
    assert slope.end == pytest.approx((2 * PEAK / BANDWIDTH, 2 * PEAK))


def test_everything_lies_inside_axes_with_powers_of_ten() -> None:
    chart = roofline_chart(convolutions())
    for axis in (chart.intensity, chart.rate):
        assert axis.high / axis.low >= 99.999
        assert len(axis.ticks) >= 2
        assert all(math.log10(tick).is_integer() and axis.low <= tick <= axis.high for tick in axis.ticks)
    for point in chart.points:
        assert chart.intensity.low < point.operational_intensity < chart.intensity.high
        assert chart.rate.low < point.operations_per_second < chart.rate.high
    for roof in chart.roofs:
        assert chart.intensity.low <= roof.start[0] < roof.end[0] <= chart.intensity.high


def test_the_room_above_the_roof_is_small() -> None:
    assert roofline_chart(convolutions()).rate.high < 2 * PEAK


def test_without_a_run_operators_lie_on_their_roof() -> None:
    chart = roofline_chart(replace(convolutions(), runs=[]))
    conv, relu = chart.points
    assert not chart.measured
    assert (conv.bound_by, conv.roof) == ("compute", PEAK)  # 2 G operations / 20 MB = 100 > 10
    assert (relu.bound_by, relu.operations_per_second) == ("memory", pytest.approx(0.125 * BANDWIDTH))


def test_only_the_largest_are_drawn() -> None:
    chart = roofline_chart(large(300))
    assert (len(chart.points), chart.undrawn) == (100, 200)
    assert chart.points[0].label == "Conv 3x3 299->8 on 9x9"


@pytest.mark.parametrize("analysis", [nothing(), on_paper([])], ids=["nothing", "paper"])
def test_an_empty_network_has_an_empty_chart(analysis: object) -> None:
    chart = roofline_chart(nothing())
    assert chart.points == ()
    assert roofline_chart(on_paper([])).is_empty


def test_a_device_without_bandwidth_has_no_slope() -> None:
    analysis = convolutions()
    flat = replace(analysis.devices[0], bytes_per_second=None)
    (plateau,) = roofline_chart(replace(analysis, devices=[flat])).roofs
    assert not plateau.slope


def test_a_group_without_roofline_is_drawn_without_a_gap() -> None:
    unknown = group(["0"], "Conv", seconds=0.01, operations=100, bytes_moved=10)
    chart = roofline_chart(replace(convolutions(), runs=[run([unknown])]))
    assert chart.points[0].roof is None
    assert parse(roofline_svg(chart, described_by="t").source).faults == []


def test_the_drawing_has_a_mark_and_a_tooltip_for_each_point() -> None:
    page = parse(roofline_svg(roofline_chart(large(20)), described_by="table").source)
    assert page.faults == []
    assert page.tags.count("circle") + page.tags.count("polygon") == 20
    assert page.tags.count("title") == 20
    assert ("role", "img") in page.attributes
    assert ("aria-describedby", "table") in page.attributes
    assert dict(page.attributes)["aria-label"].startswith("Roofline chart: 20 marks under 2 roofs")


@pytest.mark.parametrize("name", EVIL_NAMES.values(), ids=EVIL_NAMES.keys())
def test_hostile_labels_stay_text_in_the_drawing(name: str) -> None:
    evil = group(["0"], name, seconds=0.01, operations=100, bytes_moved=10, roofline_seconds=0.005, bound_by=name)
    source = roofline_svg(roofline_chart(replace(convolutions(), runs=[run([evil])])), described_by="t").source
    assert set(parse(source).tags) <= {"svg", "g", "line", "polygon", "circle", "text", "title"}
    assert all(character.isprintable() or character == "\n" for character in source)
