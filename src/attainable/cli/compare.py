"""``attainable compare``: models side by side, and which of them is faster at best where."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attainable.cli.options import Batch, Force, Json, Shapes
from attainable.cli.outputs import Output, print_written, require_one_format, write

if TYPE_CHECKING:
    from attainable.analysis.records import Analysis, DeviceRow
    from attainable.devices.device import Device
    from attainable.workload import Workload

Models = Annotated[
    list[Path],
    typer.Argument(
        metavar="MODEL",
        show_default=False,
        help="Two or more model files, of any format that is read, or package.module:factory.",
    ),
]
OnDevices = Annotated[
    list[str] | None,
    typer.Option(
        "--device", metavar="NAME[@TYPE]",
        help="Bound them on this device, with TYPE as if quantised to it (rk1808-npu@int8). Repeatable.",
    ),
]  # fmt: skip
OfThreads = Annotated[
    int | None, typer.Option("--threads", min=1, help="Cores of the devices. Without it: all.", show_default=False)
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
ACCOUNTINGS = ("fused", "unfused", "contractions")
"""How a roofline sums over kernels; see ``prediction.roofline`` and ``analysis.comparison.CONTRACTIONS``."""

Ops = Annotated[bool, typer.Option("--ops", help="List the differences of two models op by op.")]
AccountingName = Annotated[
    str, typer.Option("--accounting", metavar="NAME", help="Of the roofline: fused, unfused or contractions (alone).")
]


def compare(
    models: Models, *, shape: Shapes = None, batch: Batch = None, device: OnDevices = None, threads: OfThreads = None,
    accounting: AccountingName = "fused", ops: Ops = False, format: FormatName = None, output: Output = None,
    force: Force = False, json: Json = False,
) -> None:  # fmt: skip
    """Count models side by side, say which is faster at best on which device, and what differs op by op."""
    from attainable.analysis.comparison import compare as compared
    from attainable.cli.asides import print_warnings
    from attainable.errors import InvalidQuantity, unknown_name
    from attainable.export import COMPARISON_FORMATS, TABLE, chosen_format
    from attainable.files import require_writable

    if len(models) < 2:
        raise InvalidQuantity("takes two or more models", where="compare", help="for one: attainable count MODEL")
    require_one_format(format, json=json)
    chosen = chosen_format("json" if json and format is None else format, output, COMPARISON_FORMATS)
    if accounting not in ACCOUNTINGS:
        raise unknown_name("accounting", accounting, ACCOUNTINGS)
    if output is not None:
        require_writable(output, overwrite=force)
    devices = [_device(name) for name in dict.fromkeys(device or ())]
    workloads = load_all(models, shape or (), batch=batch)
    result = compared([_analysis(workload, devices, threads=threads, accounting=accounting) for workload in workloads])
    if chosen == TABLE:
        from attainable.cli.compared import render_comparison

        render_comparison(result, output=output, overwrite=force, ops=ops)
    else:
        write(COMPARISON_FORMATS[chosen](result), output, overwrite=force)
    if chosen != "json":
        print_warnings(result.warnings)
    if output is not None:
        print_written(output)


def load_all(models: Sequence[Path], shapes: Sequence[str], *, batch: int | None = None) -> "list[Workload]":
    """Read models of which each takes the shapes whose names it has.

    Args:
        models: files, or ``package.module:factory``.
        shapes: the ``--shape`` flags; an element type behind a shape is for factories alone.
        batch: the ``--batch`` flag.

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
        workload, unknown = _load_known(model, named, batch=batch)
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


def _load_known(model: Path, shapes: "Mapping[str, str]", *, batch: int | None) -> "tuple[Workload, set[str]]":
    """A model with the shapes whose names it has, and the names that it does not have."""
    from attainable.cli.model import read_model
    from attainable.errors import InvalidQuantity

    try:
        return read_model(model, list(shapes.values()), batch), set()
    except InvalidQuantity as error:
        faults = error.faults
        unknown = {
            name for name in shapes if any(fault == name or fault.endswith(_NO_SUCH_NAME + name) for fault in faults)
        }
        if not unknown:
            raise
    known = [text for name, text in shapes.items() if name not in unknown]
    return read_model(model, known, batch, announce=False), unknown


def _device(text: str) -> "tuple[Device, str]":
    """A device, and the element type that networks are taken to have on it; empty for their own."""
    from attainable.errors import unknown_name
    from attainable.pipeline import device
    from attainable.workload.dtypes import BITS

    name, separator, dtype = text.partition("@")
    if separator and dtype not in BITS:
        raise unknown_name("element type", dtype, BITS)
    return device(name), dtype


def _analysis(
    workload: "Workload", devices: "Sequence[tuple[Device, str]]", *, threads: int | None, accounting: str
) -> "Analysis":
    from dataclasses import replace

    from attainable.analysis.build import device_row
    from attainable.analysis.comparison import CONTRACTIONS, contractions_only
    from attainable.analysis.counted import counted
    from attainable.cost.count import count
    from attainable.workload.recast import recast

    own = count(workload)
    analysis = counted(own)
    counts = {"": own, **{dtype: count(recast(workload, dtype)) for _, dtype in devices if dtype}}
    kernels = "fused" if accounting == "fused" else "unfused"
    rows: list[DeviceRow] = []
    for device, dtype in devices:
        row = device_row(counts[dtype], device, threads=threads, accounting=kernels)
        row = replace(row, name=f"{row.name}@{dtype}") if dtype else row
        rows.append(contractions_only(row, analysis.ops) if accounting == CONTRACTIONS else row)
    return replace(analysis, devices=rows)
