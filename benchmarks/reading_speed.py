"""How long importing, loading and counting take, and how much memory, beside the fastest peers.

Claims: ``import attainable`` under 0.15 s; ``attainable count resnet50.onnx`` under 1.0 s; load and count of a chain of
10,000 nodes <= 0.4 s, 30,000 <= 1.2 s, 100,000 <= 4 s, 1,000,000 <= 45 s and 3.5 GB; 2.5 GiB of external data
<= 0.1 s and 150 MB; 340 MB in one file <= 0.8 s and 1.3 times its size in memory.

Each line is a fresh process that imports first and then times; the tools take turns. onnxsim (its statistics) and
onnx-tool (shapes and profile) run in an environment of their own, onnx-tool on 10,000 nodes only, because it is
quadratic.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from attainable.zoo import write
from benchmarks.networks.large import write_chain, write_embedded, write_external
from benchmarks.peers.environment import python_with

RUNS = 5

_MEMORY = r"""
import json, re, sys, time
from pathlib import Path
def report(start):
    elapsed = time.perf_counter() - start
    # the peak of this process alone; getrusage would carry over the parent's
    peak = int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text()).group(1)) * 1024
    print(json.dumps([elapsed, peak]))
"""

TOOLS = {
    "attainable": _MEMORY
    + r"""
import attainable.workload.onnx.read  # the claim is about reading, not about importing the parser
from attainable.cost.count import count
from attainable.workload import load
start = time.perf_counter()
count(load(sys.argv[1]))
report(start)
""",
    "onnxsim": _MEMORY
    + r"""
import onnx
from onnxsim.model_info import ModelInfo
start = time.perf_counter()
ModelInfo(onnx.load(sys.argv[1], load_external_data=False))
report(start)
""",
    "onnx-tool": _MEMORY
    + r"""
import onnx_tool
start = time.perf_counter()
model = onnx_tool.Model(sys.argv[1])
model.graph.shape_infer(None)
model.graph.profile()
report(start)
""",
}
"""What each tool does with a file; prints seconds and bytes."""

PEERS = ("onnx", "onnxsim==0.8.1", "onnx-tool==1.0.1", "onnxruntime", "rich", "numpy")


@dataclass(frozen=True, slots=True)
class Task:
    """A file, the claims about it, and who takes part."""

    title: str
    file: str
    seconds: float
    bytes: float | None
    tools: tuple[str, ...]
    runs: int = RUNS


TASKS = (
    Task("chain of 10,000 nodes", "10k.onnx", 0.4, None, ("attainable", "onnxsim", "onnx-tool")),
    Task("chain of 30,000 nodes", "30k.onnx", 1.2, None, ("attainable", "onnxsim")),
    Task("chain of 100,000 nodes", "100k.onnx", 4.0, None, ("attainable", "onnxsim")),
    Task("chain of 1,000,000 nodes", "1m.onnx", 45.0, 3.5e9, ("attainable",), runs=1),
    Task("2.5 GiB of external data", "external.onnx", 0.1, 150e6, ("attainable",)),
    Task("340 MB in one file", "embedded.onnx", 0.8, 1.3 * 340e6, ("attainable", "onnxsim")),
)


def process_seconds(arguments: list[str]) -> float:
    """Median wall time of whole processes, after one that is not counted."""
    times: list[float] = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return median(times[1:])


def run(tool: str, file: Path, python: Path) -> tuple[float, int] | None:
    """Seconds and bytes of one fresh process, or None where the tool failed."""
    interpreter = sys.executable if tool == "attainable" else python
    done = subprocess.run([interpreter, "-W", "ignore", "-c", TOOLS[tool], file], capture_output=True, text=True)
    if done.returncode:
        return None
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        command = str(Path(sys.executable).with_name("attainable"))
        write("resnet50", folder / "resnet50.onnx")
        bare = process_seconds([sys.executable, "-c", "pass"])
        imported = process_seconds([sys.executable, "-c", "import attainable"])
        counted = process_seconds([command, "count", "--json", str(folder / "resnet50.onnx")])
        print("| what | seen | claim |\n|---|---:|---:|")
        print(f"| import attainable, beyond an empty process | {imported - bare:.3f} s | < 0.15 s |")
        print(f"| attainable count --json resnet50.onnx, process | {counted:.3f} s | < 1.0 s |\n")
        for nodes, name in ((10_000, "10k"), (30_000, "30k"), (100_000, "100k"), (1_000_000, "1m")):
            write_chain(folder / f"{name}.onnx", nodes)
        write_external(folder / "external.onnx")
        write_embedded(folder / "embedded.onnx")
        python = python_with(PEERS)
        print("| model | tool | median | most memory | claim |\n|---|---|---:|---:|---|")
        for task in TASKS:
            seen: dict[str, list[tuple[float, int]]] = {tool: [] for tool in task.tools}
            for _ in range(task.runs):
                for tool in task.tools:  # in turns, so that a disturbance hits all of them
                    if (found := run(tool, folder / task.file, python)) is not None:
                        seen[tool].append(found)
            for tool, rows in seen.items():
                print(_row(task, tool, rows))


def _row(task: Task, tool: str, rows: list[tuple[float, int]]) -> str:
    if not rows:
        return f"| {task.title} | {tool} | failed | | |"
    limit = f"{task.seconds} s" + (f", {task.bytes / 1e6:.0f} MB" if task.bytes else "")
    claim = f"<= {limit}" if tool == "attainable" else ""
    seconds, memory = median(row[0] for row in rows), max(row[1] for row in rows)
    return f"| {task.title} | {tool} | {seconds:.3f} s | {memory / 1e6:.0f} MB | {claim} |"


if __name__ == "__main__":
    main()
