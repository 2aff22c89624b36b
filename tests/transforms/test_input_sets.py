"""Inputs for calibration and verification: seeds apart from each other, and folders of which every fault is listed."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from attainable.errors import InvalidQuantity
from attainable.transforms.input_sets import input_sets
from attainable.workload import Workload, load
from tests.models import value
from tests.transforms.nets import Net


@pytest.fixture
def one(tmp_path: Path) -> Workload:
    net = Net()
    return load(net.save(tmp_path, [value("x", [1, 4])], net.op("Relu", "x")))


@pytest.fixture
def two(tmp_path: Path) -> Workload:
    net = Net()
    return load(net.save(tmp_path, [value("x", [1, 4]), value("y", [1, 4])], net.op("Add", "x", "y")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def archive(path: Path, **arrays: NDArray[np.generic]) -> None:
    given: Mapping[str, NDArray[np.generic]] = arrays
    np.savez(path, **given)  # pyright: ignore[reportArgumentType]


def faults(workload: Workload, folder: Path) -> tuple[str, ...]:
    with pytest.raises(InvalidQuantity) as caught:
        input_sets(workload, folder)
    assert caught.value.where == f"--data {folder}"
    return caught.value.faults


def test_made_up_inputs_are_seeded_and_verification_sees_others(one: Workload) -> None:
    sets = input_sets(one, None)
    assert (len(sets.calibration), len(sets.verification)) == (32, 32)
    assert sets.verification.description == "32 seeded inputs, seeds 10001 to 10032"
    first = [sample["x"].tobytes() for sample in sets.calibration]
    assert first == [sample["x"].tobytes() for sample in sets.calibration]
    assert not set(first) & {sample["x"].tobytes() for sample in sets.verification}
    assert "made up" in sets.warnings[0]


def test_of_a_folder_half_calibrates_and_half_verifies(one: Workload, folder: Path) -> None:
    for number in range(70):
        np.save(folder / f"{number:03}.npy", np.full((1, 4), number, np.float32))
    (folder / "notes.txt").write_text("no sample")
    sets = input_sets(one, folder)
    assert [int(sample["x"][0, 0]) for sample in sets.calibration] == list(range(0, 64, 2))
    assert [int(sample["x"][0, 0]) for sample in sets.verification] == list(range(1, 64, 2))
    assert sets.calibration.description == f"32 samples from the 70 files in {folder}"
    assert sets.warnings == ()


def test_few_samples_are_a_warning(one: Workload, folder: Path) -> None:
    np.save(folder / "a.npy", np.zeros((1, 4), np.float32))
    sets = input_sets(one, folder)
    assert (len(sets.calibration), len(sets.verification)) == (1, 1)
    assert sets.warnings == ("the only sample calibrates and verifies; put more into the folder",)
    np.save(folder / "b.npy", np.zeros((1, 4), np.float32))
    assert input_sets(one, folder).warnings[0].startswith("few samples")


def test_every_fault_of_every_array_file_is_listed(one: Workload, folder: Path) -> None:
    np.save(folder / "dtype.npy", np.zeros((1, 4), np.float64))
    np.save(folder / "shape.npy", np.zeros((4, 1), np.float32))
    np.save(folder / "both.npy", np.zeros((2, 4), np.int8))
    np.save(folder / "nan.npy", np.full((1, 4), np.nan, np.float32))
    np.save(folder / "pickle.npy", np.array([{}]), allow_pickle=True)
    (folder / "text.npy").write_text("no array")
    np.save(folder / "good.npy", np.zeros((1, 4), np.float32))
    assert faults(one, folder) == (
        "is int8, the network takes float32 @ both.npy, input x",
        "has shape [2, 4], the network takes [1, 4] @ both.npy, input x",
        "is float64, the network takes float32 @ dtype.npy, input x",
        "has numbers that are not finite @ nan.npy, input x",
        "is not a plain .npy file @ pickle.npy, input x",
        "has shape [4, 1], the network takes [1, 4] @ shape.npy, input x",
        "is not a plain .npy file @ text.npy, input x",
    )


def test_archives_hold_an_array_for_each_input(two: Workload, folder: Path) -> None:
    row = np.zeros((1, 4), np.float32)
    archive(folder / "a.npz", x=row, y=row + 1)
    (sample,) = list(input_sets(two, folder).calibration)
    assert {name: array.tolist() for name, array in sample.items()} == {"x": [[0.0] * 4], "y": [[1.0] * 4]}
    archive(folder / "lacks.npz", x=row, z=row)
    archive(folder / "wrong.npz", x=row, y=row[0])
    (folder / "broken.npz").write_bytes(b"PK\x03\x04 and no more")
    np.save(folder / "single.npy", row)
    assert faults(two, folder) == (
        "is not a plain .npz file @ broken.npz",
        "has no array for input y @ lacks.npz",
        "the network has no input z @ lacks.npz",
        "the network has 2 inputs, only an .npz file holds several arrays @ single.npy",
        "has shape [4], the network takes [1, 4] @ wrong.npz, input y",
    )


def test_a_long_list_of_faults_is_cut(one: Workload, folder: Path) -> None:
    for number in range(30):
        np.save(folder / f"{number}.npy", np.zeros(1, np.float32))
    assert faults(one, folder)[-1] == "and 10 more"


def test_a_folder_without_samples(one: Workload, folder: Path) -> None:
    with pytest.raises(InvalidQuantity, match=r"has no \.npy or \.npz files"):
        input_sets(one, folder)
    with pytest.raises(InvalidQuantity, match="cannot be read: No such file or directory"):
        input_sets(one, folder / "gone")
