"""Turns the tables of a device profile into records, and collects every fault on the way."""

import math
from collections.abc import Iterable
from typing import get_args

from attainable.devices.device import CATEGORIES, Category, Device
from attainable.devices.figures import Access, Bandwidth, Ceiling, Engine, Kind, Memory, Practice, Roof, Sourced
from attainable.devices.toml_reader import Table, TomlReader, as_table, joined_key
from attainable.devices.traits import OP_CLASSES, Alignment, Axis, Efficiency, Limit, OpClass
from attainable.workload.dtypes import BITS

KINDS: tuple[Kind, ...] = get_args(Kind)
ENGINES: tuple[Engine, ...] = get_args(Engine)
ACCESSES: tuple[Access, ...] = get_args(Access)
PRACTICES: tuple[Practice, ...] = get_args(Practice)
LIMITS: tuple[Limit, ...] = get_args(Limit)
AXES: tuple[Axis, ...] = get_args(Axis)


class ProfileReader(TomlReader):
    """Turns tables into records and collects faults; the records are void as soon as there is a fault."""

    def __init__(self) -> None:
        super().__init__("a profile")

    def device(self, content: Table) -> Device:
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
            interfaces=self._texts(content, "", "interfaces"),
            toolchains=self._texts(content, "", "toolchains"),
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

    def _category(self, content: Table) -> Category | None:
        if "category" not in content:
            return None
        category: Category = self._choice(content, "", "category", CATEGORIES)
        return category

    def _roof(self, table: Table, at: str) -> Roof:
        self._known(table, at, "engine", "dtype", "threads", "operations_per_second")
        engine: Engine = self._choice(table, at, "engine", ENGINES)
        dtype = self._choice(table, at, "dtype", tuple(BITS))
        speed = self._sourced(table, at, "operations_per_second")
        return Roof(engine, dtype, self._count(table, at, "threads"), speed or _VOID)

    def _ceiling(self, table: Table, at: str) -> Ceiling:
        self._known(table, at, "practice", "runtime", "dtype", "weight_dtype", "threads", "operations_per_second")
        practice: Practice = self._choice(table, at, "practice", PRACTICES)
        dtype = self._choice(table, at, "dtype", tuple(BITS))
        weight_dtype = self._choice(table, at, "weight_dtype", tuple(BITS))
        speed = self._sourced(table, at, "operations_per_second")
        runtime = self._text(table, at, "runtime")
        return Ceiling(practice, runtime, dtype, weight_dtype, self._count(table, at, "threads"), speed or _VOID)

    def _memory(self, table: Table, at: str) -> Memory:
        self._known(table, at, "name", "capacity_bytes", "latency_seconds", "on_chip", "bandwidths")
        return Memory(
            name=self._text(table, at, "name"),
            capacity_bytes=self._sourced(table, at, "capacity_bytes", required=False),
            bandwidths=tuple(self._bandwidth(entry, key) for entry, key in self._tables(table, at, "bandwidths")),
            latency_seconds=self._sourced(table, at, "latency_seconds", required=False),
            on_chip=self._flag(table, at, "on_chip"),
        )

    def _bandwidth(self, table: Table, at: str) -> Bandwidth:
        self._known(table, at, "threads", "access", "bytes_per_second")
        speed = self._sourced(table, at, "bytes_per_second")
        access: Access = self._choice(table, at, "access", ACCESSES) if "access" in table else "read"
        return Bandwidth(self._count(table, at, "threads"), speed or _VOID, access)

    def _efficiency(self, table: Table, at: str) -> Efficiency:
        self._known(table, at, "op_class", "limit", "share")
        op_class: OpClass = self._choice(table, at, "op_class", OP_CLASSES)
        limit: Limit = self._choice(table, at, "limit", LIMITS)
        return Efficiency(op_class, limit, self._sourced(table, at, "share") or _VOID)

    def _alignment(self, table: Table, at: str) -> Alignment:
        self._known(table, at, "axis", "dtype", "multiple")
        axis: Axis = self._choice(table, at, "axis", AXES)
        dtype = self._choice(table, at, "dtype", tuple(BITS)) if "dtype" in table else None
        multiple = self._sourced(table, at, "multiple")
        if multiple is not None and not multiple.value.is_integer() and math.isfinite(multiple.value):
            self._fault(f"is {multiple.value!r}, must be a whole number", at, "multiple.value")
        return Alignment(axis, dtype, multiple or _VOID)

    def _sourced(self, table: Table, at: str, key: str, *, required: bool = True) -> Sourced | None:
        if key not in table:
            if required:
                self._fault("is missing", at, key)
            return None
        number, place = as_table(table[key]), joined_key(at, key)
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

    def _positive(self, table: Table, at: str, key: str) -> float:
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

    def _flag(self, table: Table, at: str, key: str) -> bool:
        value = table.get(key, False)
        if not isinstance(value, bool):
            self._fault(f"is {value!r}, must be true or false", at, key)
        return value is True

    def _count(self, table: Table, at: str, key: str) -> int | None:
        value = table.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            self._fault(f"is {value!r}, must be a whole number of at least 1", at, key)
            return None
        return value

    def _conditions(self, content: Table) -> tuple[tuple[str, str], ...]:
        table = as_table(content.get("conditions", {}))
        if table is None:
            self._fault("must be a table of texts", "", "conditions")
            return ()
        return tuple((key, self._text(table, "conditions", key)) for key in table)

    def _distinct(self, entries: Iterable[tuple[str, object]]) -> None:
        first: dict[object, str] = {}
        for place, identity in entries:
            if first.setdefault(identity, place) != place:
                self.faults.append(f"says the same as {first[identity]} @ {place}")


_VOID = Sourced(math.nan, "", "assumed")


def _is_measured(number: Sourced) -> bool:
    """A measured figure may stand beside a specified or assumed one."""
    return number.kind == "measured"
