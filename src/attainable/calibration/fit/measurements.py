"""Reads a user's table of latencies, and the networks that it names.

The table is a CSV file with a header: ``model`` and one of ``latency`` (``12.3 ms``), ``ms`` or ``seconds`` (numbers);
``shape`` may bind inputs and dimensions, several with spaces between them (``x=1x3x224x224 N=8``). A model is a path,
relative to the table, of any format that is read, or the name of a network of the zoo. Code is never run for it.
"""

import csv
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from attainable.calibration.fit.observation import Observation
from attainable.cost.count import count
from attainable.errors import AttainableError, InputError, InvalidQuantity
from attainable.names import short_name, short_sentence
from attainable.prediction.kernel_work import KernelWork, kernels_of
from attainable.quantities import parse_seconds
from attainable.workload import Workload, load
from attainable.workload.shapes import parse_bindings
from attainable.zoo import NETWORKS, write

MOST_ROWS = 10_000
"""Rows that are read; reading a model for each takes hours by then."""

MOST_BYTES = 4 * 2**20
"""Size of a table that is read."""


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A model that a user names.

    Attributes:
        model: as written.
        shapes: as written, ``NAME=SHAPE`` each.
        place: where it was named, for messages.
    """

    model: str
    shapes: tuple[str, ...] = ()
    place: str = ""

    @property
    def label(self) -> str:
        """The model and, where some are given, its shapes."""
        return " ".join((self.model, *self.shapes))


@dataclass(frozen=True, slots=True)
class Measurement:
    """A row of the table: a model and its latency."""

    named: NamedModel
    seconds: float


def named_model(text: str, *, place: str = "") -> NamedModel:
    """Read a model with its shapes behind it: ``net.onnx x=1x3x224x224``.

    Args:
        text: as a user writes it; names of files may hold spaces.
        place: where it was written.
    """
    first, *others = text.split(" ")
    shapes = tuple(word for word in others if "=" in word)
    return NamedModel(" ".join((first, *(word for word in others if word not in shapes))), shapes, place)


def read_measurements(path: Path) -> tuple[Measurement, ...]:
    """The rows of a table of latencies.

    Args:
        path: of the CSV file.

    Raises:
        InputError: the file cannot be read, or rows are wrong; all faults are listed with their rows.
    """
    rows = _rows(path)
    header = [name.strip().lower() for name in rows[0][1]] if rows else []
    columns = {name: position for position, name in enumerate(header)}
    units = [name for name in _LATENCIES if name in columns]
    if "model" not in columns or len(units) != 1:
        raise InputError(
            "has no column for the model, or none or several for the latency",
            where=str(path),
            faults=[f"columns found: {', '.join(map(short_name, header)) or 'none'} @ row 1"],
            help=f"begin it with the line: model,latency  (or one of {', '.join(_LATENCIES)})",
        )
    found: list[Measurement] = []
    faults: list[str] = []
    first: dict[str, int] = {}
    for line, row in rows[1:]:
        cells = {name: row[position].strip() if position < len(row) else "" for name, position in columns.items()}
        try:
            measurement = _measurement(line, cells, units[0])
        except InputError as error:
            faults.append(f"{short_sentence(error.what)} @ row {line}")
            continue
        label = measurement.named.label
        if (before := first.setdefault(label, line)) != line:
            faults.append(f"{short_name(label)} is measured in row {before} already @ row {line}")
        found.append(measurement)
    if faults:
        raise InputError(
            "has rows that cannot be used",
            where=str(path),
            faults=faults,
            help="write one row for each model, with a latency such as 12.3 ms",
        )
    return tuple(found)


def observe(
    measurements: Sequence[Measurement],
    *,
    folder: Path,
    dtype: str | None = None,
    progress: Callable[[int, str], None] | None = None,
) -> tuple[Observation, ...]:
    """Read the networks of a table and count their kernels.

    Args:
        measurements: the rows.
        folder: that paths are relative to.
        dtype: element type that the runtime computed in; None for that of each file.
        progress: told the number of models done and the one that comes next.

    Raises:
        InputError: models cannot be read; all of them are listed with their rows.
    """
    kernels = read_kernels([row.named for row in measurements], folder=folder, dtype=dtype, progress=progress)
    rows = zip(measurements, kernels, strict=True)
    return tuple(Observation(row.named.label, row.seconds, work) for row, work in rows)


def read_kernels(
    models: Sequence[NamedModel],
    *,
    folder: Path,
    dtype: str | None = None,
    progress: Callable[[int, str], None] | None = None,
) -> tuple[tuple[KernelWork, ...], ...]:
    """The kernels of networks.

    Args:
        models: what to read.
        folder: that paths are relative to.
        dtype: element type that the runtime computes in; None for that of each file.
        progress: told the number of models done and the one that comes next.

    Raises:
        InputError: models cannot be read; all of them are listed.
    """
    found: list[tuple[KernelWork, ...]] = []
    faults: list[str] = []
    for position, named in enumerate(models):
        if progress is not None:
            progress(position, named.label)
        try:
            found.append(kernels_of(count(read_network(named, folder)), dtype=dtype))
        except AttainableError as error:
            # the reader's own list of faults and help would drown the other rows
            faults.append(f"{short_sentence(error.what)} @ {named.place}, {short_name(named.model)}")
    if faults:
        raise InputError(
            "models cannot be read",
            where=str(folder),
            faults=faults,
            help="try one alone: attainable count MODEL --shape NAME=SHAPE; shapes go into a column `shape`",
        )
    return tuple(found)


def read_network(named: NamedModel, folder: Path) -> Workload:
    """The network of a name: a file, else a network of the zoo.

    Args:
        named: the model and its shapes.
        folder: that paths are relative to.

    Raises:
        InputError: there is neither, or it cannot be read.
    """
    bindings = parse_bindings(named.shapes)
    file = folder / named.model
    if _is_file(file):
        return load(file, bindings)
    if named.model not in NETWORKS:
        raise InputError("is neither a file nor a network of the zoo", where=named.model)
    with tempfile.TemporaryDirectory() as scratch:
        built = Path(scratch) / f"{named.model}.onnx"
        # without weights, which nothing on paper needs
        write(named.model, built, seed=None)
        return load(built, bindings)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # a name that no file system takes
        return False


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """The rows that hold something, with their line numbers. Raises InputError."""
    help = "give a CSV file in UTF-8 with the columns model,latency"
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"is larger than {MOST_BYTES} bytes", where=str(path), help=help)
        rows: list[tuple[int, list[str]]] = []
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            for row in reader:
                if any(cell.strip() for cell in row):
                    rows.append((reader.line_num, row))
                if len(rows) > MOST_ROWS + 1:
                    raise InputError(f"has more than {MOST_ROWS} rows", where=str(path), help=help)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path), help=help) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"is no CSV file: {error}", where=str(path), help=help) from None
    return rows


def _measurement(line: int, cells: Mapping[str, str], unit: str) -> Measurement:
    if not cells["model"]:
        raise InputError("names no model")
    shapes = tuple(cells.get("shape", "").split())
    parse_bindings(shapes)
    seconds = _LATENCIES[unit](cells[unit])
    if not (isfinite(seconds) and seconds > 0):
        raise InvalidQuantity(f"a latency of {cells[unit]!r} is none")
    return Measurement(NamedModel(cells["model"], shapes, f"row {line}"), seconds)


def _quantity(text: str) -> float:
    if not text[-1:].isalpha():
        raise InvalidQuantity(f"a latency of {text!r} has no unit of time")
    return parse_seconds(text, where="latency")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidQuantity(f"a latency of {text!r} is no number") from None


def _milliseconds(text: str) -> float:
    return _number(text) * 1e-3


_LATENCIES: Mapping[str, Callable[[str], float]] = {"latency": _quantity, "ms": _milliseconds, "seconds": _number}
"""The columns that may hold the latency, and how they are read."""
