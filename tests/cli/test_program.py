"""The program itself, before any command of it."""

import subprocess
import sys

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


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=120, check=False)


def test_the_package_is_the_program() -> None:
    shown = program("-m", "attainable", "--version")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith("attainable ")


def test_an_interrupt_while_it_is_imported_leaves_no_traceback() -> None:
    shown = program("-c", INTERRUPTED_IMPORT)
    assert (shown.returncode, shown.stdout, shown.stderr) == (130, "", "")
