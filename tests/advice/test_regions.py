"""Regions by example: what is cut out of a network, and what it becomes with other channels."""

from pathlib import Path

from attainable.advice.model import write_ops
from attainable.advice.regions import Region, RegionFinder, macs, structure
from attainable.advice.widths import find_widths
from attainable.workload.graph import Op, Workload
from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value
from tests.advice.situations import conv_relu, network, pairs


def cut(workload: Workload, changes: dict[int, int]) -> tuple[RegionFinder, list[Region]]:
    """The regions that change when widths of these numbers of channels get others."""
    widths = find_widths(workload)
    chosen = {width: changes[channels] for width, channels in widths.free.items() if channels in changes}
    finder = RegionFinder(workload, widths)
    return finder, finder.regions(widths.with_sums(chosen))


def shown(ops: tuple[Op, ...]) -> list[str]:
    return [f"{op.kind} {op.input(0).dims[1]}->{op.output.dims[1]}" for op in ops]


def test_a_region_has_makers_readers_and_pools_at_its_cuts(tmp_path: Path) -> None:
    finder, regions = cut(network(tmp_path, pairs(65)), {65: 64})
    assert len(regions) == 2
    assert shown(finder.written(regions[0], {})) == [
        "MaxPool 64->64", "Conv 64->65", "Relu 65->65", "Conv 65->64", "Relu 64->64", "MaxPool 64->64"
    ]  # fmt: skip
    assert shown(finder.written(regions[0], regions[0].changed))[1:4] == ["Conv 64->64", "Relu 64->64", "Conv 64->64"]


def test_equal_regions_have_one_structure(tmp_path: Path) -> None:
    finder, regions = cut(network(tmp_path, pairs(65, times=4)), {65: 64})
    assert len(regions) == 4
    assert len({structure(finder.written(region, {})) for region in regions}) == 1
    assert len({structure(finder.written(region, region.changed)) for region in regions}) == 1
    assert structure(finder.written(regions[0], {})) != structure(finder.written(regions[0], regions[0].changed))


def test_macs_follow_the_channels(tmp_path: Path) -> None:
    finder, (region, _) = cut(network(tmp_path, pairs(65)), {65: 64})
    # two 3x3 convolutions on 8x8, 64 -> C -> 64
    assert macs(finder.written(region, {})) == 2 * 8 * 8 * 9 * 64 * 65
    assert macs(finder.written(region, region.changed)) == 2 * 8 * 8 * 9 * 64 * 64


def test_widths_that_meet_in_an_op_are_one_region(tmp_path: Path) -> None:
    def body(builder: GraphBuilder, x: Value) -> Value:
        return conv_relu(builder, "c", conv_relu(builder, "b", conv_relu(builder, "a", x, 65), 33), 64)

    _, regions = cut(network(tmp_path, body), {65: 64, 33: 32})
    assert len(regions) == 1
    assert sorted(regions[0].changed.values()) == [32, 64]


def test_the_sum_behind_a_region_comes_along(tmp_path: Path) -> None:
    def body(builder: GraphBuilder, x: Value) -> Value:
        x = conv_relu(builder, "stem", x, 32)
        y = builder.conv("back", conv_relu(builder, "wide", x, 65), channels=32, kernel=1)
        return conv_relu(builder, "last", builder.relu("after", builder.add("sum", (x, y))), 16)

    finder, (region,) = cut(network(tmp_path, body), {65: 64})
    # the sum's other operand comes in the layout of a convolution, hence a pool in front of it; it is the same tensor
    assert [op.kind for op in finder.written(region, {})] == [
        "MaxPool",
        "Conv",
        "Relu",
        "Conv",
        "Add",
        "Relu",
        "MaxPool",
    ]


def test_what_is_written_has_the_shapes_that_were_asked_for(tmp_path: Path) -> None:
    def body(builder: GraphBuilder, x: Value) -> Value:
        x = builder.batch_norm("norm", builder.conv("wide", x, channels=33, kernel=1))
        x = builder.relu6("relu6", builder.conv("depth", x, channels=33, kernel=3, padding=1, groups=33))
        y = conv_relu(builder, "other", x, 17)
        return conv_relu(builder, "back", builder.concat_channels("both", (x, y)), 24)

    finder, (region,) = cut(network(tmp_path, body), {33: 32, 17: 16})
    written = write_ops(finder.written(region, region.changed), tmp_path / "probe.onnx")
    shapes = {op.kind: op.output.shape for op in written.ops}
    assert shapes["Concat"] == (1, 48, 8, 8)
    assert shapes["BatchNormalization"] == (1, 32, 8, 8)
    assert [op.integer("group", 1) for op in written.ops if op.kind == "Conv"] == [1, 32, 1, 1]
    assert [tensor.shape for tensor in written.inputs] == [(1, 64, 8, 8)]
    # the pool of the classifier is no part of it, but its layout is
    assert [tensor.shape for tensor in written.outputs] == [(1, 24, 8, 8)]
