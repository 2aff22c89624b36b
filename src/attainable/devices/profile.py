"""Read and write a device profile: one TOML file a device, every number with its source.

The layout, with every key there is::

    name = "toy"                        # how the tool calls it
    title = "Toy 3000"                  # how a person calls it
    cores = 4                           # leave out where threads mean nothing
    launch_seconds = { value = 5e-6, kind = "assumed", source = "typical driver call" }

    [[roofs]]                           # one table per engine, dtype and thread count
    engine = "vector"                   # matrix or vector
    dtype = "float32"                   # a name of attainable.workload.dtypes
    threads = 4                         # leave out for the device as a whole
    operations_per_second = { value = 128e9, kind = "specified", source = "4 cores x 16 a cycle x 2 GHz" }

    [[memories]]                        # from the slowest to the fastest; weights live in the first
    name = "DRAM"
    capacity_bytes = { value = 4e9, kind = "specified", source = "data sheet, page 2" }

    [[memories.bandwidths]]             # one table per thread count
    threads = 4
    bytes_per_second = { value = 12.8e9, kind = "specified", source = "64 bit x 1600 MT/s" }

    [conditions]                        # assumptions, or the state of the machine while it was measured
    "clock" = "2 GHz, no boost"

A number is always a table of ``value`` (SI base unit), ``kind`` (specified, measured or assumed) and ``source``.
"""

import json
import math
import tomllib
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

from attainable.devices.device import Bandwidth, Device, Engine, Kind, Memory, Roof, Sourced
from attainable.errors import InputError
from attainable.files import write_atomically
from attainable.workload.dtypes import BITS

KINDS: tuple[Kind, ...] = get_args(Kind)
ENGINES: tuple[Engine, ...] = get_args(Engine)

_Table = dict[str, Any]
_Name = TypeVar("_Name", bound=str)


def read_profile(path: Path) -> Device:
    """Read the device that a TOML file describes.

    Raises:
        InputError: the file cannot be read, or is no valid profile; all faults are listed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read the device profile: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise InputError("the device profile is not UTF-8 text", where=str(path)) from error
    return parse_profile(text, str(path))


def parse_profile(text: str, where: str) -> Device:
    """Parse the text of a profile; ``where`` names its file in errors.

    Raises:
        InputError: the text is not TOML, or is no valid profile; all faults are listed, each with its key.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the device profile is not TOML: {error}", where=where) from error
    reader = _Reader()
    device = reader.device(content)
    if reader.faults:
        count = len(reader.faults)
        raise InputError(
            f"the device profile has {count} fault{'s' if count > 1 else ''}",
            where=where,
            faults=reader.faults,
            help="see the documented layout: python -m pydoc attainable.devices.profile",
        )
    return device


