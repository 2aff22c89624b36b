"""Reads a model file with its weights into onnx_ir, and writes one that stands alone.

Weights in other files are mapped, not copied; only files in the model's own folder are opened. What is written has all
weights inside, so that it can be moved and never shares a file with the original.
"""

from collections.abc import Iterator
from pathlib import Path

import onnx
import onnx_ir
from google.protobuf.message import DecodeError
from onnx_ir.passes import common

from attainable.errors import InputError, ModelFileError, ModelGraphError
from attainable.quantities import format_bytes
from attainable.workload.file import open_model_file

LARGEST_FILE_BYTES = 2**31 - 2**20
"""A protobuf message holds less than 2 GiB; the megabyte is for the graph beside the weights."""

_INITIALIZERS_ARE_DEFAULTS = 4
"""From this IR version an initializer that is also an input can be replaced by the caller; before, all had to be both.

Source: ONNX IR specification, "Graphs", and its changes in version 4.
"""


def read_model(path: Path) -> onnx_ir.Model:
    """Read a model file with its weights.

    Constants that old files list as inputs too are constants only afterwards.

    Raises:
        ModelFileError: no ONNX protobuf, or its weights in other files are missing, incomplete or outside its folder.
        ModelGraphError: it has parts that cannot be carried over.
    """
    where = str(path)
    # Resolved, because a relative base folder switches off onnx_ir's check that weights lie inside it.
    resolved = path.resolve()
    with open_model_file(path):
        pass
    try:
        proto = onnx.ModelProto.FromString(resolved.read_bytes())
        _refuse_what_would_be_lost(proto, where)
        model = onnx_ir.from_proto(proto)
    except (DecodeError, UnicodeDecodeError):
        raise ModelFileError("is not a valid ONNX protobuf", where=where, help="check the download or export") from None
    except (onnx_ir.serde.SerdeError, ValueError, TypeError) as error:
        reason = " ".join(str(error.__cause__ or error).split())[:300]
        raise ModelGraphError(f"cannot be read: {reason}", where=where, help="export the model again") from None
    if "ai.onnx" in model.opset_imports:
        # The default domain has two names; onnx_ir gives the nodes the short one.
        model.opset_imports[""] = model.opset_imports.pop("ai.onnx")
    if "" not in model.opset_imports:
        raise ModelGraphError("uses no ONNX operators that could be changed", where=where)
    for tensor in _external_tensors(model):
        tensor.base_dir = str(resolved.parent)
    _require_external_weights(model, where)
    if (model.ir_version or 0) < _INITIALIZERS_ARE_DEFAULTS:
        common.RemoveInitializersFromInputsPass()(model)
        model.ir_version = _INITIALIZERS_ARE_DEFAULTS
    return model


def weight_files(model: onnx_ir.Model) -> set[Path]:
    """The other files that hold the model's weights."""
    return {Path(tensor.path) for tensor in _external_tensors(model)}


def write_model(model: onnx_ir.Model, *, where: str) -> bytes:
    """The content of a model file with all weights inside.

    Raises:
        InputError: that would exceed 2 GiB, the limit of one ONNX file.
    """
    size = sum(tensor.nbytes for tensor in _tensors(model))
    if size > LARGEST_FILE_BYTES:
        raise InputError(
            f"the changed model takes {format_bytes(size)}, a single ONNX file holds less than 2 GiB",
            where=where, help="try int8, which needs a quarter, or a smaller model",
        )  # fmt: skip
    proto = onnx_ir.to_proto(onnx_ir.external_data.load_to_model(model))
    return proto.SerializeToString(deterministic=True)


def _refuse_what_would_be_lost(proto: onnx.ModelProto, where: str) -> None:
    """onnx_ir leaves these out without a word."""
    faults = [f"is sparse @ initializer {sparse.values.name}" for sparse in proto.graph.sparse_initializer]
    faults += ["training information @ training_info"] * bool(proto.training_info)
    if faults:
        raise ModelGraphError(
            "has parts that a changed model could not keep", where=where, faults=faults,
            help="export the model for inference, with dense weights",
        )  # fmt: skip


def _require_external_weights(model: onnx_ir.Model, where: str) -> None:
    faults: list[str] = []
    for tensor in _external_tensors(model):
        try:
            tensor.numpy()
        except FileNotFoundError:
            faults.append(f"its file {Path(tensor.path).name} is missing @ {tensor.name}")
        except (OSError, ValueError, TypeError) as error:
            faults.append(f"{' '.join(str(error).split())[:200]} @ {tensor.name}")
        # Each tensor maps its file anew, and a process may hold a thousand open files.
        tensor.release()
    if faults:
        raise ModelFileError(
            "its weights cannot be read", where=where, faults=faults[:10],
            help="put the model and its weight files, complete, into one folder",
        )  # fmt: skip


def _tensors(model: onnx_ir.Model) -> Iterator[onnx_ir.TensorProtocol]:
    for graph in model.graphs():
        yield from (value.const_value for value in graph.initializers.values() if value.const_value is not None)


def _external_tensors(model: onnx_ir.Model) -> Iterator[onnx_ir.ExternalTensor]:
    yield from (tensor for tensor in _tensors(model) if isinstance(tensor, onnx_ir.ExternalTensor))
