from attainable.analysis.op_patterns import op_patterns
from attainable.workload.graph import AttributeValue, Op, Shape, Tensor


def tensor(name: str, shape: Shape) -> Tensor:
    return Tensor(name, shape, "float32")


def number(value: float) -> Tensor:
    return Tensor(f"c{value}", (), "float32", is_constant=True, value=(value,))


def op(kind: str, inputs: tuple[Tensor, ...], output: Tensor, **attributes: AttributeValue) -> Op:
    domain, _, name = kind.rpartition(":")
    return Op("0", "", name, domain, 17, inputs, (output,), tuple(attributes.items()))


def shuffle(before: Shape, middle: Shape, order: tuple[int, ...], after: Shape, prefix: str = "") -> list[Op]:
    swapped = tuple(middle[axis] for axis in order)
    x, split, swap, y = (
        tensor(f"{prefix}{name}", shape)
        for name, shape in (("x", before), ("split", middle), ("swap", swapped), ("y", after))
    )
    return [
        op("Reshape", (x,), split),
        op("Transpose", (split,), swap, perm=order),
        op("Reshape", (swap,), y),
    ]


def found(ops: list[Op]) -> list[tuple[str, tuple[int, ...]]]:
    return [(pattern.name, pattern.positions) for pattern in op_patterns(ops)]


def test_a_channel_shuffle_is_seen_with_five_axes_and_with_four() -> None:
    # 12 channels as 3 groups of 4, swapped
    five = shuffle((1, 12, 7, 7), (1, 3, 4, 7, 7), (0, 2, 1, 3, 4), (1, 12, 7, 7))
    assert found(five) == [("channel_shuffle", (0, 1, 2))]
    # height and width folded into one
    four = shuffle((1, 12, 7, 7), (1, 3, 4, 49), (0, 2, 1, 3), (1, 12, 7, 7))
    assert found(four) == [("channel_shuffle", (0, 1, 2))]


def test_what_only_looks_like_a_shuffle_is_none() -> None:
    # the axes that are swapped are not those that channels were split into
    assert found(shuffle((1, 12, 7, 7), (1, 3, 4, 7, 7), (0, 1, 2, 4, 3), (1, 12, 7, 7))) == []
    # heads of attention: the result has another shape
    assert found(shuffle((1, 128, 768), (1, 128, 12, 64), (0, 2, 1, 3), (1, 12, 128, 64))) == []
    # swapped as in a shuffle and joined otherwise
    assert found(shuffle((1, 12, 7, 7), (1, 3, 4, 7, 7), (0, 2, 1, 3, 4), (1, 4, 21, 7))) == []
    # one group swaps nothing
    assert found(shuffle((1, 12, 7, 7), (1, 1, 12, 7, 7), (0, 2, 1, 3, 4), (1, 12, 7, 7))) == []


def test_a_shuffle_whose_inside_is_read_elsewhere_is_none() -> None:
    ops = shuffle((1, 12, 7, 7), (1, 3, 4, 7, 7), (0, 2, 1, 3, 4), (1, 12, 7, 7))
    ops.append(op("Relu", (ops[0].output,), tensor("r", (1, 3, 4, 7, 7))))
    assert found(ops) == []


def test_shuffles_in_a_row_do_not_overlap() -> None:
    first = shuffle((1, 12, 7, 7), (1, 3, 4, 7, 7), (0, 2, 1, 3, 4), (1, 12, 7, 7))
    second = shuffle((1, 12, 7, 7), (1, 4, 3, 7, 7), (0, 2, 1, 3, 4), (1, 12, 7, 7), prefix="second ")
    assert found([*first, *second]) == [("channel_shuffle", (0, 1, 2)), ("channel_shuffle", (3, 4, 5))]


def test_an_op_belongs_to_one_pattern() -> None:
    # the second begins with the last Reshape of the first: it splits an axis of 4 into 2 x 2 and joins it again
    first = shuffle((1, 8, 2, 2), (1, 2, 4, 2, 2), (0, 2, 1, 3, 4), (1, 8, 2, 2))
    swapped, joined = tensor("swapped", (1, 8, 2, 2)), tensor("joined", (1, 4, 2, 2, 2))
    second = [op("Transpose", (first[-1].output,), swapped, perm=(0, 1, 3, 2)), op("Reshape", (swapped,), joined)]
    assert found([*first, *second]) == [("channel_shuffle", (0, 1, 2))]
    assert found([first[2], *second]) == [("channel_shuffle", (0, 1, 2))]


X = tensor("x", (1, 8, 4, 4))


def gated(offset: float, *last: tuple[str, str]) -> list[Op]:
    """Add, Clip and two of Mul and Div; ``x`` as second operand stands for the input, anything else for a constant."""
    ops = [op("Add", (X, number(offset)), tensor("a", X.dims)), op("Clip", (tensor("a", X.dims),), tensor("b", X.dims))]
    for position, (kind, operand) in enumerate(last):
        previous = ops[-1].output
        ops.append(op(kind, (previous, X if operand == "x" else number(6)), tensor(f"d{position}", X.dims)))
    return ops


def test_a_hard_swish_is_seen_in_any_order() -> None:
    assert found(gated(3.0, ("Mul", "x"), ("Div", "6"))) == [("hard_swish", (0, 1, 2, 3))]
    assert found(gated(3.0, ("Div", "6"), ("Mul", "x"))) == [("hard_swish", (0, 1, 2, 3))]
    # another offset, and a hard sigmoid alone, which never meets x again
    assert found(gated(1.0, ("Mul", "x"), ("Div", "6"))) == []
    assert found(gated(3.0, ("Mul", "6"), ("Div", "6"))) == []


def test_a_hard_swish_of_hard_sigmoid_needs_a_slope_of_a_sixth() -> None:
    def product(**attributes: float) -> list[Op]:
        gate = op("HardSigmoid", (X,), tensor("g", X.dims), **attributes)
        return [gate, op("Mul", (X, gate.output), tensor("y", X.dims))]

    assert found(product(alpha=1 / 6)) == [("hard_swish", (0, 1))]
    # without it the slope is 0.2
    assert found(product()) == []


def test_a_batch_normalization_is_folded_into_the_convolution_that_only_it_reads() -> None:
    weight = Tensor("w", (8, 8, 3, 3), "float32", is_constant=True)
    statistics = tuple(Tensor(f"s{index}", (8,), "float32", is_constant=True) for index in range(4))
    convolution = op("Conv", (X, weight), tensor("c", X.dims))
    normalization = op("BatchNormalization", (convolution.output, *statistics), tensor("n", X.dims))
    assert found([convolution, normalization]) == [("folded_batch_normalization", (1,))]
    shortcut = op("Relu", (convolution.output,), tensor("r", X.dims))
    assert found([convolution, normalization, shortcut]) == []
    assert found([op("Relu", (X,), tensor("c", X.dims)), normalization]) == []
