"""The program itself, before any command of it."""

import signal
import subprocess
import sys

import pytest

INTERRUPTED_IMPORT = """
import sys

class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "attainable.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
from attainable.__main__ import main
main()
"""


INTERRUPTED_CLASS = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell started the tests in the background

class Field:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), signal.SIGINT)

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "attainable.cli":
            type("Made", (), {"field": Field()})

sys.meta_path.insert(0, Interrupting())
from attainable.__main__ import main
sys.argv[1:] = ["explain", "conv"]
main()
print("it went on")
"""


INTERRUPTED_END = """
import atexit, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell started the tests in the background
atexit.register(os.kill, os.getpid(), signal.SIGINT)
from attainable.__main__ import main
sys.argv[1:] = ["--version"]
main()
"""


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=120, check=False)


def test_the_package_is_the_program() -> None:
    shown = program("-m", "attainable", "--version")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith("attainable ")


def test_an_interrupt_while_it_is_imported_leaves_no_traceback() -> None:
    shown = program("-c", INTERRUPTED_IMPORT)
    assert (shown.returncode, shown.stdout, shown.stderr) == (130, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="has no timer that sends signals")
def test_an_interrupt_waits_until_a_class_is_made() -> None:
    shown = program("-c", INTERRUPTED_CLASS)
    assert (shown.returncode, shown.stderr.strip()) == (130, "")
    assert "it went on" not in shown.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="has no signals that end a program")
def test_an_interrupt_of_a_program_that_is_done_leaves_no_traceback() -> None:
    shown = program("-c", INTERRUPTED_END)
    assert (shown.returncode, shown.stderr) == (-signal.SIGINT, "")
