"""Sets of inputs that a network is calibrated and verified on: made up from seeds, or a folder of the user's.

Sets are read one sample at a time, so that memory holds one. Calibration and verification never share a sample,
unless the folder has only one.
"""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy
from numpy.typing import NDArray

from attainable.errors import InvalidQuantity
from attainable.measurement.inputs import make_inputs
from attainable.workload.graph import Workload

Array = NDArray[numpy.generic]
CALIBRATION_SEEDS = range(1, 33)
VERIFICATION_SEEDS = range(10_001, 10_033)
MOST_FILES = 64
"""More samples of a folder are not read: half of them calibrate, half verify."""
_MOST_FAULTS = 20


@dataclass(frozen=True, slots=True)
class InputSet:
    """Samples, each an array for every input of a network.

    Attributes:
        workload: whose inputs they are.
        seeds: one for each made-up sample; empty for samples from files.
        files: one for each sample; empty for made-up ones.
        description: where they come from, for the user.
    """

    workload: Workload
    seeds: tuple[int, ...]
    files: tuple[Path, ...]
    description: str

    def __len__(self) -> int:
        return len(self.seeds) + len(self.files)

    def __iter__(self) -> Iterator[dict[str, Array]]:
        """Read or make one sample after the other.

        Raises:
            InvalidQuantity: a file does not fit the network.
            InputsUnavailable: no inputs can be made up.
        """
        for seed in self.seeds:
            yield make_inputs(self.workload, seed=seed).arrays
        for file in self.files:
            sample = _read(file, self.workload)
            if not isinstance(sample, dict):
                raise InvalidQuantity("changed while it was used", where=str(file), faults=sample)
            yield sample


@dataclass(frozen=True, slots=True)
class InputSets:
    """The samples for calibration and those for verification.

    Attributes:
        calibration, verification: different samples, unless there is only one.
        warnings: what to know about them, one sentence each.
    """

    calibration: InputSet
    verification: InputSet
    warnings: tuple[str, ...]


def input_sets(workload: Workload, data: Path | None) -> InputSets:
    """Sets of samples for a network.

    Args:
        workload: every dimension of its inputs is a number.
        data: a folder with one sample a file: ``.npz`` with an array per input, or ``.npy`` where there is one input;
            nothing is unpickled. At most 64 files in the order of their names are used, every second one verifies.
            None makes up 32 samples for each purpose from fixed seeds.

    Raises:
        InvalidQuantity: the folder has no samples, or some do not fit; all faults at once.
    """
    if data is None:
        calibration, verification = (
            InputSet(workload, tuple(seeds), (), f"{len(seeds)} seeded inputs, seeds {seeds[0]} to {seeds[-1]}")
            for seeds in (CALIBRATION_SEEDS, VERIFICATION_SEEDS)
        )
        warning = "inputs are made up, so that the loss of accuracy on real ones is not known; give some with --data"
        return InputSets(calibration, verification, (warning,))
    found = _files(data)
    used = found[:MOST_FILES]
    faults = [fault for file in used for fault in _faults(file, workload)]
    if faults:
        more = [f"and {len(faults) - _MOST_FAULTS} more"] if len(faults) > _MOST_FAULTS else []
        raise InvalidQuantity(
            "files do not fit the network", where=f"--data {data}", faults=[*faults[:_MOST_FAULTS], *more],
            help="one sample a file: .npz with an array per input, or .npy where there is one input",
        )  # fmt: skip
    origin = f"from the {len(found)} files in {data}"
    if len(used) == 1:
        alone = InputSet(workload, (), tuple(used), f"1 sample {origin}")
        return InputSets(alone, alone, ("the only sample calibrates and verifies; put more into the folder",))
    calibration, verification = (
        InputSet(workload, (), tuple(part), f"{len(part)} samples {origin}") for part in (used[::2], used[1::2])
    )
    few = "few samples make ranges and verification rough; put 64 into the folder" if len(used) < 16 else ""
    return InputSets(calibration, verification, (few,) if few else ())


def _files(folder: Path) -> list[Path]:
    try:
        found = sorted(file for file in folder.iterdir() if file.suffix in (".npy", ".npz") and file.is_file())
    except OSError as error:
        raise InvalidQuantity(
            f"cannot be read: {error.strerror}", where=f"--data {folder}", help="name a folder with .npy or .npz files"
        ) from None
    if not found:
        raise InvalidQuantity("has no .npy or .npz files", where=f"--data {folder}", help="put one sample in each file")
    return found


def _faults(file: Path, workload: Workload) -> Sequence[str]:
    sample = _read(file, workload)
    return () if isinstance(sample, dict) else sample


def _read(file: Path, workload: Workload) -> dict[str, Array] | list[str]:
    """The arrays in a file, or everything that is wrong with them."""
    names = [tensor.name for tensor in workload.inputs]
    if file.suffix == ".npz":
        given = _archive(file, names)
    elif len(names) == 1:
        given = {names[0]: file}
    else:
        return [f"the network has {len(names)} inputs, only an .npz file holds several arrays @ {file.name}"]
    if isinstance(given, list):
        return given
    try:
        arrays = make_inputs(workload, given).arrays
    except InvalidQuantity as error:
        return [fault.replace(f"{file} ", "", 1).replace(" @ ", f" @ {file.name}, input ") for fault in error.faults]
    endless = [name for name, array in arrays.items() if array.dtype.kind == "f" and not numpy.isfinite(array).all()]
    return [f"has numbers that are not finite @ {file.name}, input {name}" for name in endless] or arrays


def _archive(file: Path, names: Sequence[str]) -> "dict[str, Array] | list[str]":
    """The arrays of an .npz file by input."""
    try:
        # Opened here, because numpy leaves a broken archive open.
        with file.open("rb") as stream:
            loaded: object = numpy.load(stream, allow_pickle=False)
            if not isinstance(loaded, numpy.lib.npyio.NpzFile):
                return [f"is no .npz archive @ {file.name}"]
            missing = [f"has no array for input {name} @ {file.name}" for name in names if name not in loaded]
            unknown = [f"the network has no input {name} @ {file.name}" for name in loaded if name not in names]
            return missing + unknown or {name: loaded[name] for name in names}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return [f"is not a plain .npz file @ {file.name}"]
