"""Prefixes and units, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attainable.errors import InvalidQuantity
from attainable.quantities import (
    format_bytes,
    format_bytes_per_second,
    format_count,
    format_joules,
    format_operations_per_second,
    format_seconds,
    format_share,
    format_watts,
    parse_bytes,
    parse_count,
    parse_joules,
    parse_seconds,
    parse_watts,
)


@pytest.mark.parametrize(
    ("text", "seconds"), [("20s", 20.0), ("20", 20.0), ("1.5 min", 90.0), ("10ms", 0.01), (" .5us ", 5e-7)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_seconds(text, where="--time-budget") == pytest.approx(seconds)


@pytest.mark.parametrize(("text", "size"), [("50MiB", 52_428_800), ("64kB", 64_000), ("7", 7), ("0.5 KiB", 512)])
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_bytes(text, where="--budget") == size


@pytest.mark.parametrize(("text", "number"), [("4.1G", 4_100_000_000), ("30 M", 30_000_000), ("7", 7), ("0.5k", 500)])
def test_counts_are_read(text: str, number: int) -> None:
    assert parse_count(text, where="--budget") == number


@pytest.mark.parametrize("text", ["", "1g", "1 MB", "-1M", "9" * 400])
def test_what_is_no_count_says_what_is(text: str) -> None:
    with pytest.raises(InvalidQuantity, match="one of k, M, G, T, P"):
        parse_count(text, where="--budget")


@pytest.mark.parametrize("text", ["", "s", "-1s", "1e3s", "10 parsecs", "10 Ms", "1s2s", "\u0663s"])
def test_what_cannot_be_read_says_what_can(text: str) -> None:
    with pytest.raises(InvalidQuantity) as caught:
        parse_seconds(text, where="--time-budget")
    assert str(caught.value).startswith(f"--time-budget: cannot read {text!r}")
    assert "ns, us, µs, ms, s, min" in str(caught.value)


def test_three_significant_digits_and_the_unit_that_fits() -> None:
    assert [format_seconds(value) for value in (0.0412, 1.5, 9.996e-4, 3e-7, 90.0, 0.0)] == [
        "41.2 ms", "1.50 s", "1.00 ms", "300 ns", "90.0 s", "0 s",
    ]  # fmt: skip
    assert [format_count(value) for value in (4_089_184_256, 999, 1000, 999_999, 0)] == [
        "4.09 G", "999", "1.00 k", "1.00 M", "0",
    ]  # fmt: skip
    assert [format_bytes(value) for value in (0, 1023, 1024, 9_633_792)] == ["0 B", "1023 B", "1.00 KiB", "9.19 MiB"]
    assert format_bytes_per_second(21.3e9) == "21.3 GB/s"
    assert format_operations_per_second(1.18e11) == "118 Gop/s"
    assert [format_share(value) for value in (0.123, 0.001, 0.0, 1.0)] == ["12 %", "<1 %", "0 %", "100 %"]


def test_power_and_energy_are_read_and_printed() -> None:
    assert [parse_watts(text, where="--budget") for text in ("5W", "700 mW", "2")] == [5.0, pytest.approx(0.7), 2.0]
    assert [parse_joules(text, where="--budget") for text in ("20mJ", "3µJ", "1")] == [
        pytest.approx(0.02), pytest.approx(3e-6), 1.0,
    ]  # fmt: skip
    with pytest.raises(InvalidQuantity, match="one of uW, µW, mW, W, kW"):
        parse_watts("5J", where="--budget")
    assert [format_watts(watts) for watts in (0.5, 5.0, 700.0)] == ["500 mW", "5.00 W", "700 W"]
    assert [format_joules(joules) for joules in (0.0, 4.2e-3, 12.0)] == ["0 J", "4.20 mJ", "12.0 J"]


@given(st.floats(1e-9, 1e6))
def test_what_is_printed_is_within_half_a_percent(seconds: float) -> None:
    assert parse_seconds(format_seconds(seconds), where="") == pytest.approx(seconds, rel=0.005)
