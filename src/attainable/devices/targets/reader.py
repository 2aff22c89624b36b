"""Turns the tables of a support table into records, and collects every fault on the way."""

from collections.abc import Mapping
from typing import Any, TypeVar, cast, get_args

from attainable.devices.targets.limits import LIMITS, Limit
from attainable.devices.targets.target import (
    AttributeChoice,
    CommonRule,
    Entry,
    LimitSet,
    LimitValue,
    Outside,
    PatternEntry,
    PatternName,
    Source,
    Support,
    Target,
)

SUPPORTS: tuple[Support, ...] = get_args(Support)
OUTSIDES: tuple[Outside, ...] = get_args(Outside)
PATTERNS: tuple[PatternName, ...] = get_args(PatternName)

_Table = dict[str, Any]
_Name = TypeVar("_Name", bound=str)
_VOID = Source("", "", "")
_ATTRIBUTES = "attributes"


class TableReader:
    """Turns tables into records and collects faults; the records are void as soon as there is a fault."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._sources: Mapping[str, Source] = {}
        self._outside: Outside = "no"

    def reference(self, content: _Table) -> tuple[str, str, str]:
        """Name, title and the target whose table is shared."""
        self._known(content, "", "name", "title", "same_table_as")
        other = self._text(content, "", "same_table_as")
        if not other.replace("-", "").replace("_", "").isalnum():
            self._fault(f"is {other!r}, must be the name of a target", "", "same_table_as")
        return self._text(content, "", "name"), self._text(content, "", "title"), other

    def target(self, content: _Table) -> Target:
        """The target of a table; void where `faults` is not empty."""
        self._known(
            content, "", "name", "title", "toolchain", "complete", "outside", "beside", "notes", "sources",
            "operators", "common", "patterns",
        )  # fmt: skip
        self._sources = self._named_sources(content)
        self._outside = self._choice(content, "", "outside", OUTSIDES)
        complete = content.get("complete")
        if not isinstance(complete, bool):
            self._fault(f"is {complete!r}, must be true or false", "", "complete")
        target = Target(
            name=self._text(content, "", "name"),
            title=self._text(content, "", "title"),
            toolchain=self._text(content, "", "toolchain"),
            sources=tuple(self._sources.values()),
            complete=complete is True,
            outside=self._outside,
            beside=self._text(content, "", "beside"),
            entries=tuple(self._entry(*entry) for entry in self._tables(content, "operators")),
            common=tuple(self._common(*entry) for entry in self._tables(content, "common")),
            patterns=tuple(self._pattern(*entry) for entry in self._tables(content, "patterns")),
            notes=self._texts(content, "", "notes"),
        )
        if not target.entries:
            self._fault("is missing", "", "operators")
        self._distinct(target)
        return target

    def _named_sources(self, content: _Table) -> dict[str, Source]:
        table = _table(content.get("sources"))
        if not table:
            self._fault("must be tables, each under a line [sources.NAME]", "", "sources")
            return {}
        sources: dict[str, Source] = {}
        for key, value in table.items():
            at, entry = f"sources.{key}", _table(value)
            if entry is None:
                self._fault("must be a table of document, section and date", "", at)
                continue
            self._known(entry, at, "document", "section", "date")
            sources[key] = Source(*(self._text(entry, at, part) for part in ("document", "section", "date")))
        return sources

    def _entry(self, table: _Table, at: str) -> Entry:
        self._known(table, at, "types", "support", "limits", "outside", "source", "note", "help", "condition")
        support: Support = self._choice(table, at, "support", SUPPORTS)
        given = table.get("limits")
        written = cast("list[object]", given) if isinstance(given, list) else [] if given is None else [given]
        many = len(written) > 1
        alternatives = tuple(
            self._limits(each, f"{at}.limits[{index}]" if many else f"{at}.limits")
            for index, each in enumerate(written)
        )
        if (support == "partial") != bool(written):
            self._fault("needs limits" if support == "partial" else "has limits, must be partial", at, "support")
        operators = self._texts(table, at, "types")
        if not operators:
            self._fault("is missing", at, "types")
        return Entry(
            operators, support, alternatives, self._outside_of(table, at), self._source(table, at),
            self._optional_text(table, at, "note"), self._optional_text(table, at, "help"),
            self._optional_text(table, at, "condition"),
        )  # fmt: skip

    def _common(self, table: _Table, at: str) -> CommonRule:
        self._known(table, at, "limits", "exempt", "outside", "source", "note", "help")
        return CommonRule(
            self._limits(table.get("limits"), f"{at}.limits"), self._texts(table, at, "exempt"),
            self._outside_of(table, at), self._source(table, at), self._optional_text(table, at, "note"),
            self._optional_text(table, at, "help"),
        )  # fmt: skip

    def _pattern(self, table: _Table, at: str) -> PatternEntry:
        self._known(table, at, "pattern", "support", "source", "note", "help")
        return PatternEntry(
            self._choice(table, at, "pattern", PATTERNS), self._choice(table, at, "support", ("yes", "no", "fallback")),
            self._source(table, at), self._optional_text(table, at, "note"), self._optional_text(table, at, "help"),
        )  # fmt: skip

    def _limits(self, value: object, at: str) -> LimitSet:
        table = _table(value)
        if not table:
            self._fault("must be a table of limits that is not empty", "", at)
            return LimitSet()
        limits: list[tuple[str, LimitValue]] = []
        for key, written in table.items():
            if key == _ATTRIBUTES:
                continue
            limit = LIMITS.get(key)
            if limit is None:
                self._fault(f"is no limit; the limits are {', '.join(LIMITS)}, {_ATTRIBUTES}", at, key)
            else:
                limits.append((key, self._limit_value(limit, written, at, key)))
        return LimitSet(tuple(limits), self._attributes(table, at))

    def _limit_value(self, limit: Limit, written: object, at: str, key: str) -> LimitValue:
        if limit.kind == "count":
            if not _is_count(written):
                self._fault(f"is {written!r}, must be a whole number of at least 1", at, key)
                return 1
            return cast("int", written)
        items = cast("list[object]", written) if isinstance(written, list) else []
        if limit.kind == "texts":
            allowed = limit.choices
            if not items or not all(isinstance(item, str) and (not allowed or item in allowed) for item in items):
                wanted = f"of {', '.join(allowed)}" if allowed else "that is not empty"
                self._fault(f"is {written!r}, must be a list {wanted}", at, key)
            return tuple(str(item) for item in items)
        if not items or not all(_is_count(item) if limit.kind == "counts" else _is_whole(item) for item in items):
            self._fault(f"is {written!r}, must be a list of whole numbers", at, key)
            return ()
        return tuple(cast("list[int]", items))

    def _attributes(self, table: _Table, at: str) -> tuple[tuple[str, tuple[AttributeChoice, ...]], ...]:
        given = _table(table.get(_ATTRIBUTES, {}))
        if given is None:
            self._fault("must be a table of lists", at, _ATTRIBUTES)
            return ()
        choices: list[tuple[str, tuple[AttributeChoice, ...]]] = []
        for name, values in given.items():
            items = cast("list[object]", values) if isinstance(values, list) else []
            plain = [tuple(cast("list[int]", item)) if _is_integers(item) else item for item in items]
            if not items or not all(isinstance(item, int | float | str | tuple) for item in plain):
                self._fault(f"is {values!r}, must be a list of the values that it may have", f"{at}.attributes", name)
            choices.append((name, tuple(cast("list[AttributeChoice]", plain))))
        return tuple(choices)

    def _distinct(self, target: Target) -> None:
        """An operator is named once, or several times with limits of different documents."""
        first: dict[str, tuple[str, Support]] = {}
        for index, entry in enumerate(target.entries):
            place = f"operators[{index}]"
            for operator in entry.operators:
                before, support = first.setdefault(operator, (place, entry.support))
                if before != place and (support, entry.support) != ("partial", "partial"):
                    self.faults.append(f"names {operator}, as {before} does, and not both have limits @ {place}.types")
        patterns = [entry.pattern for entry in target.patterns]
        for index, pattern in enumerate(patterns):
            if pattern in patterns[:index]:
                self.faults.append(f"names {pattern} again @ patterns[{index}].pattern")

    def _outside_of(self, table: _Table, at: str) -> Outside:
        return self._choice(table, at, "outside", OUTSIDES) if "outside" in table else self._outside

    def _source(self, table: _Table, at: str) -> Source:
        if "source" not in table:
            return next(iter(self._sources.values()), _VOID)
        name = table["source"]
        if name not in self._sources:
            self._fault(f"is {name!r}, must be one of {', '.join(self._sources)}", at, "source")
        return self._sources.get(str(name), _VOID)

    def _optional_text(self, table: _Table, at: str, key: str) -> str:
        return self._text(table, at, key) if key in table else ""

    def _text(self, table: _Table, at: str, key: str) -> str:
        value = table.get(key)
        if value is None:
            self._fault("is missing", at, key)
        elif not isinstance(value, str) or not value.strip():
            self._fault(f"is {value!r}, must be a text that is not empty", at, key)
        else:
            return value
        return ""

    def _texts(self, table: _Table, at: str, key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        texts = cast("list[object]", value) if isinstance(value, list) else [None]
        if not all(isinstance(text, str) and text.strip() for text in texts):
            self._fault("must be a list of texts that are not empty", at, key)
            return ()
        return tuple(cast("list[str]", texts))

    def _choice(self, table: _Table, at: str, key: str, allowed: tuple[_Name, ...]) -> _Name:
        value = table.get(key)
        if value is None:
            self._fault("is missing", at, key)
        elif value not in allowed:
            self._fault(f"is {value!r}, must be one of {', '.join(allowed)}", at, key)
        return value if value in allowed else allowed[0]

    def _tables(self, table: _Table, key: str) -> list[tuple[_Table, str]]:
        entries = table.get(key, [])
        tables = [_table(entry) for entry in cast("list[object]", entries)] if isinstance(entries, list) else [None]
        if None in tables:
            self._fault("must be a list of tables, each under a line [[...]]", "", key)
        return [(entry, f"{key}[{index}]") for index, entry in enumerate(tables) if entry is not None]

    def _known(self, table: _Table, at: str, *keys: str) -> None:
        for key in table:
            if key not in keys:
                self._fault(f"is not a key of a support table; the keys here are {', '.join(keys)}", at, key)

    def _fault(self, what: str, at: str, key: str) -> None:
        self.faults.append(f"{what} @ {at}.{key}" if at else f"{what} @ {key}")


def _table(value: object) -> _Table | None:
    return cast("_Table", value) if isinstance(value, dict) else None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_integers(value: object) -> bool:
    return isinstance(value, list) and all(_is_whole(item) for item in cast("list[object]", value))
