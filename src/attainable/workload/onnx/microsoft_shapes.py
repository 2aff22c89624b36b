"""Shapes of ONNX Runtime's own operators, which onnx has no schemas for.

N is the batch, S a sequence, H heads, P past positions; an operator that differs from one of ONNX's in its name and in
scales only is handed to that operator's inference (``DELEGATES``).

Source: ONNX Runtime, docs/ContribOperators.md (1.23).
"""

from dataclasses import dataclass

import onnx

from attainable.workload.graph import Op, Shape
from attainable.workload.onnx.microsoft_attention import ATTENTION
from attainable.workload.onnx.shape_rules import (
    Operands,
    Outputs,
    ShapeFunction,
    axis_of,
    broadcast,
    integer,
    integers,
    like,
    result,
)
from attainable.workload.onnx.standard_shapes import STANDARD
from attainable.workload.onnx.windows import windowed


@dataclass(frozen=True, slots=True)
class Delegate:
    """An operator of ONNX that has the same shapes.

    Attributes:
        kind: of the default domain, newest version.
        inputs: positions of the inputs that it is handed, in its own order.
    """

    kind: str
    inputs: tuple[int, ...] = (0,)

    def node(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """The node as one of that operator, with the attributes that it knows."""
        known = onnx.defs.get_schema(self.kind).attributes
        attributes = [attribute for attribute in node.attribute if attribute.name in known]
        inputs = [node.input[position] for position in self.inputs if position < len(node.input)]
        return onnx.NodeProto(op_type=self.kind, input=inputs, output=node.output[:1], attribute=attributes)


def _elementwise(*positions: int, dtype: str = "") -> ShapeFunction:
    """The inputs at these positions broadcast; the type is that of the last of them unless given."""

    def outputs(op: Op, operands: Operands) -> Outputs:
        del operands
        tensors = [op.input(position) for position in positions]
        return [result(broadcast(*(tensor.dims for tensor in tensors)), dtype or tensors[-1].dtype)]

    return outputs


def _typed(shape: int, dtype: int, default: str) -> ShapeFunction:
    """The shape of one input and the type of another, or a default where that is omitted."""

    def outputs(op: Op, operands: Operands) -> Outputs:
        del operands
        typed = op.optional_input(dtype)
        return [result(op.input(shape).dims, default if typed is None else typed.dtype)]

    return outputs


def _matrix_product(first: int, second: int, dtype: int | str) -> ShapeFunction:
    """MatMul of the inputs at two positions; transA and transB swap the last two axes, transBatchA/B more of them."""

    def outputs(op: Op, operands: Operands) -> Outputs:
        del operands
        a, b = _turned(op, first, "A"), _turned(op, second, "B")
        name = dtype if isinstance(dtype, str) else op.input(dtype).dtype
        if len(a) == 1 or len(b) == 1:
            return [result((*a[:-1], *b[:-2], *b[-1:]) if len(b) > 1 else a[:-1], name)]
        return [result((*broadcast(a[:-2], b[:-2]), a[-2], b[-1]), name)]

    return outputs


def _turned(op: Op, position: int, letter: str) -> Shape:
    dims = op.input(position).dims
    if len(dims) > 1 and op.integer(f"transBatch{letter}", 0):
        dims = (*dims[1:-1], dims[0], dims[-1])
    return (*dims[:-2], dims[-1], dims[-2]) if len(dims) > 1 and op.integer(f"trans{letter}", 0) else dims


def _packed_product(op: Op, operands: Operands) -> Outputs:
    """y[.., N] = a[.., K] b[K, N]: the weight is stored packed, its extent is an attribute."""
    del operands
    a = op.input(0)
    return [result((*a.dims[:-1], op.integer("N", -1)), a.dtype)]


def _product_of_given_shape(op: Op, operands: Operands) -> Outputs:
    a = op.input(0)
    return [result((*a.dims[:-1], integers(operands, 2)[1]), a.dtype)]


def _quantised_gemm(op: Op, operands: Operands) -> Outputs:
    del operands
    a, b, zero_point = _turned(op, 0, "A"), _turned(op, 3, "B"), op.optional_input(8)
    return [result((a[0], b[1]), "float32" if zero_point is None else zero_point.dtype)]


def _quantised_concat(op: Op, operands: Operands) -> Outputs:
    """Scale and zero point of y, then (tensor, scale, zero point) of each input."""
    del operands
    tensors = [op.input(position) for position in range(2, len(op.inputs), 3)]
    first = tensors[0]
    axis = axis_of(op.integer("axis", 0), first.rank)
    total = sum(tensor.dims[axis] for tensor in tensors)
    return [result((*first.dims[:axis], total, *first.dims[axis + 1 :]), first.dtype)]


def _convolution(weight: int, dtype: int, *, channels_last: bool) -> ShapeFunction:
    """Convolution whose channels may be last; the weight is (M, C / group, kernel ...)."""

    def outputs(op: Op, operands: Operands) -> Outputs:
        del operands
        x, w, typed = op.input(0).dims, op.input(weight).dims, op.optional_input(dtype)
        name = op.input(0).dtype if typed is None else typed.dtype
        last = channels_last or op.integer("channels_last", 0) != 0
        kernel = op.integers("kernel_shape") or w[2:]
        if last:
            return [result((x[0], *windowed(op, x[1:-1], kernel), w[0]), name)]
        return [result((x[0], w[0], *windowed(op, x[2:], kernel)), name)]

    return outputs


def _pool(*, channels_last: bool) -> ShapeFunction:
    def outputs(op: Op, operands: Operands) -> Outputs:
        del operands
        x, kernel = op.input(0), op.integers("kernel_shape")
        if channels_last or op.integer("channels_last", 0):
            return [result((x.dims[0], *windowed(op, x.dims[1:-1], kernel), x.dims[-1]), x.dtype)]
        return [result((*x.dims[:2], *windowed(op, x.dims[2:], kernel)), x.dtype)]

    return outputs


def _global_pool(op: Op, operands: Operands) -> Outputs:
    del operands
    x = op.input(0)
    ones = (1,) * (x.rank - 2)
    last = op.integer("channels_last", 0)
    return [result((x.dims[0], *ones, x.dims[-1]) if last else (*x.dims[:2], *ones), x.dtype)]


def _reduction(dtype: str = "") -> ShapeFunction:
    def outputs(op: Op, operands: Operands) -> Outputs:
        del operands
        x = op.input(0)
        axes = {axis_of(axis, x.rank) for axis in op.integers("axes") or range(x.rank)}
        keeps = op.integer("keepdims", 1)
        dims = [1 if axis in axes else extent for axis, extent in enumerate(x.dims) if keeps or axis not in axes]
        return [result(dims, dtype or x.dtype)]

    return outputs


def _skip_normalization(op: Op, operands: Operands) -> Outputs:
    """The normalised sum, mean and inverse deviation of each row, the sum itself."""
    del operands
    x = op.input(0)
    whole, row = result(x.dims, x.dtype), result((*x.dims[:-1], 1), "float32")
    return [whole, row, row, whole]


def _embedding_normalization(table: int, dtype: str = "") -> ShapeFunction:
    """Identifiers (N, S) and a table (V, E) give (N, S, E); how long each sequence is; the sum of the embeddings."""

    def outputs(op: Op, operands: Operands) -> Outputs:
        del operands
        ids, weights = op.input(0).dims, op.input(table)
        rows = result((*ids, weights.dims[1]), dtype or weights.dtype)
        return [rows, result(ids[:1], "int32"), rows]

    return outputs


def _dropout(op: Op, operands: Operands) -> Outputs:
    """The values, and a mask: a bool or, in a bit mask, a bit for each of them."""
    del operands
    x = op.input(0)
    if op.kind.startswith("Bitmask"):
        return [result(x.dims, x.dtype), result((-(-x.elements // 32),), "uint32")]
    return [result(x.dims, x.dtype), result(x.dims, "bool")]


def _gather_blocks(op: Op, operands: Operands) -> Outputs:
    """Gather of quantised rows; 4-bit elements in uint8 lie two to a byte along ``quantize_axis``, the last one."""
    del operands
    table, indices, scales = op.input(0), op.input(1), op.input(2)
    axis = axis_of(op.integer("gather_axis", 0), table.rank)
    dims = list(table.dims)
    if table.dtype == "uint8":
        dims[-1] *= 8 // op.integer("bits", 4)
    return [result((*dims[:axis], *indices.dims, *dims[axis + 1 :]), scales.dtype)]


def _lstm(op: Op, operands: Operands) -> Outputs:
    """x (S, N, I) gives (S, directions, N, hidden), and the last states (directions, N, hidden)."""
    del operands
    length, batch, _ = op.input(0).dims
    directions, hidden = op.input(1).dims[0], op.integer("hidden_size", -1)
    state = result((directions, batch, hidden), op.input(0).dtype)
    return [result((length, directions, batch, hidden), op.input(0).dtype), state, state]


def _split_gelu(op: Op, operands: Operands) -> Outputs:
    del operands
    x = op.input(0)
    return [result((*x.dims[:-1], x.dims[-1] // 2), x.dtype)]


def _embedding(op: Op, operands: Operands) -> Outputs:
    del operands
    return [result((*op.input(1).dims, *op.input(0).dims[1:]), op.input(0).dtype)]


def _expand_dims(op: Op, operands: Operands) -> Outputs:
    x = op.input(0)
    axis = axis_of(integer(operands, 1), x.rank + 1)
    return [result((*x.dims[:axis], 1, *x.dims[axis:]), x.dtype)]


def _distances(op: Op, operands: Operands) -> Outputs:
    del operands
    return [result((op.input(0).dims[0], op.input(1).dims[0]), op.input(0).dtype)]


def _crop(op: Op, operands: Operands) -> Outputs:
    x, regions = op.input(0), op.input(1)
    return [result((regions.dims[0], x.dims[1], *integers(operands, 3)), x.dtype)]


def _fourier(op: Op, operands: Operands) -> Outputs:
    """n real numbers give n // 2 + 1 complex ones, in an axis of two."""
    del operands
    *rest, count = op.input(0).dims
    return [result((*rest, count // 2 + 1, 2), op.input(0).dtype)]


def _inverse_fourier(op: Op, operands: Operands) -> Outputs:
    del operands
    *rest, count, _ = op.input(0).dims
    return [result((*rest, 2 * (count - 1)), op.input(0).dtype)]


def _unfold(op: Op, operands: Operands) -> Outputs:
    """Windows of ``size`` every ``step`` along ``dim``, each in a new last axis."""
    del operands
    x, size, step = op.input(0), op.integer("size", -1), op.integer("step", 1)
    axis = axis_of(op.integer("dim", -1), x.rank)
    return [result((*x.dims[:axis], (x.dims[axis] - size) // step + 1, *x.dims[axis + 1 :], size), x.dtype)]


def _word_embedding(op: Op, operands: Operands) -> Outputs:
    del operands
    return [result((*op.input(0).dims[:-1], op.input(1).dims[0]), op.input(1).dtype)]


def _finite(op: Op, operands: Operands) -> Outputs:
    del op, operands
    return [result((), "bool")]


def _hash(op: Op, operands: Operands) -> Outputs:
    del operands
    return [result(op.input(0).dims, "uint32" if op.integer("positive", 1) else "int32")]


def _restore_padding(op: Op, operands: Operands) -> Outputs:
    """Tokens (T, E) go back to their places (N, S)."""
    del operands
    return [result((*op.input(1).dims, op.input(0).dims[1]), op.input(0).dtype)]


def _flattened_pad_free(op: Op, operands: Operands) -> Outputs:
    """How many tokens are left is not known; the cumulated lengths are (N + 1)."""
    del operands
    batch, length, _ = op.input(0).dims
    return [None, result((batch, length), "int32"), result((batch + 1,), "int32"), result((1,), "int32")]


_LIKE_FIRST = like(0)

_FUNCTIONS: dict[str, ShapeFunction] = {
    **dict.fromkeys(
        (
            "BiasAdd",
            "BiasGelu",
            "BiasSoftmax",
            "DequantizeBFP",
            "FastGelu",
            "Gelu",
            "GroupNorm",
            "Inverse",
            "LongformerAttention",
            "MoE",
            "QMoE",
            "QLinearLeakyRelu",
            "QLinearSigmoid",
            "QLinearSoftmax",
            "QOrderedGelu",
            "QuickGelu",
            "RotaryEmbedding",
            "SampleOp",
            "Trilu",
            "QOrderedLayerNormalization",
            "QuantizeWithOrder",
            "MRotaryEmbedding",
            "BranchwiseRMSNorm",
            "GatedRMSNorm",
        ),
        _LIKE_FIRST,
    ),
    "SkipGroupNorm": like(0, 0),
    "GemmaRotaryEmbedding": like(1, 3),
    "NGramRepeatBlock": like(1),
    "SkipLayerNormalization": _skip_normalization,
    "SkipSimplifiedLayerNormalization": _skip_normalization,
    "EmbedLayerNormalization": _embedding_normalization(2),
    "QEmbedLayerNormalization": _embedding_normalization(2, "float32"),
    "BiasDropout": _dropout,
    "BitmaskDropout": _dropout,
    "BitmaskBiasDropout": _dropout,
    "BiasSplitGelu": _split_gelu,
    "QuantizeLinear": _typed(0, 2, "uint8"),
    "DequantizeLinear": _typed(0, 1, "float32"),
    "DequantizeWithOrder": _typed(0, 1, "float32"),
    "QLinearAdd": _elementwise(0, 3),
    "QLinearMul": _elementwise(0, 3),
    "QLinearWhere": _elementwise(0, 1, 4),
    "MulInteger": _elementwise(0, 2, dtype="int32"),
    "ComplexMul": _elementwise(0, 1),
    "ComplexMulConj": _elementwise(0, 1),
    "QLinearConcat": _quantised_concat,
    "QLinearConv": _convolution(3, 7, channels_last=False),
    "FusedConv": _convolution(1, 0, channels_last=False),
    "NhwcConv": _convolution(1, 0, channels_last=True),
    "NhwcFusedConv": _convolution(1, 0, channels_last=True),
    "QLinearAveragePool": _pool(channels_last=False),
    "MaxpoolWithMask": _pool(channels_last=False),
    "NhwcMaxPool": _pool(channels_last=True),
    "QLinearGlobalAveragePool": _global_pool,
    "QLinearReduceMean": _reduction(),
    "ReduceSumInteger": _reduction("int32"),
    "QGemm": _quantised_gemm,
    "FusedMatMul": _matrix_product(0, 1, 0),
    "FusedMatMulActivation": _matrix_product(0, 1, 0),
    "TransposeMatMul": _matrix_product(0, 1, 0),
    "GemmFastGelu": _matrix_product(0, 1, 0),
    "MatMulInteger16": _matrix_product(0, 1, "int32"),
    "MatMulIntegerToFloat": _matrix_product(0, 1, 2),
    "DynamicQuantizeMatMul": _matrix_product(0, 1, 0),
    "SparseToDenseMatMul": _matrix_product(0, 1, 1),
    "MatMulNBits": _packed_product,
    "MatMulBnb4": _packed_product,
    "MatMulFpQ4": _product_of_given_shape,
    "GatherBlockQuantized": _gather_blocks,
    "DynamicQuantizeLSTM": _lstm,
    "TorchEmbedding": _embedding,
    "ExpandDims": _expand_dims,
    "Range": STANDARD["Range"],
    "CDist": _distances,
    "CropAndResize": _crop,
    "Rfft": _fourier,
    "Irfft": _inverse_fourier,
    "UnfoldTensor": _unfold,
    "WordConvEmbedding": _word_embedding,
    "IsAllFinite": _finite,
    "MurmurHash3": _hash,
    "RestorePadding": _restore_padding,
    "RemovePadding": _flattened_pad_free,
    **ATTENTION,
}

MICROSOFT: dict[str, ShapeFunction] = {f"com.microsoft:{kind}": function for kind, function in _FUNCTIONS.items()}
"""By operator type."""

DELEGATES: dict[str, Delegate] = {
    "com.microsoft:FusedGemm": Delegate("Gemm", (0, 1, 2)),
    "com.microsoft:GemmFloat8": Delegate("Gemm", (0, 1, 2)),
    "com.microsoft:GatherND": Delegate("GatherND", (0, 1)),
    "com.microsoft:Pad": Delegate("Pad", (0, 1, 2)),
    "com.microsoft:GridSample": Delegate("GridSample", (0, 1)),
}
"""Operators that are one of ONNX's under another name, by type."""
