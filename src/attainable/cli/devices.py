"""``attainable devices``: what models can be bounded on, and this machine's own roofs."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from attainable.cli import devices_calibrate, devices_fit
from attainable.cli.options import AccountingName, Batch, CountedModel, Json, Shapes

if TYPE_CHECKING:
    from attainable.devices import Device, Entry

    Profile = tuple[Entry, Device]

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", show_default=False,
        help="A name from `attainable devices list`, its beginning where that is enough, or a .toml file.",
    ),
]  # fmt: skip
OfVendor = Annotated[str | None, typer.Option("--vendor", metavar="NAME", help="Of this maker.", show_default=False)]
OfCategory = Annotated[
    str | None, typer.Option("--category", metavar="KIND", help="cpu, gpu, npu or soc.", show_default=False)
]

Names = Annotated[
    list[str],
    typer.Argument(metavar="NAME", show_default=False, help="Two or more devices, as for `attainable devices show`."),
]
BasisName = Annotated[
    str, typer.Option("--basis", metavar="KIND", help="Which figures count first: measured or specified.")
]
Goals = Annotated[
    str, typer.Option("--goal", metavar="GOALS", help="latency, power, memory; the first sorts, e.g. latency,power.")
]
AsType = Annotated[
    str | None,
    typer.Option("--dtype", metavar="TYPE", help="As if quantised to this type, e.g. int8.", show_default=False),
]
Budget = Annotated[
    list[str] | None,
    typer.Option(
        "--budget",
        metavar="KEY=LIMIT",
        help="Leave out devices over a limit, e.g. latency=10ms,power=5W. Keys: latency, power (of the device), "
        "energy (of an inference), memory. Repeatable.",
    ),
]
Top = Annotated[int, typer.Option("--top", min=1, help="How many devices to show.")]


def list_devices(*, vendor: OfVendor = None, category: OfCategory = None, json: Json = False) -> None:
    """List the devices, this machine first."""
    from attainable import devices
    from attainable.analysis.device_list import DeviceList, read_entries, summary

    known = devices.entries()
    read, faulty = read_entries(known)
    rows = [summary(entry, device) for entry, device in selected(read, vendor=vendor, category=category)]
    listed = DeviceList(rows, faulty)
    if json:
        _print_json(listed)
        return
    from attainable.cli.devices_listed import print_device_list

    asked = vendor is not None or category is not None
    print_device_list(listed, calibrated=asked or any(entry.name == devices.LOCAL for entry in known))


def selected(read: "Sequence[Profile]", *, vendor: str | None = None, category: str | None = None) -> "list[Profile]":
    """The devices of a maker and a kind.

    Args:
        read: profiles with their devices.
        vendor: the maker's name or a part of it; capitals do not matter.
        category: a name of ``devices.device.CATEGORIES``.

    Raises:
        UnknownName: no device has this maker, or there is no such kind.
    """
    from attainable.devices.device import CATEGORIES
    from attainable.errors import unknown_name

    if category is not None and category not in CATEGORIES:
        raise unknown_name("kind of device", category, CATEGORIES)
    maker = (vendor or "").casefold()
    makers = sorted({device.vendor for _, device in read if device.vendor})
    if not any(maker in each.casefold() for each in ["", *makers]):
        raise unknown_name("maker of devices", vendor or "", makers)
    return [
        (entry, device)
        for entry, device in read
        if maker in device.vendor.casefold() and category in (None, device.category)
    ]


def show(name: Name, *, json: Json = False) -> None:
    """Show everything that is known of a device, each number with its kind and source."""
    from attainable.analysis.device_sheet import device_sheet
    from attainable.devices import LOCAL, find_entry, local_profile_path

    if name == LOCAL:
        sheet = device_sheet(_device(name), origin="measured", path=str(local_profile_path()))
    elif name.endswith(".toml"):
        sheet = device_sheet(_device(name))
    else:
        entry = find_entry(name)
        sheet = device_sheet(entry.read(), origin=entry.origin, path=str(entry.path))
    if json:
        _print_json(sheet)
        return
    from attainable.cli.devices_shown import print_sheet

    print_sheet(sheet)


def compare(names: Names, *, basis: BasisName = "measured", json: Json = False) -> None:
    """Put devices side by side, with ratios to the first one."""
    from attainable.analysis.device_comparison import compare_devices
    from attainable.cli.devices_compared import print_compared
    from attainable.errors import InvalidQuantity, unknown_name

    if basis not in ("measured", "specified"):
        raise unknown_name("basis", basis, ("measured", "specified"))
    if len(names) < 2:
        raise InvalidQuantity(
            "takes two or more devices", where="devices compare", help=f"for one: attainable devices show {names[0]}"
        )
    compared = compare_devices([_device(name) for name in names], basis=basis)
    if json:
        _print_json(compared)
    else:
        print_compared(compared)


def choose(
    model: CountedModel, *, goal: Goals = "latency", dtype: AsType = None, shape: Shapes = None, batch: Batch = None,
    vendor: OfVendor = None, category: OfCategory = None, budget: Budget = None, accounting: AccountingName = "fused",
    top: Top = 10, json: Json = False,
) -> None:  # fmt: skip
    """Rank devices for a model, each with the reason. Exits with 1 where a budget leaves none."""
    from attainable import devices
    from attainable.analysis.choosing import choose as chosen
    from attainable.analysis.choosing import parse_goals, parse_limits
    from attainable.analysis.device_list import read_entries
    from attainable.cli.asides import print_warnings
    from attainable.cli.devices_chosen import print_choice
    from attainable.cli.devices_messages import say, say_count
    from attainable.cli.model import read_model
    from attainable.errors import unknown_name
    from attainable.prediction.accounting import accounting as terms_of
    from attainable.workload.dtypes import BITS

    goals, limits, terms = parse_goals(goal), parse_limits(budget or ()), terms_of(accounting)
    if dtype is not None and dtype not in BITS:
        raise unknown_name("element type", dtype, BITS)
    known = devices.entries()
    read, faulty = read_entries(known)
    possible = [device for _, device in selected(read, vendor=vendor, category=category)]
    workload = read_model(model, shape or (), batch)
    choice = chosen(workload, possible, dtype=dtype, goals=goals, limits=limits, accounting=terms)
    if json:
        _print_json(choice)
    else:
        print_choice(choice, top=top)
        print_warnings(choice.warnings)
    notes = [say_count("choose.faulty", len(faulty))] if faulty else []
    if not any(entry.name == devices.LOCAL for entry in known):
        notes.append(say("choose.not_calibrated"))
    print_warnings(notes)
    if limits and not choice.ranked:
        raise typer.Exit(1)


def _device(name: str) -> "Device":
    """A device by name, this machine measured when it is not yet known."""
    from attainable.devices import LOCAL, load_device

    if name != LOCAL:
        return load_device(name)
    # which loads what measures, and takes as long as everything else here together
    from attainable.pipeline import device

    return device(name)


def _print_json(record: object) -> None:
    from attainable.analysis.records import as_json

    sys.stdout.write(as_json(record))


COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_devices,
    "show": show,
    "compare": compare,
    "choose": choose,
    "calibrate": devices_calibrate.calibrate,
    "fit": devices_fit.fit,
}
