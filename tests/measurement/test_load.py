"""A machine that is kept busy on purpose, and is left in peace afterwards."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from attainable.errors import InvalidQuantity, RuntimeRefused
from attainable.measurement.load import Load, kept_busy, parse_load
from tests.processes import is_alive, wait_until_dead


def test_what_can_be_asked_for() -> None:
    assert parse_load("cpu=1,memory=50%", where="--load") == Load(cores=1, memory_share=0.5)
    assert parse_load("cpu=12", where="--load") == Load(cores=12)
    assert parse_load("memory=5%", where="--load") == Load(memory_share=0.05)
    assert str(Load(2, 0.5)) == "cpu=2,memory=50%"


@pytest.mark.parametrize(
    "text", ["", "cpu", "cpu=0", "cpu=-1", "cpu=99999", "memory=50", "memory=90%", "gpu=1", "cpu=²"]
)
def test_what_cannot(text: str) -> None:
    with pytest.raises(InvalidQuantity, match="--load"):
        parse_load(text, where="--load")


def ticks(process: int) -> int:
    """User and system time of a process, in the system's ticks."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_programs_are_busy_meanwhile_and_gone_afterwards() -> None:
    with kept_busy(Load(cores=1, memory_share=0.002)) as programs:
        assert len(programs) == 2
        before = [ticks(program) for program in programs]
        end = time.monotonic() + 60
        while time.monotonic() < end and any(ticks(p) < b + 5 for p, b in zip(programs, before, strict=True)):
            time.sleep(0.05)
        assert all(ticks(p) >= b + 5 for p, b in zip(programs, before, strict=True))
    assert not any(Path(f"/proc/{program}").exists() for program in programs)


def test_programs_end_whatever_becomes_of_the_measurement() -> None:
    with pytest.raises(KeyboardInterrupt), kept_busy(Load(cores=2)) as programs:
        raise KeyboardInterrupt
    assert not any(Path(f"/proc/{program}").exists() for program in programs)


PARENT = """
import time
from attainable.measurement.load import Load, kept_busy
with kept_busy(Load(cores=1)) as programs:
    print(programs[0], flush=True)
    time.sleep(600)
"""


def test_programs_end_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        program = int(parent.stdout.readline())
        assert is_alive(program)
        parent.kill()
    wait_until_dead([program])


def test_more_memory_than_there_is_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attainable.measurement.load.available_memory_bytes", lambda: 2**60)
    with pytest.raises(RuntimeRefused, match="a program of the load ended with"), kept_busy(Load(memory_share=0.5)):
        pass
    monkeypatch.setattr("attainable.measurement.load.available_memory_bytes", lambda: None)
    with pytest.raises(RuntimeRefused, match="how much memory is free"), kept_busy(Load(memory_share=0.5)):
        pass
