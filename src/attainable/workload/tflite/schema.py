"""Numbers of the TFLite schema: fields of its tables, element types, operators and their options.

Source: TensorFlow, tensorflow/compiler/mlir/lite/schema/schema.fbs (schema version 3).
"""

from typing import Literal, NamedTuple

IDENTIFIER = b"TFL3"
"""Bytes 4 to 7 of a model."""


class ModelField:
    """Fields of Model."""

    OPERATOR_CODES, SUBGRAPHS, DESCRIPTION, BUFFERS = 1, 2, 3, 4


class CodeField:
    """Fields of OperatorCode; the first is a byte, which was not enough for all operators."""

    OLD_CODE, CUSTOM_CODE, VERSION, CODE = 0, 1, 2, 3


class SubgraphField:
    """Fields of SubGraph."""

    TENSORS, INPUTS, OUTPUTS, OPERATORS = 0, 1, 2, 3


class TensorField:
    """Fields of Tensor."""

    SHAPE, TYPE, BUFFER, NAME, SHAPE_SIGNATURE = 0, 1, 2, 3, 7


class OperatorField:
    """Fields of Operator."""

    CODE_INDEX, INPUTS, OUTPUTS, OPTIONS = 0, 1, 2, 4


class BufferField:
    """Fields of Buffer; a model beyond 2 GiB has its data behind the flatbuffer, by offset and size."""

    CONTENT, OFFSET, SIZE = 0, 1, 2


DTYPES: dict[int, str] = {
    0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 5: "string", 6: "bool", 7: "int16",
    8: "complex64", 9: "int8", 10: "float64", 11: "complex128", 12: "uint64", 15: "uint32", 16: "uint16", 17: "int4",
    18: "bfloat16",
}  # fmt: skip
"""Our name of each element type; resources and variants (13, 14) have no elements."""

VALUE_FORMATS: dict[str, str] = {"float32": "f", "int32": "i", "int64": "q", "uint8": "B", "int8": "b", "bool": "?"}
"""``struct`` formats of the element types whose small constants are kept."""

CUSTOM = "CUSTOM"

_NAMES = """
ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR
FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION
LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH
CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER
BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE
BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM
ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE
EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR
ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE
RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND
COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE
NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL
PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS HASHTABLE
HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE
BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU DYNAMIC_UPDATE_SLICE RELU_0_TO_1
UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2 UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR
RIGHT_SHIFT
"""

OPERATORS: tuple[str, ...] = tuple(_NAMES.split())
"""Operator by number."""

ACTIVATIONS: tuple[str, ...] = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
"""Fused activation by number."""


class Option(NamedTuple):
    """One option of an operator: our attribute, its field in the table of options, and its type."""

    attribute: str
    field: int
    kind: Literal["activation", "integer", "byte", "number"]


_FUSED_FIRST = (Option("activation", 0, "activation"),)
_FUSED_FOURTH = (Option("activation", 3, "activation"),)
_POOL = (
    Option("activation", 5, "activation"), Option("filter_width", 3, "integer"), Option("filter_height", 4, "integer"),
)  # fmt: skip

OPTIONS: dict[str, tuple[Option, ...]] = {
    "ADD": _FUSED_FIRST,
    "SUB": _FUSED_FIRST,
    "MUL": _FUSED_FIRST,
    "DIV": _FUSED_FIRST,
    "L2_NORMALIZATION": _FUSED_FIRST,
    "FULLY_CONNECTED": _FUSED_FIRST,
    "CONCATENATION": (Option("activation", 1, "activation"),),
    "CONV_2D": _FUSED_FOURTH,
    "TRANSPOSE_CONV": _FUSED_FOURTH,
    "CONV_3D": (Option("activation", 4, "activation"),),
    "CONV_3D_TRANSPOSE": (Option("activation", 4, "activation"),),
    "DEPTHWISE_CONV_2D": (Option("activation", 4, "activation"),),
    "AVERAGE_POOL_2D": _POOL,
    "MAX_POOL_2D": _POOL,
    "L2_POOL_2D": _POOL,
    "SOFTMAX": (Option("beta", 0, "number"),),
    "BATCH_MATMUL": (Option("adj_x", 0, "byte"),),
    "GELU": (Option("approximate", 0, "byte"),),
    "LOCAL_RESPONSE_NORMALIZATION": (Option("radius", 0, "integer"),),
    "CUMSUM": (Option("exclusive", 0, "byte"),),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (Option("activation", 0, "activation"),),
}
"""The options that decide a cost, by operator."""
