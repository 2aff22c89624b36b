"""Operators of ONNX Runtime that are operators of the default ONNX domain under another name.

Some came first and were taken over, some put the channels last, or take as an input what the other takes as an
attribute. Inputs come in the same order, and the count is the same.

Source: ONNX Runtime operator schemas (docs/ContribOperators.md), the operators by name.
"""

TWINS: dict[str, str] = {
    "com.microsoft:ExpandDims": "Unsqueeze",
    "com.microsoft:GatherND": "GatherND",
    "com.microsoft:GridSample": "GridSample",
    "com.microsoft:MaxpoolWithMask": "MaxPool",
    "com.microsoft:NhwcMaxPool": "MaxPool",
    "com.microsoft:Pad": "Pad",
    "com.microsoft:QLinearConv": "QLinearConv",
    "com.microsoft:QuantizeLinear": "QuantizeLinear",
    "com.microsoft:DequantizeLinear": "DequantizeLinear",
    "com.microsoft:Range": "Range",
    "com.microsoft:SampleOp": "Identity",
    "com.microsoft:TorchEmbedding": "Gather",
    "com.microsoft:Trilu": "Trilu",
    "com.microsoft:Unique": "Unique",
}
"""Operator of ONNX Runtime to the operator whose rule it has."""
