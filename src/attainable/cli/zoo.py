"""``attainable zoo``: the reference networks."""

from pathlib import Path
from typing import Annotated

import typer

from attainable.cli.options import Force


def list_networks() -> None:
    """List the networks."""
    from attainable.zoo import NETWORKS

    width = max(map(len, NETWORKS))
    for name, network in NETWORKS.items():
        print(f"{name:{width}}  {network.summary}")


def build(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name from `attainable zoo list`.", show_default=False)],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="The file. Default: NAME.onnx.")
    ] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Images or sequences per run.")] = 1,
    seed: Annotated[int, typer.Option("--seed", help="Of the random weights.")] = 0,
    force: Force = False,
) -> None:
    """Write a network as an ONNX file with seeded random weights."""
    from attainable.files import require_writable
    from attainable.zoo import network, write

    network(name)
    target = output or Path(f"{name}.onnx")
    require_writable(target, overwrite=force)
    write(name, target, seed=seed, batch=batch)
    print(target)


COMMANDS = {"list": list_networks, "build": build}
