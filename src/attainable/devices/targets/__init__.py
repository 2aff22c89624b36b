"""Targets: what the toolchains of accelerators and runtimes take, one TOML file each, every fact with its document."""

from pathlib import Path

from attainable.devices.targets.target import Target
from attainable.errors import unknown_name

__all__ = ["Target", "load_target", "names"]

_TABLES = Path(__file__).parent


def names() -> tuple[str, ...]:
    """The targets that ship with a support table, sorted."""
    return tuple(sorted(path.stem for path in _TABLES.glob("*.toml")))


def load_target(name: str) -> Target:
    """The target of this name, or the one that a user's own table (``*.toml``) describes.

    Raises:
        UnknownName: no such target.
        InputError: the file is no valid table; all faults are listed.
    """
    # tomllib costs some milliseconds, which only a check has use for
    from attainable.devices.targets.table import read_table

    if name.endswith(".toml"):
        return read_table(Path(name).expanduser())
    known = names()
    if name not in known:
        raise unknown_name("target", name, known, also="all: attainable check --targets; your own: a .toml file")
    return read_table(_TABLES / f"{name}.toml")
