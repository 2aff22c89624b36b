"""The extras of the package name what the runtimes need, so that both ways to install them give the same."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from attainable.runtimes import RUNTIMES, runtime

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
ALWAYS: list[str] = PROJECT["dependencies"]


@pytest.mark.parametrize("name", sorted(set(RUNTIMES) & set(EXTRAS)))
def test_an_extra_has_what_its_runtime_needs(name: str) -> None:
    needed = {package for package in runtime(name).requirement.packages if not package.startswith("-")}
    assert needed <= {*EXTRAS[name], *ALWAYS}


@pytest.mark.parametrize("name", sorted(RUNTIMES))
def test_a_runtime_can_be_the_first_thing_that_is_imported(name: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {RUNTIMES[name]}"], check=True)
