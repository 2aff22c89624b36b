"""What PyTorch operators cost: derived by hand, and compared with the ONNX file of the same module."""

import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from attainable.cost.count import Count, count
from attainable.workload import load
from tests.workload.torch_cases import CASES, IMAGE, STACK, Everything

Costs = dict[str, tuple[int, int, int]]
"""MACs, operations and parameters by case."""


def by_case(counted: Count) -> Costs:
    totals: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for entry in counted.ops:
        case = entry.op.scope.partition("/")[0]
        for index, number in enumerate((entry.work.macs, entry.work.total_operations, entry.parameters)):
            totals[case][index] += number
    return {case: (macs, operations, parameters) for case, (macs, operations, parameters) in totals.items()}


def inputs() -> tuple[torch.Tensor, ...]:
    return torch.rand(IMAGE) + 0.5, torch.rand(STACK) + 0.5


def randomised(module: torch.nn.Module) -> torch.nn.Module:
    """With no two weights equal, because exporters to ONNX store equal ones once."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(0.1, 1.0)
    return module.eval()


@pytest.fixture(scope="session")
def counted() -> Count:
    return count(load(randomised(Everything(CASES)), inputs()))


@pytest.fixture(scope="session")
def costs(counted: Count) -> Costs:
    return by_case(counted)


@pytest.fixture(scope="session")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Costs:
    path = tmp_path_factory.mktemp("twins") / "everything.onnx"
    module = randomised(Everything({name: case for name, case in CASES.items() if case.twin}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cast(Any, torch.onnx).export(
            module, inputs(), str(path), dynamo=False, opset_version=20, do_constant_folding=True,
            training=torch.onnx.TrainingMode.PRESERVE,
        )  # fmt: skip
    return by_case(count(load(path)))


def test_every_case_is_counted(counted: Count) -> None:
    assert counted.coverage.kinds_without_rule == ()
    assert counted.coverage.unresolved == ()


@pytest.mark.parametrize("name", CASES)
def test_cost_is_the_one_derived(name: str, costs: Costs) -> None:
    macs, operations, _ = costs.get(name, (0, 0, 0))
    assert macs == CASES[name].macs
    if CASES[name].operations >= 0:
        assert operations == CASES[name].operations


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.twin])
def test_cost_is_that_of_the_onnx_twin(name: str, costs: Costs, twins: Costs) -> None:
    assert costs.get(name, (0, 0, 0))[:2] == twins.get(name, (0, 0, 0))[:2]


@pytest.mark.parametrize("name", CASES)
def test_parameters_are_those_that_pytorch_counts(name: str, costs: Costs) -> None:
    expected = sum(parameter.numel() for parameter in CASES[name].module.parameters())
    assert costs.get(name, (0, 0, 0))[2] == expected


def test_decomposed_program_has_the_same_macs(counted: Count, tmp_path: Path) -> None:
    """run_decompositions() leaves the core operators: convolution, addmm, bmm, native_layer_norm, ..."""
    some = {
        name: CASES[name] for name in ("conv", "transposed", "linear", "row", "attention", "layer_norm", "batch_norm")
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = cast(Any, torch.export.export(randomised(Everything(some)), inputs())).run_decompositions()
        torch.export.save(program, tmp_path / "core.pt2")
    core = count(load(tmp_path / "core.pt2"))
    assert core.totals.macs == sum(case.macs for case in some.values())
    assert core.coverage.kinds_without_rule == ()
