"""``attainable devices calibrate``: measure this machine and keep it as the device "local"."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from attainable.cli.options import Json

if TYPE_CHECKING:
    from attainable.calibration.roofs import Progress
    from attainable.devices import Device

Seconds = Annotated[
    float | None,
    typer.Option("--seconds", min=1.0, max=3600.0, help="Time for all of it. Default: 22, or 90 with --full."),
]
Full = Annotated[bool, typer.Option("--full", help="Four times as long, for a busy machine.")]


Which = Annotated[
    str, typer.Option("--device", metavar="local|cuda[:N]", help="This machine's processor, or its CUDA device N.")
]


def calibrate(
    *, device: Which = "local", seconds: Seconds = None, full: Full = False, json: Json = False
) -> None:  # fmt: skip
    """Measure the roofs of this machine and keep them as the device "local", or of a GPU as "cuda-0"."""
    from attainable.devices import local_profile_path
    from attainable.measurement.shelter import sheltered

    index = _cuda_index(device)
    with sheltered(), _bar() as progress:
        measured = _processor(seconds, progress, full=full) if index is None else _cuda(index, seconds, progress)
    if json:
        from attainable.analysis.device_sheet import device_sheet
        from attainable.analysis.records import as_json

        path = local_profile_path().with_name(f"{measured.name}.toml")
        sys.stdout.write(as_json(device_sheet(measured, origin="measured", path=str(path))))
    else:
        from attainable.cli.devices_shown import print_device

        print_device(measured)
    _warn(measured, full=full)


def _cuda_index(device: str) -> int | None:
    """The number of a CUDA device; None for the processor. Raises UnknownName."""
    from attainable.errors import unknown_name

    name, _, number = device.partition(":")
    if device == "local":
        return None
    if name != "cuda" or (number and not number.isdecimal()):
        raise unknown_name("device to calibrate", device, ("local", "cuda", "cuda:1"))
    return int(number or 0)


def _processor(seconds: float | None, progress: "Progress", *, full: bool) -> "Device":
    from attainable.calibration.local import FULL, QUICK, local_device

    return local_device(refresh=True, effort=FULL if full else QUICK, seconds=seconds, progress=progress)


def _cuda(index: int, seconds: float | None, progress: "Progress") -> "Device":
    from attainable.calibration.cuda import CUDA_SECONDS, cuda_device

    return cuda_device(index, seconds=seconds or CUDA_SECONDS, progress=lambda stage: progress(0.0, stage))


def _warn(device: "Device", *, full: bool) -> None:
    """Say on stderr what disturbed the calibration, and what to try."""
    from attainable.calibration.local_profile import NOISY
    from attainable.cli.screen import open_console, show_asides

    disturbed = dict(device.conditions).get(NOISY)
    if disturbed is not None:
        command = "attainable devices calibrate" + ("" if full else " --full")
        show_asides(open_console(sys.stderr), [f"this calibration was noisy: {disturbed}; try: {command}"], ())


@contextmanager
def _bar() -> "Generator[Progress]":
    """A progress bar on stderr; one sentence where that is no terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from attainable.cli.screen import open_console
    from attainable.cli.terminal import print_progress

    console = open_console(sys.stderr)
    if not console.is_terminal:
        print_progress("measuring the roofs of this machine")
        yield _nobody
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("measuring this machine", total=1.0)
        yield lambda done, what: bar.update(task, completed=done, description=what)


def _nobody(done: float, what: str) -> None:
    del done, what
