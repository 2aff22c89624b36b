"""The best hand-overs of a machine are kept, and forgotten in time."""

import json
from pathlib import Path

import pytest

from attainable.timing.best_hand_over import best_path, note_hand_overs
from attainable.timing.ping_pong import HandOver

DAY = 86400.0


def note(path: Path, *nanoseconds: float, machine: str = "toy", day: float = 0.0) -> list[float]:
    """Note probes of the pairs 0-1, 0-2, ... and give the best of each in nanoseconds."""
    found = [HandOver((0, other + 1), each * 1e-9, each * 1e-9, 9) for other, each in enumerate(nanoseconds)]
    best = note_hand_overs(found, machine=machine, path=path, now=1e9 + day * DAY)
    return [round(seconds * 1e9, 6) for seconds in best.values()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "timing" / "hand_over.json"


def test_the_first_probe_is_the_best_so_far(path: Path) -> None:
    assert note(path, 110) == [110]
    assert path.is_file()


def test_the_best_is_kept_over_probes_that_are_slower(path: Path) -> None:
    assert note(path, 110) == [110]
    assert note(path, 57) == [57]
    assert note(path, 350) == [57]


def test_each_pair_and_each_machine_has_its_own(path: Path) -> None:
    assert note(path, 57, 110) == [57, 110]
    assert note(path, 100, 100) == [57, 100]
    assert note(path, 80, machine="other") == [80]
    assert note(path, 80) == [57]


def test_a_best_that_nothing_confirms_is_forgotten_after_a_month(path: Path) -> None:
    note(path, 57)
    assert note(path, 110, day=29) == [57]
    assert note(path, 110, day=31) == [110]


def test_a_probe_close_to_the_best_keeps_it(path: Path) -> None:
    note(path, 57)
    assert note(path, 60, day=29) == [57]
    assert note(path, 110, day=31) == [57]


def test_two_threads_of_one_core_are_no_best(path: Path) -> None:
    assert note(path, 7) == []
    assert not path.exists()
    assert note(path, 57) == [57]


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", '{"toy": 3}', '{"toy": {"0-1": "fast"}}', '{"toy": {"0-1": [1e-9]}}', "[" * 100_000,
        '{"toy": {"0-1": [NaN, 1]}}', '{"toy": {"0-1": [-1e-9, 1]}}', '{"toy": {"0-1": [0, 1]}}', '{"toy": 1} junk',
    ],
)  # fmt: skip
def test_a_file_that_is_broken_counts_as_none_and_is_replaced(path: Path, content: str) -> None:
    path.parent.mkdir()
    path.write_text(content)
    assert note(path, 110) == [110]
    assert json.loads(path.read_text()) == {"toy": {"0-1": [pytest.approx(110e-9), 1e9]}}


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert note(tmp_path / "file" / "hand_over.json", 110) == [110]


def test_it_lies_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path))
    assert best_path() == tmp_path / "timing" / "hand_over.json"
