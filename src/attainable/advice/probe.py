"""The probe: times small models against each other, in turns, in fresh processes.

A round starts one process for each variant and lets them run in turns of a few milliseconds, so that whatever the
machine does meanwhile meets all of them. Where the memory of a process happens to lie changes its times by more than a
turn's noise does; hence several rounds, and the interval is over rounds.
"""

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from time import monotonic

from attainable.advice.rule import Probed, Variant
from attainable.measurement.inputs import make_inputs
from attainable.runtimes import Runtime, Session
from attainable.runtimes import runtime as runtime_of
from attainable.timing.statistics import FEWEST_FOR_INTERVAL
from attainable.workload.graph import Workload

Prober = Callable[[Sequence[Variant]], Probed]
"""Times variants against each other."""

_TURN_SECONDS = 0.01
_FEWEST_TURNS, _MOST_TURNS = 6, 60
_DEADLINE_SECONDS = 60.0
_START_SECONDS = 0.5
"""What a round takes before anything runs: about 0.4 s for a process that loads onnxruntime."""
