"""Turns the tables of a support table into records, and collects every fault on the way."""

from collections.abc import Mapping
from typing import cast, get_args

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
from attainable.devices.toml_reader import Table, TomlReader, as_table

SUPPORTS: tuple[Support, ...] = get_args(Support)
OUTSIDES: tuple[Outside, ...] = get_args(Outside)
PATTERNS: tuple[PatternName, ...] = get_args(PatternName)

_VOID = Source("", "", "")
_ATTRIBUTES = "attributes"


class TableReader(TomlReader):
    """Turns tables into records and collects faults; the records are void as soon as there is a fault."""

    def __init__(self) -> None:
        super().__init__("a support table")
        self._sources: Mapping[str, Source] = {}
        self._outside: Outside = "no"

    def reference(self, content: Table) -> tuple[str, str, str]:
        """Name, title and the target whose table is shared."""
        self._known(content, "", "name", "title", "same_table_as")
        other = self._text(content, "", "same_table_as")
        if not other.replace("-", "").replace("_", "").isalnum():
            self._fault(f"is {other!r}, must be the name of a target", "", "same_table_as")
        return self._text(content, "", "name"), self._text(content, "", "title"), other

    def target(self, content: Table) -> Target:
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
            entries=tuple(self._entry(*entry) for entry in self._tables(content, "", "operators")),
            common=tuple(self._common(*entry) for entry in self._tables(content, "", "common")),
            patterns=tuple(self._pattern(*entry) for entry in self._tables(content, "", "patterns")),
            notes=self._texts(content, "", "notes"),
        )
        if not target.entries:
            self._fault("is missing", "", "operators")
        self._distinct(target)
        return target

    def _named_sources(self, content: Table) -> dict[str, Source]:
        table = as_table(content.get("sources"))
        if not table:
            self._fault("must be tables, each under a line [sources.NAME]", "", "sources")
            return {}
        sources: dict[str, Source] = {}
        for key, value in table.items():
            at, entry = f"sources.{key}", as_table(value)
            if entry is None:
                self._fault("must be a table of document, section and date", "", at)
                continue
            self._known(entry, at, "document", "section", "date")
            sources[key] = Source(*(self._text(entry, at, part) for part in ("document", "section", "date")))
        return sources

    def _entry(self, table: Table, at: str) -> Entry:
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

    def _common(self, table: Table, at: str) -> CommonRule:
        self._known(table, at, "limits", "exempt", "outside", "source", "note", "help")
        return CommonRule(
            self._limits(table.get("limits"), f"{at}.limits"), self._texts(table, at, "exempt"),
            self._outside_of(table, at), self._source(table, at), self._optional_text(table, at, "note"),
            self._optional_text(table, at, "help"),
        )  # fmt: skip

    def _pattern(self, table: Table, at: str) -> PatternEntry:
        self._known(table, at, "pattern", "support", "source", "note", "help")
        return PatternEntry(
            self._choice(table, at, "pattern", PATTERNS), self._choice(table, at, "support", ("yes", "no", "fallback")),
            self._source(table, at), self._optional_text(table, at, "note"), self._optional_text(table, at, "help"),
        )  # fmt: skip

    def _limits(self, value: object, at: str) -> LimitSet:
        table = as_table(value)
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

    def _attributes(self, table: Table, at: str) -> tuple[tuple[str, tuple[AttributeChoice, ...]], ...]:
        given = as_table(table.get(_ATTRIBUTES, {}))
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

    def _outside_of(self, table: Table, at: str) -> Outside:
        return self._choice(table, at, "outside", OUTSIDES) if "outside" in table else self._outside

    def _source(self, table: Table, at: str) -> Source:
        if "source" not in table:
            return next(iter(self._sources.values()), _VOID)
        name = table["source"]
        if name not in self._sources:
            self._fault(f"is {name!r}, must be one of {', '.join(self._sources)}", at, "source")
        return self._sources.get(str(name), _VOID)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_integers(value: object) -> bool:
    return isinstance(value, list) and all(_is_whole(item) for item in cast("list[object]", value))
