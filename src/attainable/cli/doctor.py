"""``attainable doctor``: what is installed and usable, and what disturbs measuring on this machine."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from attainable.cli.options import Json

Other = Annotated[
    Path | None,
    typer.Option(
        "--compare-environment", metavar="FILE",
        help="What `attainable doctor --json` printed on another machine, or a saved analysis; tells what differs.",
        show_default=False,
    ),
]  # fmt: skip

OnHost = Annotated[
    str | None,
    typer.Option(
        "--host", metavar="HOST", show_default=False, help="Look at another machine, by ssh: board, user@board."
    ),
]


def doctor(*, host: OnHost = None, compare_environment: Other = None, json: Json = False) -> None:
    """Look at runtimes and machine for two seconds. Exits with 1 where no time measured there can be believed."""
    from dataclasses import replace

    from attainable.analysis.checkup import checkup
    from attainable.analysis.environment import differences, read_environment
    from attainable.analysis.records import as_json
    from attainable.cli.doctor_messages import say
    from attainable.measurement.shelter import sheltered
    from attainable.names import short_name

    other = None if compare_environment is None else read_environment(compare_environment)
    with sheltered():
        if host is None:
            found = checkup()
        else:
            from attainable.analysis.host_checkup import host_checkup
            from attainable.runtimes.remote.hosts import read_host

            found = host_checkup(read_host(host))
    if other is not None:
        names = (say("here") if host is None else short_name(host), say("there"))
        found = replace(found, differences=list(differences(found.environment, other, names=names)))
    if json:
        sys.stdout.write(as_json(found))
    else:
        from attainable.cli.doctor_shown import print_checkup

        print_checkup(found, other=compare_environment)
    if found.state == "unusable":
        raise typer.Exit(1)
