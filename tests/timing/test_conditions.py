"""The conditions of a machine: this one as it is, others from the text of their kernel files."""

import os
import sys
from pathlib import Path

import pytest

from attainable.timing.conditions import (
    CpuTimes,
    core_processors,
    others_share,
    read_conditions,
    read_cpu_times,
    usable_processors,
)
from tests.timing.machines import machine, of_processors

XEON = """\
processor	: 0
model name	: Intel(R) Xeon(R) Platinum 8480+
cpu family	: 6
model		: 143
stepping	: 8
cpu MHz		: 2000.000
flags		: fpu fma avx avx2 avx512f avx512_vnni avx_vnni avx512_bf16 amx_tile amx_int8 amx_bf16 hypervisor

processor	: 1
model name	: Intel(R) Xeon(R) Platinum 8480+
cpu family	: 6
model		: 143
stepping	: 8
cpu MHz		: 3500.000
flags		: fpu fma
"""
ARM = """\
processor	: 0
Features	: fp asimd crc32 asimddp i8mm bf16
CPU implementer	: 0x41
CPU part	: 0xd05

processor	: 1
Features	: fp asimd crc32 asimddp i8mm bf16
CPU implementer	: 0x41
CPU part	: 0xd0b
"""


def test_an_intel_server(tmp_path: Path):
    conditions = read_conditions(root=machine(tmp_path, {"proc/cpuinfo": XEON}))
    assert conditions.cpu == "Intel(R) Xeon(R) Platinum 8480+ (cpu family 6, model 143, stepping 8)"
    assert conditions.clock_hertz == 3.5e9
    assert conditions.virtual is True
    expected = "avx fma avx2 avx_vnni avx512f avx512_vnni avx512_bf16 amx_tile amx_int8 amx_bf16"
    assert conditions.isa == tuple(expected.split())


def test_an_arm_board_with_two_kinds_of_core(tmp_path: Path):
    conditions = read_conditions(root=machine(tmp_path, {"proc/cpuinfo": ARM}))
    assert "CPU implementer 0x41, CPU part 0xd05 0xd0b" in conditions.cpu
    assert conditions.isa == ("asimd", "asimddp", "i8mm", "bf16")
    assert conditions.clock_hertz is None
    assert conditions.virtual is None


def test_a_machine_that_tells_nothing_is_unknown_not_an_error(tmp_path: Path):
    conditions = read_conditions(root=tmp_path)
    assert conditions.isa == ()
    assert conditions.cpu_quota is None
    assert conditions.cores == conditions.processors == len(usable_processors())
    assert dict(conditions.as_pairs())["clock by the system"] == "unknown"
    assert read_cpu_times(root=tmp_path) is None
    assert others_share(None, None) is None


@pytest.mark.parametrize(
    ("files", "quota", "limit"),
    [
        # Version 2: the tightest on the way up counts.
        (
            {
                "proc/self/cgroup": "0::/pod/box\n",
                "sys/fs/cgroup/pod/cpu.max": "150000 100000",
                "sys/fs/cgroup/pod/box/cpu.max": "max 100000",
                "sys/fs/cgroup/pod/memory.max": "1000000",
                "sys/fs/cgroup/pod/box/memory.max": "max",
            },
            1.5,
            1_000_000,
        ),
        # Version 1, seen from inside a container: only the top of the tree is there.
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/docker/abc\n5:memory:/docker/abc\n0::/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "2000000\n",
            },
            0.5,
            2_000_000,
        ),
        # Version 1 without limits.
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/\n5:memory:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            None,
            None,
        ),
    ],
    ids=["version 2", "version 1", "unlimited"],
)
def test_limits_of_the_control_group(tmp_path: Path, files: dict[str, str], quota: float | None, limit: int | None):
    conditions = read_conditions(root=machine(tmp_path, files))
    assert conditions.cpu_quota == quota
    assert conditions.memory_limit_bytes == limit


