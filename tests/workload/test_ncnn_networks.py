"""The ncnn networks of ../shared/data against published figures (reference/claims.csv) and their own shape hints."""

from pathlib import Path

import pytest

from attainable.workload.ncnn.param import Layer, parse_layers
from attainable.workload.ncnn.walk import Walk
from attainable.workload.weightless.formats import convert
from attainable.workload.weightless.writer import Value
from tests.workload.described import DARKNET, NCNN, counted, require_lively, require_same_counts, shared

SHAPES = {"FastestDet": {"in0": (1, 3, 352, 352)}, "vision_transformer": {"input": (1, 3, 384, 384)}}
"""Of the files that do not tell. Source: ../shared/data/README.md."""

NETWORKS = (
    "FastestDet", "alexnet", "efficientnet_b0", "googlenet", "mnasnet", "mobilenet", "mobilenet_int8", "mobilenet_ssd",
    "mobilenet_ssd_int8", "mobilenet_v2", "mobilenet_v3", "mobilenet_yolo", "mobilenetv2_yolov3", "proxylessnasnet",
    "resnet18", "resnet18_int8", "resnet50", "shufflenet", "shufflenet_v2", "squeezenet", "squeezenet_ssd",
    "squeezenet_ssd_int8", "vgg16", "vgg16_int8", "vision_transformer", "yolo-fastest-1.1", "yolo-fastestv2",
    "yolov4-tiny",
)  # fmt: skip

SHAPE_HINTS = 30
"""The array in which ncnn's tools leave the shape of each output: number of axes, width, height, channels."""


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_read_and_only_its_head_is_not_counted(name: str) -> None:
    result = counted(shared(NCNN / f"{name}.param"), SHAPES.get(name))
    assert all(kind.endswith("DetectionOutput") for kind in result.coverage.kinds_without_rule)
    assert not result.coverage.unresolved
    assert result.totals.at_least == bool(result.coverage.kinds_without_rule)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_shape_is_what_the_file_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared(NCNN / f"{name}.param")
    made: dict[str, Value] = {}

    def make(self: Walk, blob: str, value: Value) -> None:
        made[blob] = value
        original(self, blob, value)

    original = Walk.make
    monkeypatch.setattr(Walk, "make", make)
    counted(path, SHAPES.get(name))
    hinted = 0
    for layer in parse_layers(path.read_text(), str(path)):
        for blob, shape in _hints(layer).items():
            if blob in made:
                assert made[blob].shape == (1, *shape), f"{layer.name} {blob}"
                hinted += 1
    assert hinted or name in ("FastestDet", "vision_transformer")


def _hints(layer: Layer) -> dict[str, tuple[int, ...]]:
    numbers = layer.integers(SHAPE_HINTS)
    if len(numbers) != 4 * len(layer.outputs):
        return {}
    parts = [numbers[4 * index : 4 * index + 4] for index in range(len(layer.outputs))]
    return {blob: tuple(reversed(part[1 : 1 + part[0]])) for blob, part in zip(layer.outputs, parts, strict=True)}


@pytest.mark.parametrize(
    ("name", "macs", "parameters"),
    [
        ("vgg16", 15_470_264_320, 138_357_544),  # T079
        ("vgg16_int8", 15_470_264_320, 138_357_544),
        ("mobilenet", 568_740_352, 4_221_032),  # T082, fused: 4,231,976 less one of two for each of 10,944 channels
        ("mobilenet_int8", 568_740_352, 4_221_032),
        ("resnet50", 3_857_973_248, 25_530_472),  # T087: 25,557,032 less 26,560 channels
        ("resnet18", 1_826_918_400, 11_688_872),
        ("resnet18_int8", 1_826_918_400, 11_688_872),
        ("yolov4-tiny", 3_453_938_176, 6_053_502),  # T053, as in darknet
        ("yolo-fastestv2", 106_382_232, 245_782),  # T059: 0.2128 G operations, 0.2458 M
        ("squeezenet", 418_467_520, 1_235_496),  # T093
    ],
)
def test_published_totals(name: str, macs: int, parameters: int) -> None:
    totals = counted(shared(NCNN / f"{name}.param")).totals
    assert (totals.macs, totals.parameters) == (macs, parameters)


@pytest.mark.parametrize(
    ("name", "millions"), [("mobilenet_v2", 314), ("mnasnet", 314), ("proxylessnasnet", 336), ("shufflenet", 127)]
)
def test_same_operations_and_very_different_access(name: str, millions: int) -> None:
    assert round(counted(shared(NCNN / f"{name}.param")).totals.macs / 1e6) == millions  # T094


def test_a_network_counts_the_same_in_both_formats() -> None:
    described = counted(shared(DARKNET / "yolov4-tiny.cfg"))
    converted = counted(shared(NCNN / "yolov4-tiny.param"))
    products = [
        [entry.work.macs for entry in result.ops if entry.op.kind == "Conv"] for result in (described, converted)
    ]
    assert sorted(products[0]) == sorted(products[1])


@pytest.mark.parametrize("name", ["mobilenet_v3", "shufflenet", "resnet18_int8", "FastestDet", "yolo-fastestv2"])
def test_converted_networks_count_alike_and_run(name: str, tmp_path: Path) -> None:
    path = shared(NCNN / f"{name}.param")
    content, _ = convert(path, SHAPES.get(name, {}), None, seed=0)
    twin = tmp_path / "twin.onnx"
    twin.write_bytes(content)
    require_same_counts(counted(path, SHAPES.get(name)), twin)
    require_lively(content)


def test_a_converted_detector_ends_before_its_head() -> None:
    content, notes = convert(shared(NCNN / "mobilenet_yolo.param"), {}, None, seed=0)
    assert notes[-1] == "the model ends before detection_out, which ONNX cannot express"
    require_lively(content)
