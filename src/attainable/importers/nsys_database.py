"""Reads the SQLite database of Nsight Systems (``nsys export --type sqlite``, or what ``nsys stats`` leaves behind).

The tables ``CUPTI_ACTIVITY_KIND_KERNEL``, ``_MEMCPY`` and ``_MEMSET`` have one row for each kernel, copy and fill, with
``start`` and ``end`` in nanoseconds, ``deviceId`` and ``streamId``; names are numbers of rows of ``StringIds``. Kernels
in a CUDA graph have no rows there, unless nsys was told ``--cuda-graph-trace=node``: ``_GRAPH_TRACE`` has one for each
replay of a graph, whose number is ``graphId``, and both times are 0 where they are not known. A database comes from
anybody: it is opened without the right to write, only its plain tables may be read, and the work that this may cause is
limited.

Source: NVIDIA Nsight Systems documentation, "Exporter", SQLite schema reference, and "CLI options",
--cuda-graph-trace; CUPTI documentation, CUpti_ActivityGraphTrace2; SQLite documentation, "Defense against the dark
arts".
"""

import hashlib
import sqlite3
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from time import monotonic

from attainable.errors import InputError
from attainable.garbage import collector_paused
from attainable.importers.content import LONGEST_LINE, MOST_EVENTS, MOST_KERNELS, Content, Faults, refuse
from attainable.importers.log import Log
from attainable.importers.trace import Activity, Kind
from attainable.importers.traced_runs import log_of, require_kernels
from attainable.names import short_sentence

MOST_DATABASE_BYTES = 2**30
_MAGIC = b"SQLite format 3\0"
_HELP = "give the file of nsys export --type sqlite FILE.nsys-rep, of a profile with --trace=cuda"
_KERNELS, _GRAPHS = "CUPTI_ACTIVITY_KIND_KERNEL", "CUPTI_ACTIVITY_KIND_GRAPH_TRACE"
_COPIES: Mapping[str, tuple[Kind, str]] = {
    "CUPTI_ACTIVITY_KIND_MEMCPY": ("copy", "[CUDA memcpy]"), "CUPTI_ACTIVITY_KIND_MEMSET": ("fill", "[CUDA memset]"),
}  # fmt: skip
_PLACE = ("start", "end", "deviceId", "streamId")
_NAMES = ("demangledName", "shortName")
_ALLOWED = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ)
_LONGEST_VALUE = 2**20
_MOST_CHARACTERS = 64 * 2**20
"""In the table of names, those that no kernel has included."""
_INSTRUCTIONS, _MOST_STEPS, _MOST_SECONDS = 1_000, 500_000, 60.0
"""Of SQLite's machine: a million rows take some ten thousand steps of so many instructions. The clock is for rows of
which each takes long."""
_MOST_GPUS = 1024

_Row = tuple[int | None, ...]
_Named = tuple[_Row, str, Kind]