def test_threads_of_one_core_count_once(tmp_path: Path):
    siblings = of_processors({"topology/thread_siblings_list": dict.fromkeys(usable_processors(), "the same")})
    assert core_processors(root=machine(tmp_path, siblings)) == usable_processors()[:1]


def test_settings_are_among_the_conditions(tmp_path: Path):
    governors = of_processors({"cpufreq/scaling_governor": dict.fromkeys(usable_processors(), "schedutil")})
    conditions = read_conditions(root=machine(tmp_path, governors | {"sys/devices/system/node/online": "0"}))
    pairs = dict(conditions.as_pairs())
    assert (pairs["governor"], pairs["numa nodes"], pairs["swap"]) == ("schedutil", "1", "unknown")


def stat(user: int, idle: int, steal: int) -> str:
    # user nice system idle iowait irq softirq steal guest guest_nice
    return f"cpu {user} 0 100 {idle} 7 0 0 {steal} 50 0\ncpu0 0 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\nintr 1\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no /proc")
def test_busy_time_is_all_but_idle_and_waiting(tmp_path: Path):
    times = read_cpu_times(root=machine(tmp_path, {"proc/stat": stat(300, 9999, 40)}))
    assert times is not None
    assert times.busy_seconds == (300 + 100 + 40) / os.sysconf("SC_CLK_TCK")  # guest time is in user already
    assert times.processors == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no /proc")
def test_a_worker_counts_as_our_own(tmp_path: Path):
    # Fields 14 to 17 are user, system and the children's; the name may hold spaces and parentheses.
    worker = "42 (a (odd) name) S 1 2 3 4 5 6 7 8 9 10 100 20 3 4 0 0"
    root = machine(tmp_path, {"proc/stat": stat(300, 9999, 0), "proc/42/stat": worker})
    without, together = read_cpu_times(root=root), read_cpu_times((42, 43), root=root)
    assert without is not None
    assert together is not None
    ticks = os.sysconf("SC_CLK_TCK")
    assert together.own_seconds - without.own_seconds == pytest.approx(127 / ticks, abs=3 / ticks)


@pytest.mark.parametrize(
    ("wall", "busy", "own", "share"),
    [
        (1.0, 1.0, 0.0, 0.5),  # one busy program of somebody else on two processors
        (1.0, 1.6, 1.0, 0.3),
        (1.0, 1.0, 1.02, 0.0),  # rounding never makes it negative
        (1.0, 2.1, 0.0, 1.0),
        (0.05, 0.05, 0.0, None),  # shorter than the kernel's steps resolve
    ],
)
def test_share_of_others(wall: float, busy: float, own: float, share: float | None):
    before = CpuTimes(10.0, 100.0, 5.0, 2)
    after = CpuTimes(10.0 + wall, 100.0 + busy, 5.0 + own, 2)
    found = others_share(before, after)
    assert found == (None if share is None else pytest.approx(share))


def test_this_machine():
    conditions = read_conditions()
    assert 1 <= conditions.cores <= conditions.processors
    assert all(name and text for name, text in conditions.as_pairs())
    times = read_cpu_times()
    assert times is None or times.busy_seconds > 0


@pytest.mark.parametrize(
    ("groups", "limit"),
    [("0::/\n", "none"), ("", "unknown"), ("0::/../pod\n", "unknown"), ("5:memory:/\n0::/..\n", "unknown")],
)
def test_no_limit_is_told_from_one_that_cannot_be_seen(tmp_path: Path, groups: str, limit: str):
    # Where the second group would lead.
    files = {
        "proc/self/cgroup": groups,
        "sys/fs/pod/cpu.max": "100000 100000",
        "sys/fs/pod/memory.max": "9",
        "sys/fs/cgroup/x": "",
    }
    pairs = dict(read_conditions(root=machine(tmp_path, files)).as_pairs())
    assert (pairs["cpu quota"], pairs["memory limit"]) == (limit, limit)
