"""Reading the machine around a cell, from files and for real."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from attainable.timing.best_hand_over import best_path
from attainable.timing.conditions import usable_processors
from attainable.timing.gate import Reading, shares, through_gate
from attainable.timing.gate_readings import Gate, machine_name, read_machine
from attainable.timing.kernel_files import text
from tests.timing.machines import machine, of_processors

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no /proc")

STAT = "cpu 300 0 100 9999 7 0 0 40 50 0\ncpu0 0 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\n"


def test_what_the_kernel_tells_is_read(tmp_path: Path) -> None:
    files = {
        "proc/stat": STAT,
        "proc/loadavg": "0.75 0.50 0.25 1/100 4242\n",
        "proc/self/cgroup": "0::/pod/box\n",
        "sys/fs/cgroup/pod/cpu.stat": "usage_usec 900\nnr_throttled 3\nthrottled_usec 2500000\n",
        "sys/fs/cgroup/pod/box/cpu.stat": "usage_usec 900\nnr_throttled 0\nthrottled_usec 0\n",
    }
    throttled = of_processors({"thermal_throttle/core_throttle_count": dict.fromkeys(usable_processors()[:1], "4")})
    reading = read_machine(root=machine(tmp_path, files | throttled))
    assert reading.steal_seconds == 40 / os.sysconf("SC_CLK_TCK")
    assert reading.load_average == 0.75
    assert reading.quota_seconds == 2.5
    assert reading.throttle_events == 4
    assert reading.times is not None
    assert reading.times.processors == 2


def test_a_quota_of_the_first_version_counts_nanoseconds(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "4:cpu,cpuacct:/\n",
        "sys/fs/cgroup/cpu/cpu.stat": "nr_periods 9\nthrottled_time 1500000000\n",
    }
    assert read_machine(root=machine(tmp_path, files)).quota_seconds == 1.5


ZEROS = {"proc/stat": "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n"}


@pytest.mark.parametrize(
    "files",
    [{}, {"proc/stat": "cpu 1 2\n", "proc/loadavg": "lots\n"}, ZEROS],
    ids=["none", "broken", "not counted"],
)
def test_a_machine_that_tells_nothing_is_unknown(tmp_path: Path, files: dict[str, str]) -> None:
    assert read_machine(root=machine(tmp_path, files)) == Reading()


def test_the_name_of_a_machine_says_what_hand_overs_depend_on(tmp_path: Path) -> None:
    cpuinfo = {"proc/cpuinfo": "model name\t: Toy 9\nflags\t: fpu hypervisor\n"}
    processors = len(usable_processors())
    assert machine_name(root=machine(tmp_path, cpuinfo)) == f"Toy 9, {processors} processors, virtual"


def processor_seconds(process: int) -> float:
    """User and system time of a process so far; 0 where the system does not tell."""
    fields = text(Path(f"/proc/{process}/stat")).rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:13]) / os.sysconf("SC_CLK_TCK")


def test_a_busy_neighbour_is_seen_between_two_readings() -> None:
    gate = Gate(probe=False)
    before = gate.before()
    neighbour = subprocess.Popen([sys.executable, "-I", "-c", "while True: pass"])
    # Others and a quota leave it as little as they like: what it got counts, once that is far more than a tick.
    had, end = 0.0, time.monotonic() + 60
    try:
        while had < 0.3 and time.monotonic() < end:
            time.sleep(0.1)
            had = processor_seconds(neighbour.pid)
        after = gate.after()
    finally:
        neighbour.kill()
        neighbour.wait()
    others, steal = shares(before, after)
    if before.times is None or after.times is None or not had:
        pytest.skip("the system does not tell")
    assert others is not None
    capacity = (after.times.wall_seconds - before.times.wall_seconds) * before.times.processors
    # Some kernels count a whole tick for whom they meet at its end, so that the sum of all is rougher than each.
    assert others + (steal or 0.0) > min(0.99, 0.5 * had / capacity)


def test_our_own_work_is_not_blamed_on_others() -> None:
    def work() -> float:
        start, end = time.process_time(), time.perf_counter() + 0.5
        while time.perf_counter() < end:
            pass
        return time.process_time() - start

    gate = Gate(probe=False)
    passage = through_gate(work, gate.before, gate.after, attempts=1)
    others, steal = shares(passage.before, passage.after)
    if passage.before.times is None or passage.after.times is None:
        pytest.skip("the system does not tell")
    # With ours, everybody's share is that much higher; how busy the others are is their business.
    own = passage.after.times.own_seconds - passage.before.times.own_seconds
    busy = passage.after.times.busy_seconds - passage.before.times.busy_seconds
    wall = passage.after.times.wall_seconds - passage.before.times.wall_seconds
    # However little of the half second we got, all of it is ours; the system counts in steps of a hundredth.
    assert own >= passage.result - 0.02
    assert others is not None
    # Everybody's time comes in steps too, so that on a full machine it may be more than there is.
    together = min(1.0, max(0.0, busy - own) / wall / passage.before.times.processors)
    # What a hypervisor takes counts as busy, though nobody here had it.
    assert others == pytest.approx(max(0.0, together - (steal or 0.0)), abs=1e-9)


def test_a_reading_with_the_probe_knows_clock_and_hand_overs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path))
    reading = Gate(probe=True).before()
    assert reading.clock_hertz is not None
    assert 1e8 < reading.clock_hertz < 2e10
    for each in reading.hand_overs:
        if each.processors in reading.best_hand_overs:
            assert reading.best_hand_overs[each.processors] == each.seconds
            assert best_path().is_file()


def test_a_reading_without_the_probe_leaves_the_cache_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path))
    assert Gate(probe=False).after().hand_overs == ()
    assert list(tmp_path.iterdir()) == []


def test_where_no_code_can_be_compiled_clock_and_hand_overs_are_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbid(*_: object) -> None:
        raise RuntimeError("no memory can be run here")

    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path))
    for module in ("clock", "ping_pong"):
        monkeypatch.setattr(f"attainable.timing.{module}.compile_function", forbid)
    reading = Gate(probe=True).before()
    assert (reading.clock_hertz, reading.hand_overs) == (None, ())
    assert (reading.times is None) == (read_machine().times is None)
