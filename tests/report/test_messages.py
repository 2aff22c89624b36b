import re
from pathlib import Path
from string import Formatter

import pytest

import attainable
from attainable.report.messages import ENGLISH, say, say_count

SOURCE = Path(attainable.__file__).parent
CODE = "\n".join(
    path.read_text(encoding="utf-8")
    for folder in ("report", "cli")
    for path in (SOURCE / folder).rglob("*.py")
    if path.name != "messages.py"
)


def test_values_are_filled_in_and_never_read_as_templates() -> None:
    assert say("errors.failed", {"stage": "{what}", "what": "%s {0} {x.__class__}"}) == (
        "{what} failed: %s {0} {x.__class__}"
    )


def test_one_thing_is_singular() -> None:
    assert say_count("verdict.samples", 1) == "1 run"
    assert say_count("verdict.samples", 0) == "0 runs"
    assert say_count("verdict.samples", 62) == "62 runs"


@pytest.mark.parametrize("key", ENGLISH)
def test_every_sentence_is_used(key: str) -> None:
    base = key.removesuffix(".one")
    prefix = base.rpartition(".")[0] + "."
    whole = re.search(rf"""["']{re.escape(base)}["']""", CODE)
    # the end of some keys is computed: f"verdict.{device.bound_by}"
    computed = f'f"{prefix}{{' in CODE or f'f"{base.rpartition("_")[0]}_{{' in CODE
    assert whole or computed, f"nobody says {key}"


@pytest.mark.parametrize("key", [key for key in ENGLISH if key.endswith(".one")])
def test_the_singular_needs_no_other_values_than_the_plural(key: str) -> None:
    assert _fields(ENGLISH[key]) <= _fields(ENGLISH[key.removesuffix(".one")])


@pytest.mark.parametrize("template", ENGLISH.values())
def test_templates_name_their_values_and_reach_into_none(template: str) -> None:
    assert all(re.fullmatch(r"[a-z]+", name) for name in _fields(template))


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}
