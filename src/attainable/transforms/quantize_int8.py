"""Static int8 that onnxruntime's x86 kernels accept: u8 activations per tensor, s8 weights per channel, int32 bias.

Written as QuantizeLinear and DequantizeLinear around float operators, which the runtime fuses to integer kernels when
it loads the model. Other choices are legal ONNX and slow: s8 activations fall back to float on x86, and scales per
channel of an activation fit no kernel. Batch normalisation is folded first, because it stands between a Conv and its
range. The quantiser is onnxruntime's own; it runs in a worker, see ``sessions/quantizer_session.py``.

Source: onnxruntime documentation, "Quantize ONNX models"; B. Jacob et al., arXiv:1712.05877.
"""

from pathlib import Path
from typing import Any

import numpy
import onnx_ir
from onnx_ir.passes import common

from attainable.errors import InputError, ModelGraphError, RuntimeRefused
from attainable.runtimes.process import Worker
from attainable.transforms import Options, Transformed
from attainable.transforms.fold_batch_normalization import FoldBatchNormalization
from attainable.transforms.input_sets import InputSet, input_sets
from attainable.transforms.int8_kinds import KINDS, anchors, coverage, illegal_places
from attainable.transforms.model_file import read_model, write_model
from attainable.transforms.saturation import weight_range
from attainable.workload import load

_SESSION_FILE = Path(__file__).with_name("sessions") / "quantizer_session.py"
_DEADLINE_SECONDS = 1200.0


def apply(path: Path, options: Options) -> Transformed:
    """Quantise a model; see ``Transform.apply``.

    Raises:
        InputError: the model, a shape or the data cannot be used.
        RuntimeRefused: onnxruntime's quantiser does not accept the model.
        WorkerCrashed, WorkerTimedOut: the worker failed.
    """
    workload = load(path, options.shapes, batch=options.batch)
    sets = input_sets(workload, options.data)
    model = read_model(path)
    if any(node.op_type in ("QuantizeLinear", "DequantizeLinear") for node in model.graph):
        return Transformed(None, "the model is quantised already")
    folding = _prepare(model)
    fit, unfit = anchors(model)
    if not fit:
        return Transformed(None, "there is no Conv, Gemm or MatMul with constant float32 weights")
    bits = weight_range(options.reduce_range)
    arguments = {
        "opset": model.opset_imports[""],
        "kinds": list(KINDS),
        "excluded": [node.name for node in unfit],
        "weight_bits": bits.bits,
    }
    content, reply = _quantised(write_model(model, where=str(path)), arguments, sets.calibration, where=str(path))
    _require_legal(content, where=str(path))
    covered, kernels = coverage(fit, reply["kernels"])
    details = [
        f"weights have {bits.bits} bits: {bits.reason}",
        f"ranges are the extremes over {sets.calibration.description}",
    ]
    if folding.folded:
        details.insert(0, f"{sum(folding.folded.values())} BatchNormalization folded first")
    if unfit:
        details.append(f"{len(unfit)} nodes stay in float: no constant float32 weights")
    warnings = [*sets.warnings]
    if reply["endless"]:
        warnings.append(f"{len(reply['endless'])} tensors are not finite; what reads or writes them stays in float")
    if kernels < len(fit):
        warnings.append(f"only {covered} run as int8; the others convert to float and back")
    return Transformed(content, f"{covered} run as int8", tuple(details), tuple(warnings))


def _prepare(model: onnx_ir.Model) -> FoldBatchNormalization:
    """Fold batch normalisation, and bring the model into the form that the quantiser understands."""
    folding = FoldBatchNormalization()
    onnx_ir.passes.Sequential(
        # The quantiser takes initialisers only for weights, and finds nodes by their names.
        common.LiftConstantsToInitializersPass(lift_all_constants=False, size_limit=0),
        common.RemoveInitializersFromInputsPass(),
        common.NameFixPass(),
        folding,
    )(model)
    return folding


def _quantised(
    prepared: bytes, arguments: dict[str, Any], samples: InputSet, *, where: str
) -> tuple[bytes, dict[str, Any]]:
    """The quantised model and the quantiser's reply, from a worker that lives as long as this call."""
    with Worker() as worker:
        file, output = worker.folder / "prepared.onnx", worker.folder / "quantised.onnx"
        file.write_bytes(prepared)
        try:
            _call(worker, "open", {
                "session_file": str(_SESSION_FILE), "model": str(file), "folder": str(worker.folder), **arguments,
            })  # fmt: skip
            for sample in samples:
                files: dict[str, str] = {}
                for number, (name, array) in enumerate(sample.items()):
                    files[name] = str(worker.folder / f"sample-{number}.npy")
                    numpy.save(files[name], array, allow_pickle=False)
                _call(worker, "feed", {"inputs": files})
            reply = _call(worker, "feed", {"output": str(output)})
        except RuntimeRefused as error:
            raise RuntimeRefused(
                f"onnxruntime's quantiser fails: {error.what}", where=where,
                help=error.help or "export the model with opset 13 or newer, in float32",
            ) from None  # fmt: skip
        return output.read_bytes(), reply


def _call(worker: Worker, request: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return worker.call(request, arguments, deadline_seconds=_DEADLINE_SECONDS)


def _require_legal(content: bytes, *, where: str) -> None:
    """The written graph keeps what this module promises."""
    import onnx

    try:
        model = onnx_ir.from_proto(onnx.load_from_string(content))
    except ValueError as error:
        raise InputError(f"the quantised model cannot be read back: {error}", where=where) from None
    faults = illegal_places(model)
    if faults:
        raise ModelGraphError(
            "cannot be quantised so that x86 kernels accept it", where=where, faults=faults[:10],
            help="report this model, or quantise it with another tool",
        )  # fmt: skip
