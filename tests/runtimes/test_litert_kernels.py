"""Kernels with their ops from what LiteRT reports, on files as the converter makes them; LiteRT is not needed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from attainable.runtimes.litert.kernels import attributed_kernels, fitted, ops_of_converted, ops_of_original
from attainable.workload import load
from attainable.workload.graph import Workload
from tests.runtimes.nets import Net, image
from tests.workload.tflite_files import Operator, Tensor, write

Moments = tuple[float, ...]


def moments(number: float) -> Moments:
    """What a tensor of 64 elements holds, unlike that of another number."""
    return (64.0, number, 1.0, number - 3.0, number + 3.0, number)


def converted(folder: Path, tensors: Sequence[str], operators: Sequence[tuple[str, int, int]]) -> Workload:
    """A file of tensors by name, all of one shape, and operators with their input and result; from first to last."""
    return load(
        write(
            folder / "converted.tflite",
            [Tensor(name, (1, 4, 4, 4)) for name in tensors],
            [Operator(kind, [source], [result]) for kind, source, result in operators],
            [0],
            [len(tensors) - 1],
        )
    )


def found(
    workload: Workload, file: Workload, values: Sequence[float], reference: Mapping[str, float]
) -> list[tuple[list[str], str]]:
    """Kinds of the ops of each operator of the file, and how they were found."""
    kinds = {op.id: op.kind for op in workload.ops}
    owned = ops_of_converted(
        file, [[moments(number)] for number in values],
        {name: moments(number) for name, number in reference.items()}, workload,
    )  # fmt: skip
    return [([kinds[identifier] for identifier in ops], attribution) for ops, attribution in owned]


def test_layouts_change_around_a_convolution_that_took_two_ops_over(tmp_path: Path) -> None:
    net = Net()
    convolved = net.conv("x", 3, 16)
    activated = net.op("Relu", net.batch_normalization(convolved, 16))
    workload = net.load(tmp_path, [image()], activated)
    file = converted(
        tmp_path,
        ["serving_default_args_0", "a_node0;", "b_node2;;b_node1;;b_node0;1", "serving_default_output_0_output"],
        [("TRANSPOSE", 0, 1), ("CONV_2D", 1, 2), ("TRANSPOSE", 2, 3)],
    )  # fmt: skip
    # What the convolution alone gives is nowhere in the file.
    everything = ["Conv", "BatchNormalization", "Relu"]
    assert found(workload, file, [1.0, 7.0, 7.0], {convolved: 5.0, activated: 7.0}) == [
        (everything, "layout"),
        (everything, "exact"),
        (everything, "layout"),
    ]


def test_an_op_in_several_operators(tmp_path: Path) -> None:
    net = Net()
    doubled = net.op("Softmax", net.op("Sigmoid", "x"))
    workload = net.load(tmp_path, [image()], doubled)
    # The first is known by its value, what is between the others by nothing but its place.
    file = converted(
        tmp_path, ["x", "sigmoid", "exp", "y"], [("LOGISTIC", 0, 1), ("EXP", 1, 2), ("L2_NORMALIZATION", 2, 3)]
    )
    assert found(workload, file, [2.0, 4.0, 5.0], {"Sigmoid0_out0": 2.0, doubled: 5.0}) == [
        (["Sigmoid"], "exact"),
        (["Softmax"], "region"),
        (["Softmax"], "region"),
    ]


def test_ops_that_lost_what_is_between_them_are_told_by_the_converters_names(tmp_path: Path) -> None:
    net = Net()
    first = net.op("Sigmoid", "x")
    second, third = net.op("Tanh", first), net.op("Softsign", first)
    workload = net.load(tmp_path, [image()], second, third)
    tensors = [
        Tensor(name, (1, 4, 4, 4)) for name in ("x", "m.Sigmoid_node0;", "m.Tanh_node1;;m_node2/c;", "m_node2;1")
    ]
    operators = [Operator("LOGISTIC", [0], [1]), Operator("TANH", [1], [2]), Operator("ELU", [1], [3])]
    file = load(write(tmp_path / "converted.tflite", tensors, operators, [0], [2, 3]))
    # The first result is like nothing in the model: the converter moved a factor from it into those that read it.
    values = [9.0, 4.0, 5.0]
    # The second is also named after an op of which it only shares a constant, and which does not lead to it.
    assert found(workload, file, values, {first: 2.0, second: 4.0, third: 5.0}) == [
        (["Sigmoid"], "name"),
        (["Tanh"], "name"),
        (["Softsign"], "name"),
    ]


def test_what_a_value_does_not_tell_is_nobodys(tmp_path: Path) -> None:
    net = Net()
    workload = net.load(tmp_path, [image()], net.op("Sigmoid", "x"))
    file = converted(tmp_path, ["x", "y", "z"], [("LOGISTIC", 0, 1), ("NEG", 1, 2)])
    # One result too many for the only output: the last operator is its, what is before belongs to the same.
    assert found(workload, file, [4.0, 5.0], {}) == [(["Sigmoid"], "region"), (["Sigmoid"], "region")]


def test_kernels_of_the_files_own_operators(tmp_path: Path) -> None:
    tensors = [Tensor(f"t{number}", (1, 4, 4, 4)) for number in range(4)]
    operators = [Operator("CONV_2D", [0], [1]), Operator("RELU", [1], [2]), Operator("GATHER", [2], [3])]
    file = load(write(tmp_path / "own.tflite", tensors, operators, [0], [3]))
    events = [
        {
            "tag": "Convolution (NHWC, QD8, F32, QC8W) IGEMM",
            "delegated": True,
            "index": 0,
            "subgraph": 0,
            "seconds": 3e-3,
        },
        {"tag": "GATHER", "delegated": False, "index": 2, "subgraph": 0, "seconds": 1e-3},
        # An operator of the body of a loop: its time is in that of the loop.
        {"tag": "ADD", "delegated": False, "index": 0, "subgraph": 1, "seconds": 1e-3},
    ]
    kernels, executions = attributed_kernels(events, file, ops_of_original(file.ops), file, run_seconds=5e-3)
    assert [(kernel.name, kernel.kind, kernel.ops, kernel.attribution) for kernel in kernels] == [
        ("CONV_2D+RELU 0", "Convolution", ("0", "1"), "exact"),
        ("GATHER 2", "GATHER", ("2",), "exact"),
    ]
    assert [kernel.seconds for kernel in kernels] == pytest.approx([3.0005e-3, 1.0005e-3])
    first, second = executions
    assert (first.layer, first.implementation, first.precision, first.layout) == (
        "CONV_2D+RELU", "XNNPACK IGEMM", "int8", "NHWC"
    )  # fmt: skip
    assert (second.layer, second.implementation, second.precision, second.layout) == ("GATHER", "", "", "")


def test_times_get_back_what_counting_whole_microseconds_drops(tmp_path: Path) -> None:
    # Half a microsecond each where the run has room for it, else an equal share of the room, else less than counted.
    assert fitted([3e-6, 0.0], 5e-6) == pytest.approx([3.5e-6, 0.5e-6])
    assert fitted([3e-6, 0.0], 3.4e-6) == pytest.approx([3.2e-6, 0.2e-6])
    assert fitted([3e-6, 1e-6], 2e-6) == pytest.approx([1.5e-6, 0.5e-6])
    assert fitted([], 1.0) == []
