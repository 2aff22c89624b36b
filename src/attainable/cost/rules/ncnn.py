"""Layers of ncnn that ONNX does not have.

::

    y = boxes(height, width of x)

PriorBox puts boxes of fixed sizes around every pixel of a feature map: its output follows from shapes alone and is
only written.

Source: Tencent/ncnn @ a4d2ea1d, src/layer/priorbox.cpp.
"""

from attainable.cost.work import Rule, Rules, Work, movement
from attainable.workload.graph import Op


def prior_boxes(op: Op) -> Work:
    """Write the output; of the inputs only the shapes are used."""
    return movement(op, bytes_activation_in=0, bytes_weight=0)


RULES: Rules = {"ncnn:PriorBox": Rule(prior_boxes, parameters=())}
"""Layers by type."""
