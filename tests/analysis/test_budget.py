from dataclasses import replace

import pytest

from attainable.analysis.budget import QUANTITIES, Verdict, judge, parse_budget
from attainable.errors import InvalidQuantity
from tests.report.analyses import convolutions


def test_limits_are_read_in_the_unit_of_their_quantity() -> None:
    assert parse_budget(["macs=4.1G,parameters=30M", "peak=50MiB, bytes=350MB"]) == {
        "macs": 4_100_000_000, "parameters": 30_000_000, "peak": 50 * 2**20, "bytes": 350_000_000,
    }  # fmt: skip


def test_the_smaller_of_two_limits_holds() -> None:
    assert parse_budget(["macs=2G", "macs=1G", "macs=3G"]) == {"macs": 10**9}


@pytest.mark.parametrize("text", ["latency=10ms", "macs", "macs=", "macs=1GB", "peak=1M", "", "macs=1G,", "=1"])
def test_what_is_no_limit_lists_the_known_keys(text: str) -> None:
    with pytest.raises(InvalidQuantity) as caught:
        parse_budget([text])
    assert "known: macs, operations, parameters, weights, bytes, peak, file" in str(caught.value)


def test_all_faults_are_listed_at_once() -> None:
    with pytest.raises(InvalidQuantity) as caught:
        parse_budget(["latency=1s,peak=1 parsec"])
    assert caught.value.faults == (
        "no such key @ --budget latency=1s",
        "cannot read '1 parsec' (write a number and one of B, kB, MB, GB, TB, KiB, MiB, GiB, TiB) @ --budget peak",
    )


def test_a_limit_is_exceeded_only_above_it() -> None:
    # two convolutions of 10**9 MACs; the peak is 2**20 bytes by construction
    verdicts = judge(convolutions(), {"macs": 2 * 10**9, "peak": 2**20 - 1})
    assert [verdict.exceeded for verdict in verdicts] == [False, True]


def test_a_floor_below_the_limit_proves_nothing_and_one_above_it_does() -> None:
    analysis = convolutions()
    open_ended = replace(analysis, totals=replace(analysis.totals, at_least=True))
    below, above = judge(open_ended, {"macs": 3 * 10**9, "operations": 1})
    assert (below.exceeded, below.proven) == (False, False)
    assert (above.exceeded, above.proven) == (True, True)
    # the file is as large as it is, whatever its ops do: 5000 bytes
    assert judge(open_ended, {"file": 6000}) == [Verdict("file", 6000, 5000, at_least=False)]


def test_every_quantity_has_a_value_it_can_show() -> None:
    for key, quantity in QUANTITIES.items():
        actual = quantity.actual(convolutions())
        assert actual > 0, key
        assert quantity.format(actual), key