def is_database(path: Path) -> bool:
    """Whether a file is an SQLite database; a file that cannot be read is none."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except (OSError, ValueError):
        return False


def content_of_database(path: Path) -> Content:
    """The path, hash and size of a database; it has no text.

    Raises:
        InputError: it cannot be read, or is too large.
    """
    try:
        size = path.stat().st_size
        if size > MOST_DATABASE_BYTES:
            raise InputError(
                f"is larger than {MOST_DATABASE_BYTES // 2**20} MiB", where=str(path), help="trace a shorter time"
            )
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where=str(path), help="check the path") from None
    return Content(str(path), digest, size, "")


@collector_paused()
def read(content: Content) -> tuple[Log, ...]:
    """Read a database.

    Raises:
        InputError: the file cannot be used, or nothing in it ran on a GPU.
    """
    faults = Faults(content.path, _HELP)
    try:
        with closing(sqlite3.connect(f"{Path(content.path).resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as base:
            tables = _confined(base)
            activities = list(_activities(base, tables, content, faults))
            names = _gpus(base, tables)
    except (sqlite3.Error, OverflowError) as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            refuse(content, "takes too much work to read", "trace a shorter time")
        refuse(content, f"is no database that can be read: {short_sentence(str(error))}", _HELP)
    faults.raise_any()
    timed = [activity for activity in activities if activity.kind != "graph" or activity.end]
    require_kernels(timed, content, _HELP)
    notes = ["Nsight Systems was on: kernels are started later than without it"]
    if graphs := sum(activity.kind == "graph" for activity in timed):
        notes.append(
            f"of CUDA graphs ({graphs} replays) the kernels and the gaps between these are not known: profile with "
            "--cuda-graph-trace=node to see them"
        )
    if len(timed) < len(activities):
        notes.append(f"replays of CUDA graphs without a time, which are left out: {len(activities) - len(timed)}")
    return (log_of(timed, runtime="CUDA", names=names, notes=notes),)


def _confined(base: sqlite3.Connection) -> frozenset[str]:
    """Allow a database nothing but to be read, and give the names of its plain tables."""
    steps, latest = 0, monotonic() + _MOST_SECONDS

    def step() -> int:
        nonlocal steps
        steps += 1
        return int(steps > _MOST_STEPS or monotonic() > latest)

    def allowed(action: int, *_: object) -> int:
        return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY

    def text(found: bytes) -> str:
        return found.decode("utf-8", "replace")

    base.text_factory = text
    base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    base.set_progress_handler(step, _INSTRUCTIONS)
    for setting in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON", "mmap_size = 0"):
        base.execute(f"PRAGMA {setting}")
    base.set_authorizer(allowed)
    # views and virtual tables have no page of their own
    rows = base.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0")
    return frozenset(str(name) for (name,) in rows)


def _activities(
    base: sqlite3.Connection, tables: frozenset[str], content: Content, faults: Faults
) -> Iterator[Activity]:
    found = chain(_kernels(base, tables, content), _graphs(base, tables), _copies(base, tables))
    for count, (row, name, kind) in enumerate(found, start=1):
        if count > MOST_EVENTS:
            refuse(content, f"has more than {MOST_EVENTS} rows", "trace a shorter time")
        yield _activity(row, name, kind, f"{kind} {count}", faults)


def _kernels(base: sqlite3.Connection, tables: frozenset[str], content: Content) -> Iterator[_Named]:
    if _KERNELS not in tables:
        return
    columns = _columns(base, _KERNELS)
    named = next((column for column in _NAMES if column in columns), None)
    rows = list(_rows(base, _KERNELS, (*_PLACE, *([named] if named else []))))
    strings = _strings(base, {row[4] for row in rows} if named else set(), tables, content)
    for row in rows:
        yield row, strings.get(row[4], "?") if named else "?", "kernel"


def _graphs(base: sqlite3.Connection, tables: frozenset[str]) -> Iterator[_Named]:
    if _GRAPHS in tables:
        for row in _rows(base, _GRAPHS, (*_PLACE, "graphId")):
            yield row, f"CUDA graph {'?' if row[4] is None else row[4]}", "graph"


def _copies(base: sqlite3.Connection, tables: frozenset[str]) -> Iterator[_Named]:
    for table, (kind, name) in _COPIES.items():
        if table in tables:
            for row in _rows(base, table, _PLACE):
                yield row, name, kind


def _rows(base: sqlite3.Connection, table: str, columns: Sequence[str]) -> Iterator[_Row]:
    """At most one row more than there may be; what is no whole number is None, because it may be of any size."""
    there = _columns(base, table)
    chosen = ", ".join(f'"{column}"' if column in there else "0" for column in columns)
    rows = base.execute(f'SELECT {chosen} FROM "{table}"')  # noqa: S608  (our names)
    for row in islice(rows, MOST_EVENTS + 1):
        yield tuple(value if isinstance(value, int) else None for value in row)


def _columns(base: sqlite3.Connection, table: str) -> frozenset[str]:
    return frozenset(column[0] for column in base.execute(f'SELECT * FROM "{table}" LIMIT 0').description)  # noqa: S608  (our names)


def _strings(
    base: sqlite3.Connection, wanted: set[int | None], tables: frozenset[str], content: Content
) -> dict[int | None, str]:
    """The names of the kernels; they are many rows and few names."""
    if len(wanted) > MOST_KERNELS:
        refuse(content, f"has kernels of more than {MOST_KERNELS} names", "trace a shorter time")
    if "StringIds" not in tables or not {"id", "value"} <= _columns(base, "StringIds"):
        return {}
    found: dict[int | None, str] = {}
    characters = 0
    for count, row in enumerate(base.execute('SELECT "id", "value" FROM "StringIds"'), start=1):
        characters += sum(len(cell) for cell in row if isinstance(cell, str | bytes))
        if count > MOST_EVENTS or characters > _MOST_CHARACTERS:
            refuse(content, "has names without end", "trace a shorter time")
        id, value = row
        if id in wanted and isinstance(value, str):
            found[id] = value[:LONGEST_LINE]
    return found


def _gpus(base: sqlite3.Connection, tables: frozenset[str]) -> dict[int, str]:
    if "TARGET_INFO_GPU" not in tables or not {"id", "name"} <= _columns(base, "TARGET_INFO_GPU"):
        return {}
    rows = islice(base.execute('SELECT "id", "name" FROM "TARGET_INFO_GPU"'), _MOST_GPUS)
    return {id: name for id, name in rows if isinstance(id, int) and isinstance(name, str)}


def _activity(row: _Row, name: str, kind: Kind, place: str, faults: Faults) -> Activity:
    start, end, gpu, stream = row[:4]
    if start is None or end is None:
        faults.add("has no whole number as its time", place)
        return Activity(name, kind, 0, 0, 0, "")
    faults.checked(float(end - start), place, what="duration in nanoseconds")
    return Activity(name, kind, start, max(start, end), gpu or 0, str(stream))
