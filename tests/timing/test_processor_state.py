"""What decides how fast a processor runs, read from the files of machines that we do not have."""

from pathlib import Path

import pytest

from attainable.timing.processor import CoreKind, ProcessorState, read_processor_state, read_throttle_events
from tests.timing.machines import machine, of_processors

HYBRID = {
    # kHz: two fast cores, one of them a favoured one, and two efficient ones
    "cpufreq/cpuinfo_max_freq": {0: "5800000\n", 1: "5500000\n", 2: "4300000\n", 3: "4300000\n"},
    "cpufreq/cpuinfo_min_freq": dict.fromkeys(range(4), "800000\n"),
    "cpufreq/scaling_governor": {0: "powersave\n", 1: "performance\n", 2: "powersave\n", 3: "powersave\n"},
    "topology/thread_siblings_list": {0: "0,4\n", 1: "1,5\n", 2: "2\n", 3: "3\n"},
    "thermal_throttle/core_throttle_count": {0: "3\n", 1: "0\n", 2: "4\n", 3: "0\n"},
    "thermal_throttle/package_throttle_count": dict.fromkeys(range(4), "5\n"),
}


def test_a_hybrid_processor(tmp_path: Path):
    files = of_processors(HYBRID) | {"sys/devices/system/cpu/smt/control": "on\n"}
    state = read_processor_state(range(4), root=machine(tmp_path, files))
    assert state.governors == ("powersave", "performance")
    assert state.clock_range_hertz == (0.8e9, 5.8e9)
    # 5.5 GHz is 95 % of 5.8: a favoured core is of the same kind; 4.3 GHz is 74 %
    assert state.core_kinds == (CoreKind(2, None, 5.8e9), CoreKind(2, None, 4.3e9))
    assert (state.multithreading, state.threads_per_core) == ("on", 2)
    assert state.throttle_events == 3 + 0 + 4 + 0 + 5  # each processor's own, and the package's once
    assert dict(state.as_pairs()) == {
        "governor": "powersave performance",
        "clock range": "8e+08 to 5.8e+09 Hz",
        "core kinds": "2 with up to 5.8e+09 Hz, 2 with up to 4.3e+09 Hz",
        "multithreading": "on, 2 threads a core",
        "temperature": "unknown",
        "thermal throttling": "12 events since boot",
    }


def test_only_the_processors_that_we_may_use_count(tmp_path: Path):
    state = read_processor_state((2, 3), root=machine(tmp_path, of_processors(HYBRID)))
    assert state.core_kinds == (CoreKind(2, None, 4.3e9),)
    assert dict(state.as_pairs())["core kinds"] == "all alike"
    assert state.throttle_events == 4 + 5


def test_capacities_tell_the_cores_of_an_arm_board_apart(tmp_path: Path):
    files = of_processors({"cpu_capacity": {0: "446", 1: "446", 2: "1024", 3: "1024", 4: "871"}})
    state = read_processor_state(range(5), root=machine(tmp_path, files))
    # three kinds: 871 is 85 % of 1024
    assert state.core_kinds == (CoreKind(2, 1024, None), CoreKind(1, 871, None), CoreKind(2, 446, None))
    assert dict(state.as_pairs())["core kinds"] == "2 with capacity 1024, 1 with capacity 871, 2 with capacity 446"


def test_cores_of_which_one_hides_its_speed_are_of_no_known_kind(tmp_path: Path):
    files = of_processors({"cpu_capacity": {0: "1024"}})
    assert read_processor_state((0, 1), root=machine(tmp_path, files)).core_kinds == ()


@pytest.mark.parametrize(
    ("control", "text"),
    [
        ("on", "on"),
        ("off", "off"),
        ("forceoff", "off"),
        ("notsupported", "not supported"),
        ("notimplemented", "not supported"),
        ("something new", "unknown"),
    ],
)
def test_threads_of_a_core(tmp_path: Path, control: str, text: str):
    files = {"sys/devices/system/cpu/smt/control": f"{control}\n"}
    assert dict(read_processor_state((0,), root=machine(tmp_path, files)).as_pairs())["multithreading"] == text


def test_the_hottest_part_of_the_processor_counts_and_no_other(tmp_path: Path):
    files = {
        "sys/class/thermal/thermal_zone0/type": "acpitz\n",
        "sys/class/thermal/thermal_zone0/temp": "99000\n",
        "sys/class/thermal/thermal_zone1/type": "x86_pkg_temp\n",
        "sys/class/thermal/thermal_zone1/temp": "61000\n",
        "sys/class/hwmon/hwmon0/name": "nvme\n",
        "sys/class/hwmon/hwmon0/temp1_input": "90000\n",
        "sys/class/hwmon/hwmon1/name": "k10temp\n",
        "sys/class/hwmon/hwmon1/temp1_input": "70500\n",
        "sys/class/hwmon/hwmon1/temp3_input": "55000\n",
    }
    state = read_processor_state((0,), root=machine(tmp_path, files))
    assert state.temperature_celsius == 70.5


def test_events_are_unknown_where_the_kernel_does_not_count(tmp_path: Path):
    assert read_throttle_events((0, 1), root=tmp_path) is None


def test_a_machine_that_tells_nothing(tmp_path: Path):
    state = read_processor_state((0, 1), root=tmp_path)
    assert state == ProcessorState()
    assert {text for _, text in state.as_pairs()} == {"unknown"}


def test_files_with_nonsense_are_unknown(tmp_path: Path):
    files = of_processors(
        {
            "cpu_capacity": {0: "fast"},
            "cpufreq/cpuinfo_max_freq": {0: "<unknown>"},
            "cpufreq/cpuinfo_min_freq": {0: "--5"},
            "topology/thread_siblings_list": {0: "0-99999999999, what"},
            "thermal_throttle/core_throttle_count": {0: ""},
        }
    )
    assert read_processor_state((0,), root=machine(tmp_path, files)) == ProcessorState()
