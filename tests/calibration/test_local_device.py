"""This machine as a device: numbers in a sane order, and a cache that is used only while it fits."""

from dataclasses import replace
from pathlib import Path

import pytest

from attainable.calibration import calibrate, local, local_device
from attainable.calibration.local import ROOFS, Effort
from attainable.calibration.roofs import Progress
from attainable.devices import Device, Roof, Sourced, load_device, local_profile_path
from attainable.devices.profile import format_profile, parse_profile, write_profile
from attainable.errors import InvalidQuantity
from attainable.timing.conditions import core_processors


@pytest.fixture(scope="module")
def measured() -> Device:
    return calibrate(seconds=0.2)


@pytest.fixture(scope="module")
def everything() -> Device:
    return calibrate(threads=1, effort=Effort(0.01, 0.0, everything=True))


def peak(machine: Device, threads: int | None) -> float:
    roof = machine.roof("matrix", "float32", threads)
    assert roof is not None
    return roof.operations_per_second.value


def test_numbers_are_plausible_and_in_order(measured: Device):
    assert peak(measured, 1) > 1e9
    assert peak(measured, None) >= peak(measured, 1)
    for memory in measured.memories:
        values = [b.bytes_per_second.value for b in memory.bandwidths if b.bytes_per_second.kind == "measured"]
        assert values == sorted(values)
        assert values[0] > 1e8
    assert measured.memories[0].name == "DRAM"


def test_a_roof_on_paper_stands_beside_the_measured_one(measured: Device):
    by_kind = {
        kind: {(roof.dtype, roof.threads) for roof in measured.roofs if roof.operations_per_second.kind == kind}
        for kind in ("measured", "specified")
    }
    assert by_kind["measured"] >= by_kind["specified"]
    assert {("float32", 1), ("float64", 1), ("int8", 1)} <= by_kind["measured"]
    chosen = measured.roof("vector", "float32", 1)
    assert chosen is not None
    assert chosen.operations_per_second.kind == "measured"


def test_an_element_type_without_instructions_has_no_roof_and_a_reason(measured: Device):
    reasons = {name for name, _ in measured.conditions if name.startswith("no ")}
    stated = {roof.dtype for roof in measured.roofs}
    for dtype in ("float64", "float32", "float16", "bfloat16", "int8"):
        assert (f"no {dtype} roof" in reasons) == (dtype not in stated)


def test_numbers_have_an_interval_around_them(everything: Device):
    numbers = [roof.operations_per_second for roof in everything.roofs]
    numbers += [b.bytes_per_second for memory in everything.memories for b in memory.bandwidths]
    numbers += [memory.latency_seconds for memory in everything.memories if memory.latency_seconds]
    for number in numbers:
        if number.kind == "measured":
            assert number.low is not None
            assert number.high is not None
            assert number.low <= number.value <= number.high


def test_everything_is_more(everything: Device, measured: Device):
    assert {roof.engine for roof in everything.roofs} == {"vector", "special"}
    assert {roof.engine for roof in measured.roofs} == {"vector"}
    names = [memory.name for memory in everything.memories]
    # From slow to fast, whatever caches there are.
    assert names == ["DRAM", *sorted(names[1:], reverse=True)]
    assert {memory.name for memory in measured.memories} == set(names[:2])
    main = {bandwidth.access for bandwidth in everything.memories[0].bandwidths}
    assert main == {"read", "write", "copy", "triad", "write_nt", "copy_nt", "triad_nt"}
    for memory in everything.memories[1:]:
        assert {bandwidth.access for bandwidth in memory.bandwidths} == {"read", "write", "copy", "triad"}
    assert all(memory.latency_seconds for memory in everything.memories)
    said = dict(everything.conditions)
    assert {"tanh, float32", "erf, float32", "divide, float32"} <= said.keys()


