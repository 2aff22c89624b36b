"""Takes the graph out of a ``.pt2`` archive: a zip with JSON, weights as raw files, and example inputs as a pickle.

Limits come before work: the directory of the archive, then the entries that are read, which are only those in JSON.
Weights are never read, and pickles are never opened.

Source: PyTorch 2.13, ``torch/export/pt2_archive/constants.py``; APPNOTE.TXT - .ZIP File Format Specification 6.3.10,
sections 4.3.14 to 4.3.16.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar
from zipfile import ZIP_STORED, BadZipFile, LargeZipFile, ZipFile, ZipInfo

import msgspec

from attainable.errors import ModelFileError
from attainable.workload.torch.schema import SCHEMA_MAJOR, Program, StoredWeights, VersionedProgram

LARGEST_DIRECTORY = 8 * 2**20
"""Bytes of an archive's directory: an entry takes 46 and its name, so that 100,000 weights fit."""
LARGEST_GRAPH = 64 * 2**20
"""Bytes of JSON; an operator takes about 1 kB."""
HARMLESS_GRAPH = 2**20
"""Bytes of JSON that take little memory whatever they are."""
FEWEST_BYTES_PER_RECORD = 12
"""Of JSON, on average: ``{"as_int": 1}`` takes 13. A record in memory takes up to 136, which bounds what is taken."""

_EXPORT_HELP = "export the model: torch.export.save(torch.export.export(model, inputs), 'model.pt2')"

_END_OF_DIRECTORY = struct.Struct("<4s4H2LH")
_END_OF_DIRECTORY_64 = struct.Struct("<4sQ2H2L4Q")
_END_LOCATOR_64_BYTES = 20
_LONGEST_COMMENT = 2**16


@dataclass(frozen=True, slots=True)
class StoredProgram:
    """What a ``.pt2`` archive says of a network.

    Attributes:
        program: the graph and its signature.
        twins: for the name of a parameter or buffer the first name that is stored in the same file.
    """

    program: Program
    twins: dict[str, str]


def read_archive(path: Path) -> StoredProgram:
    """Read the graph of an exported program.

    Raises:
        ModelFileError: not a ``.pt2`` archive, a broken one, one beyond the limits, or of another schema version.
    """
    where = str(path)
    try:
        with path.open("rb") as stream:
            _refuse_large_directory(stream, where)
            with ZipFile(stream) as archive:
                return _read(archive, where)
    except (BadZipFile, LargeZipFile, NotImplementedError, EOFError, struct.error, ValueError, OSError) as error:
        raise ModelFileError(
            f"is a broken zip archive: {error}", where=where, help="check the download or export again"
        ) from None


def _refuse_large_directory(stream: IO[bytes], where: str) -> None:
    """Look at the end record before zipfile makes a record of each entry."""
    if stream.read(4) != b"PK\x03\x04":
        raise ModelFileError("is no zip archive, as .pt2 files are", where=where, help=_EXPORT_HELP)
    size = stream.seek(0, 2)
    start = max(0, size - _LONGEST_COMMENT - _END_OF_DIRECTORY.size)
    stream.seek(start)
    tail = stream.read()
    position = tail.rfind(b"PK\x05\x06")
    if position < 0 or position + _END_OF_DIRECTORY.size > len(tail):
        raise ModelFileError("is cut off: the end of the zip archive is missing", where=where, help="download it again")
    directory_bytes: int = _END_OF_DIRECTORY.unpack_from(tail, position)[5]
    wide = tail.rfind(b"PK\x06\x06", 0, max(0, position - _END_LOCATOR_64_BYTES))
    if wide >= 0 and wide + _END_OF_DIRECTORY_64.size <= len(tail):
        directory_bytes = max(directory_bytes, _END_OF_DIRECTORY_64.unpack_from(tail, wide)[8])
        if directory_bytes == 0xFFFFFFFF:
            directory_bytes = _END_OF_DIRECTORY_64.unpack_from(tail, wide)[8]
    if directory_bytes > LARGEST_DIRECTORY:
        raise ModelFileError(
            f"is a zip archive with a directory of {directory_bytes} bytes; at most {LARGEST_DIRECTORY} are read",
            where=where,
            help=_EXPORT_HELP,
        )


