"""Element types by name, with their width in bits.

The names are those of numpy and ONNX in lower case: ``float32``, ``int8``, ``uint4``, ``bool``.

Source: ONNX IR specification, "Tensor Element Types"; sub-byte types are stored packed, two or four to a byte.
"""

BITS: dict[str, int] = {
    "float64": 64, "float32": 32, "float16": 16, "bfloat16": 16,
    "float8e4m3fn": 8, "float8e4m3fnuz": 8, "float8e5m2": 8, "float8e5m2fnuz": 8, "float8e8m0": 8, "float4e2m1": 4,
    "float6e2m3": 6, "float6e3m2": 6,
    "int64": 64, "int32": 32, "int16": 16, "int8": 8, "int4": 4, "int2": 2,
    "uint64": 64, "uint32": 32, "uint16": 16, "uint8": 8, "uint4": 4, "uint2": 2,
    "bool": 8, "complex64": 64, "complex128": 128,
    "string": 0,
}  # fmt: skip
"""Bits an element occupies in memory. A string has no fixed width and counts as 0, which the reader reports."""


def is_floating(dtype: str) -> bool:
    """Tell whether elements are real floating-point numbers."""
    return dtype.startswith(("float", "bfloat"))


def is_integer(dtype: str) -> bool:
    """Tell whether elements are signed or unsigned integers (bool is not)."""
    return dtype.startswith(("int", "uint"))


NUMERIC: tuple[str, ...] = tuple(dtype for dtype in BITS if is_floating(dtype) or is_integer(dtype))
"""Element types that a network can be taken to compute in."""


def bytes_of(dtype: str, elements: int) -> int:
    """Bytes that ``elements`` elements occupy, sub-byte types packed and rounded up to whole bytes."""
    return (elements * BITS[dtype] + 7) // 8
