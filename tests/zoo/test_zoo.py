"""The table of networks: names, errors, and files written whole or not at all."""

import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import onnxruntime
import pytest

from attainable import zoo
from attainable.cost.count import count
from attainable.errors import InputError, InvalidQuantity, UnknownName
from attainable.workload import load
from tests.zoo.graphs import macs, parameters

SMALL = ("resnet18", "mobilenet_v2", "squeezenet1_1", "shufflenet_v2_x1_0")


def test_importing_the_table_loads_neither_onnx_nor_numpy() -> None:
    script = (
        "import sys, attainable.zoo as zoo; zoo.network(zoo.names()[0]); "
        "print(sorted({'onnx', 'numpy'} & sys.modules.keys()))"
    )
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert finished.stdout == "[]\n"


def test_every_row_is_complete() -> None:
    assert zoo.names() == tuple(zoo.NETWORKS)
    for name, network in zoo.NETWORKS.items():
        assert network.name == name
        assert network.summary
        assert "\n" not in network.summary
        assert "arXiv:" in network.source


def test_an_unknown_name_gives_the_close_ones_some_and_where_all_are_listed() -> None:
    with pytest.raises(UnknownName) as caught:
        zoo.build("ResNet-50")
    assert str(caught.value) == (
        "no network is called 'ResNet-50'\n"
        "  help: did you mean resnet50 or cspresnet50 or resnet152? "
        f"known: {', '.join(zoo.names()[:20])}, ...; `attainable zoo list` shows all"
    )


def test_a_name_close_to_none_gives_the_list_only() -> None:
    with pytest.raises(UnknownName, match=r"^no network is called ''\n  help: known: resnet18, resnet34, "):
        zoo.network("")


@pytest.mark.parametrize("name", SMALL)
def test_the_same_seed_gives_the_same_bytes(name: str) -> None:
    assert zoo.build(name).SerializeToString() == zoo.build(name).SerializeToString()


def test_another_seed_changes_the_weights_only() -> None:
    first, second = zoo.build("squeezenet1_1"), zoo.build("squeezenet1_1", seed=1)
    assert list(first.graph.node) == list(second.graph.node)
    weights = [[tensor.raw_data for tensor in model.graph.initializer] for model in (first, second)]
    assert all(one != other for one, other in zip(*weights, strict=True))


@pytest.mark.parametrize(
    ("name", "batch", "sequence", "seed", "message"),
    [
        ("resnet18", 0, None, 0, "batch: the batch is 0\n  help: give a whole number from 1 up"),
        ("resnet18", 1, None, -1, "seed: the seed is -1\n  help: give a whole number from 0 up"),
        (
            "resnet18",
            1,
            64,
            0,
            "sequence: resnet18 reads images, which have no sequence\n  help: leave the sequence out",
        ),
        (
            "transformer_encoder",
            1,
            513,
            0,
            "sequence: the sequence is 513 tokens long\n  help: give 1 to 512, the rows of the position table",
        ),
        (
            "transformer_encoder",
            1,
            0,
            0,
            "sequence: the sequence is 0 tokens long\n  help: give 1 to 512, the rows of the position table",
        ),
    ],
)
def test_sizes_out_of_range(name: str, batch: int, sequence: int | None, seed: int, message: str) -> None:
    with pytest.raises(InvalidQuantity) as caught:
        zoo.build(name, batch=batch, sequence=sequence, seed=seed)
    assert str(caught.value) == message


def test_a_cache_and_its_next_token_fill_the_positions() -> None:
    zoo.build("gpt2_small_decode", sequence=1023, seed=None)
    with pytest.raises(InvalidQuantity, match="give 1 to 1023, the rows of the position table"):
        zoo.build("gpt2_small_decode", sequence=1024, seed=None)


def test_without_a_seed_the_weights_are_left_out_and_the_rest_is_the_same() -> None:
    whole, light = zoo.build("swin_t"), zoo.build("swin_t", seed=None)
    assert light.ByteSize() < 1_000_000 < whole.ByteSize()
    assert list(light.graph.node) == list(whole.graph.node)
    for one, other in zip(light.graph.initializer, whole.graph.initializer, strict=True):
        assert (one.name, one.dims, one.data_type) == (other.name, other.dims, other.data_type)
        # Shapes, indices, masks and scalars are the network's, not weights.
        kept = one.data_type != onnx.TensorProto.FLOAT or not one.dims
        assert one.raw_data == (other.raw_data if kept else b"")


def test_without_weights_a_network_counts_as_with_them(tmp_path: Path) -> None:
    whole, light = tmp_path / "whole.onnx", tmp_path / "light.onnx"
    zoo.write("ghostnet", whole)
    zoo.write("ghostnet", light, seed=None)
    assert count(load(light)).totals == count(load(whole)).totals


def test_the_counter_agrees_with_the_naive_one_on_all_networks(tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    for name in zoo.names():
        zoo.write(name, path, seed=None)
        counted = count(load(path))
        assert (counted.totals.macs, counted.totals.parameters) == (macs(name), parameters(name)), name
        assert counted.coverage.kinds_without_rule == counted.coverage.unresolved == (), name


def test_batch_and_sequence_reach_the_graph() -> None:
    model = zoo.build("transformer_encoder", batch=2, sequence=16, seed=None)
    onnx_shapes = [
        [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    ]
    assert onnx_shapes == [[2, 16], [2, 16, 768]]


def test_write_leaves_the_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "squeezenet.onnx"
    path.write_bytes(b"older")
    zoo.write("squeezenet1_1", path, batch=2, seed=3)
    assert list(tmp_path.iterdir()) == [path]
    assert onnx.ModelProto.FromString(path.read_bytes()) == zoo.build("squeezenet1_1", batch=2, seed=3)


def test_a_written_file_runs(tmp_path: Path) -> None:
    path = tmp_path / "shufflenet.onnx"
    zoo.write("shufflenet_v2_x1_0", path)
    # Any, because onnxruntime has no types.
    session = cast("Any", onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]))
    (logits,) = session.run(["logits"], {"input": np.ones((1, 3, 224, 224), np.float32)})
    assert logits.shape == (1, 1000)


def test_a_failed_write_keeps_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "squeezenet.onnx"
    path.write_bytes(b"older")
    with pytest.raises(InvalidQuantity):
        zoo.write("squeezenet1_1", path, batch=0)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"older"


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "squeezenet.onnx"
    with pytest.raises(InputError) as caught:
        zoo.write("squeezenet1_1", missing)
    assert str(caught.value) == f"{missing}: its folder does not exist\n  help: create it: mkdir -p {missing.parent}"
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(InputError, match="is a folder, not a file"):
        zoo.write("squeezenet1_1", folder)
    assert list(tmp_path.iterdir()) == [folder]
