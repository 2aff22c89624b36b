"""How many of an op's vector operations are special functions: exp, log, tanh, erf, roots, powers, divisions.

Hardware computes these on units of their own or with many instructions each, so that they have a roof of their own.
The numbers are those of the terms that the rules count:

* A special function is one operation, as everywhere: exp, log, erf, tanh, sigmoid, sine and its kin, root, power,
  reciprocal, division. A sigmoid is one because the convention counts it as one.
* A division by what is known before the run is a product with its reciprocal, a power with a known natural exponent is
  a few products: neither is special. Thus a mean has none, and the division by sqrt(2) in Gelu is none.
* Division by a number that is computed is special for each element, as the function bodies write it.

An operator that is not in the table has none: its operations stay on the vector roof.

Source: the function bodies and formulas that ``cost/rules`` name; ``tests/cost/test_special_functions.py`` compares
every operator that has a body with it.
"""

from collections.abc import Callable, Iterable
from math import prod

from attainable.cost.composites import outer_rows
from attainable.cost.count import BodyCount, OpCount
from attainable.workload.graph import Tensor, UnresolvedShape

Special = Callable[[OpCount], int]
"""From an op that was counted to the special functions among its operations."""


def special_operations(entry: OpCount) -> int:
    """Special functions among the vector operations of an op, those in its bodies included; never more than those."""
    return _special(entry, {})


def _special(entry: OpCount, known: dict[int, int]) -> int:
    """``known`` holds bodies by identity: functions that call functions share them."""
    vector = sum(operations for engine, _, operations in entry.work.operations if engine == "vector")
    if not vector:
        return 0
    if entry.bodies:
        return min(sum(body.repeats * _in_body(body, known) for body in _run_bodies(entry)), vector)
    rule = SPECIAL.get(entry.op.type)
    if rule is None:
        return 0
    try:
        return max(0, min(rule(entry), vector))
    except (UnresolvedShape, ValueError, IndexError, ArithmeticError):
        # The operator has a form that its rule counts without looking at what is looked at here.
        return 0


def _in_body(body: BodyCount, known: dict[int, int]) -> int:
    key = id(body.ops)
    if key not in known:
        known[key] = sum(_special(entry, known) for entry in body.ops)
    return known[key]


def _run_bodies(entry: OpCount) -> Iterable[BodyCount]:
    """The bodies whose work the op has: of an If the branch that works most, as in the count."""
    if entry.op.type != "If":
        return entry.bodies
    taken = [body for body in entry.bodies if body.repeats]
    return [max(taken, key=_effort)] if taken else []


def _effort(body: BodyCount) -> tuple[int, int]:
    works = [entry.work for entry in body.ops]
    return sum(work.total_operations for work in works), sum(work.bytes_moved for work in works)


def _each(functions: int) -> Special:
    """So many special functions for each element of the output."""
    return lambda entry: functions * entry.op.output.elements


def _quotient(entry: OpCount) -> int:
    """One for each element, unless the divisor is known before the run."""
    return 0 if entry.op.input(1).is_constant else entry.op.output.elements


def _power(entry: OpCount) -> int:
    """One for each element, unless the exponent is a known natural number."""
    exponents = entry.op.input(1).value
    natural = exponents is not None and all(value >= 0 and float(value).is_integer() for value in exponents)
    return 0 if natural else entry.op.output.elements


def _softmax(entry: OpCount) -> int:
    """exp and division of each element."""
    return 2 * entry.op.input(0).elements


def _log_softmax(entry: OpCount) -> int:
    """exp of each element, a logarithm for each row; the count is 5N less the rows."""
    elements = entry.op.input(0).elements
    return elements + (5 * elements - entry.work.total_operations)


def _normalized(elements: int, sets: int) -> int:
    """A root for each set that shares its statistics, a division for each element."""
    return elements + sets


def _batch_normalization(entry: OpCount) -> int:
    """None where the variance is known: the root and its reciprocal are taken before the run."""
    op = entry.op
    trains = op.integer("training_mode", 0) or (op.opset < 14 and len(op.present_outputs) > 1)
    if not trains and op.input(4).is_constant:
        return 0
    return _normalized(op.input(0).elements, op.input(1).elements)


