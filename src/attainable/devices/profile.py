"""Read and write a device profile: one TOML file a device, every number with its source.

The layout, with every key there is::

    name = "toy"                        # how the tool calls it
    title = "Toy 3000"                  # how a person calls it
    vendor = "Toys Inc."                # the rest of this table may be left out
    category = "npu"                    # cpu, gpu, npu, or soc for the CPU cores of a system on a chip
    cores = 4                           # leave out where threads mean nothing
    interfaces = ["PCIe 3.0 x4"]        # how it is attached, what it offers
    toolchains = ["ToyCompiler"]        # what turns a model into something it runs
    launch_seconds = { value = 5e-6, kind = "assumed", source = "typical driver call" }    # of each kernel
    run_seconds = { value = 1e-4, kind = "measured", source = "an empty model" }           # of each inference
    power_watts = { value = 10, kind = "specified", source = "data sheet, page 1" }

    [[roofs]]                           # one table per engine, dtype, thread count and kind of source
    engine = "vector"                   # matrix, vector or special (exp, tanh, erf, division)
    dtype = "float32"                   # a name of attainable.workload.dtypes
    threads = 4                         # leave out for the device as a whole
    operations_per_second = { value = 128e9, kind = "specified", source = "4 cores x 16 a cycle x 2 GHz" }

    [[ceilings]]                        # what a runtime reaches in practice
    practice = "gemm"                   # gemm or conv
    runtime = "onnxruntime 1.31"
    dtype = "uint8"                     # of the activations
    weight_dtype = "int8"
    threads = 4
    operations_per_second = { value = 90e9, kind = "measured", source = "1024 x 1024 x 1024" }

    [[memories]]                        # from the slowest to the fastest; weights live in the first
    name = "DRAM"
    on_chip = false                     # true for memory of an accelerator that its compiler fills
    capacity_bytes = { value = 4e9, kind = "specified", source = "data sheet, page 2" }
    latency_seconds = { value = 9e-8, kind = "measured", source = "a chain of dependent loads" }

    [[memories.bandwidths]]             # one table per thread count, access and kind of source
    threads = 4
    access = "read"                     # read (also without this key), write, copy, triad, write_nt, copy_nt, triad_nt
    bytes_per_second = { value = 12.8e9, kind = "specified", source = "64 bit x 1600 MT/s" }

    [[efficiencies]]                    # the share of a roof that one kind of operator reaches
    op_class = "depthwise"              # a name of attainable.devices.traits.OP_CLASSES
    limit = "compute"                   # compute or memory
    share = { value = 0.25, kind = "measured", source = "vendor's table of layers" }

    [[alignments]]                      # channels that are rounded up to a multiple
    axis = "output_channels"            # input_channels or output_channels
    dtype = "int8"                      # leave out for all
    multiple = { value = 16, kind = "specified", source = "programming guide" }

    [conditions]                        # assumptions, or the state of the machine while it was measured
    "clock" = "2 GHz, no boost"

A number is always a table of ``value`` (SI base unit), ``kind`` (specified, measured or assumed) and ``source``;
``low`` and ``high`` may give its interval. The same roof may be stated once as specified and once as measured.
"""

import json
import tomllib
from pathlib import Path

from attainable.devices.device import Device
from attainable.devices.figures import Sourced
from attainable.devices.profile_reader import ProfileReader
from attainable.errors import InputError
from attainable.files import write_atomically


def read_profile(path: Path) -> Device:
    """Read the device that a TOML file describes.

    Raises:
        InputError: the file cannot be read, or is no valid profile; all faults are listed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read the device profile: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise InputError("the device profile is not UTF-8 text", where=str(path)) from error
    return parse_profile(text, str(path))


def parse_profile(text: str, where: str) -> Device:
    """Parse the text of a profile; ``where`` names its file in errors.

    Raises:
        InputError: the text is not TOML, or is no valid profile; all faults are listed, each with its key.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the device profile is not TOML: {error}", where=where) from error
    reader = ProfileReader()
    device = reader.device(content)
    if reader.faults:
        count = len(reader.faults)
        raise InputError(
            f"the device profile has {count} fault{'s' if count > 1 else ''}",
            where=where,
            faults=reader.faults,
            help="see the documented layout: python -m pydoc attainable.devices.profile",
        )
    return device


