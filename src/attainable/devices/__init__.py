"""Hardware: described in ``profiles/*.toml``, in a user's own file, or measured on this machine."""

import os
from pathlib import Path

from attainable.devices.device import Basis, Device
from attainable.devices.figures import Bandwidth, Ceiling, Engine, Kind, Memory, Roof, Sourced
from attainable.devices.traits import Alignment, Efficiency
from attainable.errors import UnknownName, unknown_name

__all__ = [
    "LOCAL",
    "Alignment",
    "Bandwidth",
    "Basis",
    "Ceiling",
    "Device",
    "Efficiency",
    "Engine",
    "Kind",
    "Memory",
    "Roof",
    "Sourced",
    "cache_folder",
    "load_device",
    "local_profile_path",
    "names",
]

LOCAL = "local"
"""The name of the machine that runs the tool."""

_PROFILES = Path(__file__).parent / "profiles"


def names() -> tuple[str, ...]:
    """The devices that ship with a description, sorted; `LOCAL` comes on top once it is calibrated."""
    return tuple(sorted(path.stem for path in _PROFILES.glob("*.toml")))


def load_device(name: str) -> Device:
    """The device of this name: a described one, ``local`` for this machine, or the path of a profile (``*.toml``).

    Raises:
        UnknownName: no such device, or ``local`` is not calibrated yet.
        InputError: the file is no valid profile; all faults are listed.
    """
    # tomllib costs some milliseconds, which `import attainable` has no use for.
    from attainable.devices.profile import read_profile

    if name.endswith(".toml"):
        return read_profile(Path(name).expanduser())
    if name == LOCAL:
        path = local_profile_path()
        if not path.is_file():
            raise UnknownName(
                "this machine is not calibrated yet", where=LOCAL, help="run `attainable devices calibrate`"
            )
        return read_profile(path)
    known = names()
    if name not in known:
        raise unknown_name("device", name, (LOCAL, *known), also="your own: the path of a .toml file")
    return read_profile(_PROFILES / f"{name}.toml")


def cache_folder() -> Path:
    """Where the tool keeps what it can measure again.

    ``$ATTAINABLE_CACHE``, else ``$XDG_CACHE_HOME/attainable``, else ``~/.cache/attainable``. The folder may not exist.
    """
    chosen = os.environ.get("ATTAINABLE_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "attainable"


def local_profile_path() -> Path:
    """The file that holds the calibration of this machine; it may not exist."""
    return cache_folder() / "devices" / "local.toml"
