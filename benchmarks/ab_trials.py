"""How often ``measure A --vs B`` is right: the same network, one that is slower by 5 %, and a machine that is busy.

Claims: a network against itself is said to differ in <= 5 % of the trials; a slow-down of 5 % is found in >= 90 % on a
quiet machine; with every core loaded by other work >= 90 % of the verdicts are "noisy: no claim".

The network is a chain of equal convolutions of some 5 ms; one layer in twenty more is 5 % more work. A trial takes as
many pairs as ``measure --vs`` does, some 20 s: ``python -m benchmarks ab_trials --trials 100``.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from attainable.measurement.claim import Claim
from attainable.measurement.compare import PAIRS, compare_workloads
from attainable.measurement.load import Load, kept_busy
from attainable.timing.conditions import usable_processors
from attainable.workload import Workload, load

LAYERS, SLOWER_LAYERS = 20, 21
CHANNELS, SIZE = 64, 14
PAIR_SECONDS = 0.1
TRIALS = 20


def write_chain(path: Path, layers: int) -> None:
    """A chain of convolutions, all alike."""
    generator = np.random.default_rng(0)
    shape = (CHANNELS, CHANNELS, 3, 3)
    nodes: list[NodeProto] = []
    weights: list[TensorProto] = []
    for layer in range(layers):
        weight = 0.05 * generator.standard_normal(shape, dtype=np.float32)
        weights.append(numpy_helper.from_array(weight, f"w{layer}"))
        source = "x" if layer == 0 else f"r{layer - 1}"
        nodes.append(helper.make_node("Conv", [source, f"w{layer}"], [f"c{layer}"], f"conv{layer}", pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"c{layer}"], [f"r{layer}"], f"relu{layer}"))
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, CHANNELS, SIZE, SIZE])
    result = helper.make_tensor_value_info(f"r{layers - 1}", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "chain", [image], [result], weights)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    path.write_bytes(proto.SerializeToString())


def trials(first: Workload, second: Workload, count: int, *, pairs: int, loaded: bool) -> tuple[list[Claim], float]:
    """The claims of some trials, and the median of the seconds that one took."""
    claims: list[Claim] = []
    seconds: list[float] = []
    # The load is of this process, but not of the measurement's: its programs count as others until they have ended.
    load = kept_busy(Load(cores=len(usable_processors()))) if loaded else contextlib.nullcontext()
    with load:
        for trial in range(count):
            start = time.monotonic()
            claims.append(compare_workloads(first, second, pairs=pairs, pair_seconds=PAIR_SECONDS).claim)
            seconds.append(time.monotonic() - start)
            print(f"\r{trial + 1} of {count} ", end="", file=sys.stderr, flush=True)
    print("\r", end="", file=sys.stderr)
    return claims, median(seconds)


def row(what: str, claims: list[Claim], seconds: float, kinds: tuple[str, ...], claim: str) -> None:
    """Print a line of the table: the share of trials with these verdicts."""
    counted = Counter(each.kind for each in claims)
    share = sum(counted[kind] for kind in kinds) / len(claims)
    noises = [each.noise for each in claims if each.noise is not None]
    others = [each.others for each in claims if each.others is not None]
    print(
        f"{what:<26}{' or '.join(kinds):<18}{share:>6.0%}   {claim:<8}"
        f"change {median(each.change for each in claims):+.1%}, noise {median(noises or [0.0]):.1%}, "
        f"others {median(others or [0.0]):.0%}, {seconds:.1f} s a trial; {dict(counted)}",
        flush=True,
    )


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="ab_trials")
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--loaded-trials", type=int, default=TRIALS // 2, help="with every core loaded")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="at least 6")
    options = parser.parse_args(arguments or [])
    count, loaded, pairs = options.trials, options.loaded_trials, options.pairs
    with tempfile.TemporaryDirectory(prefix="attainable-") as folder:
        paths = {layers: Path(folder) / f"chain-{layers}.onnx" for layers in (LAYERS, SLOWER_LAYERS)}
        for layers, path in paths.items():
            write_chain(path, layers)
        first, slower = (load(path) for path in paths.values())
        print(f"{count} quiet trials each, {loaded} loaded ones, {pairs} pairs, first network {LAYERS} layers")
        row("same network", *trials(first, first, count, pairs=pairs, loaded=False), ("slower", "faster"), "<= 5 %")
        row("5 % more layers", *trials(first, slower, count, pairs=pairs, loaded=False), ("slower",), ">= 90 %")
        row("same, every core loaded", *trials(first, first, loaded, pairs=pairs, loaded=True), ("noisy",), ">= 90 %")
        row("5 % more, cores loaded", *trials(first, slower, loaded, pairs=pairs, loaded=True), ("noisy",), ">= 90 %")


if __name__ == "__main__":
    main(sys.argv[1:])
