"""Mutations of text formats: lines and numbers of .cfg and .param files, and values anywhere in JSON."""

import json
import re
from copy import deepcopy
from random import Random
from typing import Any

from tests.hostile.byte_mutations import mutated_bytes

_NUMBERS = (
    "0", "1", "-1", "2", "3", "255", "65536", "2147483647", "2147483648", "-2147483648", "9" * 20, "9" * 5000, "1e9",
    "1e400", "nan", "inf", "0.5", "-0.0", "1e-30", "", "x", "0x10", "1,2", "-233", "-23300", "-23303=2,1", "+5", "١",
)  # fmt: skip
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


def mutated_text(content: bytes, random: Random) -> bytes:
    """The text after one mutation of a line, a word or a number; sometimes of a byte."""
    lines = content.decode("utf-8").splitlines()
    index = random.randrange(len(lines))
    match random.randrange(10):
        case 0:
            del lines[index]
        case 1:
            lines.insert(random.randrange(len(lines) + 1), lines[index])
        case 2:
            other = random.randrange(len(lines))
            lines[index], lines[other] = lines[other], lines[index]
        case 3:
            words = re.split(r"([ =,])", lines[index])
            words[random.randrange(len(words))] = random.choice(re.split(r"[ =,\n]", content.decode("utf-8")))
            lines[index] = "".join(words)
        case 4:
            return mutated_bytes(content, random)
        case _:
            text = "\n".join(lines)
            if numbers := list(_NUMBER.finditer(text)):
                match = random.choice(numbers)
                text = text[: match.start()] + random.choice(_NUMBERS) + text[match.end() :]
            return text.encode()
    return ("\n".join(lines) + "\n").encode()


_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 64, 2**31, 2**40, 2**62, 2**63, 10**30, 0.5, -1e308, "", "x", "s0", "s0 + s1*2",
    "1/0", "Infinity", "((((", "n" * 5000, "2**99999", "\u202e\x1b[2J", [], [[]], {}, [0] * 100, {"as_int": 3},
    {"as_int": -1}, {"as_expr": {"expr_str": "s0**s0"}},
)  # fmt: skip


def mutated_json(content: bytes, random: Random) -> bytes:
    """The document after one to three values were changed, copied from elsewhere in it, dropped or repeated."""
    document = json.loads(content)
    for _ in range(random.choice((1, 1, 2, 3))):
        places = _places(document)
        holder, key = random.choice(places)
        match random.randrange(5):
            case 0:
                del holder[key]
            case 1 if hasattr(holder, "insert"):
                holder.insert(key, deepcopy(holder[key]))
            case 2 | 3:
                source, position = random.choice(places)
                holder[key] = deepcopy(source[position])
            case _:
                holder[key] = deepcopy(random.choice(_VALUES))
        if not document or len(_places(document)) == 0:
            break
    return json.dumps(document).encode()


def _places(document: Any) -> list[tuple[Any, Any]]:
    """Every value inside, as what holds it and its key or index."""
    found: list[tuple[Any, Any]] = []
    pending: list[Any] = [document]
    while pending:
        current = pending.pop()
        keys: list[Any] = list(range(len(current)) if hasattr(current, "insert") else current)
        for key in keys:
            found.append((current, key))
            if isinstance(current[key], dict | list):
                pending.append(current[key])
    return found