def test_one_thread_gives_one_roof_and_progress_rises_to_the_end():
    told: list[tuple[float, str]] = []
    machine = calibrate(threads=1, seconds=0.01, progress=lambda done, what: told.append((done, what)))
    assert {roof.threads for roof in machine.roofs} == {1}
    assert machine.cores == 1
    shares = [done for done, _ in told]
    assert shares[0] == 0.0
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_operations_per_cycle_show_a_wrong_peak(measured: Device):
    text = dict(measured.conditions)["peak of one core"]
    # From 4 lanes without fused multiply-add on one unit to two AVX-512 units, with room for a disturbed clock.
    assert 4 < float(text.split()[0]) < 130, text


def test_a_measured_profile_survives_the_file(measured: Device):
    assert parse_profile(format_profile(measured), "local") == measured


@pytest.mark.parametrize("threads", [0, 10_000])
def test_threads_that_do_not_exist_are_refused(threads: int):
    with pytest.raises(InvalidQuantity, match=rf"this process may use {len(core_processors())} cores"):
        calibrate(threads=threads)


def test_a_quota_limits_the_cores():
    assert local.cores_within_quota(8, None) == 8
    assert local.cores_within_quota(8, 2.5) == 3
    assert local.cores_within_quota(8, 0.5) == 1
    assert local.cores_within_quota(2, 16.0) == 2


class Calibrations:
    """Stands in for `calibrate`: counts, and scales the numbers of a real one."""

    def __init__(self, machine: Device) -> None:
        self.machine, self.count, self.scale = machine, 0, 1.0

    def __call__(self, *, effort: Effort, seconds: float | None, progress: Progress | None) -> Device:
        assert (effort, seconds, progress) == (ROOFS, None, None)  # what an analysis asks for
        self.count += 1
        roofs = tuple(replace(roof, operations_per_second=self.scaled(roof)) for roof in self.machine.roofs)
        return replace(self.machine, roofs=roofs)

    def scaled(self, roof: Roof) -> Sourced:
        number = roof.operations_per_second
        # Without an interval: as sure as the others.
        return Sourced(number.value * self.scale, f"calibration {self.count}", number.kind)


@pytest.fixture
def calibrations(measured: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calibrations:
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path))
    stand_in = Calibrations(measured)
    monkeypatch.setattr(local, "calibrate", stand_in)
    return stand_in


def test_measured_once_then_cached(calibrations: Calibrations):
    first = local_device()
    assert local_device() == first == load_device("local")
    assert calibrations.count == 1


@pytest.mark.parametrize("what", ["cpu", "isa", "cores", "processors", "calibration method", "memory"])
def test_another_machine_is_measured_again(calibrations: Calibrations, what: str):
    machine = local_device()
    conditions = tuple((name, "other" if name == what else text) for name, text in machine.conditions)
    write_profile(replace(machine, conditions=conditions), local_profile_path())
    local_device()
    assert calibrations.count == 2
    local_device()
    assert calibrations.count == 2


def test_what_changes_by_the_minute_does_not_matter(calibrations: Calibrations):
    machine = local_device()
    conditions = tuple((name, "9.99" if name == "load average" else text) for name, text in machine.conditions)
    write_profile(replace(machine, conditions=conditions), local_profile_path())
    local_device()
    assert calibrations.count == 1


def test_a_broken_cache_is_measured_again(calibrations: Calibrations):
    local_device()
    local_profile_path().write_text("name = ")
    local_device()
    assert calibrations.count == 2


def test_measuring_again_raises_roofs_and_never_lowers_them(calibrations: Calibrations):
    first = local_device()
    calibrations.scale = 0.7  # a busy moment
    assert peak(local_device(refresh=True), 1) == peak(first, 1)
    calibrations.scale = 1.2  # a quiet one
    better = local_device(refresh=True)
    assert peak(better, 1) == pytest.approx(1.2 * peak(first, 1))
    assert better.roofs[0].operations_per_second.source == "calibration 3"
    assert load_device("local") == better
    assert calibrations.count == 3


def test_a_cache_that_cannot_be_written_breaks_nothing(
    calibrations: Calibrations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # A file where a folder should be: refused even for root, whom permissions do not stop.
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path / "file"))
    assert local_device().name == "local"
    assert local_device().name == "local"
    assert calibrations.count == 2
