"""A machine that is busy on purpose, as the target of a deployment is: what else runs there, simulated."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from attainable.errors import InvalidQuantity, RuntimeRefused
from attainable.timing.memory import available_memory_bytes

_PROGRAM = Path(__file__).with_name("busy.py")
_MOST_MEMORY = 0.8
"""Share of the free memory: the network and the system need the rest."""
_START_SECONDS = 60.0
_MOST_CORES = 1024
_HELP = "write cpu=1 for a busy core, memory=50% to write over half of the free memory, or both with a comma"


@dataclass(frozen=True, slots=True)
class Load:
    """What keeps the machine busy.

    Attributes:
        cores: programs that compute without end, one core each.
        memory_share: of the free memory that one more program, which takes a core too, writes over again and again.
    """

    cores: int = 0
    memory_share: float = 0.0

    def __str__(self) -> str:
        parts = [f"cpu={self.cores}"] if self.cores else []
        return ",".join([*parts, *([f"memory={100 * self.memory_share:g}%"] if self.memory_share else [])])


def parse_load(text: str, *, where: str) -> Load:
    """Read ``cpu=1,memory=50%``. Raises InvalidQuantity."""
    cores, share = 0, 0.0
    for part in text.split(","):
        name, _, amount = part.strip().partition("=")
        if name == "cpu" and amount.isascii() and amount.isdigit() and len(amount) <= 4:
            cores = int(amount)
        elif name == "memory" and amount.endswith("%") and amount[:-1].isascii() and amount[:-1].isdigit():
            share = int(amount[:-1]) / 100
        else:
            raise InvalidQuantity(f"cannot read {text!r}", where=where, help=_HELP)
    if cores > _MOST_CORES or share > _MOST_MEMORY or not (cores or share):
        raise InvalidQuantity(
            f"{text!r} is outside 1 to {_MOST_CORES} cores and 1 to {100 * _MOST_MEMORY:.0f} % of the free memory",
            where=where, help=_HELP,
        )  # fmt: skip
    return Load(cores, share)


@contextmanager
def kept_busy(load: Load) -> Generator[tuple[int, ...]]:
    """Keep the machine busy meanwhile; gives the ids of the processes, once all are at work.

    Raises:
        RuntimeRefused: a program of the load did not start.
    """
    if sys.platform == "win32":
        raise RuntimeRefused("a load cannot be simulated on this system", where="--load", help="leave it out")
    programs: list[subprocess.Popen[bytes]] = []
    try:
        for kind, size in _programs(load):
            programs.append(_start(kind, size))
        for program in programs:
            _await(program)
        yield tuple(program.pid for program in programs)
    finally:
        for program in programs:
            program.kill()
        for program in programs:
            program.wait()
            if program.stdout is not None:
                program.stdout.close()


def _programs(load: Load) -> Iterator[tuple[str, int]]:
    if load.memory_share:
        available = available_memory_bytes()
        if available is None:
            raise RuntimeRefused("the system does not tell how much memory is free", where="--load memory")
        yield "memory", max(1, int(load.memory_share * available))
    yield from [("cpu", 0)] * load.cores


def _start(kind: str, size: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-I", "-S", str(_PROGRAM), kind, str(os.getpid()), str(size)]
    try:
        # A session of its own: Ctrl-C is for us, and we end it.
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
    except OSError as error:
        raise RuntimeRefused(f"the load cannot be started: {error.strerror}", where="--load") from None


def _await(program: "subprocess.Popen[bytes]") -> None:
    assert program.stdout is not None
    end = time.monotonic() + _START_SECONDS
    readable = False
    while not readable and program.poll() is None and time.monotonic() < end:
        readable = bool(select.select([program.stdout], [], [], 0.25)[0])
    if readable and program.stdout.read(1) == b".":
        return
    # What has closed its output is about to end.
    with suppress(subprocess.TimeoutExpired):
        program.wait(1.0 if readable else 0.0)
    how = "was not ready in time" if program.returncode is None else f"ended with {_ending(program.returncode)}"
    raise RuntimeRefused(f"a program of the load {how}", where="--load", help="give a smaller share of the memory")


def _ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"code {code}"
