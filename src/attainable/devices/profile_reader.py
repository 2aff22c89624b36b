"""Turns the tables of a device profile into records, and collects every fault on the way."""

import math
from collections.abc import Iterable
from typing import Any, TypeVar, cast, get_args

from attainable.devices.device import CATEGORIES, Category, Device
from attainable.devices.figures import Access, Bandwidth, Ceiling, Engine, Kind, Memory, Practice, Roof, Sourced
from attainable.devices.traits import OP_CLASSES, Alignment, Axis, Efficiency, Limit, OpClass
from attainable.workload.dtypes import BITS

KINDS: tuple[Kind, ...] = get_args(Kind)
ENGINES: tuple[Engine, ...] = get_args(Engine)
ACCESSES: tuple[Access, ...] = get_args(Access)
PRACTICES: tuple[Practice, ...] = get_args(Practice)
LIMITS: tuple[Limit, ...] = get_args(Limit)
AXES: tuple[Axis, ...] = get_args(Axis)

_Table = dict[str, Any]
_Name = TypeVar("_Name", bound=str)


class ProfileReader:
    """Turns tables into records and collects faults; the records are void as soon as there is a fault."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def device(self, content: _Table) -> Device:
        """The device of a profile's tables; void where `faults` is not empty."""
        self._known(
            content, "", "name", "title", "vendor", "category", "cores", "interfaces", "toolchains", "launch_seconds",
            "run_seconds", "power_watts", "roofs", "ceilings", "memories", "efficiencies", "alignments", "conditions",
        )  # fmt: skip
        device = Device(
            name=self._text(content, "", "name"),
            title=self._text(content, "", "title"),
            vendor=self._optional_text(content, "", "vendor"),
            category=self._category(content),
            cores=self._count(content, "", "cores"),
            interfaces=self._texts(content, "interfaces"),
            toolchains=self._texts(content, "toolchains"),
            roofs=tuple(self._roof(table, key) for table, key in self._tables(content, "", "roofs")),
            ceilings=tuple(self._ceiling(table, key) for table, key in self._tables(content, "", "ceilings")),
            memories=tuple(self._memory(table, key) for table, key in self._tables(content, "", "memories")),
            efficiencies=tuple(self._efficiency(*entry) for entry in self._tables(content, "", "efficiencies")),
            alignments=tuple(self._alignment(*entry) for entry in self._tables(content, "", "alignments")),
            launch_seconds=self._sourced(content, "", "launch_seconds", required=False),
            run_seconds=self._sourced(content, "", "run_seconds", required=False),
            power_watts=self._sourced(content, "", "power_watts", required=False),
            conditions=self._conditions(content),
        )
        self._distinct(
            (f"roofs[{i}]", (roof.engine, roof.dtype, roof.threads, _is_measured(roof.operations_per_second)))
            for i, roof in enumerate(device.roofs)
        )
        self._distinct((f"memories[{i}].name", memory.name) for i, memory in enumerate(device.memories))
        for i, memory in enumerate(device.memories):
            self._distinct(
                (f"memories[{i}].bandwidths[{j}]", (entry.threads, entry.access, _is_measured(entry.bytes_per_second)))
                for j, entry in enumerate(memory.bandwidths)
            )
        self._distinct((f"efficiencies[{i}]", (e.op_class, e.limit)) for i, e in enumerate(device.efficiencies))
        self._distinct((f"alignments[{i}]", (a.axis, a.dtype)) for i, a in enumerate(device.alignments))
        return device

    def _category(self, content: _Table) -> Category | None:
        if "category" not in content:
            return None
        category: Category = self._choice(content, "", "category", CATEGORIES)
        return category

    def _roof(self, table: _Table, at: str) -> Roof:
        self._known(table, at, "engine", "dtype", "threads", "operations_per_second")
        engine: Engine = self._choice(table, at, "engine", ENGINES)
        dtype = self._choice(table, at, "dtype", tuple(BITS))
        speed = self._sourced(table, at, "operations_per_second")
        return Roof(engine, dtype, self._count(table, at, "threads"), speed or _VOID)

    def _ceiling(self, table: _Table, at: str) -> Ceiling:
        self._known(table, at, "practice", "runtime", "dtype", "weight_dtype", "threads", "operations_per_second")
        practice: Practice = self._choice(table, at, "practice", PRACTICES)
        dtype = self._choice(table, at, "dtype", tuple(BITS))
        weight_dtype = self._choice(table, at, "weight_dtype", tuple(BITS))
        speed = self._sourced(table, at, "operations_per_second")
        runtime = self._text(table, at, "runtime")
        return Ceiling(practice, runtime, dtype, weight_dtype, self._count(table, at, "threads"), speed or _VOID)

    def _memory(self, table: _Table, at: str) -> Memory:
        self._known(table, at, "name", "capacity_bytes", "latency_seconds", "on_chip", "bandwidths")
        return Memory(
            name=self._text(table, at, "name"),
            capacity_bytes=self._sourced(table, at, "capacity_bytes", required=False),
            bandwidths=tuple(self._bandwidth(entry, key) for entry, key in self._tables(table, at, "bandwidths")),
            latency_seconds=self._sourced(table, at, "latency_seconds", required=False),
            on_chip=self._flag(table, at, "on_chip"),
        )

    def _bandwidth(self, table: _Table, at: str) -> Bandwidth:
        self._known(table, at, "threads", "access", "bytes_per_second")
        speed = self._sourced(table, at, "bytes_per_second")
        access: Access = self._choice(table, at, "access", ACCESSES) if "access" in table else "read"
        return Bandwidth(self._count(table, at, "threads"), speed or _VOID, access)

    def _efficiency(self, table: _Table, at: str) -> Efficiency:
        self._known(table, at, "op_class", "limit", "share")
        op_class: OpClass = self._choice(table, at, "op_class", OP_CLASSES)
        limit: Limit = self._choice(table, at, "limit", LIMITS)
        return Efficiency(op_class, limit, self._sourced(table, at, "share") or _VOID)

    def _alignment(self, table: _Table, at: str) -> Alignment:
        self._known(table, at, "axis", "dtype", "multiple")
        axis: Axis = self._choice(table, at, "axis", AXES)
        dtype = self._choice(table, at, "dtype", tuple(BITS)) if "dtype" in table else None
        multiple = self._sourced(table, at, "multiple")
        if multiple is not None and not multiple.value.is_integer() and math.isfinite(multiple.value):
            self._fault(f"is {multiple.value!r}, must be a whole number", at, "multiple.value")
        return Alignment(axis, dtype, multiple or _VOID)

    def _sourced(self, table: _Table, at: str, key: str, *, required: bool = True) -> Sourced | None:
        if key not in table:
            if required:
                self._fault("is missing", at, key)
            return None
        number, place = _table(table[key]), _join(at, key)
        if number is None:
            self._fault("must be a table { value = ..., kind = ..., source = ... }", at, key)
            return None
        self._known(number, place, "value", "kind", "source", "low", "high")
        kind: Kind = self._choice(number, place, "kind", KINDS)
        value = self._positive(number, place, "value")
        low, high = (self._positive(number, place, end) if end in number else None for end in ("low", "high"))
        if (low is not None and low > value) or (high is not None and high < value):
            self._fault(f"has the interval {low} to {high} around {value}", at, key)
        return Sourced(value, self._text(number, place, "source"), kind, low, high)

    def _positive(self, table: _Table, at: str, key: str) -> float:
        value = table.get(key)
        if value is None:
            self._fault("is missing", at, key)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            self._fault(f"is {value!r}, must be a number", at, key)
        elif not (math.isfinite(value) and value > 0):
            self._fault(f"is {value!r}, must be positive and finite", at, key)
        else:
            return float(value)
        return math.nan

    def _flag(self, table: _Table, at: str, key: str) -> bool:
        value = table.get(key, False)
        if not isinstance(value, bool):
            self._fault(f"is {value!r}, must be true or false", at, key)
        return value is True

    def _optional_text(self, table: _Table, at: str, key: str) -> str:
        return self._text(table, at, key) if key in table else ""

    def _texts(self, table: _Table, key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        texts = cast("list[object]", value) if isinstance(value, list) else [None]
        if not all(isinstance(text, str) and text.strip() for text in texts):
            self._fault("must be a list of texts that are not empty", "", key)
            return ()
        return tuple(cast("list[str]", texts))

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

    def _distinct(self, entries: Iterable[tuple[str, object]]) -> None:
        first: dict[object, str] = {}
        for place, identity in entries:
            if first.setdefault(identity, place) != place:
                self.faults.append(f"says the same as {first[identity]} @ {place}")

    def _fault(self, what: str, at: str, key: str) -> None:
        self.faults.append(f"{what} @ {_join(at, key)}")


_VOID = Sourced(math.nan, "", "assumed")


def _is_measured(number: Sourced) -> bool:
    """A measured figure may stand beside a specified or assumed one."""
    return number.kind == "measured"


def _table(value: object) -> _Table | None:
    return cast("_Table", value) if isinstance(value, dict) else None


def _join(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key
