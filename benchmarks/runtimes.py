"""Every installed runtime on five networks: right answers, time that finds its ops, kernels that add up to the run.

Claims: the outputs are within the runtime's stated tolerance of the reference; >= 95 % of the time is attributed to ops
in ONNX Runtime and OpenVINO, >= 90 % in the others; the kernels add up to the median of runs without the profiler
within 3 % for networks over 3 ms. The profiler's overhead is stated: its runs by runs without it, in turns. Figures are
medians over fresh processes; of the sums the lowest and the highest stand beside it.

``python -m benchmarks runtimes --only openvino,mnn --networks resnet18``
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

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
ROUNDS = 3
"""One copy of a network in memory is some percent faster than the next, the profiled copy as well as the plain one."""


def off(run: Run) -> float | None:
    """By how much the kernels add up to more than an unprofiled run; None where there is no profile."""
    if run.kernels_seconds is None or not run.unprofiled_seconds:
        return None
    return run.kernels_seconds / run.unprofiled_seconds - 1


def row(name: str, runs: Sequence[Run]) -> str:
    """A line of the table: medians over fresh processes, and the worst of what has to be right each time."""
    run = runs[0]
    outputs = [output for each in runs if each.correctness for output in each.correctness.outputs]
    error = max((output.relative_error for output in outputs), default=0.0)
    answers = {each.correctness.is_right if each.correctness else None for each in runs}
    right = "WRONG" if False in answers else "-" if None in answers else "right"
    seconds = median(each.median_seconds for each in runs)
    text = f"{name:<34}{run.precision or run.dtype:<9}{right:<6}{error:<9.1e}{1e3 * seconds:>8.2f} ms"
    sums = [told for each in runs if (told := off(each)) is not None]
    shares = [each.attributed_share for each in runs if each.attributed_share is not None]
    if not sums or not shares:
        return f"{text}  no profile: {'; '.join(run.warnings)}"
    claimed = CLAIMED_SHARE.get(run.runtime, OTHER_SHARE)
    unprofiled = median(each.unprofiled_seconds or 0.0 for each in runs)
    noisy = sum(each.surroundings is not None and each.surroundings.state == "noisy" for each in runs)
    verdicts = [
        "outputs wrong" if right == "WRONG" else "",
        "" if min(shares) >= claimed else f"attributed < {claimed:.0%}",
        "" if abs(median(sums)) <= CLAIMED_SUM or unprofiled <= LONG_SECONDS else f"sum off by > {CLAIMED_SUM:.0%}",
        f"noisy {noisy} of {len(runs)}" if noisy else "",
    ]
    overhead = median(
        each.profiled_seconds / each.unprofiled_seconds - 1
        for each in runs
        if each.profiled_seconds and each.unprofiled_seconds
    )
    spread = f"{min(sums):+.1%}..{max(sums):+.1%}"
    noted = ", ".join(filter(None, verdicts)) or "ok"
    return f"{text}{min(shares):>10.2%}{median(sums):>+9.1%}{spread:>16}{overhead:>+9.1%}   {noted}"


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="runtimes")
    parser.add_argument("--only", default=",".join(RUNTIMES), help="names of runtimes, with commas")
    parser.add_argument("--networks", default=",".join(NETWORKS), help="of the zoo, with commas")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="fresh processes of each, the runtimes in turns")
    parser.add_argument("--time-budget", type=float, default=BUDGET_SECONDS, help="seconds for each")
    options = parser.parse_args(arguments or [])
    chosen = [name for name in options.only.split(",") if find_interpreter(name, runtime(name).requirement)]
    missing = sorted(set(options.only.split(",")) - set(chosen))
    head = (
        f"{'':<34}{'in':<9}{'':<6}{'error':<9}{'median':>11}{'attributed':>10}{'sum':>9}{'from..to':>16}{'profiler':>9}"
    )
    with tempfile.TemporaryDirectory(prefix="attainable-") as folder:
        for name in options.networks.split(","):
            path = Path(folder) / f"{name}.onnx"
            write(name, path)
            workload = load(path)
            print(f"{name}\n{head}")
            runs: dict[str, list[Run]] = {each: [] for each in chosen}
            failed: dict[str, str] = {}
            for _ in range(options.rounds):
                for each in chosen:
                    try:
                        runs[each].append(
                            measure_workload(workload, runtime=each, time_budget_seconds=options.time_budget)
                        )
                    except RunError as error:
                        failed[each] = clean(str(error))
            for each, found in runs.items():
                if each in failed:
                    print(f"  {each:<32}failed: {failed[each]}")
                else:
                    print(row(f"  {each} {clean(found[0].version)}", found), flush=True)
    if missing:
        print(f"not installed here, so not shown: {', '.join(missing)}")


if __name__ == "__main__":
    main(sys.argv[1:])
