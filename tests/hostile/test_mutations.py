"""Valid models of every format, mutated more than 10,000 times: each is counted, or refused with a typed error.

The mutations run in processes of their own, because some would end the process of the tests: in C++, by their memory,
or by taking forever. ``python -m tests.hostile.mutation_run FORMAT NUMBER 1`` shows a single one again.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from attainable.analysis.counted import counted
from attainable.cost.count import count
from attainable.workload import load
from tests.hostile.described_seeds import archived
from tests.hostile.mutation_run import KINDS, mutation

MUTATIONS = {".onnx": 7200, ".pt2": 1200, ".cfg": 900, ".param": 900, ".tflite": 1200}
"""By format."""

BATCH = 600
"""Mutations of one process."""

BATCHES = [(format, first) for format, number in MUTATIONS.items() for first in range(0, number, BATCH)]


def test_there_are_enough_mutations_of_every_format() -> None:
    assert MUTATIONS.keys() == KINDS.keys()
    assert sum(MUTATIONS.values()) >= 10_000


@pytest.mark.parametrize("format", KINDS)
def test_what_mutations_start_from_is_valid(format: str, tmp_path: Path) -> None:
    for seed in KINDS[format][0]:
        path = tmp_path / f"seed{format}"
        path.write_bytes(archived(seed) if format == ".pt2" else seed)
        result = count(load(path))
        assert counted(result).totals.operations > 0
        states = {entry.op.type: entry.state for entry in result.ops}
        # without a rule, on purpose; and what depends on the words of a text
        expected = {
            "tflite.custom:Detect", "StringSplit", "TfIdfVectorizer", "RegexFullMatch", "ai.onnx.ml:LabelEncoder",
        }  # fmt: skip
        assert {type for type, state in states.items() if state not in ("counted", "folded")} <= expected


@pytest.mark.parametrize("format", KINDS)
def test_a_mutation_follows_from_its_number(format: str) -> None:
    contents = [mutation(format, number) for number in range(50)]
    assert contents == [mutation(format, number) for number in range(50)]
    assert len(set(contents)) > 40


@pytest.mark.parametrize(("format", "first"), BATCHES)
def test_mutations_are_counted_or_refused(format: str, first: int, tmp_path: Path) -> None:
    number = min(BATCH, MUTATIONS[format] - first)
    progress = tmp_path / "progress"
    progress.touch()
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.mutation_run", format, str(first), str(number)],
        # numpy's threads reserve address space, which is limited
        env={**os.environ, "ATTAINABLE_MUTATION": str(progress), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        timeout=1200,
    )
    assert done.returncode == 0, f"{format} {progress.read_text()} ended the process: {done.stderr[-2000:]}"
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line for line in lines if "fault" in line] == []
    assert lines[-1]["done"] == number
