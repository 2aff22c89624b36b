"""The machine of a remote worker: what it tells is understood as this machine's, and nonsense is unknown."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from attainable.runtimes.remote import RemoteWorker
from attainable.runtimes.remote.conditions import HostGate, host_record, read_host_conditions
from attainable.runtimes.remote.hosts import Host
from attainable.timing.conditions import read_conditions, read_cpu_times
from attainable.timing.gate import Reading, judge, shares
from attainable.timing.obstacles import obstacles
from tests.runtimes.hosts import BOARD, fake_ssh


class Told:
    """A worker on a machine that tells what a test wrote down."""

    host = Host("board")
    python = "python3"

    def __init__(self, folder: Path, files: Mapping[str, str], facts: Mapping[str, object]) -> None:
        self.folder = folder
        self.files = dict(files)
        self.facts = dict(facts)
        self.asked: list[str] = []

    def read(self, patterns: Sequence[str]) -> tuple[dict[str, str], dict[str, Any]]:
        """All of it, whatever was asked for."""
        self.asked += patterns
        return self.files, self.facts

    @property
    def as_worker(self) -> RemoteWorker:
        """As what it stands for."""
        return cast("RemoteWorker", self)


def stat(busy: int, idle: int, steal: int = 0, *, processors: int = 4) -> str:
    # Columns: user nice system idle iowait irq softirq steal guest guest_nice. Source: proc_stat(5).
    # A machine that has started was busy with that.
    row = f"{busy} 0 900 {idle} 0 0 0 {steal} 0 0"
    return "\n".join([f"cpu  {row}", *(f"cpu{each} {row}" for each in range(processors)), "intr 1"])


def facts(wall: float, own: float, **more: object) -> dict[str, object]:
    told = {"wall_seconds": wall, "own_seconds": own, "ticks": os.sysconf("SC_CLK_TCK"), "processors": [0, 1, 2, 3]}
    return {**told, "load_average": 0.5, **more}


def test_this_machine_seen_from_outside_is_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_ssh(tmp_path, monkeypatch)
    with RemoteWorker(BOARD, sys.executable) as worker:
        found = read_host_conditions(worker)
        record = host_record(worker)
    assert found is not None
    passing = ("load average", "clock by the system", "temperature", "thermal throttling", "swap")
    told, here = dict(found.as_pairs()), dict(read_conditions().as_pairs())
    assert {name: text for name, text in told.items() if name not in passing} == {
        name: text for name, text in here.items() if name not in passing
    }
    assert (record.name, record.python) == ("board", sys.executable)
    assert record.conditions.keys() == here.keys()


def test_what_others_used_there_is_told_and_the_worker_is_no_stranger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_ssh(tmp_path, monkeypatch)
    session = tmp_path / "session.py"
    session.write_text(
        "import time\nclass Session:\n    def call(self):\n        end = time.process_time() + 0.5\n"
        "        while time.process_time() < end: pass\n"
        "def open_session(arguments):\n    return Session(), {}\n"
    )
    with RemoteWorker(BOARD, sys.executable) as worker:
        worker.call("open", {"session_file": worker.place(session)}, deadline_seconds=20.0)
        gate = HostGate(worker)
        before = gate.before()
        worker.call("run", {"seconds": 0.0, "minimum": 1, "maximum": 1}, deadline_seconds=60.0)
        after = gate.after()
    if read_cpu_times() is None:
        assert (before.times, after.times) == (None, None)
        pytest.skip("this system does not count processor time")
    assert before.times is not None
    assert after.times is not None
    # It used half a second, to a tick or two.
    assert after.times.own_seconds - before.times.own_seconds == pytest.approx(0.5, abs=0.1)
    assert after.times.wall_seconds - before.times.wall_seconds >= 0.5
    assert shares(before, after)[0] is not None
    assert (before.clock_hertz, before.hand_overs) == (None, ())


def test_the_share_of_others_is_what_is_left_of_the_machine(tmp_path: Path) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    told = Told(tmp_path, {"proc/stat": stat(0, 0)}, facts(100.0, 5.0))
    gate = HostGate(told.as_worker)
    before = gate.before()
    # Ten seconds of four processors: 40; 12 were busy, 8 of them our own, 1 more was stolen.
    told.files = {"proc/stat": stat(12 * ticks, 27 * ticks, ticks)}
    told.facts = facts(110.0, 13.0)
    after = gate.after()
    # (12 + 1 - 8) / 40 together with what was stolen, 1 / 40.
    assert shares(before, after) == (pytest.approx(4 / 40), pytest.approx(1 / 40))
    assert [each.kind for each in judge(before, after).disturbances] == ["others", "steal"]
    assert after.load_average == 0.5


def test_quota_and_heat_are_those_of_the_host(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/jobs/measure"
    heat = "sys/devices/system/cpu/cpu3/thermal_throttle/core_throttle_count"
    files = {"proc/stat": stat(0, 0), "proc/self/cgroup": "0::/jobs/measure\n"}
    told = Told(tmp_path, {**files, f"{group}/cpu.stat": "throttled_usec 1000000", heat: "7"}, facts(100.0, 5.0))
    gate = HostGate(told.as_worker)
    before = gate.before()
    assert {f"{group}/cpu.stat", "sys/fs/cgroup/jobs/cpu.stat"} <= set(told.asked)
    told.files |= {f"{group}/cpu.stat": "throttled_usec 3000000", heat: "9"}
    told.facts = facts(110.0, 5.0)
    after = gate.after()
    # Two seconds of ten; two times.
    kinds = {each.kind: each.sentence for each in judge(before, after).disturbances}
    assert kinds["quota"].endswith("for 2.00 s")
    assert kinds["heat"].endswith("2 times")


@pytest.mark.parametrize(
    ("files", "more"),
    [
        ({}, {}),
        ({"proc/stat": "cpu one two three four\ncpu0 one"}, {}),
        ({"proc/stat": stat(0, 0)}, {"wall_seconds": "soon"}),
        ({"proc/stat": stat(0, 0)}, {"own_seconds": float("nan")}),
        ({"proc/stat": stat(0, 0)}, {"ticks": 1024}),
        ({"proc/stat": stat(0, 0)}, {"ticks": 0}),
        ({"proc/stat": stat(10**400, 0)}, {}),
        ({"proc/stat": stat(0, 0), "proc/self/cgroup": "nonsense"}, {"wall_seconds": None}),
    ],
)
def test_a_machine_that_tells_nonsense_is_unknown(
    tmp_path: Path, files: dict[str, str], more: dict[str, object]
) -> None:
    told = Told(tmp_path, files, facts(100.0, 5.0, **more))
    gate = HostGate(told.as_worker)
    before, after = gate.before(), gate.after()
    assert before.times is None
    verdict = judge(before, after)
    assert (verdict.state, verdict.reasons) == ("unknown", ())
    assert shares(before, after) == (None, None)


def test_a_board_is_named_by_what_it_is(tmp_path: Path) -> None:
    files = {
        "proc/cpuinfo": "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd08\nFeatures : fp asimd crc32\n",
        "proc/device-tree/model": "A small board Rev 1.4",
        "proc/meminfo": "MemTotal: 1000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
        "proc/self/cgroup": "0::/jobs\n",
        "sys/fs/cgroup/jobs/memory.max": "900",
        **{f"sys/devices/system/cpu/cpu{each}/topology/thread_siblings_list": str(each) for each in range(4)},
    }
    more = {"memory_bytes": 1000, "system": "Linux 6.6 aarch64", "python": "CPython 3.11.2", "processor": ""}
    found = read_host_conditions(Told(tmp_path, files, facts(1.0, 1.0, **more)).as_worker)
    assert found is not None
    assert found.cpu == "A small board Rev 1.4 (CPU implementer 0x41, CPU part 0xd08)"
    assert (found.processors, found.cores, found.memory_bytes, found.memory_limit_bytes) == (4, 4, 1000, 900)
    assert (found.system, found.python, found.load_average) == ("Linux 6.6 aarch64", "CPython 3.11.2", 0.5)
    assert found.isa == ("asimd",)


def test_a_machine_that_tells_nothing_has_conditions_that_are_unknown(tmp_path: Path) -> None:
    record = host_record(Told(tmp_path, {}, {}).as_worker)
    assert record.conditions["cpu"] == "unknown"
    assert record.conditions["memory"] == "unknown"
    assert record.conditions["system"] == "unknown"
    names = ("processors", "cores", "load average", "cpu quota", "memory limit")
    assert [record.conditions[name] for name in names] == ["unknown"] * 5
    assert json.dumps(dict(record.conditions))


def test_text_of_a_host_is_cleaned(tmp_path: Path) -> None:
    told = Told(tmp_path, {"proc/cpuinfo": "model name : evil\x1b[31m\u202e\n"}, {"system": "x\ny" * 2000})
    conditions = host_record(told.as_worker).conditions
    assert all(text.isprintable() and len(text) < 1000 for text in conditions.values())


def test_cores_that_no_file_tells_are_unknown_and_no_obstacle(tmp_path: Path) -> None:
    found = read_host_conditions(Told(tmp_path, {}, facts(1.0, 1.0)).as_worker)
    assert found is not None
    assert (found.processors, found.cores) == (4, 0)
    assert "siblings" not in [each.kind for each in obstacles(found, Reading(), Reading())]


def test_a_control_group_does_not_lead_out_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "machine").mkdir()
    (tmp_path / "machine" / "cpu.max").write_text("100000 100000")
    (tmp_path / "machine" / "memory.max").write_text("900")
    files = {"proc/self/cgroup": "0::/../../../..\n", "sys/fs/cgroup/x": ""}
    told = Told(tmp_path / "machine", files, facts(1.0, 1.0, memory_bytes=1000))
    conditions = host_record(told.as_worker).conditions
    assert (conditions["cpu quota"], conditions["memory limit"]) == ("unknown", "unknown")
    assert not [path for path in told.asked if ".." in path]


def test_a_name_that_is_a_file_and_a_folder_is_left_out(tmp_path: Path) -> None:
    group = "sys/fs/cgroup"
    files = {
        "proc/stat": stat(0, 0), "proc/self/cgroup": "0::/cpu.stat\n", f"{group}/cpu.stat": "throttled_usec 1000000",
        f"{group}/cpu.stat/cpu.stat": "throttled_usec 1000000",
    }  # fmt: skip
    told = Told(tmp_path, files, facts(100.0, 5.0))
    assert HostGate(told.as_worker).before().times is not None
    assert read_host_conditions(told.as_worker) is not None
