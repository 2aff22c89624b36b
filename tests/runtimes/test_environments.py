"""Interpreters of runtimes: which is taken, and that an environment is there as a whole or not at all."""

import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from attainable.errors import InputError, RuntimeRefused
from attainable.runtimes import Requirement
from attainable.runtimes.environments import environment_folder, find_interpreter, interpreter_for, python_in
from attainable.runtimes.installation import install, installed_version, remove
from attainable.testing.checks import children

HERE = Requirement(module="numpy", distribution="numpy", packages=("numpy",))
NOWHERE = Requirement(module="attainable_imagined", distribution="attainable-imagined", packages=())


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Cache and configuration of its own; nothing comes from a package index."""
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ATTAINABLE_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return tmp_path


def configure(folder: Path, text: str) -> None:
    (folder / "config").mkdir()
    (folder / "config" / "config.toml").write_text(text)


def make_managed(name: str) -> str:
    python = python_in(environment_folder(name))
    python.parent.mkdir(parents=True)
    python.touch()
    return str(python)


def wheel(folder: Path, *, module: str = "attainable_imagined", version: str = "1.5", code: str = "") -> Requirement:
    """A package of one module, and the requirement that installs it."""
    name = f"{module}-{version}"
    path = folder / f"{name}-py3-none-any.whl"
    metadata = f"{name}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{module}.py", code)
        archive.writestr(f"{metadata}/METADATA", f"Metadata-Version: 2.1\nName: {module}\nVersion: {version}\n")
        archive.writestr(
            f"{metadata}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{metadata}/RECORD", "")
    return Requirement(module=module, distribution=module, packages=(str(path),))


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "cache" / "runtimes").iterdir())


def test_our_own_interpreter_is_taken_where_the_runtime_is_installed_in_it() -> None:
    found = find_interpreter("imagined", HERE)
    assert found is not None
    assert (found.python, found.origin) == (sys.executable, "own")


def test_what_is_nowhere_is_refused_and_says_how_to_install_it() -> None:
    assert find_interpreter("imagined", NOWHERE) is None
    with pytest.raises(RuntimeRefused, match="imagined is not installed") as refusal:
        interpreter_for("imagined", NOWHERE)
    assert refusal.value.help == "attainable runtimes install imagined"


def test_a_folder_that_only_has_its_name_is_no_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / NOWHERE.module).mkdir()
    monkeypatch.setattr("sys.path", [str(tmp_path), *sys.path])
    assert find_interpreter("imagined", NOWHERE) is None


def test_the_configuration_comes_before_a_managed_environment_and_that_before_ours(folders: Path) -> None:
    managed = make_managed("imagined")
    found = find_interpreter("imagined", HERE)
    assert found is not None
    assert (found.python, found.origin) == (managed, "managed")
    configure(folders, '[runtimes.imagined]\npython = "/opt/some/python"\n')
    found = find_interpreter("imagined", HERE)
    assert found is not None
    assert (found.python, found.origin) == ("/opt/some/python", "configured")
    other = find_interpreter("another", HERE)
    assert other is not None
    assert other.origin == "own"


def test_a_configured_interpreter_may_be_a_command(folders: Path) -> None:
    configure(folders, '[runtimes.imagined]\npython = "sh"\n')
    assert Path(interpreter_for("imagined", NOWHERE)).is_absolute()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[runtimes", "is not TOML"),
        ("runtimes = 3", "runtimes is not a table"),
        ("[runtimes]\nimagined = 3", "imagined is not a table"),
        ("[runtimes.imagined]\npython = 3", "runtimes.imagined.python is not the path of an interpreter"),
        ('[runtimes.imagined]\npython = ""', "runtimes.imagined.python is not the path of an interpreter"),
    ],
)
def test_a_broken_configuration_is_named(folders: Path, text: str, fault: str) -> None:
    configure(folders, text)
    with pytest.raises(InputError, match=fault) as error:
        find_interpreter("imagined", HERE)
    assert error.value.where == str(folders / "config" / "config.toml")


def test_an_environment_is_made_used_and_removed(tmp_path: Path) -> None:
    requirement = wheel(tmp_path)
    told: list[str] = []
    python = install("imagined", requirement, progress=told.append)
    assert any("attainable_imagined" in line or "attainable-imagined" in line for line in told)
    assert interpreter_for("imagined", requirement) == str(python)
    assert installed_version(str(python), requirement) == "1.5"
    assert subprocess.run([python, "-I", "-c", "import attainable_imagined"], check=False).returncode == 0
    assert left_behind(tmp_path) == ["imagined"]

    # it is there: nothing is done
    told.clear()
    assert install("imagined", wheel(tmp_path, version="2.0"), progress=told.append) == python
    assert told == []
    install("imagined", wheel(tmp_path, version="2.0"), upgrade=True)
    assert installed_version(str(python), requirement) == "2.0"
    assert left_behind(tmp_path) == ["imagined"]

    # what cannot be made leaves what was there
    with pytest.raises(RuntimeRefused):
        install("imagined", wheel(tmp_path, version="3.0", code="import attainable_missing"), upgrade=True)
    assert installed_version(str(python), requirement) == "2.0"

    assert remove("imagined")
    assert not remove("imagined")
    assert find_interpreter("imagined", requirement) is None
    assert left_behind(tmp_path) == []


def test_nothing_is_left_of_an_installation_that_failed(tmp_path: Path) -> None:
    missing = Requirement(module="imagined", distribution="imagined", packages=(str(tmp_path / "imagined.whl"),))
    told: list[str] = []
    with pytest.raises(RuntimeRefused, match=r"the installation failed with exit code 1: .*imagined"):
        install("imagined", missing, progress=told.append)
    assert told
    assert left_behind(tmp_path) == []
    assert find_interpreter("imagined", missing) is None


def test_an_installation_that_is_interrupted_leaves_nothing_and_no_process(tmp_path: Path) -> None:
    before = children()

    def interrupt(line: str) -> None:
        # pip is still at work when it says so, unless this process was slow to read it
        if line.startswith("Processing"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install("imagined", wheel(tmp_path), progress=interrupt)
    assert children() == before
    assert left_behind(tmp_path) == []


def test_leftovers_of_a_killed_installation_go_with_the_next_one(tmp_path: Path) -> None:
    runtimes = tmp_path / "cache" / "runtimes"
    for name in (".imagined-old", ".imagined-new", ".another-old"):
        (runtimes / name).mkdir(parents=True)
    two_days_ago = time.time() - 2 * 24 * 3600
    for name in (".imagined-old", ".another-old"):
        os.utime(runtimes / name, (two_days_ago, two_days_ago))
    with pytest.raises(RuntimeRefused):
        install("imagined", NOWHERE, python="/no/such/python")
    # a young one may still be in the making, and the others are somebody else's
    assert left_behind(tmp_path) == [".another-old", ".imagined-new"]


def test_an_interpreter_that_does_not_exist_makes_no_environment(tmp_path: Path) -> None:
    with pytest.raises(RuntimeRefused, match="/no/such/python: cannot be started: No such file"):
        install("imagined", NOWHERE, python="/no/such/python")
    assert left_behind(tmp_path) == []


def test_where_nothing_can_be_written_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(RuntimeRefused, match="no environment can be made") as refusal:
        install("imagined", NOWHERE)
    assert "ATTAINABLE_CACHE" in refusal.value.help


def test_the_version_of_what_is_not_there_is_unknown() -> None:
    assert installed_version(sys.executable, HERE) is not None
    assert installed_version(sys.executable, NOWHERE) is None
    assert installed_version("/no/such/python", HERE) is None
