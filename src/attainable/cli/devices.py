"""``attainable devices``: what models can be bounded on, and this machine's own roofs."""

from typing import Annotated

import typer


def list_devices() -> None:
    """List the devices, this machine first."""
    from attainable import devices

    titles = {name: devices.load_device(name).title for name in devices.names()}
    here = "this machine, measured" if devices.local_profile_path().is_file() else "this machine, not calibrated yet"
    width = max(map(len, (devices.LOCAL, *titles)))
    for name, title in {devices.LOCAL: here, **titles}.items():
        print(f"{name:{width}}  {title}")


def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A name from `attainable devices list`, or a .toml file.", show_default=False
        ),
    ],
) -> None:
    """Show a device's roofs, each with its source."""
    from attainable.cli.terminal import print_device
    from attainable.pipeline import device

    print_device(device(name))


def calibrate() -> None:
    """Measure the roofs of this machine and keep them as the device "local"."""
    from attainable.calibration.local import local_device
    from attainable.cli.terminal import print_device, print_progress

    print_progress("measuring the roofs of this machine, about 5 s")
    print_device(local_device(refresh=True))


COMMANDS = {"list": list_devices, "show": show, "calibrate": calibrate}
