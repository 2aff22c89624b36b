"""``attainable count package.module:factory`` runs the user's code, and says so."""

import json
from pathlib import Path

import pytest

from tests.cli.shown import Command
from tests.models import chain, save

NETWORK = """
import torch

class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(9, 4)
        self.drop = torch.nn.Dropout()
        self.linear = torch.nn.Linear(4, 3)

    def forward(self, ids, scale=None):
        return self.linear(self.drop(self.table(ids)))

def broken():
    raise RuntimeError("no weights here")

def number():
    return 7

CONSTANT = 7
"""


@pytest.fixture
def network(attainable: Command) -> Command:
    """The command line, in a folder with a module of the user's."""
    Path("user_network_of_tests.py").write_text(NETWORK)
    return attainable


def test_factory_is_counted_and_its_code_announced(network: Command) -> None:
    shown = network("count", "user_network_of_tests:Network", "--shape", "ids=2x5:int64", "--json")
    assert shown.code == 0
    assert shown.err == "note: imports user_network_of_tests and runs its code to make the network\n"
    analysis = json.loads(shown.out)
    assert analysis["totals"]["macs"] == 2 * 5 * 4 * 3
    assert not any("training" in warning for warning in analysis["warnings"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Network",), "help: complete: --shape ids=?"),
        (("Network", "--shape", "x=1"), "its arguments are: ids, scale"),
        (("Network", "--shape", "ids=2x5:int65"), "no element type is called 'int65'"),
        (("Network", "--shape", "ids=2x5:int64", "--batch", "2"), "write the batch into --shape"),
        (("nothing",), "cannot be imported"),
        (("broken",), "calling it raised RuntimeError: no weights here"),
        (("number",), "made a int, no torch.nn.Module"),
        (("CONSTANT",), "is no factory: it cannot be called"),
    ],
)
def test_mistakes_are_explained(network: Command, arguments: tuple[str, ...], message: str) -> None:
    name, *flags = arguments
    shown = network("count", f"user_network_of_tests:{name}", *flags)
    assert shown.code == 2
    assert message in shown.err


def test_missing_module_is_no_traceback(attainable: Command) -> None:
    shown = attainable("count", "no_such_module_of_tests:factory")
    assert shown.code == 2
    assert "error: no_such_module_of_tests:factory: cannot be imported" in shown.err


def test_a_factory_is_compared_with_a_file_and_each_takes_its_shapes(network: Command, tmp_path: Path) -> None:
    path = save(chain(1), tmp_path, "chain.onnx")
    flags = ["--shape", "ids=2x5:int64", "--shape", "N=3"]
    shown = network("compare", path, "user_network_of_tests:Network", *flags, "--json")
    assert shown.code == 0, shown.err
    assert shown.err.count("imports user_network_of_tests") == 1
    models = json.loads(shown.out)["models"]
    assert [entry["label"] for entry in models] == ["chain", "user_network_of_tests:Network"]
    # 3 images of 14 x 14 with 8 x 8 x 9 MACs a pixel; 2 x 5 tokens by 4 x 3
    assert [entry["totals"]["macs"] for entry in models] == [3 * 14 * 14 * 8 * 8 * 9, 2 * 5 * 4 * 3]


def test_a_shape_that_fits_neither_file_nor_factory_is_named(network: Command, tmp_path: Path) -> None:
    path = save(chain(1), tmp_path, "chain.onnx")
    flags = ["--shape", "ids=2x5:int64", "--shape", "width=3"]
    shown = network("compare", path, "user_network_of_tests:Network", *flags)
    assert shown.code == 2
    assert "@ width" in shown.err
    assert "@ ids" not in shown.err


@pytest.mark.parametrize(
    ("arguments", "help"),
    [
        (("count", "--symbolic"), "dynamic_shapes="),
        (("count", "--sweep", "x=1..4"), "dynamic_shapes="),
        (("count", "--compressed"), "leave out --compressed"),
        (("analyze",), "torch.onnx.export"),
        (("measure",), "torch.onnx.export"),
        (("advise",), "torch.onnx.export"),
        (("optimize", "--apply", "int8"), "torch.onnx.export"),
    ],
)
def test_what_needs_a_file_says_so_before_any_code_runs(
    network: Command, arguments: tuple[str, ...], help: str
) -> None:
    command, *flags = arguments
    shown = network(command, "user_network_of_tests:Network", *flags)
    assert (shown.code, shown.out) == (2, "")
    assert help in shown.err
    assert "imports" not in shown.err
