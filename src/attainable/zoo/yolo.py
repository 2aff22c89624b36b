"""YOLOv3-tiny and YOLOv4-tiny, detectors with two output scales, and the layers of darknet networks.

Source: Redmon and Farhadi, YOLOv3, arXiv:1804.02767; Wang et al., Scaled-YOLOv4, arXiv:2011.08036; structure as in
cfg/yolov3-tiny.cfg and cfg/yolov4-tiny.cfg of AlexeyAB/darknet.
"""

from collections.abc import Callable
from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import leaky
from attainable.zoo.graph import Value

DETECTIONS: Final = 255
"""Channels of an output: 3 boxes of 4 coordinates, an objectness and 80 classes of COCO."""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """A detector: ``input`` [batch, 3, 416, 416] -> ``coarse`` [batch, 255, 13, 13], ``fine`` [batch, 255, 26, 26].

    The outputs are those of the last convolutions: decoding boxes from them is not part of the network.

    Source: cfg/yolov3-tiny.cfg and cfg/yolov4-tiny.cfg of AlexeyAB/darknet.
    """
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 416, 416))
    middle, deep = _BACKBONES[name](builder, x)
    neck = leaky(builder, "neck", deep, channels=256, kernel=1)
    coarse = detect(builder, "coarse", leaky(builder, "coarse.features", neck, channels=512, kernel=3), after_relu=True)
    x = builder.upsample("upsample", leaky(builder, "lateral", neck, channels=128, kernel=1))
    x = leaky(builder, "fine.features", builder.concat_channels("join", (x, middle)), channels=256, kernel=3)
    return builder.finish_as({"coarse": coarse, "fine": detect(builder, "fine", x, after_relu=True)})


def detect(builder: GraphBuilder, name: str, x: Value, *, after_relu: bool) -> Value:
    """The last convolution of an output scale, 1x1 with bias; darknet has a normalisation everywhere else."""
    return builder.conv(f"{name}.detections", x, channels=DETECTIONS, kernel=1, bias=True, after_relu=after_relu)


def _yolov3_tiny(builder: GraphBuilder, x: Value) -> tuple[Value, Value]:
    middle = leaky(builder, "layers.0", x, channels=16, kernel=3, after_relu=False)
    for index, channels in enumerate((32, 64, 128, 256), start=1):
        x = builder.max_pool(f"pools.{index}", middle, kernel=2, stride=2)
        middle = leaky(builder, f"layers.{index}", x, channels=channels, kernel=3)
    x = leaky(builder, "layers.5", builder.max_pool("pools.5", middle, kernel=2, stride=2), channels=512, kernel=3)
    # Stride 1 with one row and column more below and to the right keeps 13x13.
    x = builder.max_pool("pools.6", x, kernel=2, stride=1, padding_after=1)
    return middle, leaky(builder, "layers.6", x, channels=1024, kernel=3)


def _yolov4_tiny(builder: GraphBuilder, x: Value) -> tuple[Value, Value]:
    x = leaky(builder, "stem.0", x, channels=32, kernel=3, stride=2, after_relu=False)
    x = leaky(builder, "stem.1", x, channels=64, kernel=3, stride=2)
    part = x
    for stage, channels in enumerate((64, 128, 256)):
        name = f"stages.{stage}"
        whole = leaky(builder, f"{name}.first", x, channels=channels, kernel=3)
        half = builder.slice(f"{name}.half", whole, bounds={1: (channels // 2, channels)})
        one = leaky(builder, f"{name}.part.0", half, channels=channels // 2, kernel=3)
        two = leaky(builder, f"{name}.part.1", one, channels=channels // 2, kernel=3)
        part = builder.concat_channels(f"{name}.part.concat", (two, one))
        part = leaky(builder, f"{name}.part.2", part, channels=channels, kernel=1)
        x = builder.concat_channels(f"{name}.concat", (whole, part))
        x = builder.max_pool(f"{name}.pool", x, kernel=2, stride=2)
    return part, leaky(builder, "last", x, channels=512, kernel=3)


_BACKBONES: Final[dict[str, Callable[[GraphBuilder, Value], tuple[Value, Value]]]] = {
    "yolov3_tiny": _yolov3_tiny,
    "yolov4_tiny": _yolov4_tiny,
}
"""Each gives the features that the fine scale reads and those that both scales start from."""
