"""Every device that has a profile: measured here, the user's own, and those that ship with the tool.

A name stands for the first profile that has it, in this order: measured on this machine, ``./devices`` of the project,
``devices`` in the user's config folder, shipped. A profile that lies further back is hidden, and said to be.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Literal

from attainable.devices.device import Device
from attainable.devices.folders import PROJECT_FOLDER, config_folder, local_profile_path
from attainable.errors import InputError, UnknownName, unknown_name

LOCAL = "local"
"""The name of the machine that runs the tool."""

Origin = Literal["measured", "project", "user", "shipped"]
"""Measured on this machine, from ``./devices``, from the config folder, or shipped."""

MOST_PROFILES = 1000
"""Files of one folder that are looked at: a folder called ``devices`` may hold something else."""

_MOST_FAULTS = 100
"""Faults of one file that a message lists."""

_SHIPPED = Path(__file__).parent / "profiles"


@dataclass(frozen=True, slots=True)
class Entry:
    """A profile by name.

    Attributes:
        name: stem of its file.
        path: its file, which may be no valid profile.
        origin: who it comes from.
        hides: profiles of the same name that it stands before.
    """

    name: str
    path: Path
    origin: Origin
    hides: "tuple[Entry, ...]" = ()

    def read(self) -> Device:
        """The device that the file describes.

        Raises:
            InputError: the file is no valid profile, or does not have the name of its file; all faults are listed.
        """
        return _read(self.path, self.name)


def names() -> tuple[str, ...]:
    """The devices that ship with a description, sorted; a user's own and this machine come on top."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.toml")))


def entries() -> tuple[Entry, ...]:
    """Every profile that a name stands for, measured ones first, then by name; no file is opened."""
    found: dict[str, Entry] = {}
    for origin, path in _files():
        entry = Entry(path.stem, path, origin)
        first = found.setdefault(path.stem, entry)
        if first is not entry:
            found[path.stem] = replace(first, hides=(*first.hides, entry))
    return tuple(sorted(found.values(), key=_measured_first))


def find_entry(name: str) -> Entry:
    """The profile that a name stands for, or an abbreviation of it.

    Capitals, spaces, dashes and underscores do not matter, and the end may be left out where that leaves one name.

    Raises:
        UnknownName: no device has this name, several begin with it, or ``local`` is not calibrated yet.
    """
    known = {entry.name: entry for entry in entries()}
    if name in known:
        return known[name]
    wanted = _letters(name)
    every = dict.fromkeys((LOCAL, *known))
    fitting = [each for each in every if wanted and _letters(each) == wanted]
    fitting = fitting or [each for each in every if wanted and _letters(each).startswith(wanted)]
    if len(fitting) > 1:
        raise UnknownName(
            f"{len(fitting)} devices begin with {name!r}", help=f"name one of them: {', '.join(sorted(fitting))}"
        )
    if not fitting:
        raise unknown_name(
            "device", name, every, also="all: `attainable devices list`; your own: the path of a .toml file"
        )
    if fitting[0] not in known:
        raise UnknownName("this machine is not calibrated yet", where=LOCAL, help="run `attainable devices calibrate`")
    return known[fitting[0]]


def load_device(name: str) -> Device:
    """The device of this name, an abbreviation of it, ``local`` for this machine, or the path of a ``.toml`` file.

    Raises:
        UnknownName: no such device, several that begin alike, or ``local`` is not calibrated yet.
        InputError: the file is no valid profile; all faults are listed.
    """
    return _read(Path(name).expanduser(), None) if name.endswith(".toml") else find_entry(name).read()


def _files() -> Iterator[tuple[Origin, Path]]:
    """The files of all folders, those that win first."""
    folders: tuple[tuple[Origin, Path], ...] = (
        ("measured", local_profile_path().parent),
        ("project", PROJECT_FOLDER),
        ("user", config_folder() / "devices"),
        ("shipped", _SHIPPED),
    )
    for origin, folder in folders:
        for path in sorted(islice(_profiles(folder), MOST_PROFILES)):
            # `local` is this machine in every project
            if origin == "measured" or path.stem != LOCAL:
                yield origin, path


def _profiles(folder: Path) -> Iterable[Path]:
    # a name that begins with a dot is an editor's copy or a temporary file
    return (path for path in folder.glob("*.toml") if not path.name.startswith("."))


def _measured_first(entry: Entry) -> tuple[bool, bool, str]:
    return entry.name != LOCAL, entry.origin != "measured", entry.name


_BETWEEN = re.compile(r"[\s_-]+")


def _letters(name: str) -> str:
    return _BETWEEN.sub("", name).casefold()


def _read(path: Path, name: str | None) -> Device:
    """The device of a file; ``name`` is what its profile must be called, None for any."""
    # tomllib costs some milliseconds, which `import attainable` has no use for.
    from attainable.devices.profile import read_profile
    from attainable.devices.toml_file import require_small_text

    require_small_text(path, "device profile")
    try:
        device = read_profile(path)
    except (RecursionError, OverflowError) as error:
        raise InputError("the device profile nests too deep or has a number too large", where=str(path)) from error
    except InputError as error:
        # only a file whose tables could be read lists faults
        wrong = _wrong_name(path, name) if error.faults else []
        faults = [*wrong, *error.faults]
        if not faults:
            raise
        raise _faulty(path, faults, error.help) from error
    except ValueError as error:
        raise InputError("the device profile has a number with too many digits", where=str(path)) from error
    if name is not None and device.name != name:
        raise _faulty(path, _wrong_name(path, name), "")
    return device


def _wrong_name(path: Path, name: str | None) -> list[str]:
    """The fault of a profile that is called otherwise than its file; a name that is missing is a fault already."""
    import tomllib

    with path.open("rb") as stream:
        called = tomllib.load(stream).get("name")
    if name is None or not isinstance(called, str) or not called.strip() or called == name:
        return []
    return [f"is {called!r}, must be that of the file, {name!r} @ name"]


def _faulty(path: Path, faults: list[str], help: str) -> InputError:
    count, listed = len(faults), faults[:_MOST_FAULTS]
    if count > len(listed):
        listed.append(f"and {count - len(listed)} more")
    return InputError(
        f"the device profile has {count} fault{'s' if count > 1 else ''}", where=str(path), faults=listed, help=help
    )
