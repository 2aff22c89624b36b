"""``attainable doctor``: what is installed and usable, and what disturbs measuring on this machine."""

import sys

import typer

from attainable.cli.options import Json


def doctor(*, json: Json = False) -> None:
    """Look at runtimes and machine for two seconds. Exits with 1 where no time measured here can be believed."""
    from attainable.analysis.checkup import checkup
    from attainable.analysis.records import as_json

    found = checkup()
    if json:
        sys.stdout.write(as_json(found))
    else:
        from attainable.cli.doctor_shown import print_checkup

        print_checkup(found)
    if found.state == "unusable":
        raise typer.Exit(1)
