"""The row on loading the data of the next run while a network runs."""

import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from attainable import zoo
from attainable.measurement.claim import own_noise
from attainable.measurement.inputs import make_inputs
from attainable.runtimes import Session
from attainable.runtimes.onnxruntime import RUNTIME
from attainable.timing.conditions import others_share, read_cpu_times
from benchmarks.local_rows.judging import Finding, Result, Verdict, shown, within
from benchmarks.local_rows.rounds import Effort
from benchmarks.local_rows.row import Row, Rows, written

NETWORK = "mobilenet_v2"
_ITEMS = 8
_IMAGE = (640, 640, 3)
_SIDE = 224
_DEADLINE_SECONDS = 60.0
_BALANCED = (0.4, 0.6)
"""Shares of the sum that loading may take where neither of the two outweighs the other."""


def read_image(path: Path, repeats: int) -> NDArray[np.float32]:
    """An image as a network takes it, read and normalised ``repeats`` times, as if so many were needed for one."""
    image = np.empty((1, 3, _SIDE, _SIDE), np.float32)
    for _ in range(repeats):
        pixels = np.frombuffer(path.read_bytes(), np.uint8).reshape(_IMAGE)
        scaled = (pixels.astype(np.float32) / 255 - 0.45) / 0.225
        image[0] = scaled[:_SIDE, :_SIDE].transpose(2, 0, 1)
    return image


def one_after_the_other(load: Callable[[], NDArray[np.float32]], run: Callable[[NDArray[np.float32]], object]) -> None:
    """Load each item, then run on it."""
    for _ in range(_ITEMS):
        run(load())


def overlapped(load: Callable[[], NDArray[np.float32]], run: Callable[[NDArray[np.float32]], object]) -> None:
    """Load each item in a thread while the network runs on the one before."""
    with ThreadPoolExecutor(1) as loader:
        following = loader.submit(load)
        for number in range(_ITEMS):
            item = following.result()
            if number + 1 < _ITEMS:
                following = loader.submit(load)
            run(item)


def _pipelined(effort: Effort) -> Result:
    before = read_cpu_times()
    rounds: list[Sequence[float]] = []
    shares: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="attainable-") as folder,
        written({NETWORK: zoo.build(NETWORK)}) as workloads,
    ):
        path = Path(folder) / "image.raw"
        path.write_bytes(np.random.default_rng(0).integers(0, 256, _IMAGE, np.uint8).tobytes())
        workload = workloads[NETWORK]
        repeats = 0
        for done in range(effort.rounds):
            with RUNTIME.open(
                workload, make_inputs(workload).arrays, threads=1, deadline_seconds=_DEADLINE_SECONDS
            ) as session:
                run = _runner(session, workload.inputs[0].name)
                repeats = repeats or _balanced(path, run)
                rounds.append(_three(path, repeats, run))
                shares.append(_seconds(lambda repeats=repeats: _loads(path, repeats)) / rounds[-1][0])
            effort.progress(done + 1, effort.rounds)
    others = others_share(before, read_cpu_times())
    ratios = [2 * overlap / (first + second) for first, overlap, second in rounds]
    noise = own_noise([first / second for first, _, second in rounds])
    # The claim is of loading and computing that take about as long as each other.
    is_balanced = _BALANCED[0] <= median(shares) <= _BALANCED[1]
    verdict: Verdict = within(ratios, most=0.8, noise=noise, others=others) if is_balanced else "noisy"
    return Result(
        (
            Finding(f"total by sum {shown(ratios)}", verdict),
            Finding(f"loading is {shown(shares)} of the sum", "printed"),
        ),
        effort.rounds, others, f"{_ITEMS} items, a loader thread, {repeats} reads an item; files are in the page cache",
    )  # fmt: skip


def _runner(session: Session, name: str) -> Callable[[NDArray[np.float32]], object]:
    return lambda image: session.compute({name: image}, deadline_seconds=_DEADLINE_SECONDS)


def _three(path: Path, repeats: int, run: Callable[[NDArray[np.float32]], object]) -> Sequence[float]:
    """Seconds one after the other, overlapped, one after the other."""

    def load() -> NDArray[np.float32]:
        return read_image(path, repeats)

    return tuple(
        _seconds(lambda way=way: way(load, run)) for way in (one_after_the_other, overlapped, one_after_the_other)
    )


def _loads(path: Path, repeats: int) -> None:
    for _ in range(_ITEMS):
        read_image(path, repeats)


def _balanced(path: Path, run: Callable[[NDArray[np.float32]], object]) -> int:
    """Reads of an image that take about as long as a run."""
    image = read_image(path, 1)
    run(image)
    reading = min(_seconds(lambda: read_image(path, 1)) for _ in range(5))
    running = min(_seconds(lambda: run(image)) for _ in range(5))
    return max(1, round(running / reading))


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


ROWS: Rows = {
    "T157": Row("Loading of data overlapped with the runs, both as long", "total by sum < 0.8", _pipelined),
}
