"""Writes counts into an ONNX model as ``metadata_props``, on the model and on each node; nothing else changes.

This is no transform of the table: it needs an analysis, changes no computation and has nothing to verify or measure.
The file is handled as the protobuf it is, not through onnx_ir, so that weights inside are carried over byte for byte
and weights in other files stay where they are.

Source of the field: ONNX IR specification, "Metadata"; ``NodeProto.metadata_props`` since IR version 10, ignored by
older readers.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError, EncodeError

from attainable.analysis.records import Analysis, OpRow
from attainable.errors import InputError, ModelFileError
from attainable.files import require_writable, write_atomically
from attainable.workload.file import open_model_file

PREFIX = "attainable."
"""Before every key of ours."""


def require_annotatable(analysis: Analysis, output: Path, *, overwrite: bool) -> None:
    """Check before anything is written that a copy of the model can be written there.

    Raises:
        InputError: the model is no ONNX file, the output is the model itself, or it lies outside the folder in which
            the model's weights are.
        OutputExists: the file is there and ``overwrite`` is false.
    """
    source = Path(analysis.model.path)
    if analysis.model.format != "onnx":
        raise InputError("only ONNX models have metadata for counts", where=str(source), help="leave out --annotate")
    if output.exists() and output.samefile(source):
        raise InputError("is the model itself, which is never changed", where=str(output), help="name another file")
    if analysis.model.external_bytes and output.resolve().parent != source.resolve().parent:
        raise InputError(
            "lies outside the folder that holds the model's weights", where=str(output),
            help=f"name a file in {source.resolve().parent}: the copy refers to the same weight files",
        )  # fmt: skip
    require_writable(output, overwrite=overwrite)


def annotate(analysis: Analysis, output: Path, *, overwrite: bool = False) -> None:
    """Write a copy of the analysed model with its counts as metadata. Earlier ones of ours are replaced.

    Args:
        analysis: of an ONNX file that is still the same.
        output: the copy; written whole or not at all.
        overwrite: replace an existing file.

    Raises:
        InputError: as ``require_annotatable``, or the copy would exceed 2 GiB.
        ModelFileError: the file changed since it was analysed.
        OutputExists: the file is there and ``overwrite`` is false.
    """
    require_annotatable(analysis, output, overwrite=overwrite)
    model = _read(Path(analysis.model.path), analysis.model.sha256)
    _set(model, _model_entries(analysis))
    rows = {op.id: op for op in analysis.ops}
    for index, node in enumerate(model.graph.node):
        if (op := rows.get(str(index))) is not None:
            _set(node, _op_entries(op))
    try:
        content = model.SerializeToString(deterministic=True)
    except (EncodeError, ValueError):
        raise InputError("the annotated copy exceeds 2 GiB, the limit of one ONNX file", where=str(output)) from None
    write_atomically(output, content, overwrite=overwrite)


def _read(path: Path, sha256: str) -> onnx.ModelProto:
    where, help = str(path), "analyse it again"
    with open_model_file(path) as file:
        content = bytes(file.content)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelFileError("changed since it was analysed", where=where, help=help)
    try:
        return onnx.ModelProto.FromString(content)
    except DecodeError:
        raise ModelFileError("is not a valid ONNX protobuf", where=where, help="check the download or export") from None


def _model_entries(analysis: Analysis) -> dict[str, str]:
    totals, bindings = analysis.totals, analysis.model.bindings
    figures = {
        "macs": totals.macs, "operations": totals.operations, "parameters": totals.parameters,
        "bytes_moved": totals.bytes_moved, "unavoidable_bytes": totals.unavoidable_bytes,
        "peak_activation_bytes": totals.peak_activation_bytes,
    }  # fmt: skip
    return {
        **{name: str(value) for name, value in figures.items()},
        "at_least": str(totals.at_least).lower(),
        **{f"binding.{name}": _shape(value) for name, value in bindings.items()},
        **{f"convention.{name}": text for name, text in analysis.conventions.items()},
    }


def _op_entries(op: OpRow) -> dict[str, str]:
    """The figures of an op; an op that could not be counted says why instead."""
    if op.state not in ("counted", "folded"):
        return {"state": op.state}
    figures = {
        "macs": op.macs, "operations": op.operations, "parameters": op.parameters, "bytes_read": op.bytes_read,
        "bytes_written": op.bytes_written,
    }  # fmt: skip
    return {"state": op.state, **{name: str(value) for name, value in figures.items()}}


def _shape(value: int | list[int]) -> str:
    return str(value) if isinstance(value, int) else "x".join(map(str, value)) or "scalar"


def _set(target: onnx.ModelProto | onnx.NodeProto, entries: Mapping[str, str]) -> None:
    """Replace the entries that are ours; those of others stay, in front."""
    kept = [(entry.key, entry.value) for entry in target.metadata_props if not entry.key.startswith(PREFIX)]
    del target.metadata_props[:]
    for key, value in (*kept, *((PREFIX + name, text) for name, text in entries.items())):
        target.metadata_props.add(key=key, value=value)
