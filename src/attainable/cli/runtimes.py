"""``attainable runtimes``: what can run networks here, where it is installed, and how to install it."""

import sys
from typing import Annotated

import typer

from attainable.cli.options import Json

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A name from `attainable runtimes list`.", show_default=False)
]
Upgrade = Annotated[bool, typer.Option("--upgrade", help="Make it anew where it is installed already.")]
Python = Annotated[
    str | None, typer.Option("--python", metavar="PATH", help="The interpreter to make it with.", show_default=False)
]


def list_runtimes(*, json: Json = False) -> None:
    """List the runtimes: whether and where each is installed, its version, and the files it runs."""
    from attainable.cli.runtimes_listed import as_json, installed_runtimes, print_runtimes

    listed = installed_runtimes()
    if json:
        sys.stdout.write(as_json(listed))
    else:
        print_runtimes(listed)


def install(name: Name, *, upgrade: Upgrade = False, python: Python = None) -> None:
    """Install a runtime into an environment of its own, in the cache folder."""
    from attainable.cli.runtimes_listed import progress
    from attainable.runtimes import requirement_of
    from attainable.runtimes.installation import install as install_environment

    with progress(name) as tell:
        made = install_environment(name, requirement_of(name), upgrade=upgrade, python=python, progress=tell)
    print(made)


def remove(name: Name) -> None:
    """Remove the environment that `attainable runtimes install` made; other installations stay."""
    from attainable.errors import InputError
    from attainable.runtimes import requirement_of
    from attainable.runtimes.environments import environment_folder
    from attainable.runtimes.installation import remove as remove_environment

    requirement_of(name)
    folder = environment_folder(name)
    if not remove_environment(name):
        raise InputError(
            f"{name} has no environment of its own", where=str(folder), help="see `attainable runtimes list`"
        )
    print(folder)


COMMANDS = {"list": list_runtimes, "install": install, "remove": remove}
