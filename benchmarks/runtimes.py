"""Every installed runtime on five networks: right answers, time that finds its ops, kernels that add up to the run.

Claims: the outputs are within the runtime's stated tolerance of the reference; >= 95 % of the time is attributed to ops
in ONNX Runtime and OpenVINO, >= 90 % in the others; the kernels add up to the median of runs without the profiler
within 3 % for networks over 3 ms. The profiler's overhead is stated: its runs by runs without it, in turns.

``python -m benchmarks runtimes --only openvino,mnn --networks resnet18``
"""

import argparse
import sys
import tempfile
from pathlib import Path

from attainable.errors import RunError
from attainable.measurement import measure_workload
from attainable.measurement.run import Run
from attainable.names import clean
from attainable.runtimes import RUNTIMES, runtime
from attainable.runtimes.environments import find_interpreter
from attainable.workload import load
from attainable.zoo import write

NETWORKS = ("resnet18", "mobilenet_v2", "shufflenet_v2_x1_0", "efficientnet_b0", "transformer_encoder")

CLAIMED_SHARE = {"onnxruntime": 0.95, "openvino": 0.95}
OTHER_SHARE = 0.90
CLAIMED_SUM = 0.03
LONG_SECONDS = 3e-3
BUDGET_SECONDS = 6.0


def row(name: str, run: Run) -> str:
    """A line of the table."""
    checked = run.correctness
    error = max((output.relative_error for output in checked.outputs), default=0.0) if checked else 0.0
    right = {True: "right", False: "WRONG", None: "-"}[checked.is_right if checked else None]
    text = f"{name:<34}{run.precision or run.dtype:<9}{right:<6}{error:<9.1e}{1e3 * run.median_seconds:>8.2f} ms"
    if run.attributed_share is None or run.kernels_seconds is None or not run.unprofiled_seconds:
        return f"{text}  no profile: {'; '.join(run.warnings)}"
    claimed = CLAIMED_SHARE.get(run.runtime, OTHER_SHARE)
    off = run.kernels_seconds / run.unprofiled_seconds - 1
    long = run.unprofiled_seconds > LONG_SECONDS
    verdicts = [
        "outputs wrong" if checked is not None and checked.is_right is False else "",
        "" if run.attributed_share >= claimed else f"attributed < {claimed:.0%}",
        "" if abs(off) <= CLAIMED_SUM or not long else f"sum off by > {CLAIMED_SUM:.0%}",
        "noisy" if run.surroundings and run.surroundings.state == "noisy" else "",
    ]
    overhead = (run.profiled_seconds or 0.0) / run.unprofiled_seconds - 1
    noted = ", ".join(filter(None, verdicts)) or "ok"
    return f"{text}{run.attributed_share:>10.2%}{off:>+9.1%}{overhead:>+9.1%}   {noted}"


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="runtimes")
    parser.add_argument("--only", default=",".join(RUNTIMES), help="names of runtimes, with commas")
    parser.add_argument("--networks", default=",".join(NETWORKS), help="of the zoo, with commas")
    parser.add_argument("--time-budget", type=float, default=BUDGET_SECONDS, help="seconds for each")
    options = parser.parse_args(arguments or [])
    chosen = [name for name in options.only.split(",") if find_interpreter(name, runtime(name).requirement)]
    missing = sorted(set(options.only.split(",")) - set(chosen))
    head = f"{'':<34}{'in':<9}{'':<6}{'error':<9}{'median':>11}{'attributed':>10}{'sum':>9}{'profiler':>9}"
    with tempfile.TemporaryDirectory(prefix="attainable-") as folder:
        for name in options.networks.split(","):
            path = Path(folder) / f"{name}.onnx"
            write(name, path)
            workload = load(path)
            print(f"{name}\n{head}")
            for each in chosen:
                try:
                    run = measure_workload(workload, runtime=each, time_budget_seconds=options.time_budget)
                except RunError as error:
                    print(f"  {each:<32}failed: {clean(str(error))}")
                    continue
                print(row(f"  {each} {clean(run.version)}", run), flush=True)
    if missing:
        print(f"not installed here, so not shown: {', '.join(missing)}")


if __name__ == "__main__":
    main(sys.argv[1:])
