"""Models on devices as they are and as they would be."""

from dataclasses import replace

import pytest

from attainable.analysis.settings import Setting, compared_on
from attainable.devices import load_device
from attainable.devices.what_if import parse_changes
from attainable.prediction.accounting import accounting
from attainable.workload.line import described

CONV, SMALL = described("conv 3x3 64->64 @56"), described("conv 3x3 32->32 @56")
DEVICE = load_device("i9-10980xe")


def test_a_change_and_the_device_without_it_are_under_one_accounting() -> None:
    for text, terms in (("sram=4MiB", "fused, caches"), ("launch=1ms", "fused, launch")):
        found = compared_on([CONV, SMALL], [Setting(DEVICE), Setting(DEVICE, changes=parse_changes(text))])
        assert [device.accounting for device in found.devices] == [terms, terms]


def test_a_peak_of_once_as_much_changes_nothing() -> None:
    # measured at 2.86 Top/s, assumed to be 4.608
    for words in ("fused", "specified"):
        found = compared_on(
            [CONV, SMALL], [Setting(DEVICE), Setting(DEVICE, changes=parse_changes("peak=1x,bandwidth=1x"))],
            accounting=accounting(words),
        )  # fmt: skip
        own, changed = (device.times for device in found.devices)
        assert own == changed


def test_no_roofline_on_paper_beats_its_bound() -> None:
    """Both are of figures of one basis."""
    found = compared_on([CONV, SMALL], [Setting(DEVICE)], accounting=accounting("specified"))
    (times, _), work = found.devices[0].times, 2 * 64 * 56 * 56 * 64 * 9
    assert times.bound_seconds == pytest.approx(work / 4.608e12)
    assert times.roofline_seconds >= times.bound_seconds


def test_more_threads_than_cores_are_said() -> None:
    found = compared_on([CONV, SMALL], [Setting(DEVICE)], threads=64)
    assert found.warnings == ["i9-10980xe has 18 cores for 64 threads: bounded as if it used all its cores"]
    assert compared_on([CONV, SMALL], [Setting(DEVICE)], threads=18).warnings == []


def test_a_device_without_the_models_type_takes_the_fastest_that_it_has() -> None:
    device = load_device("rk3588-npu")
    found = compared_on([CONV, SMALL], [Setting(device), Setting(device, "float16")])
    assert [{roof.dtype for roof in each.roofs} for each in found.devices] == [{"int8"}, {"float16"}]
    assert found.warnings == ["rk3588-npu has no roof for float32: bounded as if the models were quantised to int8"]
    assert replace(Setting(device), dtype="float16").name == "rk3588-npu@float16"
