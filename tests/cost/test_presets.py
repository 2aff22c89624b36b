"""Other counters' conventions, each total derived from their rules on one small network."""

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
