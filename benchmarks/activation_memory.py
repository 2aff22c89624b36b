"""Activation memory: what liveness says, what the planned arena says, and what ONNX Runtime takes.

Claim: the planned arena is within 10 % of the measured peak on 12 networks at batch 1 and 8.

Measured in a fresh process for each network: one thread, all optimisations, arena on and extended by what is asked for,
memory patterns on, initialisers outside the arena. The process's high-water mark (VmHWM, reset before) less what was
resident before the run: the weights are in both. Graph inputs are the caller's and resident before; graph outputs are
new, in both figures, and stated. "taken" is the median of the second to fourth run, which follow the pattern that the
first one found; the arena gives everything back between runs. "first" is the first run, which has no pattern yet.
"block" is the largest extension that the arena's own log names for a run with a pattern: the block that is planned.

Known to be off among the other networks of the zoo, batch 1: mobilenet_v3_small -32 %, mobiledet_dsp -20 %,
shufflenet_v1_g8 +22 %; the runtime orders or reuses something there that the plan does not follow.
"""

import ctypes
import importlib
import json
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from attainable.cost.arena import PlannedArena, planned_arena
from attainable.cost.count import count
from attainable.workload import load
from attainable.zoo import write

NETWORKS = (
    *("resnet18", "resnet50", "vgg16", "mobilenet_v1", "mobilenet_v2", "squeezenet1_1", "shufflenet_v2_x1_0"),
    *("transformer_encoder", "efficientnet_b0", "mobilenet_v3_large", "densenet121", "inception_v3"),
)
BATCHES = (1, 8)
RUNS = 4
TOLERANCE = 0.10
INFO = 1
"""Severity of ONNX Runtime's log from which on the arena tells when it grows."""


def resident() -> tuple[int, int]:
    """Bytes of memory of this process at most since the mark was reset, and now."""
    status = Path("/proc/self/status").read_text()
    peak, now = (int(re.findall(rf"{key}:\s+(\d+) kB", status)[0]) * 1024 for key in ("VmHWM", "VmRSS"))
    return peak, now


def measure(model: str) -> None:
    """Runs a model in this process and prints what each run took; the log of the arena goes to stderr."""
    ort = importlib.import_module("onnxruntime")
    bindings = importlib.import_module("onnxruntime.capi._pybind_state")
    ort.set_default_logger_severity(INFO)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
    options.add_session_config_entry("session.use_env_allocators", "1")
    cpu = bindings.OrtMemoryInfo("Cpu", bindings.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, bindings.OrtMemType.DEFAULT)
    arena = {"max_mem": 0, "arena_extend_strategy": 1, "initial_chunk_size_bytes": -1, "max_dead_bytes_per_chunk": -1}
    bindings.create_and_register_allocator(cpu, bindings.OrtArenaCfg(arena))
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    feeds: dict[str, object] = {
        port.name: random.random(port.shape, np.float32) if "float" in port.type else np.ones(port.shape, np.int64)
        for port in session.get_inputs()
    }
    give_back = ort.RunOptions()
    give_back.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    trim = ctypes.CDLL(None).malloc_trim
    taken: list[int] = []
    for index in range(RUNS):
        trim(0)
        before = resident()[1]
        Path("/proc/self/clear_refs").write_text("5")  # the kernel's way to reset VmHWM
        print(f"run {index}", file=sys.stderr, flush=True)
        outputs = session.run(None, feeds, give_back)
        taken.append(resident()[0] - before)
        del outputs
    print(json.dumps(taken))


def measured(model: Path) -> tuple[int, int, int]:
    """Bytes of the first run, of a planned run, and of the block that the arena's log names for the planned run."""
    command = [sys.executable, "-c", f"from benchmarks.activation_memory import measure; measure({str(model)!r})"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    first, *others = json.loads(done.stdout)
    last_run = done.stderr.rsplit(f"run {RUNS - 1}\n", maxsplit=1)[-1]
    extensions = [int(size) for size in re.findall(r"Extended allocation by (\d+) bytes", last_run)]
    return first, int(statistics.median(others)), max(extensions, default=0)


def mib(size: float) -> str:
    """In mebibytes."""
    return f"{size / 2**20:.2f}"


def main() -> None:
    """Print the table."""
    columns = ("liveness", "in place", "planned", "outputs", "first", "taken", "ratio", "block")
    print(f"{'MiB':<22}{'batch':>5}{''.join(f'{column:>10}' for column in columns)}")
    failed: list[str] = []
    for name in NETWORKS:
        for batch in BATCHES:
            with tempfile.TemporaryDirectory() as folder:
                model = Path(folder) / f"{name}.onnx"
                write(name, model, batch=batch)
                workload = load(model)
                first, taken, block = measured(model)
            memory, plan = count(workload).totals.memory, planned_arena(workload)
            ratio = plan.bytes / taken
            failed += [f"{name} at batch {batch}"] * (abs(ratio - 1) > TOLERANCE)
            sizes = (memory.peak_bytes, memory.peak_bytes_in_place, plan.bytes, plan.output_bytes, first, taken)
            print(
                f"{name:<22}{batch:>5}{''.join(f'{mib(size):>10}' for size in sizes)}{ratio:>10.3f}{same(plan, block)}",
                flush=True,
            )
    print(f"\nwithin {TOLERANCE:.0%}: {'all' if not failed else 'not ' + ', '.join(failed)}")


def same(plan: PlannedArena, block: int) -> str:
    """Whether the planned block has the size that the arena's log tells."""
    return f"{'equal':>10}" if plan.intermediate_bytes == block else f"{mib(block):>10}"


if __name__ == "__main__":
    main()
