"""What nvidia-smi prints, read; and nothing where it is not there."""

from collections.abc import Callable, Sequence

import pytest

from attainable.calibration import cuda_driver
from attainable.calibration.cuda_driver import power_limit, read_limits, read_under_load


class Smi:
    """Prints a line for each set of fields."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.commands: list[Sequence[str]] = []

    def __call__(self, command: Sequence[str]) -> str:
        self.commands.append(command)
        return self.lines.pop(0)


def test_limits() -> None:
    smi = Smi("570.86.15, 1980, 3201, 700.00, Enabled, 3\n")
    limits = read_limits("GPU-1", run=smi)
    assert limits == (
        ("driver", "570.86.15"),
        ("clock limit", "1980 MHz"),
        ("memory clock limit", "3201 MHz"),
        ("power limit", "700.00 W"),
        ("error correction", "Enabled"),
        ("use before the calibration", "3 %"),
    )
    assert power_limit(limits) == 700.0
    assert smi.commands[0][:2] == ["nvidia-smi", "--id=GPU-1"]
    assert smi.commands[0][2].startswith("--query-gpu=driver_version,clocks.max.sm,")


def test_what_a_gpu_does_not_tell_is_left_out() -> None:
    limits = read_limits("0", run=Smi("390.1, [N/A], [Not Supported], N/A, , 0"))
    assert limits == (("driver", "390.1"), ("use before the calibration", "0 %"))
    assert power_limit(limits) is None


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        ("0x0000000000000000", "nothing"),
        ("0x0000000000000001", "nothing"),  # idle
        ("0x0000000000000004", "power limit"),
        ("0x0000000000000060", "heat, heat, in hardware"),
    ],
)
def test_what_slows_it_down(mask: str, text: str) -> None:
    found = read_under_load("0", run=Smi("1755, 3201, 688.40, 61", mask))
    assert dict(found) == {
        "clock under load": "1755 MHz",
        "memory clock under load": "3201 MHz",
        "power under load": "688.40 W",
        "temperature under load": "61 degrees Celsius",
        "slowed down by": text,
    }


@pytest.mark.parametrize("answer", ["", "No devices were found\n", "1, 2\n"])
def test_an_answer_that_is_none(answer: str) -> None:
    assert read_limits("0", run=Smi(answer)) == ()
    assert read_under_load("0", run=Smi(answer, answer)) == ()


def test_a_device_without_nvidia_smi_is_not_asked_for() -> None:
    smi = Smi()
    assert read_limits("", run=smi) == read_under_load("", run=smi) == ()
    assert smi.commands == []


def always(answer: object) -> Callable[[object], object]:
    """A function that gives the same whatever it is asked."""

    def give(question: object) -> object:
        del question
        return answer

    return give


def test_a_machine_without_nvidia_smi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_driver.shutil, "which", always(None))
    assert read_limits("0") == ()


def test_a_program_that_fails_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_driver.shutil, "which", always("/bin/false"))
    assert read_limits("0") == ()
