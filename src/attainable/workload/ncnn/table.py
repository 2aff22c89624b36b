"""What a function is that writes one layer."""

from collections.abc import Callable

from attainable.workload.ncnn.param import Layer
from attainable.workload.ncnn.walk import Walk
from attainable.workload.weightless.writer import Value

LayerWriter = Callable[[Walk, Layer, list[Value]], list[Value]]
"""From the walk, the layer's line and its inputs, one at least unless it is MemoryData, to its outputs."""
