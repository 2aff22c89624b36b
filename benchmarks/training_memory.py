"""Memory of a training step: counted from the shapes, and what PyTorch keeps and takes.

Claims: what is kept for the backward pass within 5 % of PyTorch's saved-tensor hooks; the peak of a whole step within
10 % of the process's measured peak.

"saved" counts distinct storages that the hooks see, parameters and running statistics left out; the graph input is
among them. "peak" is the process's high-water mark over the second step (VmHWM, reset before), less what is resident
once PyTorch is loaded and has trained one small layer; one thread, every tensor mapped apart (MALLOC_MMAP_THRESHOLD_),
gradients dropped before the step, the loss is the sum of the outputs. Counted from the zoo's networks, and for the
encoder from an ONNX export of the same module. PyTorch has a Dropout in MobileNet v2, the zoo has none: 40 kB.
"""

import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attainable.cost.count import count
from attainable.cost.training import TrainingMemory, training_memory
from attainable.workload import load
from attainable.zoo import names, write
from benchmarks.activation_memory import resident

ROWS = (
    *(("resnet18", 8, optimiser) for optimiser in ("sgd", "momentum", "adam")),
    *(("mobilenet_v2", 8, optimiser) for optimiser in ("sgd", "momentum", "adam")),
    *(("encoder_explicit", 4, optimiser) for optimiser in ("sgd", "momentum", "adam")),
)
SAVED_TOLERANCE, PEAK_TOLERANCE = 0.05, 0.10
MAPPED_FROM_BYTES = 65536

Step = Callable[[], None]


def _step(module: Any, inputs: Any, optimiser: str) -> Step:
    """One training step of a module."""
    optim = importlib.import_module("torch.optim")
    makers: dict[str, Callable[[Any], Any]] = {
        "sgd": lambda parameters: optim.SGD(parameters, lr=1e-5),
        "momentum": lambda parameters: optim.SGD(parameters, lr=1e-5, momentum=0.9),
        "adam": lambda parameters: optim.Adam(parameters, lr=1e-5),
    }
    chosen = makers[optimiser](module.parameters())

    def step() -> None:
        chosen.zero_grad(set_to_none=True)
        module(inputs).sum().backward()
        chosen.step()

    return step


def measure(name: str, batch: int, optimiser: str) -> None:
    """Trains a network in this process and prints the bytes that are saved and the peak of a step."""
    torch = importlib.import_module("torch")
    networks = importlib.import_module("benchmarks.networks.in_torch")
    torch.set_num_threads(1)
    small = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Flatten())
    _step(small, torch.randn(2, 3, 8, 8), optimiser)()
    del small
    gc.collect()
    _, loaded = resident()
    network = networks.NETWORKS[name]
    module, inputs = network.make().train(), network.inputs(batch)
    step = _step(module, inputs, optimiser)
    step()
    Path("/proc/self/clear_refs").write_text("5")  # the kernel's way to reset VmHWM
    step()
    peak, _ = resident()
    own = {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    saved: dict[int, Any] = {}

    def keep(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage
        return tensor

    def give(tensor: Any) -> Any:
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, give):
        outputs = module(inputs)
    print(json.dumps([sum(storage.nbytes() for storage in saved.values()), peak - loaded]))
    del outputs


def export(name: str, batch: int, path: str) -> None:
    """Writes the ONNX form of a PyTorch network."""
    torch = importlib.import_module("torch")
    networks = importlib.import_module("benchmarks.networks.in_torch")
    network = networks.NETWORKS[name]
    module = network.make().eval()
    for parameter in module.parameters():
        # the exporter merges parameters of equal values, as norms have before any training
        torch.nn.init.normal_(parameter)
    torch.onnx.export(module, (network.inputs(batch),), path, dynamo=False, opset_version=20)


def _child(call: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", f"from benchmarks import training_memory as t; t.{call}"]
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": str(MAPPED_FROM_BYTES)}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def counted(name: str, batch: int, optimiser: str) -> TrainingMemory:
    """The memory of a step, from the shapes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.onnx"
        if name in names():
            write(name, path, batch=batch)
        else:
            _child(f"export({name!r}, {batch}, {str(path)!r})")
        return training_memory(count(load(path)), optimiser=optimiser)


def main() -> None:
    """Print the table."""
    columns = ("weights", "state", "saved", "by hooks", "ratio", "peak", "measured", "ratio")
    print(f"{'MB':<18}{'batch':>5}{'':>10}{''.join(f'{column:>10}' for column in columns)}")
    failed: list[str] = []
    for name, batch, optimiser in ROWS:
        memory = counted(name, batch, optimiser)
        saved, peak = json.loads(_child(f"measure({name!r}, {batch}, {optimiser!r})"))
        kept, taken = memory.saved_bytes / saved, memory.peak_bytes / peak
        good = abs(kept - 1) <= SAVED_TOLERANCE and abs(taken - 1) <= PEAK_TOLERANCE
        failed += [] if good else [f"{name} with {optimiser}"]
        sizes = (memory.weight_bytes, memory.optimiser_bytes, memory.saved_bytes, saved, None, memory.peak_bytes, peak)
        cells = [f"{kept:>10.4f}" if size is None else f"{size / 1e6:>10.1f}" for size in sizes]
        print(f"{name:<18}{batch:>5}{optimiser:>10}{''.join(cells)}{taken:>10.3f}  {memory.peak_phase}", flush=True)
    verdict = "all" if not failed else f"not {', '.join(failed)}"
    print(f"\nsaved within {SAVED_TOLERANCE:.0%} and peak within {PEAK_TOLERANCE:.0%}: {verdict}")


if __name__ == "__main__":
    main()
