"""``attainable measure --host``: every number is of that machine, and what cannot be asked of it is refused."""

import contextlib
import json
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from attainable.timing.conditions import read_cpu_times
from tests.cli.shown import Command
from tests.processes import PATIENCE_SECONDS
from tests.runtimes.hosts import configure, fake_ssh, sshd
from tests.transforms.nets import image, residual_network


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return residual_network().save(folder, [image(batch="N")], "y")


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attainable: Command) -> Path:
    del attainable  # it takes the width away
    monkeypatch.setenv("COLUMNS", "80")
    configure(tmp_path / "configuration", monkeypatch, f'[hosts.board]\npython = "{sys.executable}"\n')
    return fake_ssh(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    with sshd(tmp_path_factory.mktemp("sshd")) as configuration:
        yield configuration


def test_a_run_behind_a_real_sshd(
    attainable: Command, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Path
) -> None:
    configure(tmp_path / "configuration", monkeypatch, f'[hosts.board]\npython = "{sys.executable}"\n')
    monkeypatch.setenv("ATTAINABLE_SSH_CONFIG", str(server))
    shown = attainable("measure", model, "--host", "board", "--time-budget", "1s", "--json")
    assert shown.code == 0
    run = json.loads(shown.out)
    assert run["host"]["name"] == "board"
    assert run["correctness"]["reference"].startswith("onnxruntime ")
    assert not [warning for warning in run["warnings"] if "wrong outputs" in warning]
    assert run["kernels"]


def test_a_run_says_where_it_was_and_on_what(attainable: Command, model: Path, ssh: Path) -> None:
    shown = attainable("measure", model, "--host", "me@board", "--time-budget", "1s")
    assert shown.code == 0
    assert (ssh / "arguments").read_text().splitlines()[-2] == "me@board"
    for words in (
        "me@board",
        "measured there:",
        "logical processors",
        "others used",
        "Kernels by kind",
        "the first run",
    ):
        assert words in shown.out, words
    assert "energy: not available: the counters of another machine are not read" in " ".join(shown.out.split())
    assert all(len(line) <= 80 for line in shown.out.splitlines())


def test_a_run_as_json_has_the_conditions_of_the_host(attainable: Command, model: Path, ssh: Path) -> None:
    shown = attainable(
        "measure", model, "--host", "board", "--threads", "2", "--batch", "2", "--period", "5ms", "--time-budget", "1s",
        "--json",
    )  # fmt: skip
    run = json.loads(shown.out)
    assert (run["host"]["name"], run["host"]["python"]) == ("board", sys.executable)
    assert run["host"]["conditions"]["system"].startswith("Linux ")
    assert (run["threads"], run["batch"], run["period_seconds"]) == (2, 2, 0.005)
    assert (run["surroundings"]["others_share"] is None) is (read_cpu_times() is None)
    assert (run["surroundings"]["clock_before_hertz"], run["surroundings"]["hand_over_seconds"]) == (None, None)
    assert run["energy"]["joules"] is None
    assert any("hand over is not measured" in warning for warning in run["warnings"])
    assert (ssh / "arguments").exists()


def test_each_cell_of_a_table_is_measured_there(attainable: Command, model: Path, ssh: Path) -> None:
    shown = attainable(
        "measure", model, "--host", "board", "--batch", "1,2", "--time-budget", "0.5s", "--json"
    )  # fmt: skip
    runs = json.loads(shown.out)["runs"]
    assert [(run["host"]["name"], run["batch"]) for run in runs] == [("board", 1), ("board", 2)]
    assert (ssh / "arguments").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--host", "-oProxyCommand=id"], "--host: '-oProxyCommand=id' is no host"),
        (["--host", "board; id"], "--host: 'board; id' is no host"),
        (["--host", "board", "--pin"], "--host: cannot be combined with --pin"),
        (["--host", "board", "--load", "cpu=1"], "--host: cannot be combined with --load"),
        (["--host", "board", "--beside", "MODEL"], "--host: cannot be combined with --beside"),
        (["--host", "board", "--vs", "MODEL"], "--host: cannot be combined with --vs"),
        (["--host", "board", "--open-batch"], "--host: cannot be combined with --vs or --open-batch"),
    ],
)
def test_what_cannot_be_asked_of_a_host_is_refused_before_anything_is_started(
    attainable: Command, model: Path, ssh: Path, flags: list[str], message: str
) -> None:
    shown = attainable("measure", model, *(str(model) if flag == "MODEL" else flag for flag in flags))
    assert shown.code == 2
    assert message in shown.err
    assert "help: " in shown.err
    assert not (ssh / "arguments").exists()


def test_a_host_without_the_runtime_says_how_to_get_it(
    attainable: Command, model: Path, ssh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    bare = tmp_path / "bare" / "bin" / "python"
    configure(tmp_path / "configuration", monkeypatch, f'[hosts.board]\npython = "{bare}"\n')
    shown = attainable("measure", model, "--host", "board")
    assert shown.code == 3
    assert f"error: board: onnxruntime is not installed for {bare} there" in shown.err
    assert "python3 -m venv ~/measure && ~/measure/bin/pip install 'onnxruntime>=" in " ".join(shown.err.split())
    assert (ssh / "arguments").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_when_it_is_interrupted_nothing_is_left_there(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Path, number: signal.Signals
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    configure(
        tmp_path / "configuration", monkeypatch, f'[hosts.board]\npython = "{sys.executable}"\nfolder = "{there}"\n'
    )
    monkeypatch.setenv("ATTAINABLE_SSH_CONFIG", str(server))
    monkeypatch.setenv("TMPDIR", str(here))
    # Ctrl-C is ignored where a shell started the tests in the background.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = [sys.executable, "-c", f"{heard}; from attainable.__main__ import main; main()"]
    command = [*program, "measure", str(model), "--host", "board", "--time-budget", "60s", "--period", "50ms"]
    with (tmp_path / "said").open("wb") as said:
        measuring = subprocess.Popen(command, stdout=said, stderr=said)
    await_that(lambda: bool(list(there.glob("attainable-*/input-0.npy"))), process=measuring)
    measuring.send_signal(number)
    measuring.wait(timeout=60)
    await_that(lambda: not list(there.iterdir()))
    await_that(lambda: not workers_of(there))
    if number is not signal.SIGKILL:
        assert not list(here.iterdir())
        assert measuring.returncode == 128 + number


def await_that(is_so: Callable[[], bool], process: "subprocess.Popen[bytes] | None" = None) -> None:
    end = time.monotonic() + 4 * PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < end
        assert process is None or process.poll() is None
        time.sleep(0.02)


def workers_of(folder: Path) -> list[str]:
    """Processes whose command names a file of the folder."""
    found: list[str] = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = command.read_bytes()
            if str(folder).encode() in words and b"worker.py" in words:
                found.append(command.parent.name)
    return found


def test_a_connection_that_ends_is_an_error(
    attainable: Command, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path / "configuration", monkeypatch, "")
    fake_ssh(
        tmp_path, monkeypatch, before="echo 'ssh: connect to host board port 22: Connection refused' >&2; exit 255"
    )
    shown = attainable("measure", model, "--host", "board")
    assert shown.code == 3
    assert "error: board: no ssh server answers there; last words: ssh: connect to host board" in shown.err
