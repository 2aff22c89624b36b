"""Energy counters as files of the system: read, run over, forbidden or missing."""

import ctypes
from pathlib import Path
from typing import Any

import pytest

from attainable.measurement.energy import Counters, energy_between, read_counters
from attainable.measurement.gpu_energy import read_gpu_microjoules


def counter(root: Path, name: str, kind: str, microjoules: int | None) -> None:
    folder = root / "sys/class/powercap" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "name").write_text(f"{kind}\n")
    (folder / "max_energy_range_uj").write_text("1000000\n")
    if microjoules is not None:
        (folder / "energy_uj").write_text(f"{microjoules}\n")


def test_the_energy_of_all_packages_by_runs_and_counters_that_ran_over(tmp_path: Path) -> None:
    counter(tmp_path, "intel-rapl:0", "package-0", 100_000)
    counter(tmp_path, "intel-rapl:1", "package-1", 900_000)
    # a part of package 0, which is in that figure already
    counter(tmp_path, "intel-rapl:0:0", "core", 50_000)
    before = read_counters(root=tmp_path)
    counter(tmp_path, "intel-rapl:0", "package-0", 300_000)
    counter(tmp_path, "intel-rapl:1", "package-1", 200_000)
    found = energy_between(before, read_counters(root=tmp_path), runs=5)
    # 0.2 J, and from 0.9 J over the range of 1 J to 0.2 J
    assert found.joules == pytest.approx(0.2 + 0.3)
    assert found.joules_per_run == pytest.approx(0.1)
    assert found.source == "RAPL counters of 2 processor package(s), all programs"


def test_counters_that_may_not_be_read_are_no_energy(tmp_path: Path) -> None:
    counter(tmp_path, "intel-rapl:0", "package-0", None)
    found = energy_between(read_counters(root=tmp_path), read_counters(root=tmp_path), runs=5)
    assert (found.joules, found.joules_per_run) == (None, None)
    assert found.source == "not available: the RAPL counters can be read by the administrator only"


def test_a_system_without_counters_says_so(tmp_path: Path) -> None:
    found = energy_between(read_counters(root=tmp_path), read_counters(root=tmp_path), runs=5)
    assert found.source == "not available: this system has no RAPL counters (/sys/class/powercap)"


class Driver:
    """NVML with two boards, the second too old to count; ``fails`` names a function that does not work."""

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
        self.is_open = False

    def nvmlInit_v2(self) -> int:  # noqa: N802
        self.is_open = True
        return int(self.fails == "init")

    def nvmlShutdown(self) -> int:  # noqa: N802
        self.is_open = False
        return 0

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:  # noqa: N802
        count._obj.value = 2
        return int(self.fails == "count")

    def nvmlDeviceGetHandleByIndex_v2(self, number: ctypes.c_uint, device: Any) -> int:  # noqa: N802
        device._obj.value = 100 + number.value
        return int(self.fails == "handle")

    def nvmlDeviceGetTotalEnergyConsumption(self, device: ctypes.c_void_p, energy: Any) -> int:  # noqa: N802
        energy._obj.value = 70_000
        return 0 if device.value == 100 else 3


def test_gpus_that_count_their_energy() -> None:
    driver = Driver()
    assert read_gpu_microjoules(lambda _: driver) == {"GPU 0": 70_000_000}
    assert not driver.is_open


@pytest.mark.parametrize("fails", ["init", "count", "handle"])
def test_a_driver_that_does_not_answer_gives_nothing(fails: str) -> None:
    assert read_gpu_microjoules(lambda _: Driver(fails)) == {}


def test_without_a_driver_there_is_nothing() -> None:
    def missing(name: str) -> Driver:
        raise OSError(name)

    assert read_gpu_microjoules(missing) == {}
    assert read_gpu_microjoules(lambda _: object()) == {}


def test_the_energy_of_gpus_stands_apart_from_that_of_processors() -> None:
    before = Counters(absence="none", gpu_microjoules={"GPU 0": 1_000_000, "GPU 1": 5_000_000})
    found = energy_between(before, Counters(absence="none", gpu_microjoules={"GPU 0": 3_000_000}), runs=4)
    assert (found.joules, found.source) == (None, "not available: none")
    assert (found.gpu_joules, found.gpu_joules_per_run) == (2.0, 0.5)


def test_counters_that_began_anew_are_no_energy(tmp_path: Path) -> None:
    before = Counters(absence="none", gpu_microjoules={"GPU 0": 1_000_000, "GPU 1": 5_000_000})
    after = Counters(absence="none", gpu_microjoules={"GPU 0": 9_000_000, "GPU 1": 10})
    assert energy_between(before, after, runs=4).gpu_joules is None
    counter(tmp_path, "intel-rapl:0", "package-0", 900_000)
    (tmp_path / "sys/class/powercap/intel-rapl:0/max_energy_range_uj").unlink()
    first = read_counters(root=tmp_path)
    (tmp_path / "sys/class/powercap/intel-rapl:0/energy_uj").write_text("5")
    found = energy_between(first, read_counters(root=tmp_path), runs=1)
    assert (found.joules, found.source) == (None, "not available: a RAPL counter began anew")
