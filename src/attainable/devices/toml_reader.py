"""What the readers of our TOML files have in common: they take tables apart and collect every fault on the way."""

from typing import Any, TypeVar, cast

Table = dict[str, Any]
_Name = TypeVar("_Name", bound=str)


class TomlReader:
    """Reads keys of tables; what is missing or wrong becomes a fault, ``what @ where``, and a void value.

    Args:
        kind: what the file is, as a fault says it: ``a profile``.
    """

    def __init__(self, kind: str) -> None:
        self.faults: list[str] = []
        self._kind = kind

    def _optional_text(self, table: Table, at: str, key: str) -> str:
        return self._text(table, at, key) if key in table else ""

    def _text(self, table: Table, at: str, key: str) -> str:
        value = table.get(key)
        if value is None:
            self._fault("is missing", at, key)
        elif not isinstance(value, str) or not value.strip():
            self._fault(f"is {value!r}, must be a text that is not empty", at, key)
        else:
            return value
        return ""

    def _texts(self, table: Table, at: str, key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        texts = cast("list[object]", value) if isinstance(value, list) else [None]
        if not all(isinstance(text, str) and text.strip() for text in texts):
            self._fault("must be a list of texts that are not empty", at, key)
            return ()
        return tuple(cast("list[str]", texts))

    def _choice(self, table: Table, at: str, key: str, allowed: tuple[_Name, ...]) -> _Name:
        value = table.get(key)
        if value is None:
            self._fault("is missing", at, key)
        elif value not in allowed:
            self._fault(f"is {value!r}, must be one of {', '.join(allowed)}", at, key)
        return value if value in allowed else allowed[0]

    def _tables(self, table: Table, at: str, key: str) -> list[tuple[Table, str]]:
        entries = table.get(key, [])
        tables = [as_table(entry) for entry in cast("list[object]", entries)] if isinstance(entries, list) else [None]
        if None in tables:
            self._fault("must be a list of tables, each under a line [[...]]", at, key)
        return [(entry, f"{joined_key(at, key)}[{index}]") for index, entry in enumerate(tables) if entry is not None]

    def _known(self, table: Table, at: str, *keys: str) -> None:
        for key in table:
            if key not in keys:
                self._fault(f"is not a key of {self._kind}; the keys here are {', '.join(keys)}", at, key)

    def _fault(self, what: str, at: str, key: str) -> None:
        self.faults.append(f"{what} @ {joined_key(at, key)}")


def as_table(value: object) -> Table | None:
    """The value where it is a table."""
    return cast("Table", value) if isinstance(value, dict) else None


def joined_key(at: str, key: str) -> str:
    """The place of a key inside the place of its table."""
    return f"{at}.{key}" if at else key
