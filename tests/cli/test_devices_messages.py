"""Every sentence of the screens of ``attainable devices`` is said somewhere."""

import re
from pathlib import Path

import pytest

from attainable.analysis.choosing import GOALS, Why
from attainable.analysis.device_comparison import Quantity
from attainable.cli import devices
from attainable.cli.devices_messages import ENGLISH

CODE = "\n".join(path.read_text(encoding="utf-8") for path in Path(devices.__file__).parent.glob("devices*.py")
                 if path.name != "devices_messages.py")  # fmt: skip


COMPUTED = {
    "kind": ("measured", "specified", "assumed"),
    "list": ("measured", "cpu", "soc", "gpu", "npu", "other"),
    "own": ("measured", "project", "user"),
    "compare.basis": ("measured", "specified"),
    "quantity": (
        *Quantity.__args__,
        *(f"operations_per_second.{engine}" for engine in ("matrix", "vector", "special")),
    ),
    "choose": ("compute", "memory", "overhead", "nothing"),
    "goal": GOALS,
    "why": Why.__args__,
}
"""The ends of keys that are worked out, by their beginning."""


@pytest.mark.parametrize("key", ENGLISH)
def test_every_sentence_is_used(key: str) -> None:
    base = key.removesuffix(".one")
    computed = any(base == f"{first}.{last}" for first, ends in COMPUTED.items() for last in ends)
    assert computed or f'"{base}"' in CODE, f"nobody says {key}"


def test_what_a_record_can_say_has_a_sentence() -> None:
    said = {f"{first}.{last}" for first, ends in COMPUTED.items() for last in ends}
    # peaks have one for each engine
    assert said - ENGLISH.keys() == {"quantity.operations_per_second"}


@pytest.mark.parametrize("template", ENGLISH.values())
def test_templates_reach_into_nothing(template: str) -> None:
    assert all(re.fullmatch(r"[a-z]+", name) for name in re.findall(r"\{([^}]*)\}", template))