def _read(archive: ZipFile, where: str) -> StoredProgram:
    entries: dict[str, ZipInfo] = {}
    for entry in archive.infolist():
        folder, slash, rest = entry.filename.partition("/")
        name = rest if slash else folder
        if name in entries:
            raise ModelFileError(f"has two entries called {name!r}", where=where, help=_EXPORT_HELP)
        entries[name] = entry
    graphs = [name for name in entries if name.startswith("models/") and name.endswith(".json")]
    if not graphs:
        raise _other_archive(entries, where)
    if len(graphs) > 1:
        raise ModelFileError(
            "holds more than one program", where=where, help="save one program a file", faults=sorted(graphs)[:10]
        )
    graph = _bytes_of(archive, entries[graphs[0]], where)
    version = _decoded(graph, VersionedProgram, where).schema_version
    if version.major != SCHEMA_MAJOR:
        raise ModelFileError(
            f"has schema version {version.major}.{version.minor}; version {SCHEMA_MAJOR} is read",
            where=where,
            help="save it again with torch 2.13",
        )
    program = _decoded(graph, Program, where)
    model = graphs[0].removeprefix("models/").removesuffix(".json")
    weights = entries.get(f"data/weights/{model}_weights_config.json")
    twins = (
        {} if weights is None else _twins(_decoded(_bytes_of(archive, weights, where), StoredWeights, where), entries)
    )
    return StoredProgram(program, twins)


def _twins(weights: StoredWeights, entries: dict[str, ZipInfo]) -> dict[str, str]:
    """Names that share a file and a shape; tensors without storage have empty files and share nothing."""
    first: dict[tuple[str, bytes], str] = {}
    twins: dict[str, str] = {}
    for name, weight in weights.config.items():
        entry = entries.get(f"data/weights/{weight.path_name}")
        if entry is not None and entry.file_size:
            key = (weight.path_name, msgspec.json.encode(weight.tensor_meta))
            twins[name] = first.setdefault(key, name)
    return twins


def _bytes_of(archive: ZipFile, entry: ZipInfo, where: str) -> bytes:
    inside = f"{where} {entry.filename}"
    if entry.flag_bits & 1 or entry.compress_type != ZIP_STORED or entry.file_size != entry.compress_size:
        raise ModelFileError(
            "is encrypted or compressed; torch.export.save does neither", where=inside, help=_EXPORT_HELP
        )
    if entry.file_size > LARGEST_GRAPH:
        raise ModelFileError(
            f"has {entry.file_size} bytes; at most {LARGEST_GRAPH} are read", where=inside, help=_EXPORT_HELP
        )
    text = archive.read(entry)
    if len(text) > HARMLESS_GRAPH and text.count(b"{") * FEWEST_BYTES_PER_RECORD > len(text):
        raise ModelFileError("is made of nothing but empty records", where=inside, help=_EXPORT_HELP)
    return text


_Record = TypeVar("_Record")


def _decoded(text: bytes, record: type[_Record], where: str) -> _Record:
    try:
        return msgspec.json.decode(text, type=record)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ModelFileError(
            f"is no exported program of PyTorch: {reason}", where=where, help="save it again with torch 2.13"
        ) from None


def _other_archive(entries: dict[str, ZipInfo], where: str) -> ModelFileError:
    """What an archive is that holds no exported program."""
    for names, what, help in _OTHER_ARCHIVES:
        if any(name in entries for name in names):
            return ModelFileError(f"is {what}", where=where, help=help)
    return ModelFileError("is a zip archive without an exported program", where=where, help=_EXPORT_HELP)


_OTHER_ARCHIVES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("constants.pkl",),
        "a TorchScript archive, which holds Python pickles that are never opened",
        f"from the source code, {_EXPORT_HELP}",
    ),
    (
        ("data.pkl",),
        "a PyTorch checkpoint: a Python pickle, which is never opened because it can run code",
        f"in your own code, {_EXPORT_HELP}",
    ),
    (
        ("serialized_exported_program.json",),
        "an exported program of an older PyTorch, whose layout is not read",
        f"with torch 2.13, {_EXPORT_HELP}",
    ),
)
"""Entries that tell what an archive is, what it is, and the way out."""
