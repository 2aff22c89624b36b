"""The child's side of int8: finds ranges and quantises with onnxruntime's own quantiser, in the worker.

Loaded by path; standard library, numpy, onnx and onnxruntime only. All files are in the worker's private folder, since
the quantiser writes temporary ones beside the model. The minimum and maximum of each tensor are computed by the graph
itself, sample by sample, so that activations are never kept.
"""

import importlib
import os
from collections import Counter
from typing import Any

_ERRORS_ONLY = 3
_PER_CHANNEL_OPSET = 13
"""The first opset whose DequantizeLinear has an axis."""


def open_session(arguments: dict[str, Any]) -> "tuple[QuantizerSession, dict[str, Any]]":
    """Prepare the model at ``arguments["model"]`` for finding the ranges of what ``kinds`` read and write."""
    session = QuantizerSession(arguments)
    return session, {"version": str(session.onnxruntime.__version__)}


class QuantizerSession:
    """A model on its way to int8: samples are fed one by one, the last request quantises it."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._arguments = arguments
        self.onnxruntime = importlib.import_module("onnxruntime")
        self._quantization = importlib.import_module("onnxruntime.quantization")
        self._numpy = importlib.import_module("numpy")
        self.onnxruntime.set_default_logger_severity(_ERRORS_ONLY)
        self._raise_opset()
        pathlib = importlib.import_module("pathlib")
        augmented = os.path.join(arguments["folder"], "augmented.onnx")  # noqa: PTH118  (no pathlib at start-up)
        self._calibrator = self._quantization.MinMaxCalibrater(
            pathlib.Path(arguments["model"]), arguments["kinds"], augmented_model_path=augmented
        )
        self._calibrator.augment_graph()
        self._calibrator.infer_session = self._session(augmented, optimised=None)

    def feed(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Run one sample and widen the ranges, or with ``output`` quantise and write the model there."""
        if "output" in arguments:
            return self._quantize(arguments["output"])
        sample = {
            name: self._numpy.load(file, allow_pickle=False) for name, file in arguments["inputs"].items()
        }  # fmt: skip
        self._calibrator.collect_data(_One(sample))
        return {}

    def _quantize(self, output: str) -> dict[str, Any]:
        ranges = self._calibrator.compute_data()
        endless = {name for name in ranges if not self._numpy.isfinite(ranges[name].range_value).all()}
        for name in endless:
            # A range is needed for the file; what touches the tensor stays in float.
            ranges[name].lowest = self._numpy.zeros(1, self._numpy.float32)
            ranges[name].highest = self._numpy.zeros(1, self._numpy.float32)
        nodes = self._calibrator.model.graph.node
        excluded: set[str] = {node.name for node in nodes if endless.intersection([*node.input, *node.output])}
        cache = os.path.join(self._arguments["folder"], "ranges.json")  # noqa: PTH118
        self._quantization.save_tensors_data(ranges, cache)
        # The quantiser reads the model anew; without this, memory holds its weights twice.
        del nodes, self._calibrator
        types = self._quantization.QuantType
        self._quantization.quantize_static(
            self._arguments["model"], output, None,
            quant_format=self._quantization.QuantFormat.QDQ,
            op_types_to_quantize=self._arguments["kinds"],
            per_channel=True,
            reduce_range=self._arguments["weight_bits"] == 7,
            activation_type=types.QUInt8,
            weight_type=types.QInt8,
            nodes_to_exclude=sorted(excluded.union(self._arguments["excluded"])),
            calibrate_method=self._quantization.CalibrationMethod.MinMax,
            calibration_cache_path=cache,
        )  # fmt: skip
        return {"kernels": self._kernels(output), "endless": sorted(endless)}

    def _kernels(self, model: str) -> dict[str, int]:
        """How many kernels of each kind the runtime makes of the model."""
        optimised = os.path.join(self._arguments["folder"], "optimised.onnx")  # noqa: PTH118
        self._session(model, optimised=optimised)
        graph = importlib.import_module("onnx").load(optimised, load_external_data=False).graph
        return dict(Counter(node.op_type for node in graph.node))

    def _session(self, model: str, *, optimised: str | None) -> Any:
        options = self.onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        levels = self.onnxruntime.GraphOptimizationLevel
        # Fused operators would hide tensors whose ranges are asked for.
        options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
        if optimised:
            options.optimized_model_filepath = optimised
            options.add_session_config_entry("session.optimized_model_external_initializers_file_name", "optimised.bin")
            options.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", "256")
        return self.onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def _raise_opset(self) -> None:
        if self._arguments["opset"] < _PER_CHANNEL_OPSET:
            onnx = importlib.import_module("onnx")
            converter = importlib.import_module("onnx.version_converter")
            model = onnx.load(self._arguments["model"])
            onnx.save(converter.convert_version(model, _PER_CHANNEL_OPSET), self._arguments["model"])


class _One:
    """One sample, as the calibrator reads them."""

    def __init__(self, sample: dict[str, Any]) -> None:
        self._samples = [sample]

    def get_next(self) -> dict[str, Any] | None:
        """The sample, then nothing."""
        return self._samples.pop() if self._samples else None
