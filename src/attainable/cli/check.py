"""``attainable check``: what the toolchain of a target does not take."""

import sys
from typing import Annotated

import typer

from attainable.cli.options import Batch, CountedModel, Json, Shapes
from attainable.errors import InvalidQuantity


def _list_targets(show: bool) -> None:
    if not show:
        return
    from attainable.devices import targets

    titles = {name: targets.load_target(name) for name in targets.names()}
    width = max(map(len, titles))
    for name, target in titles.items():
        print(f"{name:{width}}  {target.title} - {target.toolchain}")
    raise typer.Exit


Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="TARGET",
        show_default=False,
        help="What shall run it: a name of --targets, or the path of a support table (.toml). Repeatable.",
    ),
]
ListTargets = Annotated[
    bool, typer.Option("--targets", callback=_list_targets, is_eager=True, help="List the targets.")
]


def check(
    model: CountedModel,
    *,
    target: Targets = None,
    targets: ListTargets = False,
    shape: Shapes = None,
    batch: Batch = None,
    json: Json = False,
) -> None:
    """List the operators that a target's toolchain does not take, with the source. Exit code 1 if it refuses any."""
    del targets
    if not target:
        raise InvalidQuantity("is missing", where="--target", help="name a target; all: attainable check --targets")
    from attainable.analysis.support import check as checked
    from attainable.cli.model import read_model
    from attainable.cost.count import count
    from attainable.devices.targets import load_target

    tables = [load_target(name) for name in dict.fromkeys(target)]
    result = checked(count(read_model(model, shape or (), batch)), tables)
    if json:
        from attainable.analysis.records import as_json

        sys.stdout.write(as_json(result))
    else:
        from attainable.cli.asides import print_warnings
        from attainable.cli.checked import print_check
        from attainable.cli.screen import open_console

        print_check(result, open_console(sys.stdout))
        print_warnings(result.warnings)
    if result.refused:
        raise typer.Exit(1)
