"""Runs other counters on networks, inside an environment that has them; prints JSON.

Started by ``benchmarks.presets``, never imported by it: ``python -m benchmarks.peers.counters FILE.onnx ...``.
"""

import contextlib
import importlib
import importlib.util
import io
import json
import logging
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.networks.in_torch import NETWORKS

COUNTED = ("resnet50", "mobilenet_v2", "encoder_fused", "encoder_explicit")


def fvcore(module: nn.Module, x: torch.Tensor) -> int:
    """Multiply-adds, which fvcore calls flops."""
    return int(importlib.import_module("fvcore.nn").FlopCountAnalysis(module, x).total())


def thop(module: nn.Module, x: torch.Tensor) -> int:
    """MACs."""
    macs, _ = importlib.import_module("thop").profile(module, inputs=(x,), verbose=False)
    return int(macs)


def ptflops(module: nn.Module, x: torch.Tensor) -> int:
    """MACs of its pytorch backend."""
    count = importlib.import_module("ptflops").get_model_complexity_info
    shape = tuple(x.shape[1:])
    macs, _ = count(module, shape, as_strings=False, print_per_layer_stat=False, backend="pytorch")
    return int(macs)


def flop_counter_mode(module: nn.Module, x: torch.Tensor) -> int:
    """Operations, two a MAC."""
    counter = importlib.import_module("torch.utils.flop_counter").FlopCounterMode(display=False)
    with counter, torch.no_grad():
        module(x)
    return int(counter.get_total_flops())


def deepspeed(module: nn.Module, x: torch.Tensor) -> int:
    """Operations; the profiler's file alone, because the package wants a compiler."""
    profiler = _deepspeed_profiler()
    run = profiler.FlopsProfiler(module)
    run.start_profile()
    module(x)
    operations = int(run.get_total_flops())
    run.end_profile()
    return operations


def torchinfo(module: nn.Module, x: torch.Tensor) -> int:
    """Bytes of "forward/backward pass size"."""
    summary = importlib.import_module("torchinfo").summary(module, input_data=x, verbose=0)
    return int(summary.total_output_bytes)


def onnx_tool(file: Path) -> int:
    """Weighted instructions, which it calls MACs."""
    model = importlib.import_module("onnx_tool").Model(str(file))
    model.graph.shape_infer(None)
    model.graph.profile()
    return int(model.graph.macs[0])


COUNTERS = {
    "fvcore": fvcore,
    "thop": thop,
    "ptflops": ptflops,
    "torch": flop_counter_mode,
    "deepspeed": deepspeed,
    "torchinfo": torchinfo,
}


def _no_operation(*arguments: object, **options: object) -> bool:
    del arguments, options
    return True


_TIMERS = ("FORWARD_GLOBAL_TIMER", "BACKWARD_GLOBAL_TIMER", "STEP_GLOBAL_TIMER")

_DEEPSPEED_STUBS: dict[str, dict[str, object]] = {
    "deepspeed": {},
    "deepspeed.accelerator": {"get_accelerator": lambda: types.SimpleNamespace(synchronize=_no_operation)},
    "deepspeed.utils": {"logger": logging.getLogger("deepspeed")},
    "deepspeed.utils.torch": {"required_torch_version": _no_operation},
    "deepspeed.utils.timer": dict.fromkeys(_TIMERS, ""),
    "deepspeed.moe": {},
    "deepspeed.moe.layer": {"MoE": type("MoE", (), {})},
    "einops": {"einsum": _no_operation},
}
"""What the profiler's file imports and does not need."""


def _deepspeed_profiler() -> Any:
    name = "deepspeed_flops_profiler"
    if name in sys.modules:
        return sys.modules[name]
    for stub, members in _DEEPSPEED_STUBS.items():
        module = sys.modules.setdefault(stub, types.ModuleType(stub))
        for member, value in members.items():
            setattr(module, member, value)
    source = next(Path(sys.prefix).glob("**/flops_profiler/profiler.py"))
    spec = importlib.util.spec_from_file_location(name, source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Print ``{network: {counter: total or error}}``, the ONNX files by their names."""
    warnings.simplefilter("ignore")
    totals: dict[str, dict[str, int | str]] = {}
    for network in COUNTED:
        entry = NETWORKS[network]
        totals[network] = {
            name: _attempt(counter, entry.make().eval(), entry.inputs()) for name, counter in COUNTERS.items()
        }
    for file in map(Path, sys.argv[1:]):
        totals[file.name] = {"onnx-tool": _attempt(onnx_tool, file)}
    print(json.dumps(totals))


def _attempt(counter: Callable[..., int], *arguments: object) -> int | str:
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return counter(*arguments)
    except Exception as error:  # a peer may fail in any way, and that is its result
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
