"""One folder for all temporary files, and nothing left after an interrupt."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest

from attainable.errors import RuntimeRefused
from attainable.measurement.shelter import sheltered


@pytest.fixture(autouse=True)
def _hears_of_interrupts() -> Generator[None]:
    """A program that a shell started in the background ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_temporary_files_lie_in_one_folder_that_goes(temporary: Path) -> None:
    with sheltered() as folder:
        assert folder.parent == temporary
        made = Path(tempfile.mkdtemp())
        assert made.parent == folder
        (made / "left").write_text("something")
    assert list(temporary.iterdir()) == []
    assert tempfile.gettempdir() == str(temporary)


def test_an_interrupt_kills_children_and_removes_the_folder(temporary: Path) -> None:
    children: list[subprocess.Popen[bytes]] = []
    with pytest.raises(KeyboardInterrupt), sheltered():
        children.append(subprocess.Popen(["sleep", "60"], start_new_session=True))
        os.kill(os.getpid(), signal.SIGINT)
    (child,) = children
    child.returncode = -signal.SIGKILL  # it was waited for
    assert not Path(f"/proc/{child.pid}").exists()
    assert list(temporary.iterdir()) == []


def test_an_interrupt_while_the_folder_is_made_waits_until_it_can_be_removed(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = tempfile.mkdtemp

    def interrupted(prefix: str) -> str:
        folder = make(prefix=prefix)
        os.kill(os.getpid(), signal.SIGINT)
        return folder

    monkeypatch.setattr(tempfile, "mkdtemp", interrupted)
    with pytest.raises(KeyboardInterrupt), sheltered():
        pytest.fail("it went on")
    assert list(temporary.iterdir()) == []


def test_a_second_interrupt_does_not_stop_the_cleaning(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted: list[int] = []

    def impatient() -> list[int]:
        os.kill(os.getpid(), signal.SIGINT)
        interrupted.append(signal.SIGINT)
        return []

    monkeypatch.setattr("attainable.measurement.shelter._children", impatient)
    with pytest.raises(KeyboardInterrupt), sheltered():
        raise KeyboardInterrupt
    assert interrupted == [signal.SIGINT]
    assert list(temporary.iterdir()) == []


def test_an_interrupt_that_came_up_elsewhere_kills_children_too(temporary: Path) -> None:
    # as in a destructor, or while the block is being left: Python tells of the exception, but not here
    with sheltered():
        child = subprocess.Popen(["sleep", "60"], start_new_session=True)
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    child.returncode = -signal.SIGKILL  # it was waited for
    assert not Path(f"/proc/{child.pid}").exists()
    assert list(temporary.iterdir()) == []


def test_the_usual_handler_is_back_afterwards(temporary: Path) -> None:
    with sheltered():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with sheltered():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert list(temporary.iterdir()) == []


def test_without_room_for_a_folder_it_is_refused(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "gone"))
    with pytest.raises(RuntimeRefused, match="no temporary folder can be made"), sheltered():
        pass
