"""How memory is laid out, read from the files of machines that we do not have."""

from pathlib import Path

from attainable.timing.kernel_files import listed
from attainable.timing.memory_settings import MemorySettings, read_memory_settings
from tests.timing.machines import machine

TWO_SOCKETS = {
    "sys/devices/system/node/online": "0-1\n",
    "sys/devices/system/node/node0/cpulist": "0-15,32-47\n",
    "sys/devices/system/node/node1/cpulist": "16-31,48-63\n",
    "proc/self/status": "Name:\tpython\nMems_allowed:\t3\nMems_allowed_list:\t0-1\n",
    "proc/meminfo": "MemTotal: 1000 kB\nSwapTotal:  2048 kB\nSwapFree: 512 kB\nHugePages_Total:   16\n",
    "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
}


def test_a_server_of_which_we_may_use_one_socket(tmp_path: Path):
    settings = read_memory_settings((16, 17, 48), root=machine(tmp_path, TWO_SOCKETS))
    assert settings == MemorySettings(2, (1,), (0, 1), "madvise", 16, 2048 * 1024, 1536 * 1024)
    assert settings.as_pairs() == (
        ("numa nodes", "2; processors of 1, memory of 0 1"),
        ("huge pages", "madvise, 16 reserved"),
        ("swap", "2097152 bytes, 1572864 used"),
    )


def test_one_node_needs_no_list(tmp_path: Path):
    files = {
        "sys/devices/system/node/online": "0\n",
        "sys/devices/system/node/node0/cpulist": "0-3\n",
        "proc/meminfo": "SwapTotal: 0 kB\nSwapFree: 0 kB\nHugePages_Total: 0\n",
        "sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never\n",
    }
    settings = read_memory_settings((0,), root=machine(tmp_path, files))
    assert settings.as_pairs() == (("numa nodes", "1"), ("huge pages", "always"), ("swap", "none"))


def test_a_machine_that_tells_nothing(tmp_path: Path):
    settings = read_memory_settings((0,), root=tmp_path)
    assert settings == MemorySettings()
    assert {text for _, text in settings.as_pairs()} == {"unknown"}


def test_lists_of_the_kernel():
    assert listed("0-3,8") == {0, 1, 2, 3, 8}
    assert listed("5") == {5}
    assert listed("") == listed("all") == frozenset()
    # a range without end is cut off, not written out
    assert len(listed("0-99999999999")) < 100_000
