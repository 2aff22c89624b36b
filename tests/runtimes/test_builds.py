"""Asking runtimes what they are: one that works, and all ways in which one does not."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from attainable.runtimes import RUNTIMES, Requirement
from attainable.runtimes.builds import Build, read_builds
from tests.measurement.fake_runtime import FakeRuntime

PROGRAMS: Mapping[str, str] = {
    "works": 'echo noise; echo \'{"version": "1.2", "build": {"flags": "fast"}}\'',
    "faulty": 'echo \'{"fault": "ImportError: libGL.so.1"}\'',
    "crashes": "kill -SEGV $$",
    "silent": "true",
    "babbles": "head -c 3000000 /dev/zero | tr '\\0' '['",
    "hostile": 'printf \'{"version": "1\\\\u001b[2J", "build": {"flags": [1]}}\\n\'',
    "hangs": "sleep 60",
}
"""Interpreters that answer in their own way, as shell scripts."""


@pytest.fixture
def interpreters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration that gives every program as the interpreter of a runtime of its name."""
    monkeypatch.setenv("ATTAINABLE_CONFIG", str(tmp_path))
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(FakeRuntime, "requirement", Requirement("nothing_such", "nothing-such", ()), raising=False)
    lines: list[str] = []
    for name, program in PROGRAMS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{program}\n")
        (tmp_path / name).chmod(0o755)
        lines.append(f'[runtimes.{name}]\npython = "{tmp_path / name}"\n')
        monkeypatch.setitem(RUNTIMES, name, "tests.measurement.fake_runtime")
    lines.append(f'[runtimes.gone]\npython = "{tmp_path / "gone"}"\n')
    for name in ("gone", "absent"):
        monkeypatch.setitem(RUNTIMES, name, "tests.measurement.fake_runtime")
    (tmp_path / "config.toml").write_text("".join(lines))
    return tmp_path


def ask(name: str) -> Build:
    (build,) = read_builds([name], deadline_seconds=20)
    return build


def test_onnxruntime_says_its_version_flags_and_providers() -> None:
    build = ask("onnxruntime")
    assert (build.state, build.origin, build.fault) == ("usable", "own", "")
    assert build.version.count(".") == 2
    assert "build type" in build.build["build"]
    assert "CPUExecutionProvider" in build.build["providers"]


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts stand in for interpreters")


def test_an_answer_after_noise_is_read(interpreters: Path) -> None:
    build = ask("works")
    assert (build.state, build.version, build.build) == ("usable", "1.2", {"flags": "fast"})
    assert (build.python, build.origin) == (str(interpreters / "works"), "configured")


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("faulty", "ImportError: libGL.so.1"),
        ("crashes", "its import ended the interpreter with code -11"),
        ("silent", "its import ended the interpreter with code 0"),
        ("babbles", "its import ended the interpreter with code 0"),
        ("gone", "cannot be started: No such file or directory"),
    ],
)
def test_a_broken_one_says_why(interpreters: Path, name: str, fault: str) -> None:
    build = ask(name)
    assert (build.state, build.version) == ("broken", "")
    assert fault in build.fault
    assert build.python == str(interpreters / name)


def test_one_that_is_not_there_is_missing(interpreters: Path) -> None:
    assert interpreters.is_dir()
    assert ask("absent") == Build("absent", "missing")


def test_what_a_library_says_is_made_harmless(interpreters: Path) -> None:
    assert interpreters.is_dir()
    build = ask("hostile")
    assert (build.version, build.build) == ("1\\x1b[2J", {"flags": "[1]"})


def test_all_are_asked_at_once_and_a_hanging_one_does_not_hold_up(interpreters: Path) -> None:
    assert interpreters.is_dir()
    start = time.monotonic()
    states = {build.runtime: build.state for build in read_builds(["hangs", "works", "absent"], deadline_seconds=1.0)}
    assert states["hangs"] == "slow"
    assert states["absent"] == "missing"
    # asked first, the hanging one leaves the others no time to be waited for, yet they may have answered
    assert states["works"] in ("usable", "slow")
    assert time.monotonic() - start < 30


def test_a_broken_configuration_is_told_and_breaks_only_the_runtimes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTAINABLE_CONFIG", str(tmp_path))
    (tmp_path / "config.toml").write_text("[runtimes\n")
    build = ask("onnxruntime")
    assert build.state == "broken"
    assert "is not TOML" in build.fault
