"""Modules are traced by torch.export and read like files; the command line names a factory."""

import importlib
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from attainable.cost.count import Count, count
from attainable.errors import InputError, ModelGraphError
from attainable.workload import load
from attainable.workload.torch.module import read_module

IDS = torch.zeros(2, 5, dtype=torch.int64)


class Tied(nn.Module):
    """An embedding whose table is the last layer's weight, a buffer, and outputs of several kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 8)
        self.head = nn.Linear(8, 11, bias=False)
        self.head.weight = self.table.weight
        self.mask = nn.Buffer(torch.ones(5, 8))

    def forward(self, ids: Tensor, unused: Tensor | None = None) -> tuple[Tensor, None, dict[str, Tensor]]:
        x = self.table(ids) * self.mask
        x[:, 0] = 0
        return self.head(x), None, {"hidden": x}


def squared(x: Tensor) -> Tensor:
    return x @ x


def squared_again(x: Tensor) -> tuple[Tensor]:
    return (squared(x),)


def is_small(x: Tensor) -> Tensor:
    return x.sum() < 10


class Branching(nn.Module):
    """A condition that is only known at run time."""

    def forward(self, x: Tensor) -> Tensor:
        return cast(Any, torch).cond(x.sum() > 0, squared, torch.relu, (x,))


class BranchingTwice(nn.Module):
    """A layer that only a branch of a branch uses."""

    def __init__(self) -> None:
        super().__init__()
        self.near, self.far = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        def inner(x: Tensor) -> Tensor:
            return cast(Any, torch).cond(x.sum() > 1, self.far, torch.relu, (x,))

        return cast(Any, torch).cond(x.sum() > 0, inner, self.near, (x,))


class Checked(nn.Module):
    """A part without gradients, which torch.export wraps in a graph of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            y = self.linear(x)
        return y + x


@pytest.fixture(scope="module")
def tied() -> Count:
    return count(load(Tied().eval(), (IDS,)))


def test_tied_weight_counts_once(tied: Count) -> None:
    assert tied.totals.parameters == 88
    assert [entry.op.kind for entry in tied.ops if entry.parameters] == ["Gather"]


def test_buffer_by_the_signature_is_no_parameter(tied: Count) -> None:
    assert tied.totals.buffer_bytes >= 5 * 8 * 4
    assert not tied.totals.at_least


def test_outputs_are_the_tensors_that_forward_returns(tied: Count) -> None:
    assert [tensor.shape for tensor in tied.workload.outputs] == [(2, 5, 11), (2, 5, 8)]


def test_inputs_may_be_given_by_name() -> None:
    assert load(Tied().eval(), {"ids": IDS}).inputs[0].name == "ids"


