"""Ctrl-C and SIGTERM at any moment: the program ends soon, and no process and no file of it is left."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.transforms.nets import image, residual_network

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

MOMENTS = int(os.environ.get("ATTAINABLE_INTERRUPTS", "2"))
"""Of each command; the environment can ask for many."""

COMMANDS = {
    "alone": ["measure", "{model}", "--time-budget", "4s"],
    "deployed": [
        "measure", "{model}", "--time-budget", "4s", "--beside", "{model}", "--load", "cpu=1,memory=1%",
        "--period", "20ms",
    ],
    "against": ["measure", "{model}", "--vs", "{model}", "--pairs", "6"],
    "table": ["measure", "{model}", "--threads", "1,2", "--time-budget", "1s"],
    "analysis": ["analyze", "{model}"],
    "advice": ["advise", "{model}"],
    "change": ["optimize", "{model}", "--apply", "bn-fold"],
    "calibration": ["devices", "calibrate"],
}  # fmt: skip

PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell started the tests in the background
from attainable.__main__ import main
main()
"""


def processes_with(mark: str) -> list[str]:
    """The command lines of the processes that were started with this text in their environment."""
    found: list[str] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z" and mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except (OSError, IndexError):
            continue
    return found


@pytest.mark.parametrize("moment", range(MOMENTS))
@pytest.mark.parametrize("command", COMMANDS)
def test_an_interrupt_leaves_no_process_and_no_file(command: str, moment: int, tmp_path: Path) -> None:
    model = residual_network().save(tmp_path, [image(size=96)], "y")
    temporary, work = tmp_path / "temporary", tmp_path / "work"
    temporary.mkdir()
    work.mkdir()
    arguments = [*(part.format(model=model) for part in COMMANDS[command]), "--json"]
    environment = {**os.environ, "TMPDIR": str(temporary), "ATTAINABLE_CACHE": str(tmp_path / "cache")}
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=work, start_new_session=True,
    )  # fmt: skip
    # Until its folder is there nothing was started; from then on every moment is as good as another.
    started = time.monotonic()
    while not list(temporary.iterdir()) and child.poll() is None and time.monotonic() < started + 120:
        time.sleep(0.002)
    generator = random.Random(f"{command} {moment}")  # noqa: S311
    time.sleep(generator.choice([0.05, 0.6, 3.0]) * generator.random())
    child.send_signal(number := generator.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP]))
    result, shown = child.communicate(timeout=120)
    end = time.monotonic() + 30
    while (left := processes_with(str(temporary))) and time.monotonic() < end:
        time.sleep(0.02)
    assert left == []
    assert [str(path) for path in temporary.rglob("*")] == []
    assert list(work.iterdir()) == []
    assert b"Traceback" not in shown, shown.decode()
    # It may have been done already, or come to its end before Python looked for signals: then the result is whole.
    if child.returncode in (0, 1):
        json.loads(result)
    else:
        # by the signal itself where it was done but for what Python does in the end
        assert child.returncode in (128 + number, -number)
