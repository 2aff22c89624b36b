"""A network of one operator, described in a line: ``conv 3x3 64->64 @56``.

A line is the operator and its sizes, in any order::

    conv 3x3 64->128 @56 s2      kernel, channels in and out, height and width in, stride; padded to keep the size
    conv 1x1 64->64 @56x40 g4    4 groups
    depthwise 3x3 128 @28        one filter a channel
    linear 512->1000 b8          a batch of 8
    matmul 128x768x3072          rows, what is summed over, columns: a product of two activations
    maxpool 2x2 64 @112 s2       also averagepool
    add 64 @56                   two inputs; also sub, mul, div
    softmax 12x128x128           one input; also relu, sigmoid, tanh, gelu, hardswish, exp, erf, sqrt

``bN`` is the batch, ``sN`` the stride, ``pN`` the padding, ``dN`` the dilation, ``gN`` the groups, and an element type
such as ``int8`` may stand anywhere; without one it is ``float32``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from attainable.errors import InvalidQuantity
from attainable.workload.dtypes import BITS
from attainable.workload.graph import AttributeValue, Op, Provenance, Shape, Tensor, Workload

MOST = 1 << 24
"""No size is larger: the products stay numbers that a person means."""

OPSET = 22

_UNARY = {
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "gelu": "Gelu", "hardswish": "HardSwish", "exp": "Exp",
    "erf": "Erf", "sqrt": "Sqrt", "softmax": "Softmax",
}  # fmt: skip
_BINARY = {"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div"}
_POOLS = {"maxpool": "MaxPool", "averagepool": "AveragePool"}
_CONVOLUTIONS = ("conv", "depthwise")

_LETTERS = {**dict.fromkeys(_POOLS, "bsp"), "conv": "bspdg", "depthwise": "bspd"}
"""The letters that an operator takes; others take the batch alone."""

_PATTERNS = {
    "spatial": re.compile(r"@(\d+)(?:x(\d+))?"),
    "channels": re.compile(r"(\d+)->(\d+)"),
    "dims": re.compile(r"\d+(?:x\d+)*"),
    "letter": re.compile(r"([bspdg])(\d+)"),
}
"""What a word may say, tried in this order."""


@dataclass(frozen=True, slots=True)
class _Line:
    """What the words of a line say; empty for what they do not say."""

    text: str
    operator: str
    dims: Shape = ()
    channels: Shape = ()
    spatial: Shape = ()
    numbers: Mapping[str, int] = field(default_factory=dict[str, int])
    dtype: str = "float32"

    def number(self, letter: str, default: int) -> int:
        return self.numbers.get(letter, default)

    def tensor(self, name: str, shape: Shape, *, is_constant: bool = False) -> Tensor:
        return Tensor(name, shape, self.dtype, is_constant)


_Parts = tuple[str, tuple[Tensor, ...], Shape, tuple[tuple[str, AttributeValue], ...]]
"""Kind, inputs, shape of the output and attributes of the op."""


def described(text: str) -> Workload:
    """The network of a line.

    Raises:
        InvalidQuantity: the line cannot be read, or lacks a size; the help shows a line that can.
    """
    line = _read(text)
    kind, inputs, shape, attributes = _MAKERS[line.operator](line)
    outputs = (line.tensor("y", shape),)
    op = Op("0", "", kind, "", OPSET, inputs, outputs, tuple(sorted(attributes)))
    return Workload(
        name=text, ops=(op,), inputs=tuple(tensor for tensor in inputs if not tensor.is_constant), outputs=outputs,
        constants=tuple(tensor for tensor in inputs if tensor.is_constant), bindings=(),
        provenance=Provenance(text, sha256(text.encode()).hexdigest(), "line", OPSET, 0, 0),
    )  # fmt: skip


def _read(text: str) -> _Line:
    words = text.lower().split()
    if not words or words[0] not in _MAKERS:
        raise _unreadable(text, f"begins with none of {', '.join(_MAKERS)}")
    said: dict[str, Shape] = {}
    numbers: dict[str, int] = {}
    dtype = "float32"
    for word in words[1:]:
        if word in BITS:
            dtype = word
            continue
        for name, pattern in _PATTERNS.items():
            if pattern.fullmatch(word):
                digits = re.findall(r"\d+", word)
                found = tuple(map(int, digits)) if all(len(each) < 10 for each in digits) else (MOST + 1,)
                if max(found) > MOST:
                    raise _unreadable(text, f"has a size above {MOST} @ {word}")
                if name == "letter":
                    if word[0] not in _LETTERS.get(words[0], "b"):
                        raise _unreadable(text, f"says something that {words[0]} does not have @ {word}")
                    numbers[word[0]] = found[0]
                else:
                    # 128 says the dimensions of a kernel or the channels: the second such word is the channels
                    said["channels" if name == "dims" and "dims" in said and len(found) == 1 else name] = found
                break
        else:
            raise _unreadable(text, f"cannot be read @ {word}")
    if any(number == 0 for shape in said.values() for number in shape) or 0 in (
        numbers.get(letter, 1) for letter in "bsdg"
    ):
        raise _unreadable(text, "has a size of 0")
    return _Line(
        text, words[0], said.get("dims", ()), said.get("channels", ()), said.get("spatial", ()), numbers, dtype
    )


def _convolution(line: _Line) -> _Parts:
    channels_in, channels_out = _channels(line)
    kernel, spatial = _kernel(line), _spatial(line)
    groups = channels_in if line.operator == "depthwise" else line.number("g", 1)
    if channels_in % groups or channels_out % groups:
        raise _unreadable(line.text, f"{groups} groups do not divide {channels_in} and {channels_out} channels")
    stride, dilation = line.number("s", 1), line.number("d", 1)
    padding = tuple(line.number("p", dilation * (extent - 1) // 2) for extent in kernel)
    result = _slid(line, spatial, kernel, stride, padding, dilation)
    batch = line.number("b", 1)
    weight = line.tensor("w", (channels_out, channels_in // groups, *kernel), is_constant=True)
    attributes = (
        ("dilations", (dilation, dilation)), ("group", groups), ("kernel_shape", kernel), ("pads", padding * 2),
        ("strides", (stride, stride)),
    )  # fmt: skip
    return (
        "Conv",
        (line.tensor("x", (batch, channels_in, *spatial)), weight),
        (batch, channels_out, *result),
        attributes,
    )


def _pooling(line: _Line) -> _Parts:
    (channels, _), kernel, spatial = _channels(line), _kernel(line), _spatial(line)
    stride = line.number("s", 1)
    padding = tuple(line.number("p", 0) for _ in kernel)
    batch = line.number("b", 1)
    result = _slid(line, spatial, kernel, stride, padding, 1)
    attributes = (("kernel_shape", kernel), ("pads", padding * 2), ("strides", (stride, stride)))
    x = line.tensor("x", (batch, channels, *spatial))
    return _POOLS[line.operator], (x,), (batch, channels, *result), attributes


def _linear(line: _Line) -> _Parts:
    width, result = _channels(line)
    rows = line.number("b", 1)
    weight = line.tensor("w", (width, result), is_constant=True)
    return "MatMul", (line.tensor("x", (rows, width)), weight), (rows, result), ()


def _product(line: _Line) -> _Parts:
    if len(line.dims) != 3:
        raise _unreadable(line.text, "needs rows x summed x columns, such as 128x768x3072")
    rows, summed, columns = line.dims
    batch = line.number("b", 1)
    left, right = line.tensor("a", (batch, rows, summed)), line.tensor("b", (batch, summed, columns))
    return "MatMul", (left, right), (batch, rows, columns), ()


def _unary(line: _Line) -> _Parts:
    shape = _whole(line)
    return _UNARY[line.operator], (line.tensor("x", shape),), shape, ()


def _binary(line: _Line) -> _Parts:
    shape = _whole(line)
    return _BINARY[line.operator], (line.tensor("a", shape), line.tensor("b", shape)), shape, ()


_MAKERS: Mapping[str, Callable[[_Line], _Parts]] = {
    **dict.fromkeys(_CONVOLUTIONS, _convolution),
    "linear": _linear,
    "matmul": _product,
    **dict.fromkeys(_POOLS, _pooling),
    **dict.fromkeys(_BINARY, _binary),
    **dict.fromkeys(_UNARY, _unary),
}
"""The operators that a line may name."""


def _channels(line: _Line) -> tuple[int, int]:
    """Channels in and out; a single number is both."""
    if not line.channels:
        raise _unreadable(line.text, "lacks its channels, such as 64->128")
    return line.channels[0], line.channels[-1]


def _kernel(line: _Line) -> tuple[int, int]:
    if len(line.dims) not in (1, 2):
        raise _unreadable(line.text, "lacks its kernel, such as 3x3")
    return line.dims[0], line.dims[-1]


def _spatial(line: _Line) -> tuple[int, int]:
    if not line.spatial:
        raise _unreadable(line.text, "lacks its height and width, such as @56")
    return line.spatial[0], line.spatial[-1]


def _whole(line: _Line) -> Shape:
    """The shape of an element-wise op: as written, or channels at a height and width."""
    if line.spatial:
        channels = line.channels[0] if line.channels else line.dims[0] if line.dims else 0
        if channels:
            return (line.number("b", 1), channels, *_spatial(line))
    if line.dims and not line.spatial:
        return (line.number("b", 1), *line.dims)
    raise _unreadable(line.text, "lacks its shape, such as 64 @56 or 12x128x128")


def _slid(line: _Line, spatial: Shape, kernel: Shape, stride: int, padding: Shape, dilation: int) -> Shape:
    """Positions of a window: (size + 2 x padding - dilation x (kernel - 1) - 1) // stride + 1 (ONNX Conv)."""
    result = tuple(
        (size + 2 * pad - dilation * (extent - 1) - 1) // stride + 1
        for size, extent, pad in zip(spatial, kernel, padding, strict=True)
    )
    if min(result) < 1:
        raise _unreadable(line.text, "has a kernel larger than its padded input")
    return result


def _unreadable(text: str, what: str) -> InvalidQuantity:
    return InvalidQuantity(what, where=text, help='write for example "conv 3x3 64->64 @56" or "linear 512->1000 b8"')
