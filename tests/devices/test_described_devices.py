"""Devices by name: the described ones, a user's own, and this machine from the cache."""

from pathlib import Path

import pytest

from attainable import devices
from attainable.devices.profile import format_profile, write_profile
from attainable.errors import UnknownName


def test_every_profile_is_valid_and_called_like_its_file():
    assert len(devices.names()) >= 60
    for name in devices.names():
        assert devices.load_device(name).name == name


def value(device: str, dtype: str, threads: int | None) -> float:
    roof = devices.load_device(device).roof("matrix", dtype, threads, basis="specified")
    assert roof is not None
    return roof.operations_per_second.value


def bandwidth(device: str) -> float:
    found = devices.load_device(device).bytes_per_second(1, basis="specified")
    assert found is not None
    return found.value


def test_kirin_990():
    assert value("kirin990-cpu", "float32", 1) == pytest.approx(2.86e9 * 16)
    assert value("kirin990-cpu", "float32", 4) == pytest.approx((2 * 2.86e9 + 2 * 2.36e9) * 16)
    assert value("kirin990-cpu", "float32", 3) == value("kirin990-cpu", "float32", 4), "the next larger entry bounds"
    assert bandwidth("kirin990-cpu") == pytest.approx(4 * 16 / 8 * 4266e6)  # 4 channels of 16 bit


def test_rk1808():
    assert value("rk1808-npu", "int8", None) == pytest.approx(1920 * 2 * 0.8e9, rel=0.03)  # stated as 3.0
    assert bandwidth("rk1808-npu") == pytest.approx(32 / 8 * 1600e6)
    assert devices.load_device("rk1808-npu").roof("matrix", "float32") is None


def test_i9_10980xe():
    per_cycle = 2 * 16 * 2  # 2 units x 16 lanes x multiply and add
    assert value("i9-10980xe", "float32", 16) == pytest.approx(16 * per_cycle * 2.9e9) == pytest.approx(2.9696e12)
    assert value("i9-10980xe", "float32", None) == pytest.approx(18 * per_cycle * 4.0e9) == pytest.approx(4.608e12)
    assert bandwidth("i9-10980xe") == pytest.approx(4 * 8 * 3000e6)
    device = devices.load_device("i9-10980xe")
    assert device.ridge_point("vector", "float32", basis="specified") == pytest.approx(48.0)
    assert device.ridge_point("vector", "float32") == pytest.approx(38.65, abs=0.01)


def test_an_unknown_name_suggests_close_ones():
    with pytest.raises(UnknownName) as caught:
        devices.load_device("kirim990-cpu")
    assert str(caught.value).startswith("no device is called 'kirim990-cpu'\n  help: did you mean kirin990-cpu?")


def test_a_path_is_read_from_there(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text(format_profile(devices.Device("mine", "My board", 2, (), ())))
    assert devices.load_device(str(path)).title == "My board"


def test_local_comes_from_the_cache_or_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path))
    with pytest.raises(UnknownName, match=r"not calibrated yet\n  help: run `attainable devices calibrate`"):
        devices.load_device("local")
    device = devices.Device("local", "This machine", 2, (), ())
    write_profile(device, devices.local_profile_path())
    assert devices.load_device("local") == device


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ATTAINABLE_CACHE", "/a")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert devices.local_profile_path() == Path("/a/devices/local.toml")
    monkeypatch.delenv("ATTAINABLE_CACHE")
    assert devices.local_profile_path() == Path("/x/attainable/devices/local.toml")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert devices.local_profile_path() == Path.home() / ".cache/attainable/devices/local.toml"
