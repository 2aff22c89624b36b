"""How long importing, loading and counting take, and how much memory: whole processes, median of several runs.

Claims: ``import attainable`` under 0.15 s; ``attainable count resnet50.onnx`` under 1.0 s; load and count of a chain of
10,000 nodes under 0.5 s and t(30k)/t(10k) <= 3.6; 2.5 GiB of external data under 0.2 s and 150 MB.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from onnx import NodeProto, TensorProto, helper

from attainable.zoo import write

RUNS = 5

TIMED = r"""
import json, re, sys, time
from pathlib import Path
from statistics import median
import onnx.shape_inference  # the claim is about reading, not about importing the parser
from attainable.cost.count import count
from attainable.workload import load
runs, paths = int(sys.argv[1]), sys.argv[2:]
times = {path: [] for path in paths}
for _ in range(runs):
    for path in paths:  # in turns, so that a disturbance hits all of them
        start = time.perf_counter()
        count(load(path))
        times[path].append(time.perf_counter() - start)
# the peak of this process alone; getrusage would carry over the parent's
peak = int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text()).group(1)) * 1024
print(json.dumps({"seconds": [median(times[path]) for path in paths], "bytes": peak}))
"""


def process_seconds(arguments: list[str]) -> float:
    """Median wall time of whole processes, after one that is not counted."""
    times: list[float] = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return median(times[1:])


def load_and_count(*paths: Path) -> tuple[list[float], int]:
    """Median seconds of load and count of each file, in turns in one fresh process, and its largest memory in bytes."""
    output = subprocess.run(
        [sys.executable, "-c", TIMED, str(RUNS), *map(str, paths)], check=True, capture_output=True, text=True
    )
    found = json.loads(output.stdout)
    return found["seconds"], int(found["bytes"])


def write_chain(path: Path, nodes: int) -> None:
    """A chain of Conv, Relu, Add with ``nodes`` nodes."""
    weight = helper.make_tensor("w", TensorProto.FLOAT, [8, 8, 3, 3], bytes(8 * 8 * 9 * 4), raw=True)
    chain: list[NodeProto] = []
    previous = "x"
    for index in range(nodes // 3):
        chain.append(helper.make_node("Conv", [previous, "w"], [f"c{index}"], f"conv{index}", pads=[1, 1, 1, 1]))
        chain.append(helper.make_node("Relu", [f"c{index}"], [f"r{index}"], f"relu{index}"))
        chain.append(helper.make_node("Add", [f"r{index}", previous], [f"a{index}"], f"add{index}"))
        previous = f"a{index}"
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8, 14, 14])]
    outputs = [helper.make_tensor_value_info(previous, TensorProto.FLOAT, None)]
    graph = helper.make_graph(chain, "chain", inputs, outputs, [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    path.write_bytes(model.SerializeToString())


def write_external(path: Path) -> None:
    """40 matrix products with 4096 x 4096 weights, 2.5 GiB in a sparse file beside the model."""
    weights: list[TensorProto] = []
    for index in range(40):
        tensor = TensorProto(
            name=f"w{index}", data_type=TensorProto.FLOAT, dims=[4096, 4096], data_location=TensorProto.EXTERNAL
        )
        for key, value in (("location", "weights.bin"), ("offset", str(index << 26)), ("length", str(1 << 26))):
            tensor.external_data.add(key=key, value=value)
        weights.append(tensor)
    nodes = [helper.make_node("MatMul", [f"t{index}", f"w{index}"], [f"t{index + 1}"]) for index in range(40)]
    inputs = [helper.make_tensor_value_info("t0", TensorProto.FLOAT, [1, 4096])]
    outputs = [helper.make_tensor_value_info("t40", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "external", inputs, outputs, weights)
    path.write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10).SerializeToString()
    )
    with (path.parent / "weights.bin").open("wb") as stream:
        stream.truncate(40 << 26)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        command = str(Path(sys.executable).with_name("attainable"))
        write("resnet50", folder / "resnet50.onnx")
        bare = process_seconds([sys.executable, "-c", "pass"])
        imported = process_seconds([sys.executable, "-c", "import attainable"])
        counted = process_seconds([command, "count", "--json", str(folder / "resnet50.onnx")])
        print(f"{'what':<52}{'seen':>12}   claim")
        print(f"{'import attainable, beyond an empty process':<52}{imported - bare:>10.3f} s   < 0.15 s")
        print(f"{'attainable count --json resnet50.onnx, process':<52}{counted:>10.3f} s   < 1.0 s")
        write_chain(folder / "chain.onnx", 10_000)
        write_chain(folder / "long.onnx", 30_000)
        (chain, long), _ = load_and_count(folder / "chain.onnx", folder / "long.onnx")
        print(f"{'load and count, chain of 10,000 nodes':<52}{chain:>10.3f} s   < 0.5 s")
        print(f"{'t(30k) / t(10k)':<52}{long / chain:>10.2f}     <= 3.6")
        write_external(folder / "external.onnx")
        (elapsed,), memory = load_and_count(folder / "external.onnx")
        print(f"{'load and count, 2.5 GiB of external data':<52}{elapsed:>10.3f} s   < 0.2 s")
        print(f"{'  largest memory of that process':<52}{memory / 1e6:>9.0f} MB   < 150 MB")
        _, memory = load_and_count(folder / "resnet50.onnx")
        size = (folder / "resnet50.onnx").stat().st_size
        print(f"{'load and count, resnet50, memory / file':<52}{memory / size:>10.2f}     <= 1.3")


if __name__ == "__main__":
    main()
