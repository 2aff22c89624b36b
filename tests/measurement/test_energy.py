"""Energy counters as files of the system: read, run over, forbidden or missing."""

from pathlib import Path

import pytest

from attainable.measurement.energy import energy_between, read_counters


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