def _row_normalization(entry: OpCount) -> int:
    """Rows from an axis on; one reciprocal more for each row where ``1 / root`` is wanted."""
    op = entry.op
    rows = outer_rows(op.input(0), op.integer("axis", -1))
    # Mean and 1 / root follow the result; SimplifiedLayerNormalization has no mean.
    position = 2 if op.kind == "LayerNormalization" else 1
    wanted = position < len(op.outputs) and op.outputs[position] is not None
    return _normalized(op.input(0).elements, rows) + wanted * rows


def _last_axis_normalization(entry: OpCount) -> int:
    x = entry.op.output
    return _normalized(x.elements, prod(x.dims[:-1]))


def _groups(attribute: str) -> Special:
    """Groups of channels; SiLU after it has a sigmoid for each element."""

    def rule(entry: OpCount) -> int:
        x = entry.op.input(0)
        silu = x.elements if entry.op.domain and entry.op.integer("activation", 0) else 0
        return _normalized(x.elements, x.dims[0] * entry.op.integer(attribute, 1)) + silu

    return rule


def _instance_normalization(entry: OpCount) -> int:
    batch, channels, *_ = entry.op.input(0).dims
    return _normalized(entry.op.input(0).elements, batch * channels)


def _mean_variance_normalization(entry: OpCount) -> int:
    """The count is 5 for each element and 4 for each set."""
    elements = entry.op.input(0).elements
    return _normalized(elements, (entry.work.total_operations - 5 * elements) // 4)


def _norm_normalization(entry: OpCount) -> int:
    """Division of each element, and a root for each row of the 2-norm."""
    x = entry.op.input(0)
    length = x.dims[entry.op.integer("axis", -1)]
    return x.elements + (0 if entry.op.integer("p", 2) == 1 else x.elements // length)


def _local_response_normalization(entry: OpCount) -> int:
    """A power and a division for each element; no power where beta is a natural number."""
    beta = entry.op.attribute("beta")
    natural = isinstance(beta, int | float) and float(beta).is_integer() and beta >= 0
    return (1 if natural else 2) * entry.op.input(0).elements


def _log_sum_exp(entry: OpCount) -> int:
    return entry.op.input(0).elements + entry.op.output.elements


def _norm_pool(entry: OpCount) -> int:
    """A root for each output; a power for each element too unless p is 1, without a root, or 2, a square."""
    power, outputs = entry.op.attribute("p"), entry.op.output.elements
    if power == 1:
        return 0
    # The count of other norms is 3 for each element of a window.
    return outputs + (0 if power in (None, 2) else entry.work.total_operations // 3)


def _quantization(entry: OpCount) -> int:
    """A division for each element unless the scale is known."""
    return _quotient(entry) if len(entry.op.inputs) > 1 else 0


def _dynamic_quantization(entry: OpCount) -> int:
    """A division for each element, and one for the zero point; the range is divided by a constant."""
    return entry.op.input(0).elements + 1


def _cross_entropy(entry: OpCount) -> int:
    """exp of each score, a logarithm for each target, and the division of a weighted mean."""
    return entry.op.input(0).elements + entry.op.input(1).elements + _weighted_mean(entry)


def _weighted_mean(entry: OpCount) -> int:
    """Weights that depend on the targets are summed in the run; their mean divides once."""
    op = entry.op
    weighted = op.optional_input(2) is not None or op.attribute("ignore_index") is not None
    return int(weighted and op.text("reduction", "mean") == "mean")


def _multinomial(entry: OpCount) -> int:
    return entry.op.input(0).elements


_ACTIVATION = {
    "sigmoid": 1, "logistic": 1, "tanh": 1, "scaledtanh": 1, "softplus": 2, "softsign": 1, "elu": 1, "selu": 1,
    "silu": 1, "swish": 1, "gelu": 1,
}  # fmt: skip
"""Special functions in an activation that an attribute names; none in those left out."""


def _activation_of_products(entry: OpCount) -> int:
    """Those of an activation that is fused with a contraction, for each element of the output."""
    return _ACTIVATION.get(entry.op.text("activation", "").lower(), 0) * entry.op.output.elements


def _recurrent(*cell: tuple[str, int]) -> Special:
    """Activations of the gates, ``(kind, uses)``, for each hidden unit and step."""

    def rule(entry: OpCount) -> int:
        op = entry.op
        directions, gates, features = op.input(1).dims
        hidden = op.input(2).dims[-1]
        steps = entry.work.macs // (directions * gates * (features + hidden))
        uses = [times for _, times in cell]
        if op.integer("input_forget", 0):
            uses[0] -= 1
        named = op.attribute("activations")
        kinds = [str(kind) for kind in named] if isinstance(named, tuple) and named else []
        kinds = kinds or [kind for kind, _ in cell] * directions
        each = zip(kinds, uses * directions, strict=True)
        return steps * hidden * sum(times * _ACTIVATION.get(kind.lower(), 0) for kind, times in each)

    return rule


def _linear_attention(entry: OpCount) -> int:
    """exp of the decay, where the state is gated."""
    gated = entry.op.text("update_rule", "gated_delta").startswith("gated")
    decay = entry.op.optional_input(4)
    return decay.elements if gated and decay is not None else 0


def _attention(entry: OpCount) -> int:
    """Softmax of the scores, and tanh of each where they are capped; a score takes a head's two products."""
    op = entry.op
    heads, shared_heads = op.integer("q_num_heads", 0), op.integer("kv_num_heads", 0)
    size, value_size = _head_size(op.input(0), heads), _head_size(op.input(2), shared_heads)
    scores = entry.work.macs // (size + value_size)
    return (2 if op.attribute("softcap") in (None, 0) else 3) * scores


def _head_size(tensor: Tensor, heads: int) -> int:
    return tensor.dims[-1] if tensor.rank == 4 else tensor.dims[-1] // heads


def _fused_attention(entry: OpCount) -> int:
    """ONNX Runtime's with projections inside: the products beside those are the scores'."""
    op = entry.op
    x, weight, heads = op.input(0), op.input(1), op.integer("num_heads", 1)
    sizes, third = op.integers("qkv_hidden_sizes"), weight.dims[-1] // 3
    query_hidden, value_hidden = (sizes[0], sizes[2]) if len(sizes) == 3 else (third, third)
    return 2 * ((entry.work.macs - x.elements * weight.dims[-1]) // (query_hidden // heads + value_hidden // heads))


def _multi_head_attention(entry: OpCount) -> int:
    """Heads of queries and of values of their own sizes; packed ones share the size of the output's."""
    op, heads = entry.op, entry.op.integer("num_heads", 1)
    value_size = op.output.dims[-1] // heads
    size = value_size if op.optional_input(1) is None else op.input(0).dims[-1] // heads
    return 2 * (entry.work.macs // (size + value_size))


def _grouped_query_attention(entry: OpCount) -> int:
    """tanh of each score that is capped, exp and division; queries and values share the size of a head."""
    op = entry.op
    size = op.output.dims[-1] // op.integer("num_heads", 1)
    return (2 if op.attribute("softcap") in (None, 0, 0.0) else 3) * (entry.work.macs // (2 * size))


def _angles(entry: OpCount) -> int:
    """A sine and a cosine for each."""
    return 2 * entry.op.input(0).elements


def _unit_length(entry: OpCount) -> int:
    """A root for each row, a division for each element."""
    x = entry.op.input(0)
    return _normalized(x.elements, prod(x.dims[:-1]))


def _cell_of_tflite(entry: OpCount) -> int:
    """Three sigmoids and two tanh for each hidden unit and step."""
    hidden, _ = entry.op.input(2).dims
    return 5 * prod(entry.op.input(0).dims[:2]) * hidden


def _table(kinds: str, rule: Special, *, domain: str = "") -> dict[str, Special]:
    """The same for operators that are listed by name."""
    return {f"{domain}:{kind}" if domain else kind: rule for kind in kinds.split()}


_MICROSOFT, _TFLITE = "com.microsoft", "tflite"

SPECIAL: dict[str, Special] = {
    **_table("Reciprocal Sqrt Erf Exp Log Sigmoid Tanh", _each(1)),
    **_table("Acos Acosh Asin Asinh Atan Atanh Cos Cosh Sin Sinh Tan", _each(1)),
    **_table("Div Mod", _quotient),
    **_table("Pow", _power),
    **_table("Softsign Swish SwiGLU Elu Celu Selu Gelu ScaledTanh", _each(1)),
    **_table("Softplus ParametricSoftplus", _each(2)),
    **_table("Mish", _each(3)),
    **_table("Softmax", _softmax),
    **_table("LogSoftmax", _log_softmax),
    **_table("BatchNormalization", _batch_normalization),
    **_table("LayerNormalization RMSNormalization SimplifiedLayerNormalization", _row_normalization),
    **_table("GroupNormalization", _groups("num_groups")),
    **_table("InstanceNormalization", _instance_normalization),
    **_table("MeanVarianceNormalization", _mean_variance_normalization),
    **_table("LpNormalization", _norm_normalization),
    **_table("LRN", _local_response_normalization),
    **_table("ReduceLogSum ReduceL2", _each(1)),
    **_table("ReduceLogSumExp", _log_sum_exp),
    **_table("LpPool GlobalLpPool", _norm_pool),
    **_table("QuantizeLinear", _quantization),
    **_table("DynamicQuantizeLinear", _dynamic_quantization),
    **_table("SoftmaxCrossEntropyLoss", _cross_entropy),
    **_table("NegativeLogLikelihoodLoss", _weighted_mean),
    **_table("Multinomial", _multinomial),
    **_table("RNN", _recurrent(("tanh", 1))),
    **_table("GRU", _recurrent(("sigmoid", 2), ("tanh", 1))),
    **_table("LSTM", _recurrent(("sigmoid", 3), ("tanh", 1), ("tanh", 1))),
    **_table("LinearAttention", _linear_attention),
    **_table("Attention", _attention),
    **_table("CausalConvWithState", _activation_of_products),
    **_table("FlexAttention", _attention, domain="ai.onnx.preview"),
    **_table("Gelu BiasGelu FastGelu QuickGelu ScaledSiLU BiasSplitGelu QLinearSigmoid", _each(1), domain=_MICROSOFT),
    **_table("BiasSoftmax QLinearSoftmax", _softmax, domain=_MICROSOFT),
    **_table("QuantizeLinear", _quantization, domain=_MICROSOFT),
    **_table("SkipLayerNormalization SkipSimplifiedLayerNormalization", _last_axis_normalization, domain=_MICROSOFT),
    **_table("EmbedLayerNormalization", _last_axis_normalization, domain=_MICROSOFT),
    **_table("GroupNorm SkipGroupNorm", _groups("groups"), domain=_MICROSOFT),
    **_table("FusedConv NhwcFusedConv CausalConvWithState", _activation_of_products, domain=_MICROSOFT),
    **_table("FusedGemm FusedMatMulActivation", _activation_of_products, domain=_MICROSOFT),
    **_table("GemmFastGelu", _each(1), domain=_MICROSOFT),
    **_table("Attention DecoderMaskedSelfAttention QAttention PackedAttention", _fused_attention, domain=_MICROSOFT),
    **_table("MultiHeadAttention DecoderMaskedMultiHeadAttention", _multi_head_attention, domain=_MICROSOFT),
    **_table("GroupQueryAttention PagedAttention SparseAttention", _grouped_query_attention, domain=_MICROSOFT),
    **_table("LinearAttention", _linear_attention, domain=_MICROSOFT),
    **_table("GemmaRotaryEmbedding", _angles, domain=_MICROSOFT),
    **_table("EXP LOG SQRT SIN COS ATAN2 LOGISTIC TANH ELU GELU", _each(1), domain=_TFLITE),
    **_table("DIV FLOOR_DIV FLOOR_MOD", _quotient, domain=_TFLITE),
    **_table("POW", _power, domain=_TFLITE),
    **_table("RSQRT", _each(2), domain=_TFLITE),
    **_table("SOFTMAX", _softmax, domain=_TFLITE),
    **_table("LOG_SOFTMAX", _log_softmax, domain=_TFLITE),
    **_table("L2_NORMALIZATION", _unit_length, domain=_TFLITE),
    **_table("UNIDIRECTIONAL_SEQUENCE_LSTM", _cell_of_tflite, domain=_TFLITE),
    **_table("CONV_2D DEPTHWISE_CONV_2D CONV_3D FULLY_CONNECTED", _activation_of_products, domain=_TFLITE),
}
"""Special functions by ``Op.type``."""
