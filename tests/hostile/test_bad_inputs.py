"""Bad inputs give a typed error or an honest count, through the real command line.

All of them run in this process, where nothing is judged but what is said; some run as ``benchmarks/bad_inputs.py`` runs
them all: in a process of their own, with its memory.
"""

import shutil
import sys
from pathlib import Path

import pytest

from attainable.cli import main
from benchmarks.bad_inputs import BAD_INPUTS, ELSEWHERE, run, verdict
from tests.hostile.bad_input import BadInput, Outcome, complaints

SLOW_MACHINE = 60.0
"""Seconds for a process where many tests share a machine; what is claimed is measured by the benchmark."""


def test_every_row_of_the_table_is_tried_or_belongs_elsewhere() -> None:
    assert {bad.row for bad in BAD_INPUTS} | ELSEWHERE.keys() == set(range(1, 63))
    assert len({bad.id for bad in BAD_INPUTS}) == len(BAD_INPUTS) > 170


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=[bad.id for bad in BAD_INPUTS])
def test_a_bad_input_is_handled(
    bad: BadInput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "input"
    folder.mkdir()
    path = bad.write(folder)
    before = set(folder.iterdir())
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["attainable", "count", str(path), *bad.arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    code = ended.value.code
    outcome = Outcome(code if isinstance(code, int) else 0, printed.out, printed.err)
    assert complaints(bad, outcome) == [], printed
    assert set(folder.iterdir()) == before
    # ends who changes a file again and again
    shutil.rmtree(folder)


SAMPLE = [bad for bad in BAD_INPUTS if bad.row in (6, 7, 8, 13, 17, 27, 39)][::2] + BAD_INPUTS[::30]


@pytest.mark.parametrize("bad", SAMPLE, ids=[bad.id for bad in SAMPLE])
def test_a_process_stays_small(bad: BadInput) -> None:
    seen = run(bad)
    assert [wrong for wrong in verdict(bad, seen) if not wrong.startswith("takes more than")] == []
    assert seen.seconds < SLOW_MACHINE
