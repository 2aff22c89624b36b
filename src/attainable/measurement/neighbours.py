"""Other networks that run meanwhile, each in its own worker without a pause, as several instances do on a target."""

import os
import signal
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from attainable.errors import RunError
from attainable.measurement.inputs import make_inputs
from attainable.runtimes import Runtime, Session
from attainable.workload.graph import Workload

_STRETCH_SECONDS = 0.2
_MOST_RUNS = 10_000
_DEADLINE_SECONDS = 120.0


@dataclass(slots=True)
class Neighbour:
    """A network that runs in a worker of its own.

    Attributes:
        name: of the network.
        process_id: of its worker.
        seconds: of its runs so far; the last ones of many.
        fault: what ended it too early; None while it runs.
    """

    name: str
    process_id: int
    seconds: Sequence[float] = ()
    fault: RunError | None = None


@dataclass(frozen=True, slots=True)
class NeighbourTimes:
    """How a neighbour did.

    Attributes:
        name: of the network.
        median_seconds: of its latest runs; None if none was done.
    """

    name: str
    median_seconds: float | None


@contextmanager
def beside(workloads: Sequence[Workload], runtime: Runtime, *, threads: int) -> Generator[tuple[Neighbour, ...]]:
    """Run these networks without a pause until the block is left.

    Raises:
        RuntimeRefused, WorkerCrashed, WorkerTimedOut: one of them cannot be loaded.
        InputsUnavailable: no valid inputs can be made.
    """
    if not workloads:
        yield ()
        return
    first, rest = workloads[0], workloads[1:]
    arrays = make_inputs(first).arrays
    stop = threading.Event()
    with runtime.open(first, arrays, threads=threads, deadline_seconds=_DEADLINE_SECONDS) as session:
        neighbour = Neighbour(first.name, session.process_id)
        thread = threading.Thread(target=_keep_running, args=(session, neighbour, stop), daemon=True)
        try:
            thread.start()
            with beside(rest, runtime, threads=threads) as others:
                yield (neighbour, *others)
        except BaseException:
            # Nobody waits for a run that may take minutes.
            _kill(neighbour.process_id, thread)
            raise
        finally:
            stop.set()
            if thread.ident is not None:
                thread.join()


def times_of(neighbours: Sequence[Neighbour]) -> tuple[NeighbourTimes, ...]:
    """How each neighbour did.

    Raises:
        RunError: one of them ended too early, so that the times beside it mean nothing.
    """
    for neighbour in neighbours:
        if neighbour.fault is not None:
            raise neighbour.fault
    return tuple(
        NeighbourTimes(neighbour.name, median(neighbour.seconds) if neighbour.seconds else None)
        for neighbour in neighbours
    )


def _kill(process: int, thread: threading.Thread) -> None:
    """End a worker that its thread waits for, which then finds it dead."""
    if not thread.is_alive():
        return
    try:
        if sys.platform == "win32":
            os.kill(process, signal.SIGTERM)
        else:
            os.killpg(process, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _keep_running(session: Session, neighbour: Neighbour, stop: threading.Event) -> None:
    try:
        while not stop.is_set():
            neighbour.seconds = session.run(
                seconds=_STRETCH_SECONDS, minimum=1, maximum=_MOST_RUNS, deadline_seconds=_DEADLINE_SECONDS
            ).seconds
    except RunError as error:
        neighbour.fault = error
    except OSError:
        # An impatient interrupt takes the worker away without waiting for this thread.
        if not stop.is_set():
            raise
