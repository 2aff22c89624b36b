"""Quantisation.

::

    quantised[i] = saturate(round(x[i] / scale) + zero_point)
    x[i] = (quantised[i] - zero_point) * scale

i an element; scale and zero point are per tensor, axis or block. Saturation to an integer range is Clip, two
comparisons; to a float8 or float4 it is part of the conversion, and so is the rounding, and conversions are free.

Source: ONNX operator specification, QuantizeLinear, DequantizeLinear; function body of DynamicQuantizeLinear.
"""

from attainable.cost.composites import quantization
from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.graph import Op


def quantize(op: Op) -> Work:
    """Divide, round, add the zero point where there is one, and compare twice; to a float type only divide."""
    return scalar_results(op, quantization(op.output, zero_point=op.optional_input(2) is not None))


def dequantize(op: Op) -> Work:
    """Subtract the zero point where there is one, and multiply."""
    per_element = 1 if op.optional_input(2) is None else 2
    return scalar_results(op, per_element * op.output.elements, dtype=op.output.dtype)


def dynamic_quantize(op: Op) -> Work:
    """Least and largest element (n - 1 comparisons each), 9 for scale and zero point, then 5 per element: 7n + 7."""
    return scalar_results(op, 7 * op.input(0).elements + 7)


RULES: Rules = {
    "QuantizeLinear": Rule(quantize, parameters=(0,)),
    "DequantizeLinear": Rule(dequantize, parameters=(0,)),
    "DynamicQuantizeLinear": Rule(dynamic_quantize, parameters=(0,)),
}
"""Quantisation by operator."""
