"""Tables of the sentences that a person reads, so that a second language is a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Values = Mapping[str, str | int]
_NONE: Values = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Messages:
    """Sentences by key. Values are arguments of a sentence, never sentences themselves: names in files are hostile."""

    sentences: Mapping[str, str]

    def say(self, key: str, values: Values = _NONE) -> str:
        """The sentence of a key with its values filled in."""
        return self.sentences[key].format_map(values)

    def say_count(self, key: str, count: int, values: Values = _NONE) -> str:
        """The sentence of a key for a number of things; ``.one``, where there is such a key, is for exactly one."""
        chosen = f"{key}.one" if count == 1 and f"{key}.one" in self.sentences else key
        return self.say(chosen, {**values, "count": count})
