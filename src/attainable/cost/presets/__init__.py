"""Other counters' conventions, so that their totals can be reproduced and explained term by term."""

from attainable.cost.presets.graph_counters import ONNX_TOOL, OPENVINO
from attainable.cost.presets.preset import Preset, PresetCount, PresetRow, preset_count
from attainable.cost.presets.pytorch import DEEPSPEED, FLOP_COUNTER_MODE, FVCORE, PTFLOPS, THOP, TORCHINFO

__all__ = ["PRESETS", "Preset", "PresetCount", "PresetRow", "preset_count"]

PRESETS: dict[str, Preset] = {
    "fvcore": FVCORE,
    "thop": THOP,
    "ptflops": PTFLOPS,
    "torch": FLOP_COUNTER_MODE,
    "deepspeed": DEEPSPEED,
    "openvino": OPENVINO,
    "onnx-tool": ONNX_TOOL,
    "torchinfo": TORCHINFO,
}
"""By the name that ``--preset`` takes."""
