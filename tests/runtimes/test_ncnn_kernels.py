"""Which ops ncnn's layers cover, on layers of the kind that pnnx writes; ncnn itself is not needed."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from attainable.runtimes.attribution.values import Moments
from attainable.runtimes.ncnn.kernels import attributed_kernels
from attainable.workload.graph import Workload
from tests.models import value
from tests.runtimes.nets import Net, image, ops_of

Layer = tuple[str, Sequence[str], Sequence[str]]
UNLIKE_ALL = 1000


def layers_of(workload: Workload, layers: Sequence[Layer], held: dict[str, str]) -> list[tuple[str, list[str], str]]:
    """Type, kinds of ops and attribution of each layer, where ``held`` tells which tensor's values a blob has."""
    tensors = [tensor.name for op in workload.ops for tensor in op.present_outputs]
    values = {name: _values(number) for number, name in enumerate(tensors)}
    numbers = {blob: tensors.index(tensor) for blob, tensor in held.items()}
    described = [
        {
            "name": f"layer{number}",
            "type": kind,
            "bottoms": list(bottoms),
            "tops": list(tops),
            "values": [list(_values(numbers.get(top, UNLIKE_ALL + number))) for top in tops],
            "seconds": 1e-3,
            "pack": 8,
        }
        for number, (kind, bottoms, tops) in enumerate(layers)
    ]
    kernels, executions = attributed_kernels(
        described, ["in0"], values, workload, scale=0.5, precision="float32"
    )  # fmt: skip
    assert {kernel.seconds for kernel in kernels} == {0.5e-3}
    assert {execution.layout for execution in executions} == {"NC8"}
    return [(kernel.kind, ops_of(workload, kernel), kernel.attribution) for kernel in kernels]


def _values(number: int) -> Moments:
    return (16.0, float(number), 1.0, float(number - 1), float(number + 1), float(number))


def test_a_residual_sum_behind_a_fork(tmp_path: Path) -> None:
    net = Net()
    start = net.op("Relu", net.batch_normalization(net.conv("x", 3, 16), 16))
    inner = net.conv(start, 16, 16)
    last = net.op("Add", inner, start)
    workload = net.load(tmp_path, [image()], last)
    layers: list[Layer] = [
        ("Convolution", ["in0"], ["1"]),
        ("Split", ["1"], ["2", "3"]),
        ("Convolution", ["3"], ["4"]),
        ("BinaryOp", ["4", "2"], ["out0"]),
    ]
    assert layers_of(workload, layers, {"1": start, "4": inner, "out0": last}) == [
        ("Convolution", ["Conv", "BatchNormalization", "Relu"], "exact"),
        # Nothing is copied: it serves the layer that reads the first of the two.
        ("Split", ["Add"], "layout"),
        ("Convolution", ["Conv"], "exact"),
        ("BinaryOp", ["Add"], "exact"),
    ]


def test_layers_with_an_unknown_blob_between_them_are_one_region(tmp_path: Path) -> None:
    net = Net()
    first = net.op("Sigmoid", net.conv("x", 3, 16))
    last = net.op("Relu", net.conv(first, 16, 16))
    workload = net.load(tmp_path, [image()], last)
    layers: list[Layer] = [("Convolution", ["in0"], ["1"]), ("Sigmoid", ["1"], ["2"]), ("Convolution", ["2"], ["3"])]
    # The first convolution's result holds something else than the model says.
    assert layers_of(workload, layers, {"2": first, "3": last}) == [
        ("Convolution", ["Conv", "Sigmoid"], "region"),
        ("Sigmoid", ["Conv", "Sigmoid"], "region"),
        ("Convolution", ["Conv", "Relu"], "exact"),
    ]


def test_a_reshape_that_the_model_does_not_have_serves_its_neighbour(tmp_path: Path) -> None:
    net = Net()
    last = net.linear("x", 8, 4)
    workload = net.load(tmp_path, [value("x", [1, 6, 8])], last)
    layers: list[Layer] = [("Gemm", ["in0"], ["1"]), ("Reshape", ["1"], ["out0"])]
    assert layers_of(workload, layers, {"1": last, "out0": last}) == [
        ("Gemm", ["MatMul", "Add"], "exact"),
        ("Reshape", ["MatMul", "Add"], "layout"),
    ]


def test_a_constant_joins_nobody(tmp_path: Path) -> None:
    net = Net()
    offset = net.weight(16)
    first = net.op("Add", net.op("Relu", "x"), offset)
    last = net.op("Add", net.op("Sigmoid", first), offset)
    workload = net.load(tmp_path, [value("x", [1, 16])], last)
    layers: list[Layer] = [
        ("MemoryData", [], ["table"]),
        ("BinaryOp", ["in0", "table"], ["1"]),
        ("BinaryOp", ["1", "table"], ["out0"]),
    ]
    assert layers_of(workload, layers, {"1": first, "out0": last}) == [
        ("MemoryData", [], "none"),
        ("BinaryOp", ["Relu", "Add"], "exact"),
        ("BinaryOp", ["Sigmoid", "Add"], "exact"),
    ]


def test_without_a_reference_nothing_is_claimed(tmp_path: Path) -> None:
    net = Net()
    workload = net.load(tmp_path, [image()], net.conv("x", 3, 16))
    kernels, _ = attributed_kernels(
        [
            {
                "name": "conv", "type": "Convolution", "bottoms": ["in0"], "tops": ["out0"],
                "values": [[1.0, 1.0, 1.0, 1.0, 1.0, 1.0]], "seconds": 1.0, "pack": 1,
            }
        ],
        ["in0"], {}, workload, scale=1.0, precision="float32",
    )  # fmt: skip
    assert [(kernel.ops, kernel.attribution) for kernel in kernels] == [((), "none")]


@pytest.mark.parametrize(("pack", "layout"), [(1, ""), (16, "NC16")])
def test_the_layout_says_how_many_channels_are_neighbours(tmp_path: Path, pack: int, layout: str) -> None:
    net = Net()
    workload = net.load(tmp_path, [image()], net.conv("x", 3, 16))
    layer = {
        "name": "conv", "type": "Convolution", "bottoms": ["in0"], "tops": ["out0"], "values": [[1.0]], "seconds": 1.0,
        "pack": pack,
    }  # fmt: skip
    _, executions = attributed_kernels([layer], ["in0"], {}, workload, scale=1.0, precision="bfloat16")
    assert [(each.layout, each.precision) for each in executions] == [(layout, "bfloat16")]