class _Reader:
    """Turns tables into records and collects faults; the records are void as soon as there is a fault."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def device(self, content: _Table) -> Device:
        self._known(content, "", "name", "title", "cores", "launch_seconds", "roofs", "memories", "conditions")
        device = Device(
            name=self._text(content, "", "name"),
            title=self._text(content, "", "title"),
            cores=self._count(content, "", "cores"),
            roofs=tuple(self._roof(table, key) for table, key in self._tables(content, "", "roofs")),
            memories=tuple(self._memory(table, key) for table, key in self._tables(content, "", "memories")),
            launch_seconds=self._sourced(content, "", "launch_seconds", required=False),
            conditions=self._conditions(content),
        )
        self._distinct([(f"roofs[{i}]", (r.engine, r.dtype, r.threads)) for i, r in enumerate(device.roofs)])
        for i, memory in enumerate(device.memories):
            self._distinct([(f"memories[{i}].bandwidths[{j}]", b.threads) for j, b in enumerate(memory.bandwidths)])
        return device

    def _roof(self, table: _Table, at: str) -> Roof:
        self._known(table, at, "engine", "dtype", "threads", "operations_per_second")
        engine: Engine = self._choice(table, at, "engine", ENGINES)
        dtype = self._choice(table, at, "dtype", tuple(BITS))
        speed = self._sourced(table, at, "operations_per_second")
        return Roof(engine, dtype, self._count(table, at, "threads"), speed or _VOID)

    def _memory(self, table: _Table, at: str) -> Memory:
        self._known(table, at, "name", "capacity_bytes", "bandwidths")
        return Memory(
            name=self._text(table, at, "name"),
            capacity_bytes=self._sourced(table, at, "capacity_bytes", required=False),
            bandwidths=tuple(self._bandwidth(entry, key) for entry, key in self._tables(table, at, "bandwidths")),
        )

    def _bandwidth(self, table: _Table, at: str) -> Bandwidth:
        self._known(table, at, "threads", "bytes_per_second")
        speed = self._sourced(table, at, "bytes_per_second")
        return Bandwidth(self._count(table, at, "threads"), speed or _VOID)

    def _sourced(self, table: _Table, at: str, key: str, *, required: bool = True) -> Sourced | None:
        if key not in table:
            if required:
                self._fault("is missing", at, key)
            return None
        number, place = _table(table[key]), _join(at, key)
        if number is None:
            self._fault("must be a table { value = ..., kind = ..., source = ... }", at, key)
            return None
        self._known(number, place, "value", "kind", "source")
        kind: Kind = self._choice(number, place, "kind", KINDS)
        return Sourced(self._positive(number, place), self._text(number, place, "source"), kind)

    def _positive(self, table: _Table, at: str) -> float:
        value = table.get("value")
        if value is None:
            self._fault("is missing", at, "value")
        elif isinstance(value, bool) or not isinstance(value, int | float):
            self._fault(f"is {value!r}, must be a number", at, "value")
        elif not (math.isfinite(value) and value > 0):
            self._fault(f"is {value!r}, must be positive and finite", at, "value")
        else:
            return float(value)
        return math.nan

    def _text(self, table: _Table, at: str, key: str) -> str:
        value = table.get(key)
        if value is None:
            self._fault("is missing", at, key)
        elif not isinstance(value, str) or not value.strip():
            self._fault(f"is {value!r}, must be a text that is not empty", at, key)
        else:
            return value
        return ""

    def _choice(self, table: _Table, at: str, key: str, allowed: tuple[_Name, ...]) -> _Name:
        value = table.get(key)
        if value is None:
            self._fault("is missing", at, key)
        elif value not in allowed:
            self._fault(f"is {value!r}, must be one of {', '.join(allowed)}", at, key)
        return value if value in allowed else allowed[0]

    def _count(self, table: _Table, at: str, key: str) -> int | None:
        value = table.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            self._fault(f"is {value!r}, must be a whole number of at least 1", at, key)
            return None
        return value

    def _conditions(self, content: _Table) -> tuple[tuple[str, str], ...]:
        table = _table(content.get("conditions", {}))
        if table is None:
            self._fault("must be a table of texts", "", "conditions")
            return ()
        return tuple((key, self._text(table, "conditions", key)) for key in table)

    def _tables(self, table: _Table, at: str, key: str) -> list[tuple[_Table, str]]:
        entries = table.get(key, [])
        tables = [_table(entry) for entry in cast("list[object]", entries)] if isinstance(entries, list) else [None]
        if None in tables:
            self._fault("must be a list of tables, each under a line [[...]]", at, key)
        return [(entry, f"{_join(at, key)}[{index}]") for index, entry in enumerate(tables) if entry is not None]

    def _known(self, table: _Table, at: str, *keys: str) -> None:
        for key in table:
            if key not in keys:
                self._fault(f"is not a key of a profile; the keys here are {', '.join(keys)}", at, key)

    def _distinct(self, entries: list[tuple[str, object]]) -> None:
        first: dict[object, str] = {}
        for place, identity in entries:
            if first.setdefault(identity, place) != place:
                self.faults.append(f"says the same as {first[identity]} @ {place}")

    def _fault(self, what: str, at: str, key: str) -> None:
        self.faults.append(f"{what} @ {_join(at, key)}")


_VOID = Sourced(math.nan, "", "assumed")


def _table(value: object) -> _Table | None:
    return cast("_Table", value) if isinstance(value, dict) else None


def _join(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key


def format_profile(device: Device) -> str:
    """The TOML text of a device; `parse_profile` gives the same device back."""
    lines = [f"name = {_quoted(device.name)}", f"title = {_quoted(device.title)}"]
    if device.cores is not None:
        lines.append(f"cores = {device.cores}")
    if device.launch_seconds is not None:
        lines.append(f"launch_seconds = {_number(device.launch_seconds)}")
    for roof in device.roofs:
        lines += ["", "[[roofs]]", f"engine = {_quoted(roof.engine)}", f"dtype = {_quoted(roof.dtype)}"]
        lines += _threads(roof.threads)
        lines.append(f"operations_per_second = {_number(roof.operations_per_second)}")
    for memory in device.memories:
        lines += ["", "[[memories]]", f"name = {_quoted(memory.name)}"]
        if memory.capacity_bytes is not None:
            lines.append(f"capacity_bytes = {_number(memory.capacity_bytes)}")
        for bandwidth in memory.bandwidths:
            lines += ["", "[[memories.bandwidths]]", *_threads(bandwidth.threads)]
            lines.append(f"bytes_per_second = {_number(bandwidth.bytes_per_second)}")
    if device.conditions:
        lines += ["", "[conditions]", *(f"{_quoted(name)} = {_quoted(text)}" for name, text in device.conditions)]
    return "\n".join(lines) + "\n"


def write_profile(device: Device, path: Path) -> None:
    """Write a device as a profile, folders included; a reader sees the old file or the new one, never half of it.

    Raises:
        OSError: the folder cannot be made.
        InputError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, format_profile(device).encode(), overwrite=True)


def _threads(threads: int | None) -> list[str]:
    return [] if threads is None else [f"threads = {threads}"]


def _number(number: Sourced) -> str:
    return f"{{ value = {float(number.value)!r}, kind = {_quoted(number.kind)}, source = {_quoted(number.source)} }}"


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are a subset of TOML's, which also forbids a bare DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
