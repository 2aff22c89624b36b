"""``attainable doctor``: the screen, the record, and the exit code."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from attainable.analysis.checkup import Checkup, judged
from attainable.cli.doctor_shown import print_checkup
from attainable.names import clean
from attainable.runtimes.builds import Build
from attainable.timing.obstacles import Obstacle
from tests.cli.shown import Command
from tests.report.evil import EVIL_NAMES

ENVIRONMENT = {
    "cpu": "Toy 9", "cores": "4", "clock before": "3.1e+09 Hz", "clock after": "3.2e+09 Hz",
    "memory": "17179869184 bytes", "hand-over 0-1 before": "3e-07 s", "hand-over 0-1 after": "5.7e-08 s",
    "governor": "unknown", "cpu quota": "none",
}  # fmt: skip
BUILDS = [
    Build("onnxruntime", "usable", version="1.31.1", origin="own"),
    Build("openvino", "missing"),
    Build("ncnn", "broken", origin="managed", python="/cache/ncnn/bin/python", fault="ImportError: libGL.so.1"),
    Build("torch", "slow", origin="own"),
]
OBSTACLES = [
    Obstacle("others", "unusable", {"seen": "other processes used 91 % of the machine"}),
    Obstacle("governor", "disturbs", {"governor": "powersave"}),
    Obstacle("virtual", "notable"),
]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Checkup]:
    """What the command finds, as the last of this list."""
    results: list[Checkup] = []
    monkeypatch.setattr("attainable.analysis.checkup.checkup", lambda: results[-1])
    return results


def test_a_fine_machine_exits_with_0(attainable: Command, found: list[Checkup]) -> None:
    found.append(judged(BUILDS[:1], [], ENVIRONMENT))
    shown = attainable("doctor")
    assert (shown.code, shown.err) == (0, "")
    assert "Fine: nothing disturbs measuring here." in shown.out
    assert "onnxruntime   1.31.1   usable" in shown.out


def test_a_disturbed_machine_exits_with_0_and_an_unusable_one_with_1(attainable: Command, found: list[Checkup]) -> None:
    found.append(judged(BUILDS, OBSTACLES[1:], ENVIRONMENT))
    assert attainable("doctor").code == 0
    found.append(judged(BUILDS, OBSTACLES, ENVIRONMENT))
    assert attainable("doctor").code == attainable("doctor", "--json").code == 1


def test_everything_is_told_with_what_to_do(attainable: Command, found: list[Checkup]) -> None:
    found.append(judged(BUILDS, OBSTACLES, ENVIRONMENT))
    shown = " ".join(attainable("doctor").out.split())
    for part in (
        "openvino - not installed attainable runtimes install openvino",
        "ncnn - installed, but broken ImportError: libGL.so.1 its own environment: /cache/ncnn/bin/python "
        "install it again: attainable runtimes install ncnn --upgrade",
        "torch - slow to start it did not answer in time",
        "No time can be believed while - other processes used 91 % of the machine Close them",
        "Times vary more than they need to - the governor powersave lowers the clock",
        "sudo cpupower frequency-set --governor performance",
        "To know when reading times - a hypervisor is in between",
        "Unusable: no time that is measured here now can be believed.",
    ):
        assert part in shown


def test_the_machine_is_shown_with_readable_numbers_as_it_was_last(attainable: Command, found: list[Checkup]) -> None:
    found.append(judged(BUILDS, [], ENVIRONMENT))
    shown = " ".join(attainable("doctor").out.split())
    for part in ("processor Toy 9", "clock, measured 3.20 GHz", "memory 16.0 GiB", "hand-over, processors 0-1 57.0 ns"):
        assert part in shown
    assert "3.10 GHz" not in shown
    assert "300 ns" not in shown
    assert "governor" not in shown


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_screen(
    attainable: Command, found: list[Checkup], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    found.append(judged(BUILDS, OBSTACLES, ENVIRONMENT))
    monkeypatch.setenv("COLUMNS", str(width))
    assert max(map(len, attainable("doctor").out.splitlines())) <= width


def test_the_record_has_sentences_and_environment(attainable: Command, found: list[Checkup]) -> None:
    found.append(judged(BUILDS, OBSTACLES, ENVIRONMENT))
    record = json.loads(attainable("doctor", "--json").out)
    assert (record["state"], record["schema_version"]) == ("unusable", 1)
    assert [runtime["state"] for runtime in record["runtimes"]] == ["usable", "missing", "broken", "slow"]
    assert record["disturbers"][0] == {
        "kind": "others",
        "severity": "unusable",
        "observation": "other processes used 91 % of the machine",
        "advice": "Close them, or measure when they are done; `top` says which they are.",
    }
    assert record["environment"] == ENVIRONMENT


def test_two_machines_are_compared(attainable: Command, found: list[Checkup]) -> None:
    found.append(judged(BUILDS[:1], [], ENVIRONMENT | {"isa": "avx2 avx512_vnni", "governor": "powersave"}))
    Path("board.json").write_text(
        json.dumps({"environment": ENVIRONMENT | {"isa": "avx2", "governor": "performance"}, "more": 1})
    )
    sentences = [
        "governor: powersave on this machine, performance on the other",
        "this machine has AVX-512 VNNI, the other has not",
    ]
    shown = attainable("doctor", "--compare-environment", "board.json")
    assert shown.code == 0
    assert "What differs from board.json" in shown.out
    assert all(f"- {sentence}" in shown.out for sentence in sentences)
    record = json.loads(attainable("doctor", "--compare-environment", "board.json", "--json").out)
    assert record["differences"] == sentences


def test_a_record_of_the_doctor_differs_in_nothing_from_itself(attainable: Command, found: list[Checkup]) -> None:
    found.append(judged(BUILDS, OBSTACLES[1:], ENVIRONMENT))
    Path("here.json").write_text(attainable("doctor", "--json").out)
    shown = attainable("doctor", "--compare-environment", "here.json")
    assert "Nothing that matters differs from here.json" in shown.out


@pytest.mark.parametrize("content", ["", "{}", '{"environment": 3}', '{"environment": {"cpu": 3}}', "[" * 5000, "\xff"])
def test_a_file_that_is_no_record_is_refused(attainable: Command, found: list[Checkup], content: str) -> None:
    Path("board.json").write_text(content, encoding="latin-1")
    shown = attainable("doctor", "--compare-environment", "board.json")
    assert (shown.code, shown.out, found) == (2, "", [])
    assert "board.json: holds no environment" in shown.err
    assert "attainable doctor --json" in shown.err
    assert attainable("doctor", "--compare-environment", "absent.json").code == 2


def test_this_machine_is_looked_at(attainable: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path))
    shown = attainable("doctor", "--json")
    record = json.loads(shown.out)
    # whether it is quiet now is not ours to say
    assert shown.code == (1 if record["state"] == "unusable" else 0)
    assert "onnxruntime" in [each["runtime"] for each in record["runtimes"]]


@pytest.mark.parametrize("name", EVIL_NAMES.values(), ids=EVIL_NAMES.keys())
def test_a_terminal_obeys_no_runtime_and_no_machine(name: str) -> None:
    build = Build(name, "broken", version=name, python=name, origin="configured", fault=name)
    screen = io.StringIO()
    print_checkup(
        judged([build], [Obstacle("governor", "disturbs", {"governor": name})], {"cpu": name}),
        Console(file=screen, width=120),
    )  # fmt: skip
    text = screen.getvalue()
    assert all(character.isprintable() or character == "\n" for character in text)
    assert clean(name)[:10] in text
    assert len(text) < 20_000
