"""What runtimes call the kernels that compute nothing, and those that compute in integers or in reference code.

The words are those of ``Execution.layer`` and ``Execution.implementation``, without a domain.

Source: what ONNX Runtime 1.31, OpenVINO 2026.4, MNN 3.6 and ncnn 1.0 say of the graphs that they run; for OpenVINO also
src/plugins/intel_cpu (``ref`` is code without vector instructions; the names of inserted reorders); the operators of
TFLite's schema; for PyTorch aten/src/ATen/native (``slow_`` convolutions); for ONNX Runtime
docs/ContribOperators.md and the execution providers' own names.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

Plain = Literal["", "layout", "cast", "quantise", "copy"]
"""What a kernel does that computes nothing; empty for one that may compute."""

OPERATORS: Mapping[str, Plain] = MappingProxyType(
    {
        **dict.fromkeys(("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"), "quantise"),
        **dict.fromkeys(("Cast", "CastLike"), "cast"),
        **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Transpose", "Dropout"), "copy"),
        **dict.fromkeys(("Concat", "Split", "Slice", "Expand", "Tile", "Pad"), "copy"),
        **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), "copy"),
    }
)
"""Operators of ONNX that compute nothing."""

_COMMON: Mapping[str, Plain] = MappingProxyType({**OPERATORS, "Raster": "copy"})
"""Words that mean this in any runtime, unless a kernel is known to change the layout for the runtime's sake."""

_OWN: Mapping[str, Mapping[str, Plain]] = MappingProxyType(
    {
        "onnxruntime": {
            **dict.fromkeys(("ReorderInput", "ReorderOutput"), "layout"),
            **dict.fromkeys(("MemcpyFromHost", "MemcpyToHost"), "copy"),
        },
        "openvino": {
            "Reorder": "layout",
            "Convert": "cast",
            "FakeQuantize": "quantise",
            **dict.fromkeys(("Concatenation", "StridedSlice", "Broadcast", "ShuffleChannels"), "copy"),
        },
        "mnn": {
            **dict.fromkeys(("FloatToInt8", "Int8ToFloat", "DynamicQuant"), "quantise"),
            "ConvertTensor": "layout",
        },
        "ncnn": {
            "Packing": "layout",
            **dict.fromkeys(("Quantize", "Dequantize", "Requantize"), "quantise"),
            **dict.fromkeys(("Split", "Permute", "ExpandDims", "Crop", "Padding", "PixelShuffle", "Noop"), "copy"),
        },
        "litert": {
            **dict.fromkeys(("QUANTIZE", "DEQUANTIZE"), "quantise"),
            "CAST": "cast",
            **dict.fromkeys(
                ("RESHAPE", "TRANSPOSE", "CONCATENATION", "SPLIT", "SPLIT_V", "SLICE", "PAD", "PADV2"), "copy"
            ),
            **dict.fromkeys(("STRIDED_SLICE", "EXPAND_DIMS", "SQUEEZE", "PACK", "UNPACK", "TILE"), "copy"),
            **dict.fromkeys(("BROADCAST_TO", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH"), "copy"),
        },
    }
)

_INTEGERS = (
    "QLinear", "QGemm", "QAttention", "QMoE", "MatMulInteger", "ConvInteger", "DynamicQuantize", "NhwcQ", "ConvInt8",
)  # fmt: skip
"""How the names of kernels begin that compute in integers, whatever the type of their result."""

_REFERENCE: Mapping[str, re.Pattern[str]] = MappingProxyType({"openvino": re.compile(r"ref(_|$)")})

_DELEGATES: Mapping[str, str] = MappingProxyType({"litert": "XNNPACK"})

_TYPE = r"(?:f64|f32|f16|bf16|f8e4m3|f8e5m2|i64|i32|i16|i8|i4|u64|u32|u16|u8|u4|boolean)"
_REORDERED_TYPES = re.compile(rf"@\d+\w*_{_TYPE}(?:_\w+)?_{_TYPE}_(?:\w+_)?@?\w+")
"""A reorder is called after what it is between, and the types and layouts there, as far as they differ."""
_LONGEST_REORDER = 160
"""Characters. A longer name is the user's, and matching it would take ages."""


def purpose_of_word(runtime: str, word: str, name: str, *, is_layout: bool) -> Plain:
    """What a kernel does by its name alone; empty where it may compute.

    Args:
        runtime: a key of ``RUNTIMES``; of ``onnxruntime-cuda`` the words are those of ``onnxruntime``.
        word: the layer type, with or without a domain; several joined by ``+``, which must be alike.
        name: of the kernel.
        is_layout: whether it is known to change the layout for the runtime's sake.
    """
    words = word.rpartition(":")[2].split("+")
    own = _all_alike(words, _OWN.get(_family(runtime), {}))
    if own == "layout" and len(name) <= _LONGEST_REORDER and _REORDERED_TYPES.fullmatch(name):
        return "cast"
    return own or ("layout" if is_layout else _all_alike(words, _COMMON))


def computes_in_integers(word: str) -> bool:
    """Whether a kernel's name says that it computes in integers."""
    return word.rpartition(":")[2].startswith(_INTEGERS)


def is_reference(runtime: str, implementation: str) -> bool:
    """Whether a routine is plain reference code."""
    pattern = _REFERENCE.get(_family(runtime))
    return pattern is not None and pattern.match(implementation) is not None


def delegate_of(runtime: str) -> str:
    """How the names of a runtime's own routines begin, beside which others only fill in; empty where none is told."""
    return _DELEGATES.get(_family(runtime), "")


def _all_alike(words: Sequence[str], table: Mapping[str, Plain]) -> Plain:
    found: set[Plain] = {table.get(word, "") for word in words}
    return found.pop() if len(found) == 1 else ""


def _family(runtime: str) -> str:
    return runtime.partition("-")[0]
