"""``attainable compare``: models side by side, and which of them is faster at best where."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attainable.cli.device_flags import OfThreads, OnDevices, named_devices
from attainable.cli.options import AccountingName, Batch, Force, Json, Shapes
from attainable.cli.outputs import Output, print_written, require_one_format, write

if TYPE_CHECKING:
    from attainable.workload import Workload

Models = Annotated[
    list[Path],
    typer.Argument(
        metavar="MODEL",
        show_default=False,
        help="Two or more model files, of any format that is read, or package.module:factory.",
    ),
]
FormatName = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="table, json, csv, markdown or latex. Default: by the extension of --output, else table.",
        show_default=False,
    ),
]
Ops = Annotated[bool, typer.Option("--ops", help="List the differences of two models op by op.")]
WhatIf = Annotated[
    list[str] | None,
    typer.Option(
        "--what-if", metavar="CHANGES",
        help="Each device once more with changes: bandwidth=2x,peak=3Top/s,sram=4MiB,launch=1us,batch=8,dtype=int8. "
        "Repeatable.",
    ),
]  # fmt: skip


def compare(
    models: Models, *, shape: Shapes = None, batch: Batch = None, device: OnDevices = None, threads: OfThreads = None,
    accounting: AccountingName = "fused", what_if: WhatIf = None, ops: Ops = False,
    format: FormatName = None, output: Output = None, force: Force = False, json: Json = False,
) -> None:  # fmt: skip
    """Count models side by side, say which is faster at best on which device, and what differs op by op."""
    from attainable.analysis.settings import Setting, compared_on
    from attainable.cli.asides import print_warnings
    from attainable.devices.what_if import UNCHANGED, parse_changes
    from attainable.errors import InvalidQuantity
    from attainable.export import COMPARISON_FORMATS, TABLE, chosen_format
    from attainable.files import require_writable
    from attainable.prediction.accounting import accounting as terms_of

    if len(models) < 2:
        raise InvalidQuantity("takes two or more models", where="compare", help="for one: attainable count MODEL")
    require_one_format(format, json=json)
    chosen = chosen_format("json" if json and format is None else format, output, COMPARISON_FORMATS)
    terms = terms_of(accounting)
    if output is not None:
        require_writable(output, overwrite=force)
    changes = [UNCHANGED, *map(parse_changes, what_if or ())]
    if what_if and not device:
        raise InvalidQuantity("changes a device, and none is named", where="--what-if", help="add --device NAME")
    if batch is not None and any(each.batch is not None for each in changes):
        raise InvalidQuantity("says batch beside --batch", where="--what-if", help="say it once")
    settings = [Setting(*named, each) for named in named_devices(device) for each in changes]
    workloads = load_all(models, shape or (), batch=batch)
    result = compared_on(
        workloads, settings, threads=threads, accounting=terms,
        rebatched=lambda number: load_all(models, shape or (), batch=number, announce=False),
    )  # fmt: skip
    if chosen == TABLE:
        from attainable.cli.compared import render_comparison

        render_comparison(result, output=output, overwrite=force, ops=ops)
    else:
        write(COMPARISON_FORMATS[chosen](result), output, overwrite=force)
    if chosen != "json":
        print_warnings(result.warnings)
    if output is not None:
        print_written(output)


def load_all(
    models: Sequence[Path], shapes: Sequence[str], *, batch: int | None = None, announce: bool = True
) -> "list[Workload]":
    """Read models of which each takes the shapes whose names it has.

    Args:
        models: files, or ``package.module:factory``.
        shapes: the ``--shape`` flags; an element type behind a shape is for factories alone.
        batch: the ``--batch`` flag.
        announce: say that a factory's code runs.

    Raises:
        InvalidQuantity: a shape that cannot be read, or whose name no model has.
        InputError: a model cannot be read, or does not accept a shape.
    """
    from attainable.cli.model import names_factory
    from attainable.errors import InvalidQuantity
    from attainable.workload.shapes import parse_bindings

    factories = {model for model in models if names_factory(model)}
    typeless = [_TYPE.sub("", text) for text in shapes] if factories else shapes
    parse_bindings(typeless)
    given = [text.rpartition("=")[0].strip() for text in shapes]
    workloads: list[Workload] = []
    foreign: list[set[str]] = []
    for model in models:
        named = dict(zip(given, shapes if model in factories else typeless, strict=True))
        workload, unknown = _load_known(model, named, batch=batch, announce=announce)
        workloads.append(workload)
        foreign.append(unknown)
    nowhere = set[str].intersection(*foreign)
    if nowhere:
        names = [tensor.name for workload in workloads for tensor in workload.inputs]
        names += [name for workload in workloads for name, _ in workload.bindings]
        raise InvalidQuantity(
            "fits none of the models", where="--shape",
            faults=[f"no dimension or input has this name @ {name}" for name in given if name in nowhere],
            help=f"inputs and bound dimensions are: {', '.join(dict.fromkeys(names)) or 'none'}",
        )  # fmt: skip
    return workloads


_NO_SUCH_NAME = "has this name @ "
"""How a reader's fault names a shape of which the model knows nothing; a factory's fault is the name alone."""

_TYPE = re.compile(r"(?<=[0-9]):\w+$")
"""The element type behind a shape."""


def _load_known(
    model: Path, shapes: "Mapping[str, str]", *, batch: int | None, announce: bool
) -> "tuple[Workload, set[str]]":
    """A model with the shapes whose names it has, and the names that it does not have."""
    from attainable.cli.model import read_model
    from attainable.errors import InvalidQuantity

    try:
        return read_model(model, list(shapes.values()), batch, announce=announce), set()
    except InvalidQuantity as error:
        faults = error.faults
        unknown = {
            name for name in shapes if any(fault == name or fault.endswith(_NO_SUCH_NAME + name) for fault in faults)
        }
        if not unknown:
            raise
    known = [text for name, text in shapes.items() if name not in unknown]
    return read_model(model, known, batch, announce=False), unknown
