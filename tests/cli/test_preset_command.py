"""``count --preset`` and ``--explain-diff``."""

import json
from pathlib import Path

from tests.cli.shown import Command
from tests.models import chain, save


def test_a_preset_prints_both_totals_and_the_terms(attainable: Command, tmp_path: Path) -> None:
    shown = attainable("count", save(chain(2), tmp_path), "--preset", "ptflops", "--explain-diff")
    assert shown.code == 0
    assert "ptflops 0.7.5" in shown.out
    assert "225,792" in shown.out  # 2 x 14 x 14 x 8 x 8 x 9
    assert "Relu" in shown.out
    assert "1 an element, twice" in shown.out


def test_a_preset_in_json(attainable: Command, tmp_path: Path) -> None:
    record = json.loads(attainable("count", save(chain(2), tmp_path), "--preset", "torch", "--json").out)
    assert (record["preset"], record["theirs"]) == ("torch", 2 * 225_792)


def test_an_unknown_counter_is_refused_with_the_known_ones(attainable: Command, tmp_path: Path) -> None:
    shown = attainable("count", save(chain(1), tmp_path), "--preset", "tohp")
    assert shown.code == 2
    assert "did you mean thop" in shown.err


def test_explaining_needs_a_counter(attainable: Command, tmp_path: Path) -> None:
    shown = attainable("count", save(chain(1), tmp_path), "--explain-diff")
    assert shown.code == 2
    assert "--preset fvcore" in shown.err


def test_a_view_stands_alone(attainable: Command, tmp_path: Path) -> None:
    path = save(chain(1), tmp_path)
    for flags in (("--preset", "thop", "--symbolic"), ("--preset", "thop", "--budget", "macs=1"),
                  ("--symbolic", "--output", "x.csv")):  # fmt: skip
        shown = attainable("count", path, *flags)
        assert shown.code == 2
        assert "cannot be combined" in shown.err
    assert not Path("x.csv").exists()
