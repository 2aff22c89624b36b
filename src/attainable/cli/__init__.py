"""The command line: ``attainable COMMAND``. One file a command, listed in ``COMMANDS``.

stdout is the result; progress, warnings and errors go to stderr. Exit codes: 0 fine, 1 a budget or check failed,
2 usage or bad input, 3 partial result.
"""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from attainable import __version__
from attainable.cli import (
    advise,
    analyze,
    check,
    compare,
    convert,
    count,
    devices,
    doctor,
    explain,
    import_log,
    measure,
    op,
    optimize,
    report,
    roofline,
    runtimes,
    zoo,
)
from attainable.errors import AttainableError

COMMANDS: dict[str, Callable[..., None]] = {
    "count": count.count,
    "analyze": analyze.analyze,
    "compare": compare.compare,
    "check": check.check,
    "op": op.op,
    "roofline": roofline.roofline,
    "measure": measure.measure,
    "import": import_log.import_log,
    "doctor": doctor.doctor,
    "advise": advise.advise,
    "explain": explain.explain,
    "optimize": optimize.optimize,
    "report": report.report,
    "convert": convert.convert,
}
"""Commands without sub-commands."""

GROUPS: dict[str, tuple[str, dict[str, Callable[..., None]]]] = {
    "devices": ("Devices that models can be bounded on, and this machine.", devices.COMMANDS),
    "runtimes": ("What runs networks here, and how to install it.", runtimes.COMMANDS),
    "zoo": ("The reference networks of the field, as ONNX files.", zoo.COMMANDS),
}
"""Commands with sub-commands."""


def _version(show: bool) -> None:
    if show:
        print(f"attainable {__version__}")
        raise typer.Exit


def _root(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Why a neural network is slow on your hardware, how fast it could be, and what to change."""
    del debug, version


def app() -> typer.Typer:
    """The command tree."""
    root = typer.Typer(callback=_root, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    for name, function in COMMANDS.items():
        root.command(name)(function)
    for name, (help, functions) in GROUPS.items():
        group = typer.Typer(help=help, no_args_is_help=True)
        for command, function in functions.items():
            group.command(command)(function)
        root.add_typer(group, name=name)
    return root


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        app()()
    except AttainableError as error:
        if "--debug" in sys.argv[1:]:
            raise
        # cleaned, because file and node names reach messages and a terminal obeys control characters
        from attainable.names import clean_lines

        print(f"error: {clean_lines(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
