"""Mixtures: only the experts that a token chooses compute, and no more of them are read."""

import pytest
from ops import Attributes, activation, constant, fused, make_op, scalar, work_of

from attainable.cost.rules import RULES
from attainable.workload.graph import Op, Tensor, UnresolvedShape

TOKENS, EXPERTS, HIDDEN, INNER = 6, 8, 4, 10
X, ROUTER = activation(2, 3, HIDDEN), activation(TOKENS, EXPERTS)


def operations(*ops: Op) -> int:
    return sum(work_of(op).total_operations for op in ops)


def mixture(chosen: int, *more: Tensor | None, fused_layers: int = 1, **attributes: int | str | float) -> Op:
    weights = [constant(EXPERTS, fused_layers * INNER, HIDDEN), None, constant(EXPERTS, HIDDEN, INNER), None, *more]
    return fused("MoE", [X, ROUTER, *weights], X, attributes={"k": chosen, **attributes})


def router(chosen: int) -> list[Op]:
    """Softmax of all experts, the choice, and the weighted sum of the chosen ones: k products, k - 1 sums."""
    softmax = make_op("Softmax", [ROUTER])
    choice = make_op("TopK", [ROUTER, constant(1, dtype="int64", value=(chosen,))], outputs=2)
    product = make_op("Mul", [activation(chosen, *X.dims), activation(chosen, 2, 3, 1)])
    axes = constant(1, dtype="int64", value=(0,))
    return [softmax, choice, product, make_op("ReduceSum", [activation(chosen, *X.dims), axes])]


@pytest.mark.parametrize("chosen", [1, 2, 3])
def test_two_layers(chosen: int) -> None:
    rows = TOKENS * chosen
    inner = activation(rows, INNER)
    layers = [make_op("MatMul", [activation(rows, HIDDEN), constant(HIDDEN, INNER)]), make_op("Relu", [inner]),
              make_op("MatMul", [inner, constant(INNER, HIDDEN)])]  # fmt: skip
    assert operations(mixture(chosen)) == operations(*layers, *router(chosen))
    assert work_of(mixture(chosen)).macs == rows * 2 * HIDDEN * INNER


def test_gated_layers() -> None:
    """Two layers of the same size, in one matrix or two; ``G * sigmoid(alpha G) * (L + beta)``."""
    inner, constants = activation(TOKENS, INNER), constant()
    gate = [make_op("Mul", [inner, constants]), make_op("Sigmoid", [inner]), make_op("Mul", [inner, inner]),
            make_op("Add", [inner, constants]), make_op("Mul", [inner, inner])]  # fmt: skip
    products = 2 * TOKENS * 3 * HIDDEN * INNER
    together = mixture(1, fused_layers=2, activation_type="swiglu", swiglu_fusion=1)
    apart = mixture(1, constant(EXPERTS, INNER, HIDDEN), activation_type="swiglu")
    assert operations(together) == operations(apart) == products + operations(*gate, *router(1))
    limits = [make_op("Clip", [inner, None, scalar(7.0)]), make_op("Clip", [inner, scalar(-7.0), scalar(7.0)])]
    limited = mixture(1, fused_layers=2, activation_type="swiglu", swiglu_fusion=2, swiglu_limit=7.0)
    assert operations(limited) - operations(together) == operations(*limits)


def test_weights_that_are_normalised() -> None:
    """k - 1 sums and k quotients a token."""
    extra = operations(mixture(3, normalize_routing_weights=1)) - operations(mixture(3))
    assert extra == TOKENS * (2 + 3)


def test_at_most_the_chosen_experts_are_read() -> None:
    one = 2 * HIDDEN * INNER * 4
    assert work_of(mixture(1)).bytes_weight == 6 * one  # 6 tokens choose 6 of 8 experts at most
    assert work_of(mixture(2)).bytes_weight == 8 * one


def test_the_sparse_mixer_is_not_counted() -> None:
    with pytest.raises(UnresolvedShape):
        work_of(mixture(2, use_sparse_mixer=1))


@pytest.mark.parametrize(("bits", "a_byte"), [(2, 4), (4, 2), (8, 1)])
def test_packed_experts(bits: int, a_byte: int) -> None:
    first = constant(EXPERTS, 8, HIDDEN // a_byte, dtype="uint8")
    second = constant(EXPERTS, HIDDEN, 8 // a_byte, dtype="uint8")
    scales = [constant(EXPERTS, 8), constant(EXPERTS, HIDDEN)]
    attributes: Attributes = {"k": 2, "expert_weight_bits": bits}
    op = fused("QMoE", [X, ROUTER, first, scales[0], None, second, scales[1]], X, attributes=attributes)
    real = fused("MoE", [X, ROUTER, constant(EXPERTS, 8, HIDDEN), None, constant(EXPERTS, HIDDEN, 8)], X,
                 attributes={"k": 2})  # fmt: skip
    assert work_of(op).operations == work_of(real).operations
    packed = RULES["com.microsoft:QMoE"].packed
    assert packed is not None
    assert (packed(op, 2), packed(op, 5), packed(op, 4)) == (EXPERTS * 8 * HIDDEN, EXPERTS * 8 * HIDDEN, None)


def test_streams() -> None:
    """Three streams become one and back: 3 products and 2 sums an element, then a 3 x 3 product and 2 an element."""
    streams, gates = activation(2, 5, 3, 8), activation(2, 5, 3)
    one = activation(2, 5, 8)
    assert operations(fused("HyperConnectionPreMix", [streams, gates], one)) == one.elements * (3 + 2)
    scaled = fused("HyperConnectionPreMix", [streams, gates], one, attributes={"reduction_scale": 0.5})
    assert operations(scaled) == one.elements * (3 + 2 + 1)
    back = fused("HyperConnectionPostMix", [streams, one, gates], streams)
    assert operations(back) == 2 * streams.elements
    product = make_op("MatMul", [activation(2, 5, 3, 3), streams])
    mixed = fused("HyperConnectionPostMix", [streams, one, gates, activation(2, 5, 3, 3)], streams)
    assert operations(mixed) == operations(back, product)
