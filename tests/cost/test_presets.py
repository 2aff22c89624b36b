"""Other counters' conventions, each total derived from their rules on one small network."""

from pathlib import Path

import pytest
from onnx import helper

from attainable.cost.count import Count, count
from attainable.cost.presets import PRESETS, preset_count
from attainable.workload import load
from tests.models import constant, model, save, value

CONV_MACS = 8 * 6 * 6 * 3 * 3 * 3
"""8 channels of 6x6, each from 3 channels of 3x3."""

MAP = 8 * 6 * 6
LINEAR_MACS = 8 * 10


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Count:
    """Conv with bias 3->8 on 6x6, BatchNormalization, Relu, GlobalAveragePool, Gemm with bias 8->10, Softmax."""
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c", "scale", "shift", "mean", "variance"], ["n"]),
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "v", "d"], ["l"]),
        helper.make_node("Softmax", ["l"], ["y"]),
    ]
    vectors = [constant(name, 8) for name in ("b", "scale", "shift", "mean", "variance")]
    constants = [constant("w", 8, 3, 3, 3), constant("v", 8, 10), constant("d", 10), *vectors]
    path = save(model(nodes, [value("x", [1, 3, 6, 6])], ["y"], constants), tmp_path_factory.mktemp("presets"))
    return count(load(path))


EXPECTED = {
    # BatchNormalization 2 an element, the pooling 1 an element of its input
    "fvcore": CONV_MACS + 2 * MAP + MAP + LINEAR_MACS,
    # BatchNormalization 4 an element, the pooling also 1 an output
    "thop": CONV_MACS + 4 * MAP + (MAP + 8) + LINEAR_MACS,
    # biases, BatchNormalization 2, Relu and pooling twice, softmax once
    "ptflops": (CONV_MACS + MAP) + 2 * MAP + 2 * MAP + 2 * MAP + (LINEAR_MACS + 10) + 10,
    # contractions only
    "torch": 2 * (CONV_MACS + LINEAR_MACS),
    # bias of the convolution, BatchNormalization 2, Relu 1, pooling 1, softmax 1
    "deepspeed": (2 * CONV_MACS + MAP) + 2 * MAP + MAP + MAP + 2 * LINEAR_MACS + 10,
    # biases as Add, BatchNormalization 2, Relu 2, softmax 5; the global pooling is a reduction, which counts nothing
    "openvino": (2 * CONV_MACS + MAP) + 2 * MAP + 2 * MAP + (2 * LINEAR_MACS + 10) + 5 * 10,
    # biases, BatchNormalization 1 + 24 + 4 + 1 + 1, Relu 1, pooling 1 an input and 4 an output, softmax 32 + 4
    "onnx-tool": (CONV_MACS + MAP) + 31 * MAP + MAP + (MAP + 4 * 8) + (LINEAR_MACS + 10) + 36 * 10,
    # outputs of Conv, BatchNormalization and Gemm, 4 bytes an element, twice
    "torchinfo": 2 * 4 * (MAP + MAP + 10),
}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_gives_the_other_counters_total(name: str, network: Count) -> None:
    assert preset_count(network, name, PRESETS[name]).theirs == EXPECTED[name]


@pytest.mark.parametrize("name", PRESETS)
def test_the_terms_explain_the_whole_difference(name: str, network: Count) -> None:
    result = preset_count(network, name, PRESETS[name])
    assert sum(row.theirs - row.ours for row in result.rows) == result.theirs - result.ours
    assert all(row.meaning for row in result.rows)
    differences = [abs(row.theirs - row.ours) for row in result.rows]
    assert differences == sorted(differences, reverse=True)


def test_our_figure_is_the_one_that_the_preset_stands_beside(network: Count) -> None:
    assert preset_count(network, "thop", PRESETS["thop"]).ours == network.totals.macs
    assert preset_count(network, "torch", PRESETS["torch"]).ours == network.totals.operations
    assert preset_count(network, "torchinfo", PRESETS["torchinfo"]).ours == network.totals.work.bytes_written


def test_onnx_tool_counts_a_transposed_convolution_too_high_by_its_stride(tmp_path: Path) -> None:
    """4 channels of 3x3 to 5 of 6x6 by 2x2 taps at stride 2: 20 weights an output, of which 5 are met."""
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2])
    proto = model([node], [value("x", [1, 4, 3, 3])], ["y"], [constant("w", 4, 5, 2, 2)])
    result = preset_count(count(load(save(proto, tmp_path))), "onnx-tool", PRESETS["onnx-tool"])
    assert result.ours == 4 * 9 * 5 * 4
    assert result.theirs == 5 * 36 * (5 * 4)


def test_ptflops_takes_the_sum_with_a_vector_for_a_bias_and_with_a_number_for_none(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Add", ["a", "b"], ["c"]),
        helper.make_node("Add", ["c", "one"], ["y"]),
    ]
    constants = [constant("w", 8, 10), constant("b", 10), constant("one", 1)]
    proto = model(nodes, [value("x", [2, 3, 8])], ["y"], constants)
    result = preset_count(count(load(save(proto, tmp_path))), "ptflops", PRESETS["ptflops"])
    assert result.theirs == 2 * 3 * 10 * 8 + 2 * 3 * 10


def test_an_axis_that_is_not_there_stops_no_preset(tmp_path: Path) -> None:
    node = helper.make_node("LayerNormalization", ["x", "s"], ["y"], axis=50)
    proto = model([node], [value("x", [2, 3])], ["y"], [constant("s", 3)])
    malformed = count(load(save(proto, tmp_path)))
    assert malformed.totals.at_least
    assert {preset_count(malformed, name, preset).theirs for name, preset in PRESETS.items()} == {0}


def test_ops_inside_functions_and_loops_count_as_often_as_they_run(tmp_path: Path) -> None:
    """A local function called twice, each time a matrix product of 1x8 by 8x8."""
    function = helper.make_function(
        "my.own", "linear", ["x", "w"], ["y"], [helper.make_node("MatMul", ["x", "w"], ["y"])],
        [helper.make_opsetid("", 20)],
    )  # fmt: skip
    nodes = [
        helper.make_node("linear", ["x", "w"], ["a"], domain="my.own"),
        helper.make_node("linear", ["a", "w"], ["y"], domain="my.own"),
    ]
    proto = model(nodes, [value("x", [1, 8])], ["y"], [constant("w", 8, 8)])
    proto.functions.append(function)
    result = preset_count(count(load(save(proto, tmp_path))), "fvcore", PRESETS["fvcore"])
    assert (result.ours, result.theirs) == (2 * 64, 2 * 64)
    assert [(row.kind, row.ops) for row in result.rows] == [("MatMul", 2)]
