"""Which ops MNN's commands cover, on graphs and lists of the kind that 3.6.1 makes; MNN itself is not needed."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from attainable.runtimes.mnn.kernels import attributed_kernels, profiler_seconds
from attainable.workload.graph import Workload
from tests.models import value
from tests.runtimes.nets import Net, image, ops_of

BINARY, CONCAT, CONST, CONVOLUTION, INPUT, PERMUTE, RESHAPE = 7, 10, 11, 12, 34, 46, 73
SHAPE, SLICE, UNARY, CONVERT = 80, 83, 103, 129

Operator = tuple[str, int, Sequence[str], Sequence[str]]
Found = list[tuple[str, list[str], str]]


def commands_of(workload: Workload, operators: Sequence[Operator], commands: Sequence[tuple[str, str]]) -> Found:
    """Name, kinds of ops and attribution of each command."""
    numbers: dict[str, int] = {}

    def numbered(names: Sequence[str]) -> list[list[object]]:
        return [[numbers.setdefault(name, len(numbers)), name] for name in names]

    kernels, executions = attributed_kernels(
        [{"name": name, "kind": kind, "seconds": 1e-3} for name, kind in commands],
        [
            {"name": name, "type": kind, "inputs": numbered(inputs), "outputs": numbered(outputs)}
            for name, kind, inputs, outputs in operators
        ],
        workload,
        profiler_seconds=0.0,
        precision="float32",
    )
    assert [execution.layer for execution in executions] == [kind for _, kind in commands]
    return [(kernel.name, ops_of(workload, kernel), kernel.attribution) for kernel in kernels]


def test_a_convolution_takes_its_activation_and_its_input_gets_another_layout(tmp_path: Path) -> None:
    net = Net()
    convolved = net.conv("x", 3, 16)
    activated = net.op("Relu", convolved)
    workload = net.load(tmp_path, [image()], activated)
    found = commands_of(
        workload,
        [
            ("x", INPUT, [], ["x"]),
            ("x___tr", CONVERT, ["x"], ["x___tr"]),
            # The operator is called like the convolution, its result like that of the activation.
            (convolved, CONVOLUTION, ["x___tr"], [f"{activated}__before"]),
            (activated, CONVERT, [f"{activated}__before"], [activated]),
        ],
        [(f"{convolved}_raster_0", "Raster"), (convolved, "Convolution"), (f"{activated}_raster_0", "Raster")],
    )
    assert found == [
        (f"{convolved}_raster_0", ["Conv", "Relu"], "layout"),
        (convolved, ["Conv", "Relu"], "exact"),
        (f"{activated}_raster_0", ["Conv", "Relu"], "layout"),
    ]


def test_what_only_moves_elements_is_done_where_they_are_read(tmp_path: Path) -> None:
    net = Net()
    left, right = net.conv("x", 3, 8), net.conv("x", 3, 8)
    joined = net.op("Concat", left, right, attributes={"axis": 1})
    turned = net.op("Transpose", joined, attributes={"perm": [0, 1, 3, 2]})
    last = net.conv(turned, 16, 8)
    workload = net.load(tmp_path, [image()], last)
    found = commands_of(
        workload,
        [
            ("x", INPUT, [], ["x"]),
            (left, CONVOLUTION, ["x"], [left]),
            (right, CONVOLUTION, ["x"], [right]),
            (joined, CONCAT, [left, right], [joined]),
            (turned, PERMUTE, [joined], [turned]),
            (last, CONVOLUTION, [turned], [last]),
        ],
        [(left, "Convolution"), (right, "Convolution"), (f"{last}_raster_0", "Raster"), (last, "Convolution")],
    )
    assert found == [
        (left, ["Conv"], "exact"),
        (right, ["Conv"], "exact"),
        (f"{last}_raster_0", ["Concat", "Transpose"], "region"),
        (last, ["Conv"], "exact"),
    ]


def test_what_was_moved_for_one_is_not_counted_with_the_next(tmp_path: Path) -> None:
    net = Net()
    first = net.op("Relu", "x")
    turned = net.op("Transpose", first, attributes={"perm": [0, 1, 3, 2]})
    left, right = net.conv(turned, 3, 8), net.conv(turned, 3, 8)
    last = net.op("Add", left, right)
    workload = net.load(tmp_path, [image()], last)
    found = commands_of(
        workload,
        [
            ("x", INPUT, [], ["x"]),
            (first, UNARY, ["x"], [first]),
            (turned, PERMUTE, [first], [turned]),
            (left, CONVOLUTION, [turned], [left]),
            (right, CONVOLUTION, [turned], [right]),
            (last, BINARY, [left, right], [last]),
        ],
        [
            (first, "UnaryOp"), (left, "Convolution"), (f"{right}_raster_0", "Raster"), (right, "Convolution"),
            (last, "BinaryOp"),
        ],
    )  # fmt: skip
    assert found == [
        (first, ["Relu"], "exact"),
        (left, ["Conv"], "exact"),
        (f"{right}_raster_0", ["Transpose"], "region"),
        (right, ["Conv"], "exact"),
        (last, ["Add"], "exact"),
    ]


def test_products_that_share_a_reshape_and_a_shape_stay_apart(tmp_path: Path) -> None:
    net = Net()
    left, right = net.linear("x", 8, 4), net.linear("x", 8, 4)
    last = net.op("Add", left, right)
    workload = net.load(tmp_path, [value("x", [1, 6, 8])], last)
    found = commands_of(
        workload,
        [
            ("x", INPUT, [], ["x"]),
            ("Const7", CONST, [], ["Const7"]),
            ("Reshape8", RESHAPE, ["x", "Const7"], ["Reshape8"]),
            ("Shape9", SHAPE, ["x"], ["Shape9"]),
            ("Concat10", CONCAT, ["Shape9", "Const7"], ["Concat10"]),
            (f"{left}__matmul", CONVOLUTION, ["Reshape8"], [f"{left}__matmul"]),
            (left, RESHAPE, [f"{left}__matmul", "Concat10"], [left]),
            (f"{right}__matmul", CONVOLUTION, ["Reshape8"], [f"{right}__matmul"]),
            (right, RESHAPE, [f"{right}__matmul", "Concat10"], [right]),
            (last, BINARY, [left, right], [last]),
        ],
        [(f"{left}__matmul", "Convolution"), (f"{right}__matmul", "Convolution"), (last, "BinaryOp")],
    )
    assert found == [
        (f"{left}__matmul", ["MatMul", "Add"], "exact"),
        (f"{right}__matmul", ["MatMul", "Add"], "exact"),
        (last, ["Add"], "exact"),
    ]


def test_a_view_that_nobody_reads_belongs_to_what_made_its_elements(tmp_path: Path) -> None:
    net = Net()
    convolved = net.conv("x", 3, 8)
    flat = net.op("Flatten", convolved)
    workload = net.load(tmp_path, [image()], flat)
    found = commands_of(
        workload,
        [("x", INPUT, [], ["x"]), (convolved, CONVOLUTION, ["x"], [convolved]), (flat, RESHAPE, [convolved], [flat])],
        [(convolved, "Convolution")],
    )
    assert found == [(convolved, ["Conv", "Flatten"], "exact")]


def test_a_second_tensor_of_a_name_is_not_the_models(tmp_path: Path) -> None:
    net = Net()
    activated = net.op("Relu", net.conv("x", 3, 8))
    workload = net.load(tmp_path, [image()], net.op("Sigmoid", activated))
    kernels, _ = attributed_kernels(
        [{"name": "own", "kind": "UnaryOp", "seconds": 1e-3}],
        # Nothing leads from here to the model: the name was taken by the first tensor.
        [
            {"name": "first", "type": UNARY, "inputs": [[0, "x"]], "outputs": [[1, activated]]},
            {"name": "own", "type": UNARY, "inputs": [[2, "unheard-of"]], "outputs": [[3, activated]]},
        ],
        workload,
        profiler_seconds=0.0,
        precision="float32",
    )
    assert (kernels[0].ops, kernels[0].attribution) == ((), "none")


def test_a_command_of_no_operator_is_nobodys(tmp_path: Path) -> None:
    net = Net()
    workload = net.load(tmp_path, [image()], net.conv("x", 3, 8))
    assert commands_of(workload, [("x", INPUT, [], ["x"])], [("stranger", "Raster")]) == [("stranger", [], "none")]


@pytest.mark.parametrize(
    ("seconds", "plain", "own"),
    [
        # 3 s of commands in a run of 2 s: a half each is the profiler's.
        ([1.0, 2.0], 2.0, 0.5),
        # They fit: nothing is.
        ([1.0, 2.0], 4.0, 0.0),
        # No more than the shortest command took.
        ([0.1, 3.0], 1.0, 0.1),
        ([], 1.0, 0.0),
    ],
)
def test_the_profilers_own_time_is_what_does_not_fit_into_a_plain_run(
    seconds: list[float], plain: float, own: float
) -> None:
    assert profiler_seconds([{"seconds": each} for each in seconds], plain) == pytest.approx(own)
