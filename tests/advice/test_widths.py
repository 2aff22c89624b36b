"""Widths by example: which numbers of channels hang together, and which of them can be chosen."""

from pathlib import Path

from attainable.advice.widths import find_widths
from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value
from tests.advice.situations import Body, conv_relu, network


def free(folder: Path, body: Body) -> list[int]:
    return sorted(find_widths(network(folder, body)).free.values())


def test_a_convolution_decides_on_its_channels(tmp_path: Path) -> None:
    # the input's 64 are given, the classifier reads the 20
    assert free(tmp_path, lambda builder, x: conv_relu(builder, "b", conv_relu(builder, "a", x, 12), 20)) == [12, 20]


def test_what_works_channel_by_channel_hands_the_width_on(tmp_path: Path) -> None:
    def body(builder: GraphBuilder, x: Value) -> Value:
        x = builder.batch_norm("norm", builder.conv("a", x, channels=12, kernel=1))
        x = builder.max_pool("pool2", builder.relu6("relu6", x), kernel=2, stride=2)
        return builder.conv("depth", x, channels=12, kernel=3, padding=1, groups=12)

    assert free(tmp_path, body) == [12]


def test_a_residual_sum_ties_its_operands(tmp_path: Path) -> None:
    def body(builder: GraphBuilder, x: Value) -> Value:
        x = conv_relu(builder, "a", x, 12)
        return builder.add("sum", (x, conv_relu(builder, "b", x, 12)))

    assert free(tmp_path, body) == [12]


def test_a_sum_with_the_input_fixes_the_width(tmp_path: Path) -> None:
    assert free(tmp_path, lambda builder, x: builder.add("sum", (x, conv_relu(builder, "a", x, 64)))) == []


def test_groups_fix_the_widths_on_both_sides(tmp_path: Path) -> None:
    def body(builder: GraphBuilder, x: Value) -> Value:
        x = conv_relu(builder, "a", x, 12)
        return conv_relu(builder, "c", builder.conv("groups", x, channels=24, kernel=1, groups=4), 20)

    assert free(tmp_path, body) == [20]


def test_a_split_fixes_what_it_splits(tmp_path: Path) -> None:
    def body(builder: GraphBuilder, x: Value) -> Value:
        left, right = builder.split_channels("split", conv_relu(builder, "a", x, 12), parts=2)
        return conv_relu(builder, "b", builder.add("sum", (left, right)), 20)

    assert free(tmp_path, body) == [20]


def test_a_concatenation_is_the_sum_of_its_parts(tmp_path: Path) -> None:
    def body(builder: GraphBuilder, x: Value) -> Value:
        parts = (conv_relu(builder, "a", x, 12), conv_relu(builder, "b", x, 20))
        return conv_relu(builder, "c", builder.concat_channels("both", parts), 40)

    widths = find_widths(network(tmp_path, body))
    assert sorted(widths.free.values()) == [12, 20, 40]
    position = {width.channels: index for index, width in enumerate(widths.widths)}
    changed = widths.with_sums({position[12]: 8})
    assert changed == {position[12]: 8, position[32]: 28}


def test_a_concatenation_that_is_fixed_fixes_its_parts(tmp_path: Path) -> None:
    def body(builder: GraphBuilder, x: Value) -> Value:
        both = builder.concat_channels("both", (conv_relu(builder, "a", x, 24), conv_relu(builder, "b", x, 40)))
        return builder.add("sum", (x, both))

    assert free(tmp_path, body) == []


def test_a_change_to_the_same_number_is_none(tmp_path: Path) -> None:
    widths = find_widths(network(tmp_path, lambda builder, x: conv_relu(builder, "a", x, 12)))
    assert widths.with_sums(widths.free) == {}
