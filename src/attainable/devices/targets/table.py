"""Read a support table: one TOML file a target, every fact with its document.

The layout, with every key there is::

    name = "toy-npu"                    # how the tool calls it
    title = "Toy 3000 NPU"              # how a person calls it
    toolchain = "ToyCompiler 2.1"       # with the version that the document describes
    complete = true                     # the table has every operator that the toolchain takes; false: only some
    outside = "no"                      # what becomes of other ops: no (refused) or fallback (run beside)
    beside = "CPU"                      # what runs the ops of a fallback
    notes = ["..."]                     # what the table cannot say

    [sources.list]                      # the first is that of every entry that names none
    document = "ToyCompiler user guide 2.1"
    section = "Supported operators"
    date = "2024-05"

    [[operators]]
    types = ["Conv", "tflite:CONV_2D"]  # as `attainable count` prints them
    support = "partial"                 # yes, no, fallback, or partial: within the limits
    limits = { max_kernel = 7, attributes = { auto_pad = ["NOTSET"] } }    # or a list of tables: any of them holds
    outside = "fallback"                # for partial, where it differs from that of the target
    source = "list"
    note = "..."
    help = "..."                        # what to do instead
    condition = "..."                   # what must also hold and no limit can state

    [[common]]                          # limits of every op, beside its own
    limits = { max_batch = 1 }
    exempt = ["Reshape"]                # but these; outside, source, note and help as above

    [[patterns]]                        # several ops that do one thing; goes before what the table says of each
    pattern = "channel_shuffle"         # hard_swish, folded_batch_normalization
    support = "no"                      # yes, no or fallback; source, note and help as above

The limits are the keys of ``attainable.devices.targets.limits.LIMITS``. A target that shares the table of another has
``name``, ``title`` and ``same_table_as`` alone.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from attainable.devices.targets.reader import TableReader
from attainable.devices.targets.target import Target
from attainable.devices.toml_file import read_toml
from attainable.errors import InputError

_WHAT = "support table"


def read_table(path: Path) -> Target:
    """Read the target that a TOML file describes.

    Raises:
        InputError: the file cannot be read, or is no valid table; all faults are listed.
    """
    content = read_toml(path, _WHAT)
    if "same_table_as" not in content:
        return parse_table(content, str(path))
    reader = TableReader()
    name, title, other = reader.reference(content)
    _require_no_fault(reader, str(path))
    shared = path.with_name(f"{other}.toml")
    whole = read_toml(shared, _WHAT)
    if "same_table_as" in whole:
        raise InputError("is itself a reference", where=str(shared), help="name the table that has the operators")
    return replace(parse_table(whole, str(shared)), name=name, title=title)


def parse_table(content: dict[str, Any], where: str) -> Target:
    """The target of a table that was parsed as TOML; ``where`` names its file in errors.

    Raises:
        InputError: it is no valid table; all faults are listed, each with its key.
    """
    reader = TableReader()
    target = reader.target(content)
    _require_no_fault(reader, where)
    return target


def _require_no_fault(reader: TableReader, where: str) -> None:
    count = len(reader.faults)
    if count:
        raise InputError(
            f"the support table has {count} fault{'s' if count > 1 else ''}",
            where=where,
            faults=reader.faults,
            help="see the documented layout: python -m pydoc attainable.devices.targets.table",
        )
