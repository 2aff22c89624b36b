"""Mixtures of experts and of streams in ONNX Runtime.

::

    y[t] = sum over the k chosen e of  p[t, e] * fc2[e] (activation(fc1[e] x[t]) * (fc3[e] x[t]))

t token, T of them; e expert, of which each token chooses the k with the largest p. Only chosen experts compute, and at
most T k of them are read. The probabilities p are the softmax of what the router says; choosing costs what TopK costs.
Packed weights hold several parameters in a byte; making constant ones real numbers costs nothing.

Source: ONNX Runtime operator schemas (docs/ContribOperators.md), MoE, QMoE, HyperConnectionPreMix and
HyperConnectionPostMix.
"""

from dataclasses import dataclass

from attainable.cost.composites import activation, selection, softmax
from attainable.cost.work import Rule, Rules, Work, contraction, partly_read, scalar_results
from attainable.workload.dtypes import is_floating
from attainable.workload.graph import Op, UnresolvedShape

_GATED = 5
"""``G * sigmoid(alpha * G) * (L + beta)``: multiply, sigmoid, multiply, add, multiply."""

_LIMITED = 3
"""One bound of G and two of L."""


@dataclass(frozen=True, slots=True)
class _Layers:
    """Positions of the inputs of an op: the weights of its three layers, and everything of an expert."""

    weights: tuple[int, int, int]
    stored: tuple[int, ...]


_PLAIN = _Layers((2, 4, 6), (2, 3, 4, 5, 6, 7))
_QUANTIZED = _Layers((2, 5, 8), tuple(range(2, 14)))


def experts(op: Op) -> Work:
    """k experts for each token."""
    return _mixture(op, _PLAIN)


def quantized_experts(op: Op) -> Work:
    """The same with packed weights, whose shapes are those of bytes."""
    return _mixture(op, _QUANTIZED)


def _mixture(op: Op, layers: _Layers) -> Work:
    """Products of the chosen experts, their activations, and the weighted sum: 2k - 1 per output.

    Raises:
        UnresolvedShape: the sparse mixer chooses, whose comparisons depend on the values.
    """
    if op.integer("use_sparse_mixer", 0):
        raise UnresolvedShape("use_sparse_mixer")
    x, router = op.input(0), op.input(1)
    first, third = op.input(layers.weights[0]), op.optional_input(layers.weights[2])
    hidden = x.dims[-1]
    tokens, total = router.dims
    chosen = op.integer("k", 1)
    _, fused, _ = first.dims
    kind = op.text("activation_type", "relu")
    halves = 2 if kind == "swiglu" and op.integer("swiglu_fusion", 0) else 1
    inner = fused // halves
    macs = tokens * chosen * hidden * (fused + inner + (0 if third is None else inner))
    if kind == "swiglu":
        per_inner = _GATED + (_LIMITED if op.attribute("swiglu_limit") is not None else 0)
    else:
        per_inner = activation(kind) + (third is not None)
    normalized = tokens * (2 * chosen - 1) if op.integer("normalize_routing_weights", 0) else 0
    routed = softmax(router.elements, tokens) + selection(tokens, length=total, selected=chosen) + normalized
    operations = tokens * chosen * inner * per_inner + routed + (2 * chosen - 1) * tokens * hidden
    work = contraction(op, macs=macs, operations=operations)
    for position in layers.stored:
        tensor = op.optional_input(position)
        if tensor is not None and total:
            work = partly_read(work, tensor, tensor.bytes * min(total, tokens * chosen) // total)
    return work


def _expert_weights(op: Op, position: int) -> int | None:
    """Parameters of packed weights; each layer may have bits of its own, and floating weights are not packed."""
    layer = {2: "fc1", 5: "fc2", 8: "fc3"}.get(position)
    weights = op.optional_input(position)
    if layer is None or weights is None or is_floating(weights.dtype):
        return None
    bits = op.integer(f"{layer}_expert_weight_bits", op.integer("expert_weight_bits", 4))
    return weights.elements * 8 // bits if bits in (2, 4, 8) else None


def reduce_streams(op: Op) -> Work:
    """Multiply each stream by its gate and add them up, and multiply by the scale of the sum unless it is 1."""
    streams, y = op.input(0), op.output
    scaled = 0 if op.attribute("reduction_scale") in (None, 1, 1.0) else y.elements
    return scalar_results(op, max(2 * streams.elements - y.elements, 0) + scaled)


def mix_streams(op: Op) -> Work:
    """A product of C x C with C streams for each token where a matrix is given, then 2 per element for the gate."""
    streams, matrix = op.input(0), op.optional_input(3)
    macs = 0 if matrix is None else streams.elements * matrix.dims[-1]
    return contraction(op, macs=macs, operations=2 * streams.elements)


RULES: Rules = {
    "com.microsoft:MoE": Rule(experts, parameters=(2, 3, 4, 5, 6, 7)),
    "com.microsoft:QMoE": Rule(quantized_experts, parameters=(2, 4, 5, 7, 8, 10), packed=_expert_weights),
    "com.microsoft:HyperConnectionPreMix": Rule(reduce_streams),
    "com.microsoft:HyperConnectionPostMix": Rule(mix_streams),
}
"""Mixtures by type."""
