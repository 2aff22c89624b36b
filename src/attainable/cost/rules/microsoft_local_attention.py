"""Attention of ONNX Runtime to neighbours and to a few tokens for all.

::

    keys(q) = q - W ... q + W and the global tokens;   keys of a global token = all

q query, W the one-sided window. Windows are counted full, past the ends too, but never longer than the sequence. The
projections are matrix products, their bias free; a network with global tokens projects keys and values a second time,
and the queries of the global tokens. How many those are must be known before the run.

Source: ONNX Runtime operator schemas (docs/ContribOperators.md), LongformerAttention, QOrderedLongformerAttention;
I. Beltagy et al., "Longformer" (2020), sections 3.1 and 3.2.
"""

from attainable.cost.attention_products import Scores
from attainable.cost.composites import known_integers
from attainable.cost.work import Rule, Rules, Work, composite, contraction
from attainable.workload.graph import Op, Tensor, UnresolvedShape


def local_attention(op: Op) -> Work:
    """Projections, window and global tokens, all in real numbers."""
    projected, scores = _parts(op, op.input(6))
    hidden = op.input(0).dims[-1]
    return contraction(op, macs=projected * hidden + scores.macs, operations=scores.operations())


def quantized_local_attention(op: Op) -> Work:
    """Projections of integers, with a bias of real numbers, quantised and back (6 per result); the rest is real.

    The output is quantised (4 per result).
    """
    x = op.input(0)
    projected, scores = _parts(op, op.input(12))
    return composite(
        op,
        ("matrix", x.dtype, projected * x.dims[-1]),
        ("matrix", "float32", scores.macs),
        ("vector", "float32", 6 * projected + scores.operations() + 4 * x.elements),
    )


def _parts(op: Op, flags: Tensor) -> tuple[int, Scores]:
    """Results of the projections and the scores.

    Raises:
        UnresolvedShape: which tokens are global is computed at run time.
    """
    batch, length, hidden = op.input(0).dims
    known = known_integers(flags)
    if not known or len(known) != batch * length:
        raise UnresolvedShape(f"global tokens of {op.kind}")
    heads = op.integer("num_heads", 1)
    window = min(2 * op.integer("window", 0) + 1, length)
    pairs = everywhere = 0
    for start in range(0, batch * length, length):
        chosen = sum(bool(flag) for flag in known[start : start + length])
        pairs += (length - chosen) * min(window + chosen, length) + chosen * length
        everywhere += chosen
    tokens = batch * length
    projected = 3 * tokens * hidden + ((2 * tokens + everywhere) * hidden if everywhere else 0)
    size = hidden // heads
    return projected, Scores(heads, tokens, tokens, pairs, size, size)


RULES: Rules = {
    "com.microsoft:LongformerAttention": Rule(local_attention, parameters=(1, 2, 4, 5)),
    "com.microsoft:QOrderedLongformerAttention": Rule(quantized_local_attention, parameters=(2, 4, 8, 10)),
}
"""Local attention by type."""
