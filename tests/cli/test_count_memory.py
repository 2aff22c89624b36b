"""What ``count`` says of memory, of the shape of a network and of its package."""

import json
from pathlib import Path

from tests.cli.shown import Command
from tests.models import chain, save


def test_count_says_how_deep_and_how_parallel_a_network_is(attainable: Command, tmp_path: Path) -> None:
    path = save(chain(2), tmp_path)
    shown = attainable("count", path)
    assert "2  layers with weights on the longest path: depth in ops of any kind 6" in shown.out
    assert "1  stage of one resolution" in shown.out
    assert "14x14 (8 channels, 6 ops)" in shown.out
    network = json.loads(attainable("count", path, "--json").out)["network"]
    assert (network["layers"], network["depth"]) == (2, 6)


def test_count_says_what_a_planned_run_allocates(attainable: Command, tmp_path: Path) -> None:
    totals = json.loads(attainable("count", save(chain(2), tmp_path), "--json").out)["totals"]
    # the first sum and the output: what the second convolution and ReLU make is written over in the sum
    wide = 8 * 14 * 14 * 4
    assert wide <= totals["planned_arena_bytes"] <= totals["all_activation_bytes"]


def test_training_is_counted_when_it_is_asked_for(attainable: Command, tmp_path: Path) -> None:
    path = save(chain(2), tmp_path)
    assert json.loads(attainable("count", path, "--json").out)["training"] is None
    step = json.loads(attainable("count", path, "--json", "--training", "adam").out)["training"]
    assert step["optimiser_bytes"] == 2 * step["weight_bytes"] == 2 * 8 * 8 * 9 * 4
    assert "peak of a training step with adam" in attainable("count", path, "--training", "adam").out


def test_an_unknown_optimiser_is_named_with_the_known_ones(attainable: Command, tmp_path: Path) -> None:
    shown = attainable("count", save(chain(1), tmp_path), "--training", "adan")
    assert shown.code == 2
    assert "adan" in shown.err
    assert "adam" in shown.err


def test_the_compressed_size_is_read_when_it_is_asked_for(attainable: Command, tmp_path: Path) -> None:
    path = save(chain(2), tmp_path)
    assert json.loads(attainable("count", path, "--json").out)["model"]["compressed_bytes"] is None
    model = json.loads(attainable("count", path, "--json", "--compressed").out)["model"]
    assert 0 < model["compressed_bytes"] < model["file_bytes"]
