"""Bound against measured on every zoo network, one thread, and how well the time is attributed to ops.

Claims: kernels of the kinds exact, name and region cover >= 95 % of the profiled time; no group of more than 12 ops
holds over 10 % of it; profiled against unprofiled within 10 % or 0.2 ms; bound / measured <= 1.02 everywhere and >= 0.6
on resnet50 and vgg16. "profiled" is whole runs with the profiler less those without, in turns; "kernels" is the sum of
the kernels less the same; from each kernel the profiler's own time was taken, which is between one and three times what
a chain of trivial kernels shows, and within that what makes the kernels fit into an unprofiled run.
"""

import tempfile
from pathlib import Path

import attainable
from attainable.analysis.records import RunRow
from attainable.zoo import write

NETWORKS = (
    "resnet18", "resnet50", "vgg16", "mobilenet_v1", "mobilenet_v2", "squeezenet1_1", "shufflenet_v2_x1_0",
    "transformer_encoder",
)  # fmt: skip
"""One of each kind; the whole zoo would take an hour."""


def attributed(run: RunRow) -> float:
    """Share of the profiled time in kernels whose ops were found by boundary, name or region."""
    total = sum(kernel.seconds for kernel in run.kernels)
    found = sum(kernel.seconds for kernel in run.kernels if kernel.attribution in ("exact", "name", "region"))
    return found / total if total else 0.0


def largest_wide_group(run: RunRow) -> float:
    """Share of the profiled time in the slowest group of more than 12 ops."""
    total = sum(kernel.seconds for kernel in run.kernels)
    return max((group.seconds for group in run.groups if len(group.ops) > 12), default=0.0) / total if total else 0.0


def main() -> None:
    """Print the table."""
    print(
        f"{'network':<22}{'bound':>9}{'measured':>10}{'ratio':>7}{'found':>7}{'wide':>6}{'profiled':>18}{'kernels':>18}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in NETWORKS:
            path = Path(folder) / f"{name}.onnx"
            write(name, path)
            analysis = attainable.analyze(path, threads=1, advise=False)
            path.unlink()
            bound, (run,) = analysis.devices[0].bound_seconds, analysis.runs
            plain = run.unprofiled_seconds or run.seconds
            raw, corrected = (run.profiled_seconds or 0.0) - plain, (run.kernels_seconds or 0.0) - plain
            print(
                f"{name:<22}{bound * 1e3:>6.2f} ms{run.seconds * 1e3:>7.2f} ms{bound / run.seconds:>7.2f}"
                f"{attributed(run):>7.1%}{largest_wide_group(run):>6.1%}"
                f"{raw * 1e3:>+8.2f} ms{raw / plain:>+7.1%}{corrected * 1e3:>+8.2f} ms{corrected / plain:>+7.1%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
