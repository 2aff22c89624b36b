"""Claim: ``count --preset`` gives the totals of other counters, run here on the same networks.

The counters of modules run on the PyTorch networks of ``networks.in_torch``, onnx-tool on the zoo's files, each in an
environment of its own; OpenVINO's analyzer is not on a package index and is compared with published totals only
(``tests/cost/test_presets.py`` derives its terms).
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from attainable.cost.count import Count, count
from attainable.cost.presets import PRESETS, preset_count
from attainable.workload import load
from attainable.zoo import write
from benchmarks.networks.in_torch import NETWORKS
from benchmarks.peers.environment import python_with

PEERS = ("torch==2.13.0", "numpy", "onnx", "fvcore==0.1.5.post20221221", "thop==0.1.1.post2209072238",
         "ptflops==0.7.5", "torchinfo==1.8.0", "onnx-tool==1.0.1", "setuptools<81")  # fmt: skip
FILES_ONLY = ("deepspeed==0.19.8",)
ZOO = ("resnet50", "mobilenet_v2", "transformer_encoder")

EXPLAINED = {
    ("mobilenet_v2", "thop"): "its last pooling is a function, which thop does not see",
    ("mobilenet_v2", "ptflops"): "its last pooling is a function, which ptflops counts once",
    ("encoder_fused", "ptflops"): "gelu is a function, which ptflops counts once",
    ("encoder_explicit", "ptflops"): "gelu is a function, counted once, and torch.softmax is not seen",
    ("encoder_explicit", "deepspeed"): "torch.softmax is not seen",
}
"""Where a graph cannot tell what the counter sees."""


def main() -> None:
    """Print a row for each network and counter."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.onnx" for name in ZOO]
        for name, file in zip(ZOO, files, strict=True):
            write(name, file)
        python = python_with(PEERS, without_dependencies=FILES_ONLY)
        paths = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", "."])}
        said = subprocess.run(
            [python, "-m", "benchmarks.peers.counters", *files], env=paths, check=True, capture_output=True, text=True
        )
        totals: dict[str, dict[str, int | str]] = json.loads(said.stdout.splitlines()[-1])
        print("| network | counter | its total | ours under the preset | difference |")
        print("|---|---|---:|---:|---|")
        for network, peers in totals.items():
            on_paper = _count(network, Path(folder))
            for counter, total in peers.items():
                print(_row(network, counter, total, on_paper))


def _count(network: str, folder: Path) -> Count:
    if network in NETWORKS:
        entry = NETWORKS[network]
        return count(load(entry.make().eval(), (entry.inputs(),)))
    return count(load(folder / network))


def _row(network: str, counter: str, total: int | str, on_paper: Count) -> str:
    ours = preset_count(on_paper, counter, PRESETS[counter]).theirs
    if isinstance(total, str):
        return f"| {network} | {counter} | failed: {total} | {ours:,} | |"
    difference = ours - total
    reason = f" ({EXPLAINED[network, counter]})" if difference and (network, counter) in EXPLAINED else ""
    return f"| {network} | {counter} | {total:,} | {ours:,} | {difference:+,} = {difference / total:+.2%}{reason} |"


if __name__ == "__main__":
    main()