def test_exported_program_is_read_as_it_is_with_bindings(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(
            nn.Linear(4, 6), (torch.zeros(3, 4),), dynamic_shapes={"input": {0: torch.export.Dim("N")}}
        )
        torch.export.save(program, tmp_path / "linear.pt2")
    in_memory, from_file = read_module(program, {"input": (9, 4)}), load(tmp_path / "linear.pt2", batch=9)
    assert in_memory.ops == from_file.ops
    assert count(in_memory).totals.macs == 9 * 4 * 6


def test_condition_becomes_if_with_both_branches() -> None:
    counted = count(load(Branching(), (torch.zeros(4, 4),)))
    branching = next(entry.op for entry in counted.ops if entry.op.kind == "If")
    assert [[op.kind for op in body.ops] for body in branching.bodies] == [["MatMul"], ["Relu"]]
    assert counted.totals.macs == 64


class Repeating(nn.Module):
    """A loop whose number of trips is only known at run time."""

    def forward(self, x: Tensor) -> Tensor:
        loop: Any = importlib.import_module("torch._higher_order_ops.while_loop").while_loop
        return loop(is_small, squared_again, (x,))[0]


def test_while_loop_is_counted_by_the_trips_that_the_user_states() -> None:
    workload = load(Repeating(), (torch.zeros(4, 4),))
    assert count(workload).totals.at_least
    assert count(workload, trip_counts={"*": 3}).totals.macs == 3 * 64


@pytest.mark.parametrize(("cell", "gates"), [(nn.LSTMCell(8, 6), 4), (nn.GRUCell(8, 6), 3), (nn.RNNCell(8, 6), 1)])
def test_cell_is_a_layer_of_one_step(cell: nn.Module, gates: int) -> None:
    counted = count(load(cell, (torch.zeros(5, 8),)))
    assert counted.totals.macs == 5 * gates * 6 * (8 + 6)
    assert counted.totals.parameters == gates * 6 * (8 + 6 + 2)


def test_part_without_gradients_is_counted_in_place() -> None:
    with torch.enable_grad():
        program = torch.export.export(Checked(), (torch.zeros(2, 4),))
    assert any("wrap_with_set_grad_enabled" in str(node.target) for node in program.graph.nodes)
    counted = count(read_module(program))
    assert [entry.op.kind for entry in counted.ops] == ["Gemm", "Add"]
    assert [entry.op.scope for entry in counted.ops] == ["linear", ""]
    assert counted.totals.parameters == 20


def test_library_encoder_is_seen_through_its_fast_path() -> None:
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    counted = count(load(nn.TransformerEncoder(layer, 1).eval(), (torch.zeros(1, 6, 16),)))
    # S (4 d^2 + 2 d f) + 2 S^2 d with S 6, d 16, f 32
    assert counted.totals.macs == 6 * (4 * 16 * 16 + 2 * 16 * 32) + 2 * 36 * 16
    assert not counted.totals.at_least


def test_training_mode_is_noted() -> None:
    workload = load(nn.Sequential(nn.Linear(4, 4), nn.Dropout()).train(), (torch.zeros(2, 4),))
    assert "training mode" in " ".join(workload.notes)


def test_failed_trace_is_an_error_of_ours() -> None:
    with pytest.raises(
        ModelGraphError, match=r"torch\.export cannot trace the module: a and b must have same reduction dim"
    ):
        load(nn.Linear(4, 4), (torch.zeros(2, 5),))


def test_module_without_inputs_and_other_objects_are_refused() -> None:
    with pytest.raises(InputError, match="a module needs example inputs"):
        load(nn.Linear(4, 4), None)
    with pytest.raises(InputError, match="a float is neither a path nor a PyTorch module"):
        read_module(0.5)


def test_missing_pytorch_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"pip install attainable\[torch\]"):
        load(Callable, ())


def test_quantised_program_has_integer_products() -> None:
    """The operators that quantisation puts around a product, called by hand."""
    importlib.import_module("torch.ao.quantization.fx._decomposed")  # registers the operators

    def quantised(x: Tensor) -> Tensor:
        operators = torch.ops.quantized_decomposed
        q = operators.quantize_per_tensor(x, 0.1, 0, -128, 127, torch.int8)
        return operators.dequantize_per_tensor(q, 0.1, 0, -128, 127, torch.int8)

    class Module(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return quantised(quantised(x) @ quantised(x))

    counted = count(load(Module(), (torch.zeros(4, 4),)))
    kinds = [entry.op.kind for entry in counted.ops]
    assert kinds.count("QuantizeLinear") == kinds.count("DequantizeLinear") == 3
    matrix = {dtype: operations for engine, dtype, operations in counted.totals.work.operations if engine == "matrix"}
    assert matrix == {"int8": 2 * 4 * 4 * 4}


def test_a_weight_of_a_branch_in_a_branch_is_a_parameter() -> None:
    workload = load(BranchingTwice(), (torch.zeros(2, 4),))
    assert sum(tensor.elements for tensor in workload.constants if tensor.role == "parameter") == 2 * 16
    assert count(workload).totals.parameters == 2 * 16