def format_profile(device: Device) -> str:
    """The TOML text of a device; `parse_profile` gives the same device back."""
    lines = [f"name = {_quoted(device.name)}", f"title = {_quoted(device.title)}"]
    lines += [f"vendor = {_quoted(device.vendor)}"] if device.vendor else []
    lines += [f"category = {_quoted(device.category)}"] if device.category else []
    lines += [f"cores = {device.cores}"] if device.cores is not None else []
    for key, texts in (("interfaces", device.interfaces), ("toolchains", device.toolchains)):
        lines += [f"{key} = [{', '.join(map(_quoted, texts))}]"] if texts else []
    lines += _numbers(
        launch_seconds=device.launch_seconds, run_seconds=device.run_seconds, power_watts=device.power_watts
    )
    for roof in device.roofs:
        lines += ["", "[[roofs]]", f"engine = {_quoted(roof.engine)}", f"dtype = {_quoted(roof.dtype)}"]
        lines += [*_threads(roof.threads), *_numbers(operations_per_second=roof.operations_per_second)]
    for ceiling in device.ceilings:
        lines += [
            "",
            "[[ceilings]]",
            f"practice = {_quoted(ceiling.practice)}",
            f"runtime = {_quoted(ceiling.runtime)}",
        ]
        lines += [f"dtype = {_quoted(ceiling.dtype)}", f"weight_dtype = {_quoted(ceiling.weight_dtype)}"]
        lines += [*_threads(ceiling.threads), *_numbers(operations_per_second=ceiling.operations_per_second)]
    for memory in device.memories:
        lines += ["", "[[memories]]", f"name = {_quoted(memory.name)}", *(["on_chip = true"] if memory.on_chip else [])]
        lines += _numbers(capacity_bytes=memory.capacity_bytes, latency_seconds=memory.latency_seconds)
        for bandwidth in memory.bandwidths:
            lines += ["", "[[memories.bandwidths]]", *_threads(bandwidth.threads)]
            lines += [f"access = {_quoted(bandwidth.access)}"] if bandwidth.access != "read" else []
            lines += _numbers(bytes_per_second=bandwidth.bytes_per_second)
    for efficiency in device.efficiencies:
        lines += ["", "[[efficiencies]]", f"op_class = {_quoted(efficiency.op_class)}"]
        lines += [f"limit = {_quoted(efficiency.limit)}", *_numbers(share=efficiency.share)]
    for alignment in device.alignments:
        lines += ["", "[[alignments]]", f"axis = {_quoted(alignment.axis)}"]
        lines += [f"dtype = {_quoted(alignment.dtype)}"] if alignment.dtype is not None else []
        lines += _numbers(multiple=alignment.multiple)
    if device.conditions:
        lines += ["", "[conditions]", *(f"{_quoted(name)} = {_quoted(text)}" for name, text in device.conditions)]
    return "\n".join(lines) + "\n"


def write_profile(device: Device, path: Path) -> None:
    """Write a device as a profile, folders included; a reader sees the old file or the new one, never half of it.

    Raises:
        OSError: the folder cannot be made.
        InputError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, format_profile(device).encode(), overwrite=True)


def _threads(threads: int | None) -> list[str]:
    return [] if threads is None else [f"threads = {threads}"]


def _numbers(**numbers: Sourced | None) -> list[str]:
    """A line for each number that is known."""
    return [f"{key} = {_number(number)}" for key, number in numbers.items() if number is not None]


def _number(number: Sourced) -> str:
    ends = (("low", number.low), ("high", number.high))
    interval = "".join(f", {key} = {float(end)!r}" for key, end in ends if end is not None)
    origin = f"kind = {_quoted(number.kind)}, source = {_quoted(number.source)}"
    return f"{{ value = {float(number.value)!r}{interval}, {origin} }}"


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are a subset of TOML's, which also forbids a bare DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
