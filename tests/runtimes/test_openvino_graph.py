"""OpenVINO's graph, written down as it reports it, joined to the ops of a model. Needs no OpenVINO."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from attainable.runtimes.openvino.kernels import attributed_kernels
from attainable.workload import Kernel, Workload
from tests.models import value
from tests.runtimes.nets import Net, image, ops_of

Reported = dict[str, object]


def node(
    name: str,
    layer: str,
    operators: str = "",
    *inputs: str,
    layout: str = "abcd",
    ran: bool = True,
    outputs: int = 1,
    microseconds: float = 10.0,
) -> Reported:
    """A node as the session reports it; an input is ``name`` or ``name:port``."""
    return {
        "name": name, "layer": layer, "implementation": f"jit_{layer}", "precision": "float32",
        "layouts": [layout] * outputs, "ran": ran, "operators": operators.split(),
        "inputs": [[source.partition(":")[0], int(source.partition(":")[2] or 0)] for source in inputs],
        "outputs": outputs, "seconds": microseconds * 1e-6,
    }  # fmt: skip


def kernels(
    workload: Workload, reported: Sequence[Reported], operators: Mapping[str, Sequence[Sequence[str]]]
) -> tuple[Kernel, ...]:
    found, executions = attributed_kernels(reported, operators, workload, most_seconds=1.0)
    assert len(found) == len(executions)
    return found


def shown(workload: Workload, found: Sequence[Kernel]) -> list[tuple[str, list[str], str]]:
    return [(kernel.kind, ops_of(workload, kernel), kernel.attribution) for kernel in found]


def test_a_convolution_whose_own_name_was_lost_is_found_between_its_tensors(tmp_path: Path) -> None:
    net = Net()
    last = net.op("Relu", net.batch_normalization(net.conv("x", 3, 16), 16))
    workload = net.load(tmp_path, [image()], last)
    operators = {
        "@0": [["x"]], "@2": [["Conv0_out0"]], "@3": [["BatchNormalization1_out0"]], "@4": [["Relu2_out0"]],
    }  # fmt: skip
    reported = [
        node("@0", "Input", "@0", ran=False),
        node("@0_abcd_acdb", "Reorder", "", "@0", layout="acdb"),
        # the batch normalisation was multiplied into the weights, and the product names the kernel
        node("Multiply_7", "Convolution", "Multiply_7 @3 @4", "@0_abcd_acdb", "weights", layout="acdb"),
        node("Multiply_7_acdb_abcd", "Reorder", "", "Multiply_7"),
        node("@5", "Output", "@5", "Multiply_7_acdb_abcd", ran=False),
    ]
    found = kernels(workload, reported, operators)
    group = ["Conv", "BatchNormalization", "Relu"]
    assert shown(workload, found) == [
        ("Reorder", group, "layout"),
        ("Convolution", group, "exact"),
        # nobody reads what it gives: it counts with what it was made of
        ("Reorder", group, "layout"),
    ]
    assert [kernel.name for kernel in found] == ["@0_abcd_acdb", "Relu2", "Multiply_7_acdb_abcd"]


def test_an_op_in_several_kernels_is_one_region_and_the_last_gives_its_result(tmp_path: Path) -> None:
    net = Net()
    normed = net.op("LayerNormalization", "x", net.weight(8), net.weight(8), attributes={"axis": -1})
    workload = net.load(tmp_path, [value("x", [4, 8])], net.op("Sigmoid", normed))
    operators: dict[str, list[list[str]]] = {
        "@0": [["x"]],
        "@1": [[]],
        "@2": [["LayerNormalization0_out0"]],
        "@3": [["Sigmoid1_out0"]],
    }
    reported = [
        node("@0", "Input", "@0", ran=False, layout="ab"),
        node("@1", "MVN", "@1", "@0", layout="ab"),
        node("@2", "Subgraph", "@2", "@1", layout="ab"),
        node("@3", "Subgraph", "@3", "@2", layout="ab"),
    ]
    assert shown(workload, kernels(workload, reported, operators)) == [
        ("MVN", ["LayerNormalization"], "region"),
        ("Subgraph", ["LayerNormalization"], "region"),
        ("Subgraph", ["Sigmoid"], "exact"),
    ]


def test_views_count_with_their_reader_and_at_the_end_with_their_maker(tmp_path: Path) -> None:
    net = Net()
    shape = net.constant([2, 8], "int64")
    middle = net.op("Reshape", net.op("Relu", "x"), shape)
    last = net.op("Reshape", net.op("Sigmoid", middle), net.constant([16], "int64"))
    workload = net.load(tmp_path, [value("x", [4, 4])], last)
    operators = {
        "@0": [["x"]], "@1": [["Relu0_out0"]], "@2": [["Reshape1_out0"]], "@3": [["Sigmoid2_out0"]],
        "@4": [["Reshape3_out0"]],
    }  # fmt: skip
    reported = [
        node("@0", "Input", "@0", ran=False, layout="ab"),
        node("@1", "Subgraph", "@1", "@0", layout="ab"),
        node("@2", "Reshape", "@2", "@1", "shape", ran=False, layout="ab"),
        node("@3", "Subgraph", "@3", "@2", layout="ab"),
        node("@4", "Reshape", "@4", "@3", "shape", ran=False, layout="a"),
        node("@5", "Output", "@5", "@4", ran=False),
    ]
    assert shown(workload, kernels(workload, reported, operators)) == [
        ("Subgraph", ["Relu"], "exact"),
        ("Subgraph", ["Reshape", "Sigmoid", "Reshape"], "exact"),
    ]


def test_each_output_of_a_split_is_its_own_tensor(tmp_path: Path) -> None:
    net = Net()
    net.op("Split", "x", outputs=2, attributes={"axis": 0, "num_outputs": 2})
    first, second = net.nodes[-1].output
    workload = net.load(tmp_path, [value("x", [4, 4])], net.op("Relu", first), net.op("Sigmoid", second))
    operators = {"@0": [["x"]], "@1": [[first], [second]], "@2": [["Relu1_out0"]], "@3": [["Sigmoid2_out0"]]}
    reported = [
        node("@0", "Input", "@0", ran=False, layout="ab"),
        node("@1", "Split", "@1", "@0", layout="ab", outputs=2),
        node("@2", "Subgraph", "@2", "@1:0", layout="ab"),
        node("@3", "Subgraph", "@3", "@1:1", layout="ab"),
    ]
    assert shown(workload, kernels(workload, reported, operators)) == [
        ("Split", ["Split"], "exact"),
        ("Subgraph", ["Relu"], "exact"),
        ("Subgraph", ["Sigmoid"], "exact"),
    ]


def test_what_only_passes_a_tensor_on_counts_with_its_maker(tmp_path: Path) -> None:
    net = Net()
    passed = net.op("Identity", net.op("Relu", "x"))
    workload = net.load(tmp_path, [value("x", [4])], net.op("Sigmoid", passed))
    operators = {"@0": [["x"]], "@1": [["Identity1_out0", "Relu0_out0"]], "@2": [["Sigmoid2_out0"]]}
    reported = [
        node("@0", "Input", "@0", ran=False, layout="a"),
        node("@1", "Subgraph", "@1", "@0", layout="a"),
        node("@2", "Subgraph", "@2", "@1", layout="a"),
    ]
    assert shown(workload, kernels(workload, reported, operators)) == [
        ("Subgraph", ["Relu", "Identity"], "exact"),
        ("Subgraph", ["Sigmoid"], "exact"),
    ]


def test_a_kernel_that_nothing_is_known_of_is_not_attributed(tmp_path: Path) -> None:
    net = Net()
    workload = net.load(tmp_path, [value("x", [4])], net.op("Relu", "x"))
    reported = [node("@0", "Input", "@0", ran=False), node("stranger", "Subgraph", "stranger", "elsewhere")]
    assert shown(workload, kernels(workload, reported, {"@0": [["x"]]})) == [("Subgraph", [], "none")]


@pytest.mark.parametrize(
    ("run", "times"),
    [
        # 40 us of kernels in a median run of 20 us: means hold interruptions
        (20.0, [5.0, 15.0]),
        (40.0, [10.0, 30.0]),
        # what whole microseconds cut off is given back, half a microsecond each where there is room for one
        (41.0, [10.5, 30.5]),
        (90.0, [11.0, 31.0]),
    ],
)
def test_kernels_fill_the_run_as_far_as_can_be_told(tmp_path: Path, run: float, times: list[float]) -> None:
    net = Net()
    workload = net.load(tmp_path, [value("x", [4])], net.op("Sigmoid", net.op("Relu", "x")))
    operators = {"@0": [["x"]], "@1": [["Relu0_out0"]], "@2": [["Sigmoid1_out0"]]}
    reported = [
        node("@0", "Input", "@0", ran=False),
        node("@1", "Subgraph", "@1", "@0", microseconds=10),
        node("@2", "Subgraph", "@2", "@1", microseconds=30),
    ]
    found, _ = attributed_kernels(reported, operators, workload, most_seconds=run * 1e-6)
    assert [round(kernel.seconds * 1e6, 6) for kernel in found] == times


def test_layouts_go_by_their_usual_names(tmp_path: Path) -> None:
    net = Net()
    workload = net.load(tmp_path, [image()], net.op("Relu", "x"))
    reported = [
        node("a", "Subgraph", "", layout=layout) for layout in ("abcd", "acdb", "aBcd16b", "something")
    ]  # fmt: skip
    _, executions = attributed_kernels(reported, {}, workload, most_seconds=1.0)
    assert [execution.layout for execution in executions] == ["NCHW", "NHWC", "NCHW16c", "something"]
    assert executions[0].implementation == "jit_Subgraph"
