"""The flags that name devices, and what they name."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from attainable.devices.device import Device

OnDevices = Annotated[
    list[str] | None,
    typer.Option(
        "--device", metavar="NAME[@TYPE]",
        help="Bound them on this device, with TYPE as if quantised to it (rk1808-npu@int8). Repeatable, or A,B.",
    ),
]  # fmt: skip
OfThreads = Annotated[
    int | None, typer.Option("--threads", min=1, help="Cores of the devices. Without it: all.", show_default=False)
]


def _split(names: Sequence[str] | None) -> Iterator[str]:
    """The devices of all flags, several in one with commas between them."""
    for text in names or ():
        yield from filter(None, (name.strip() for name in text.split(",")))


def named_devices(names: Sequence[str] | None) -> "list[tuple[Device, str]]":
    """The devices of all flags, each with the element type that networks are taken to have on it; empty for their own.

    Raises:
        UnknownName: there is no such device or element type.
        InputError: a profile cannot be used.
    """
    return list(dict.fromkeys(map(_device, _split(names))))


def one_device(text: str) -> "tuple[Device, str]":
    """The device that a flag names, for a command that takes just one, and the element type behind it.

    Raises:
        InvalidQuantity: none or several are named.
        UnknownName: there is no such device or element type.
        InputError: a profile cannot be used.
    """
    from attainable.errors import InvalidQuantity

    found = named_devices([text])
    if len(found) != 1:
        raise InvalidQuantity("takes one device", where="--device", help="name one of `attainable devices list`")
    return found[0]


def _device(text: str) -> "tuple[Device, str]":
    from attainable.errors import unknown_name
    from attainable.pipeline import device
    from attainable.workload.dtypes import NUMERIC

    name, separator, dtype = text.partition("@")
    if separator and dtype not in NUMERIC:
        raise unknown_name("element type", dtype, NUMERIC)
    return device(name), dtype
