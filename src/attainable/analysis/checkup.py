"""The record of ``attainable doctor``: which runtimes can be used, and what disturbs measuring on this machine."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from attainable.analysis.checkup_messages import say
from attainable.analysis.environment import environment
from attainable.runtimes.builds import Build, read_builds
from attainable.timing.conditions import read_conditions
from attainable.timing.gate import spans
from attainable.timing.gate_readings import Gate
from attainable.timing.kernel_files import ROOT
from attainable.timing.memory import available_memory_bytes
from attainable.timing.obstacles import Obstacle, obstacles

WATCHED_SECONDS = 0.7
"""How long the others are watched: enough for shares of 1 % in the kernel's steps of 10 ms."""

SCHEMA_VERSION = 1

State = Literal["fine", "disturbed", "unusable"]


@dataclass(frozen=True, slots=True)
class InstalledRuntime:
    """A runtime, and what to do where it cannot be used.

    Attributes:
        runtime: its name.
        state: ``usable``, ``slow`` to start (it may be usable), ``broken`` or ``missing``.
        version: ``""`` where unknown.
        python: the interpreter that has it; ``""`` where none has.
        origin: ``configured``, ``managed`` or ``own`` interpreter; ``""`` where it is not installed.
        build: what the library says of its build.
        fault: why it is broken.
        advice: what to do about it; ``""`` where nothing is to do.
    """

    runtime: str
    state: str
    version: str
    python: str
    origin: str
    build: dict[str, str]
    fault: str
    advice: str


@dataclass(frozen=True, slots=True)
class Disturber:
    """Something that disturbs measuring.

    Attributes:
        kind: such as ``others`` or ``governor``.
        severity: ``unusable``, ``disturbs`` or ``notable``.
        observation: what it is, with its numbers.
        advice: what to do about it.
    """

    kind: str
    severity: str
    observation: str
    advice: str


@dataclass(frozen=True, slots=True)
class Checkup:
    """What the doctor found.

    Attributes:
        state: ``fine``; ``disturbed``, times vary more than they need to; ``unusable``, no time can be believed.
        runtimes: all there are.
        disturbers: the worst first.
        environment: versions and conditions by name.
        differences: from another machine, where one was given, one sentence each.
    """

    state: State
    runtimes: list[InstalledRuntime]
    disturbers: list[Disturber]
    environment: dict[str, str] = field(default_factory=dict[str, str])
    differences: list[str] = field(default_factory=list[str])
    schema_version: int = SCHEMA_VERSION


def checkup(*, seconds: float = WATCHED_SECONDS, root: Path = ROOT) -> Checkup:
    """Look at this machine, some two seconds in all; ``root`` stands in for ``/`` in tests.

    Args:
        seconds: how long the others are watched.
        root: see above.
    """
    # The runtimes first: their children are done before the others are watched.
    builds = read_builds()
    gate = Gate(probe=True, root=root)
    before = gate.before()
    time.sleep(seconds)
    after = gate.after()
    found = obstacles(
        read_conditions(root=root), before, after, available_memory_bytes=available_memory_bytes(root=root)
    )  # fmt: skip
    return judged(builds, found, environment(builds, spans(before, after)))


def judged(builds: Sequence[Build], found: Sequence[Obstacle], conditions: dict[str, str]) -> Checkup:
    """The record of what was found: in sentences, with the verdict.

    Args:
        builds: of all runtimes.
        found: what is in the way.
        conditions: the environment.
    """
    if not any(build.state in ("usable", "slow") for build in builds):
        found = [Obstacle("no runtime", "unusable"), *found]
    severities = {obstacle.severity for obstacle in found}
    state: State = "unusable" if "unusable" in severities else "disturbed" if "disturbs" in severities else "fine"
    return Checkup(
        state=state,
        runtimes=[_runtime(build) for build in builds],
        disturbers=[
            Disturber(
                each.kind, each.severity, say(f"{each.kind}.seen", each.values), say(f"{each.kind}.do", each.values)
            )
            for each in found
        ],
        environment=conditions,
    )


def _runtime(build: Build) -> InstalledRuntime:
    advice = "" if build.state == "usable" else say(f"runtime.{build.state}.{build.origin or 'nowhere'}", _names(build))
    return InstalledRuntime(
        build.runtime, build.state, build.version, build.python, build.origin, build.build, build.fault, advice
    )


def _names(build: Build) -> dict[str, str]:
    return {"runtime": build.runtime, "python": build.python}
