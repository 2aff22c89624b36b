"""The best hand-overs of a machine: the quickest regime it is known for, and forgotten in time."""

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
    assert [note(path, each) for each in (110, 57, 350)] == [[110], [57], [57]]


def test_one_lucky_moment_is_outweighed_by_what_is_seen_again_and_again(path: Path) -> None:
    # measured on two processors of an EPYC: 27 ns once, else 103 to 119
    seen = [note(path, each)[0] for each in (27.2, 104, 110, 112, 110)]
    assert seen == [27.2, 27.2, 27.2, 104, 104]


def test_a_quick_regime_that_comes_back_is_the_best_however_rare_it_is(path: Path) -> None:
    for each in (110, 27, 27.5, 28, *[110] * 50):
        note(path, each)
    assert note(path, 110) == [27]


def test_probes_of_one_regime_are_told_as_their_quickest(path: Path) -> None:
    # 86 is within 1.3 times 70, and 57 within 1.3 times 70 the other way
    assert [note(path, each)[0] for each in (70, 86, 57)] == [70, 70, 57]
    assert len(json.loads(path.read_text())["toy"]["0-1"]) == 1


def test_odd_probes_do_not_pile_up(path: Path) -> None:
    for each in range(3):
        note(path, 57 + each)
    for each in range(100):
        note(path, 1000 * 1.5**each)
    assert len(json.loads(path.read_text())["toy"]["0-1"]) == 8
    assert note(path, 350) == [57]


def test_each_pair_and_each_machine_has_its_own(path: Path) -> None:
    assert note(path, 57, 110) == [57, 110]
    assert note(path, 100, 100) == [57, 100]
    assert note(path, 80, machine="other") == [80]
    assert note(path, 80) == [57]


def test_a_regime_that_is_not_seen_again_is_forgotten_after_a_week(path: Path) -> None:
    note(path, 57)
    assert note(path, 110, day=6) == [57]
    assert note(path, 110, day=8) == [110]


def test_a_probe_of_the_same_regime_keeps_it(path: Path) -> None:
    note(path, 57)
    assert note(path, 60, day=6) == [57]
    assert note(path, 110, day=8) == [57]


def test_two_threads_of_one_core_are_no_best(path: Path) -> None:
    assert note(path, 7) == []
    assert not path.exists()
    assert note(path, 57) == [57]


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", '{"toy": 3}', '{"toy": {"0-1": "fast"}}', '{"toy": {"0-1": [3]}}',
        '{"toy": {"0-1": [[1e-9, 3]]}}', '{"toy": {"0-1": [[NaN, 3, 1e9]]}}',
        '{"toy": {"0-1": [[-1e-9, 3, 1e9]]}}', '{"toy": {"0-1": [[0, 3, 1e9]]}}',
        '{"toy": {"0-1": [[1e-9, "3", 1e9]]}}', '{"toy": 1} junk', "[" * 100_000,
    ],
)  # fmt: skip
def test_a_file_that_is_broken_counts_as_none_and_is_replaced(path: Path, content: str) -> None:
    path.parent.mkdir()
    path.write_text(content)
    assert note(path, 110) == [110]
    assert json.loads(path.read_text()) == {"toy": {"0-1": [[pytest.approx(110e-9), 1, 1e9]]}}


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert note(tmp_path / "file" / "hand_over.json", 110) == [110]


def test_it_lies_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path))
    assert best_path() == tmp_path / "timing" / "hand_over.json"
