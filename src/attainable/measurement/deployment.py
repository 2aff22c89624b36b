"""As deployed: a network measured as it will run, not alone on a machine that works for it without a pause.

A task that runs once in a while lets clocks fall and caches be taken by others; instances beside it share memory and
cores. A time measured back to back says nothing of either.
"""

import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from attainable.errors import InvalidQuantity
from attainable.measurement.load import Load, kept_busy
from attainable.measurement.neighbours import Neighbour, beside
from attainable.runtimes import Runtime
from attainable.timing.conditions import core_processors, usable_processors
from attainable.workload.graph import Workload


@dataclass(frozen=True, slots=True)
class Deployment:
    """How a network runs where it is deployed.

    Attributes:
        period_seconds: from the start of a run to that of the next, asleep in between; 0: run after run.
        beside: networks that run meanwhile, each in a process of its own, without a pause.
        load: what else keeps the machine busy; None for nothing.
        pinned: bind the process to as many cores as it has threads.
    """

    period_seconds: float = 0.0
    beside: tuple[Workload, ...] = ()
    load: Load | None = None
    pinned: bool = False

    @property
    def is_alone(self) -> bool:
        """Whether nothing of ours runs beside the network."""
        return not self.beside and self.load is None


ALONE = Deployment()
"""Run after run, nothing beside it."""


@dataclass(frozen=True, slots=True)
class Company:
    """What runs beside a network.

    Attributes:
        neighbours: other networks.
        processes: ids of all processes, which are no strangers to the gate.
    """

    neighbours: tuple[Neighbour, ...] = ()
    processes: tuple[int, ...] = ()


@contextmanager
def company(deployment: Deployment, runtime: Runtime, *, threads: int) -> Generator[Company]:
    """Start what runs beside the network, and end it when the block is left, however it is left.

    Raises:
        RunError: something of it cannot be run.
    """
    if deployment.is_alone:
        yield Company()
        return
    with beside(deployment.beside, runtime, threads=threads) as neighbours:
        ids = tuple(neighbour.process_id for neighbour in neighbours)
        if deployment.load is None:
            yield Company(neighbours, ids)
            return
        with kept_busy(deployment.load) as programs:
            yield Company(neighbours, (*ids, *programs))


def cores_for(threads: int) -> tuple[int, ...]:
    """The processors that a pinned network gets: one of each core first, then the second threads of cores.

    Raises:
        InvalidQuantity: there are fewer than threads, or this system binds no process to cores.
    """
    if sys.platform != "linux":
        raise InvalidQuantity("this system cannot bind a process to cores", where="--pin", help="leave it out")
    cores = core_processors()
    ordered = [*cores, *(processor for processor in usable_processors() if processor not in cores)]
    if threads > len(ordered):
        raise InvalidQuantity(
            f"{threads} threads cannot have a processor each, there are {len(ordered)}", where="--pin",
            help="give fewer --threads",
        )  # fmt: skip
    return tuple(ordered[:threads])


@contextmanager
def pinned(processors: Sequence[int]) -> Generator[None]:
    """Processes that are started in this block, and all their threads, run on these processors only; empty: on all.

    A process inherits the processors of the thread that starts it.
    """
    if not processors or sys.platform != "linux":
        yield
        return
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors)
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)
