"""Small valid networks in the other formats: what mutations start from."""

import io
import json
import zipfile
from typing import Any

from tests.workload.test_tflite_reader import MOBILE_OPERATORS, MOBILE_TENSORS
from tests.workload.tflite_files import Operator, Tensor, serialize
from tests.workload.torch_archives import Json, named, node, program, tensor

DARKNET = """[net]
width=16
height=16
channels=3
batch=64

[convolutional]
batch_normalize=1
filters=8
size=3
stride=2
pad=1
activation=leaky

[maxpool]
size=2
stride=2

[convolutional]
filters=8
size=1
groups=2
activation=mish

[shortcut]
from=-2
activation=linear

[route]
layers=-1,-3

[upsample]
stride=2

[reorg]
stride=2

[avgpool]

[connected]
output=10
activation=linear

[softmax]
groups=1
"""

NCNN = """7767517
11 13
Input            data   0 1 data 0=16 1=16 2=3
Convolution      conv   1 1 data c 0=8 1=3 3=2 4=1 5=1 6=216 9=3 -23310=2,0.0,6.0
Split            split  1 2 c c1 c2
ConvolutionDepthWise dw 1 1 c1 d 0=8 1=3 4=1 5=1 6=72 7=8
BinaryOp         add    2 1 d c2 s 0=0
Pooling          pool   1 1 s p 0=0 1=2 2=2
Interp           up     1 1 p u 0=2 1=2.0 2=2.0
Concat           cat    2 1 u s k 0=0
Reshape          shape  1 1 k r 0=-1
InnerProduct     fc     1 1 r f 0=10 1=1 2=10240
Softmax          prob   1 1 f prob 0=0
"""


def _integers(*items: int) -> Json:
    return {"as_ints": list(items)}


def _flag(value: bool) -> Json:
    return {"as_bool": value}


def _many_operators() -> Json:
    """Convolution, normalisation, attention and shapes of a dynamic batch."""
    batch = "s0"
    made = program(batch)
    graph: dict[str, Any] = made["graph_module"]["graph"]
    images: dict[str, tuple[int | str, ...]] = {
        "x": (batch, 3, 8, 8),
        "conv": (batch, 4, 8, 8),
        "relu": (batch, 4, 8, 8),
    }
    one: Json = {"as_int": 1}
    graph["nodes"] = [
        node("conv2d.default", "conv", input=named("x"), weight=named("w"), stride=_integers(1, 1),
             padding=_integers(1, 1), dilation=_integers(1, 1), groups=one),
        node("relu.default", "relu", self=named("conv")),
        node("max_pool2d.default", "pool", self=named("relu"), kernel_size=_integers(2, 2), stride=_integers(2, 2)),
        node("cat.default", "cat", tensors={"as_tensors": [{"name": "pool"}, {"name": "pool"}]}, dim=one),
        node("permute.default", "permute", self=named("cat"), dims=_integers(0, 2, 3, 1)),
        node("view.default", "view", self=named("permute"), size=_integers(-1, 16, 8)),
        node("scaled_dot_product_attention.default", "attention", query=named("view"), key=named("view"),
             value=named("view"), is_causal=_flag(True)),
        node("layer_norm.default", "norm", input=named("attention"), normalized_shape=_integers(8)),
        node("linear.default", "linear", input=named("norm"), weight=named("p_fc_weight")),
        node("mean.dim", "mean", self=named("linear"), dim=_integers(1), keepdim=_flag(False)),
        node("softmax.int", "out", self=named("mean"), dim={"as_int": -1}),
    ]  # fmt: skip
    shapes: dict[str, tuple[int | str, ...]] = {
        **images, "w": (4, 3, 3, 3), "pool": (batch, 4, 4, 4), "cat": (batch, 8, 4, 4), "permute": (batch, 4, 4, 8),
        "view": (batch, 16, 8), "attention": (batch, 16, 8), "norm": (batch, 16, 8), "p_fc_weight": (5, 8),
        "linear": (batch, 16, 5), "mean": (batch, 5), "out": (batch, 5),
    }  # fmt: skip
    graph["tensor_values"] = {name: tensor(*shape) for name, shape in shapes.items()}
    graph["inputs"] = [named("w"), *graph["inputs"]]
    graph["outputs"] = [named("out")]
    signature = made["graph_module"]["signature"]
    signature["input_specs"].insert(0, {"parameter": {"arg": {"name": "w"}, "parameter_name": "conv.weight"}})
    signature["output_specs"] = [{"user_output": {"arg": named("out")}}]
    return made


def archived(program: bytes) -> bytes:
    """A ``.pt2`` archive of a program."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        # a fixed date, so that the same program gives the same bytes
        file.writestr(zipfile.ZipInfo("model/models/model.json"), program)
    return stream.getvalue()


PROGRAMS: tuple[bytes, ...] = tuple(json.dumps(made).encode() for made in (program(), _many_operators()))
"""Exported programs, without their archive."""

_STRING_OPERATORS = [
    Operator("TRANSPOSE_CONV", [2, 1, 0], [3], [(1, "int32", 2), (2, "int32", 2)]),
    Operator("CUSTOM", [3], [4], custom="Detect"),
]
_STRING_TENSORS = [
    Tensor("x", (1, 4, 4, 3)),
    Tensor("w", (2, 3, 3, 3), stored=True),
    Tensor("shape", (4,), "int32", stored=b"\x01\0\0\0\x08\0\0\0\x08\0\0\0\x02\0\0\0"),
    Tensor("y", (1, 8, 8, 2)),
    Tensor("z", (), "string"),
]

TFLITE: tuple[bytes, ...] = (
    serialize(MOBILE_TENSORS, MOBILE_OPERATORS, [0], [13]),
    serialize(_STRING_TENSORS, _STRING_OPERATORS, [0], [3, 4]),
)
