"""The layers of ncnn by name: ``LAYERS``."""

from attainable.workload.ncnn import contractions, elementwise, movement, pooling
from attainable.workload.ncnn.table import LayerWriter

LAYERS: dict[str, LayerWriter] = {
    **contractions.LAYERS,
    **elementwise.LAYERS,
    **movement.LAYERS,
    **pooling.LAYERS,
}
"""Layer by name."""
