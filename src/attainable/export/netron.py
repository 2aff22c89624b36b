"""Netron attachment: open it in Netron beside the model, and each node shows its counts among its metrics.

Source of the format: lutzroeder/netron, ``source/metrics.js`` (``metadata.Attachment``): entries are found by
``kind::target``, where the target is a node's name, or empty for the model; without ``type`` a value is shown as it is.
"""

from dataclasses import dataclass

from attainable.analysis.records import Analysis, as_json
from attainable.export.nodes import named_ops

SIGNATURE = "netron:attachment"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line in the panel of the model or of a node."""

    kind: str
    target: str
    name: str
    value: int | float | str


@dataclass(frozen=True, slots=True)
class Attachment:
    """The file."""

    signature: str
    metadata: list[Entry]
    metrics: list[Entry]


def count_netron(analysis: Analysis) -> str:
    """The counts of the model and of each op with a name of its own."""
    totals = analysis.totals
    figures: dict[str, int] = {
        "MACs": totals.macs, "operations": totals.operations, "parameters": totals.parameters,
        "bytes moved": totals.bytes_moved, "unavoidable bytes": totals.unavoidable_bytes,
        "peak activation bytes": totals.peak_activation_bytes,
    }  # fmt: skip
    metrics = [Entry("model", "", name, value) for name, value in figures.items()]
    for op in named_ops(analysis.ops).ops:
        counts = {
            "MACs": op.macs, "operations": op.operations, "parameters": op.parameters, "bytes read": op.bytes_read,
            "bytes written": op.bytes_written,
        }  # fmt: skip
        metrics += [Entry("node", op.name, name, value) for name, value in counts.items()]
    metadata = [Entry("model", "", f"attainable: {name}", text) for name, text in analysis.conventions.items()]
    if totals.at_least:
        metadata.append(Entry("model", "", "attainable: at least", "some ops could not be counted"))
    return as_json(Attachment(SIGNATURE, metadata, metrics))
