"""The package from outside: light to import, small rooms, everything public is there."""

import subprocess
import sys
from pathlib import Path

import attainable

SOURCE = Path(attainable.__file__).parent


def test_import_loads_nothing_heavy() -> None:
    heavy = ["onnx", "onnxruntime", "numpy", "torch", "llvmlite", "rich", "typer", "msgspec", "onnx_ir", "sympy"]
    script = f"import sys, attainable; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == "[]"


def test_every_public_name_resolves() -> None:
    for name in attainable.__all__:
        assert getattr(attainable, name) is not None, name


def test_no_file_is_longer_than_500_lines() -> None:
    long = {
        str(path.relative_to(SOURCE)): lines
        for path in SOURCE.rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 500
    }
    assert long == {}


def test_counts_and_rates_are_never_confused() -> None:
    """The word is banned because nobody knows whether it is a count or a rate; other counters keep their own words."""
    word, counters = "flop" + "s", ("ptflops",)
    found: list[str] = []
    for path in SOURCE.rglob("*.py"):
        text = path.read_text().lower()
        for counter in counters:
            text = text.replace(counter, "")
        if word in text and "presets" not in path.parts:
            found.append(str(path.relative_to(SOURCE)))
    assert found == []
