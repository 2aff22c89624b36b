"""Sweeps and open batch dimensions, on a runtime whose times are written down and on a real one."""

from pathlib import Path

import pytest

from attainable.errors import InvalidQuantity
from attainable.measurement.sweep import compare_open_batch, measure_sweep
from attainable.workload import load
from tests.transforms.nets import image, residual_network


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return residual_network().save(tmp_path, [image(batch="N")], "y")


def test_each_batch_size_runs_with_each_number_of_threads(model: Path) -> None:
    told: list[tuple[int, int]] = []
    sweep = measure_sweep(
        [load(model, batch=batch) for batch in (1, 4)], (1, 2), time_budget_seconds=0.3,
        progress=lambda done, cells: told.append((done, cells)),
    )  # fmt: skip
    assert [(run.batch, run.threads) for run in sweep.runs] == [(1, 1), (1, 2), (4, 1), (4, 2)]
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert all(run.inferences_per_second == pytest.approx(run.batch / run.median_seconds) for run in sweep.runs)
    assert all(run.kernels == () for run in sweep.runs)


def test_the_open_file_runs_at_the_batch_that_the_fixed_one_has(model: Path) -> None:
    found = compare_open_batch(load(model, batch=3), batch=3, pairs=1)
    comparison = found.comparison
    assert (comparison.first, comparison.second, found.batch) == ("open", "fixed", 3)
    assert comparison.first_seconds > 0
    assert comparison.first_peak_bytes > 2**20
    assert comparison.second_peak_bytes > 2**20


def test_what_has_no_open_batch_cannot_be_compared(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidQuantity, match="openvino fixes every shape here"):
        compare_open_batch(load(model, batch=3), batch=3, pairs=1, runtime="openvino")
    (tmp_path / "fixed").mkdir()
    fixed = residual_network().save(tmp_path / "fixed", [image()], "y")
    with pytest.raises(InvalidQuantity, match="leaves no dimension open"):
        compare_open_batch(load(fixed), batch=1, pairs=1)
