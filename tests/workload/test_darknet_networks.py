"""The darknet networks of ../shared/data against their published figures (reference/claims.csv, T053 to T067)."""

from pathlib import Path

import pytest

from attainable.cost.count import Count, OpCount
from attainable.workload.weightless.formats import convert
from benchmarks.acceptance.counting import folded_parameters, running_statistics
from tests.workload.described import DARKNET, counted, require_lively, require_same_counts, shared

NETWORKS = (
    "alexnet", "darknet19", "darknet53", "densenet201", "efficientnet_b0", "enet-coco", "resnet50", "tiny",
    "vgg-16", "yolo-fastest-1.1-xl", "yolo-fastest-1.1", "yolo-fastest-xl", "yolo-fastest", "yolov2-tiny-voc",
    "yolov3-tiny-prn", "yolov3-tiny", "yolov3", "yolov4-tiny-3l", "yolov4-tiny", "yolov4",
)  # fmt: skip


def convolutions(result: Count) -> list[OpCount]:
    """The convolutions."""
    return [entry for entry in result.ops if entry.op.kind == "Conv"]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_read_and_counted_whole(name: str) -> None:
    result = counted(shared(DARKNET / f"{name}.cfg"))
    assert not result.totals.at_least
    assert result.totals.macs > 0


def test_parameters_of_yolov4_tiny() -> None:
    result = counted(shared(DARKNET / "yolov4-tiny.cfg"))
    assert result.totals.parameters == 6_056_606
    assert result.totals.parameters + running_statistics(result) == 6_062_814  # T053
    assert folded_parameters(result) == 6_053_502  # T053
    # T054: the weights file, 4 bytes each and a head of 20, published as 23.1 MiB
    assert round((4 * 6_062_814 + 20) / 2**20, 1) == 23.1


@pytest.mark.parametrize(
    ("name", "operations", "parameters"),
    [
        ("yolo-fastest-xl", 0.7198e9, 0.9127e6),  # T055; T061 has the parameters as 6.0628 M / 6.64
        ("yolo-fastest-1.1", 0.2509e9, 0.3461e6),  # T057
        ("yolo-fastest", 0.2556e9, 0.3564e6),  # T058
    ],
)
def test_published_totals_of_the_light_detectors(name: str, operations: float, parameters: float) -> None:
    result = counted(shared(DARKNET / f"{name}.cfg"))
    assert 2 * result.totals.macs == pytest.approx(operations, rel=5e-4)
    assert result.totals.parameters + running_statistics(result) == pytest.approx(parameters, rel=5e-4)


def test_tall_and_thin_against_short_and_fat() -> None:
    thin = counted(shared(DARKNET / "yolo-fastest-xl.cfg"))
    fat = counted(shared(DARKNET / "yolov4-tiny.cfg"))
    small = counted(shared(DARKNET / "yolov4-tiny.cfg"), {"input": (1, 3, 320, 320)})
    depthwise = [entry for entry in convolutions(thin) if entry.op.integer("group", 1) > 1]
    assert (len(convolutions(thin)), len(depthwise), len(convolutions(fat))) == (85, 28, 21)  # T065
    assert fat.totals.macs / thin.totals.macs == pytest.approx(9.60, rel=0.001)  # T061
    moved = [sum(entry.work.bytes_moved for entry in convolutions(result)) for result in (thin, fat, small)]
    assert [round(number / 1e6, 2) for number in moved] == [105.02, 74.82, 54.15]  # T062, T063
    assert [round(2 * result.totals.macs / number, 2) for result, number in zip((thin, fat), moved, strict=False)] == [
        6.85,
        92.33,
    ]  # T067
    assert sum(entry.work.macs for entry in depthwise) / thin.totals.macs == pytest.approx(0.119, abs=0.001)  # T066
    assert sum(entry.work.bytes_moved for entry in depthwise) / moved[0] == pytest.approx(0.411, abs=0.001)  # T066


def test_networks_that_others_describe_too() -> None:
    # T079: VGG-16 at 224; its file says 256 and crops
    result = counted(shared(DARKNET / "vgg-16.cfg"))
    assert (result.totals.macs, result.totals.parameters) == (15_470_264_320, 138_357_544)


@pytest.mark.parametrize("name", ["tiny", "yolo-fastest-1.1", "yolov3-tiny-prn", "efficientnet_b0", "yolov4-tiny"])
def test_converted_networks_count_alike_and_run(name: str, tmp_path: Path) -> None:
    path = shared(DARKNET / f"{name}.cfg")
    content, _ = convert(path, {}, None, seed=0)
    twin = tmp_path / "twin.onnx"
    twin.write_bytes(content)
    require_same_counts(counted(path), twin)
    require_lively(content)
