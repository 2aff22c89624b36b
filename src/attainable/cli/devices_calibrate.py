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


def calibrate(*, seconds: Seconds = None, full: Full = False, json: Json = False) -> None:
    """Measure the roofs of this machine and keep them as the device "local"."""
    from attainable.analysis.device_sheet import device_sheet
    from attainable.calibration.local import FULL, QUICK, local_device
    from attainable.devices import local_profile_path

    with _bar() as progress:
        device = local_device(refresh=True, effort=FULL if full else QUICK, seconds=seconds, progress=progress)
    if json:
        from attainable.analysis.records import as_json

        sys.stdout.write(as_json(device_sheet(device, origin="local", path=str(local_profile_path()))))
    else:
        from attainable.cli.devices_shown import print_device

        print_device(device)
    _warn(device, full=full)


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
