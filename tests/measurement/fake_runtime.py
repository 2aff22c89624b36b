"""A runtime whose times are written down: for testing what is made of times."""

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Self

from attainable.errors import RuntimeRefused
from attainable.runtimes import Profile, Samples, Tolerance
from attainable.runtimes.onnxruntime import REFERENCE
from attainable.runtimes.worker_statistics import Loading
from attainable.workload import Kernel, Workload

if TYPE_CHECKING:
    from attainable.runtimes import Array


class FakeRuntime:
    """Takes its times from ``times`` in turn, over and over."""

    name = "fake"
    formats = ("onnx",)
    tolerances: Mapping[str, Tolerance] = {"float32": Tolerance(relative=1e-4)}

    def __init__(self) -> None:
        self.times = [1e-3]
        self.kernels: tuple[Kernel, ...] | None = None
        self.profiled = 1.0
        self.runs = 0
        self.profile_runs = 0
        self.answer: Callable[[dict[str, Array]], dict[str, Array]] = lambda outputs: outputs

    def open(
        self, workload: Workload, inputs: "Mapping[str, Array]", *, threads: int, deadline_seconds: float,
        precision: str | None = None,
    ) -> "FakeSession":  # fmt: skip
        """Open a session without a worker."""
        del inputs, threads, deadline_seconds, precision
        return FakeSession(self, workload)


class FakeSession:
    """Counts its runs and answers at once."""

    version = "7"
    precision = "float32"
    load_seconds = 0.25
    loading = Loading()

    def __init__(self, runtime: FakeRuntime, workload: Workload) -> None:
        self._runtime = runtime
        self._workload = workload
        self._times: Iterator[float] = itertools.cycle(runtime.times)
        self.process_id = os.getpid()

    def run(self, *, seconds: float, minimum: int, maximum: int, deadline_seconds: float) -> Samples:
        """As many times as fit."""
        del deadline_seconds
        samples: list[float] = []
        while len(samples) < minimum or (sum(samples) < seconds and len(samples) < maximum):
            samples.append(next(self._times))
        self._runtime.runs += len(samples)
        return Samples(tuple(samples), sum(samples), sum(samples), 10**7)

    def load_stages(self, *, deadline_seconds: float) -> dict[str, float]:
        """A third of the time is parsing."""
        del deadline_seconds
        return {"parse": 0.1, "optimise": 0.2}

    def compute(self, inputs: "Mapping[str, Array]", *, deadline_seconds: float) -> "dict[str, Array]":
        """What the reference computes, after the test has laid hands on it."""
        with REFERENCE.open(self._workload, inputs, threads=1, deadline_seconds=deadline_seconds) as reference:
            return self._runtime.answer(reference.compute(inputs, deadline_seconds=deadline_seconds))

    def profile(self, *, runs: int, deadline_seconds: float) -> Profile:
        """The kernels that the test wrote down."""
        del deadline_seconds
        self._runtime.profile_runs = runs
        if self._runtime.kernels is None:
            raise RuntimeRefused("no profiler today")
        plain = next(self._times)
        return Profile(self._runtime.kernels, (self._runtime.profiled * plain,) * runs, (plain,) * runs, 2e-6)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        pass


RUNTIME = FakeRuntime()
