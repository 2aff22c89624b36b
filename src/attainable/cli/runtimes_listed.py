"""The screen of ``attainable runtimes list``, and the progress of an installation."""

import contextlib
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import msgspec
from rich.console import Console
from rich.table import Column

from attainable.cli.screen import bare_table, open_console, plain, show
from attainable.names import short_name, short_sentence
from attainable.runtimes import RUNTIMES, runtime
from attainable.runtimes.environments import Origin, find_interpreter
from attainable.runtimes.installation import installed_version

__all__ = ["InstalledRuntime", "as_json", "installed_runtimes", "print_runtimes", "progress"]

_ORIGINS: dict[Origin | None, str] = {
    "configured": "config.toml",
    "managed": "its own environment",
    "own": "here",
    None: "not installed",
}


@dataclass(frozen=True, slots=True)
class InstalledRuntime:
    """A runtime as it is found here.

    Attributes:
        name: a key of ``RUNTIMES``.
        formats: of the files that it runs.
        precisions: that it can be asked for.
        origin: where its interpreter comes from; None where it is not installed.
        python: the interpreter; None where it is not installed.
        version: None where the interpreter does not have it.
        install: the command that installs it.
    """

    name: str
    formats: tuple[str, ...]
    precisions: tuple[str, ...]
    origin: Origin | None
    python: str | None
    version: str | None
    install: str


def installed_runtimes() -> list[InstalledRuntime]:
    """All runtimes. Interpreters other than this one are asked for the version; no runtime is imported.

    Raises:
        InputError: the configuration file is broken.
    """
    return [_installed(name) for name in RUNTIMES]


def _installed(name: str) -> InstalledRuntime:
    chosen = runtime(name)
    found = find_interpreter(name, chosen.requirement)
    return InstalledRuntime(
        name=name,
        formats=chosen.formats,
        precisions=chosen.precisions,
        origin=found.origin if found else None,
        python=found.python if found else None,
        version=installed_version(found.python, chosen.requirement) if found else None,
        install=f"attainable runtimes install {name}",
    )


def as_json(listed: Sequence[InstalledRuntime]) -> str:
    """The list as indented JSON, with a line end."""
    return msgspec.json.format(msgspec.json.encode({"runtimes": listed}), indent=2).decode() + "\n"


def print_runtimes(listed: Sequence[InstalledRuntime], console: Console | None = None) -> None:
    """Print a line a runtime, and how to install those that are missing."""
    out = console or open_console(sys.stdout)
    table = bare_table(
        Column(plain(title, "dim")) for title in ("runtime", "version", "runs", "precisions", "installed")
    )
    for each in listed:
        version = short_name(each.version or "") if each.version else "-"
        where = _ORIGINS[each.origin]
        if each.python is not None and each.version is None:
            where = f"{where}, but {short_sentence(each.python)} does not have it"
        precisions = ", ".join(each.precisions) or "the model's"
        table.add_row(*(plain(text) for text in (each.name, version, ", ".join(each.formats), precisions, where)))
    out.print()
    show(out, table)
    for each in listed:
        if each.version is None:
            show(out, plain(f"install {each.name}: {each.install}"))


@contextlib.contextmanager
def progress(name: str) -> Generator[Callable[[str], None]]:
    """Show on stderr what an installation is doing: its latest line on a terminal, all of them elsewhere."""
    aside = open_console(sys.stderr)
    if not aside.is_terminal:
        yield lambda line: aside.print(plain(line))
        return
    with aside.status(plain(f"installing {name}")) as status:
        yield lambda line: status.update(plain(f"installing {name}: {short_sentence(line)}"))
