"""The child's side of OpenVINO: loaded by path in the worker; standard library, numpy and openvino only.

One stream on the processor with as many threads as asked for, not pinned to cores. The precision is always set: left
alone, OpenVINO computes in bfloat16 on processors that have it, and says so nowhere. What ran is read back from the
network that it compiled. Shapes are static. Inputs are set before the clock starts, outputs stay inside the runtime.

Before it is compiled, every operator of the model gets a name of ours, ``@`` and a number, because the model's own may
be empty, repeated or hostile. Whatever OpenVINO fuses carries these names on.
"""

import importlib
import itertools
import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

_WARM_UP_RUNS = 2
_INTERRUPTED = 3
"""How many times what cutting off can explain."""
_HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_TYPES = {
    "f32": "float32", "f16": "float16", "bf16": "bfloat16", "f64": "float64", "i8": "int8", "u8": "uint8",
    "i16": "int16", "u16": "uint16", "i32": "int32", "u32": "uint32", "i64": "int64", "u64": "uint64",
    "i4": "int4", "u4": "uint4", "boolean": "bool",
}  # fmt: skip
"""Source: openvino/core/type/element_type.hpp, the short names of element types."""
_NO_NUMPY_TYPE = {"bfloat16": "bf16", "float8e4m3fn": "f8e4m3", "float8e5m2": "f8e5m2"}
_HEAVY = ("Convolution", "Deconvolution", "FullyConnected", "MatMul", "ScaledDotProductAttention", "MHA", "RNNSeq")
_NOT_RUN = "not_executed"

Timed = Callable[[Callable[[], object], float, int, int], dict[str, Any]]


def open_session(arguments: dict[str, Any]) -> "tuple[OpenvinoSession, dict[str, Any]]":
    """Load the model at ``arguments["model"]``; the reply has the version, the load time and the precision that runs.

    Args:
        arguments: also ``threads``, ``precision``, ``shapes`` by input, and ``outputs``: names in the model's order.
    """
    openvino = importlib.import_module("openvino")
    session = OpenvinoSession(openvino, arguments)
    return session, {
        "version": str(openvino.__version__).partition("-")[0],
        "load_seconds": session.load_seconds,
        "precision": session.precision(),
    }


class OpenvinoSession:
    """A model compiled once for the times, and once more while it is profiled."""

    def __init__(self, openvino: Any, arguments: dict[str, Any]) -> None:
        self._openvino = openvino
        self._arguments = arguments
        self._core = openvino.Core()
        self._tensors: dict[str, Any] = {}
        start = time.perf_counter()
        self._model = self._core.read_model(arguments["model"])
        self._make_static()
        parsed = time.perf_counter()
        self._names = _name_operators(self._model)
        self._compiled = self._compile(profiled=False)
        end = time.perf_counter()
        self.load_seconds = end - start
        self._stages = {"parse": parsed - start, "optimise": end - parsed}
        if len(self._compiled.outputs) != len(arguments["outputs"]):
            raise ValueError(f"it has {len(self._compiled.outputs)} outputs, the model {len(arguments['outputs'])}")
        self._request = self._compiled.create_infer_request()
        self.call: Callable[[], object] = _not_fed

    def feed(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Read the inputs from their files and bind them; where ``outputs`` names a folder, run once and write them."""
        numpy = importlib.import_module("numpy")
        for name, given in arguments["inputs"].items():
            array = numpy.load(given["file"], allow_pickle=False)
            kind = _NO_NUMPY_TYPE.get(given["dtype"])
            make = self._openvino.Tensor
            typed = () if kind is None else (list(array.shape), getattr(self._openvino.Type, kind))
            self._tensors[name] = make(array, *typed)
        self.call = self._bound(self._compiled, self._request)
        return self._computed(arguments["outputs"]) if "outputs" in arguments else {}

    def _computed(self, folder: str) -> dict[str, Any]:
        numpy = importlib.import_module("numpy")
        self.call()
        files: dict[str, str] = {}
        for number, name in enumerate(self._arguments["outputs"]):
            tensor = self._request.get_output_tensor(number)
            array = tensor.data
            if tensor.element_type.get_type_name() in _NO_NUMPY_TYPE.values():
                # OpenVINO gives them out as if they were float16.
                array = array.view(f"uint{8 * array.itemsize}")
            if array.dtype.kind not in "biufc":
                raise TypeError(f"output {name} is no array of numbers")
            files[name] = os.path.join(folder, f"output-{number}.npy")  # noqa: PTH118  (no pathlib here)
            numpy.save(files[name], array, allow_pickle=False)
        return {"outputs": files}

    def load_stages(self, arguments: dict[str, Any]) -> dict[str, float]:
        """Seconds of reading the model into OpenVINO's graph, and of optimising and compiling it."""
        del arguments
        return self._stages

    def precision(self) -> str:
        """The type that most of the contractions run in, or where there is none most kernels for real numbers."""
        kernels = [node for node in _runtime_graph(self._compiled) if node["layer"] not in ("Const", "Input", "Output")]
        heavy = [node for node in kernels if node["layer"] in _HEAVY]
        floating = [node for node in kernels if "float" in node["precision"]]
        counted = Counter(node["precision"] for node in heavy or floating or kernels)
        return counted.most_common(1)[0][0] if counted else ""

    def profile(self, arguments: dict[str, Any], timed: Timed) -> dict[str, Any]:
        """Run the model in turns without and with the profiler.

        A kernel's time is given as the mean of all its runs since the model was compiled, the cold first one included;
        two readings give the mean of the runs between. It is read after every block.

        Args:
            arguments: ``blocks`` of ``runs`` runs each way, ``share`` (False: the first network is given up, where
                memory is short), ``graph``: the file for ``nodes`` with their mean ``seconds`` and for ``operators``,
                what we named; a large network's are too long for a message.
            timed: the worker's timer.
        """
        if not arguments["share"]:
            self.call = _not_fed
            del self._request, self._compiled
        compiled = self._compile(profiled=True)
        request = compiled.create_infer_request()
        profiled_call = self._bound(compiled, request)
        for _ in range(_WARM_UP_RUNS):
            profiled_call()
        runs = arguments["runs"]
        readings = [_totals(request, _WARM_UP_RUNS)]
        plain: list[float] = []
        profiled: list[float] = []
        for _ in range(arguments["blocks"]):
            if arguments["share"]:
                plain += timed(self.call, 0.0, runs, runs)["seconds"]
            profiled += timed(profiled_call, 0.0, runs, runs)["seconds"]
            readings.append(_totals(request, _WARM_UP_RUNS + len(profiled)))
        nodes = _runtime_graph(compiled)
        for node in nodes:
            node["seconds"] = typical_seconds([reading.get(node["name"], 0.0) for reading in readings], runs)
        with open(arguments["graph"], "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump({"nodes": nodes, "operators": self._names}, file)
        return {"plain": plain, "profiled": profiled}

    def _make_static(self) -> None:
        shapes = self._arguments["shapes"]
        wanted = {}
        for port in self._model.inputs:
            shape = next((shapes[name] for name in port.get_names() if name in shapes), None)
            if shape is not None and port.partial_shape != self._openvino.PartialShape(shape):
                wanted[port] = self._openvino.PartialShape(shape)
        if wanted:
            self._model.reshape(wanted)

    def _compile(self, *, profiled: bool) -> Any:
        settings = {
            "INFERENCE_PRECISION_HINT": _HINTS[self._arguments["precision"]],
            "INFERENCE_NUM_THREADS": self._arguments["threads"],
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
            "PERF_COUNT": profiled,
        }
        return self._core.compile_model(self._model, "CPU", settings)

    def _bound(self, compiled: Any, request: Any) -> Callable[[], object]:
        for port in compiled.inputs:
            name = next((name for name in port.get_names() if name in self._tensors), None)
            if name is None:
                raise ValueError(f"there is no input for {sorted(port.get_names())}")
            request.set_tensor(port, self._tensors[name])
        infer = request.infer
        return lambda: infer(share_outputs=True)


def _not_fed() -> object:
    raise RuntimeError("the session has no inputs")


def _name_operators(model: Any) -> dict[str, list[list[str]]]:
    """Name every operator, and give the names of the model's tensors that each of its outputs is."""
    operators: dict[str, list[list[str]]] = {}
    for number, operator in enumerate(model.get_ordered_ops()):
        name = f"@{number}"
        operators[name] = [sorted(output.get_names()) for output in operator.outputs()]
        operator.set_friendly_name(name)
    return operators


def _runtime_graph(compiled: Any) -> list[dict[str, Any]]:
    """The nodes that OpenVINO made, in the order in which it runs them."""
    nodes: list[dict[str, Any]] = []
    for operator in compiled.get_runtime_model().get_ordered_ops():
        facts = {key: _text(value) for key, value in operator.get_rt_info().items()}
        sources = [port.get_source_output() for port in operator.inputs()]
        nodes.append(
            {
                "name": operator.get_friendly_name(),
                "layer": facts.get("layerType", ""),
                "implementation": facts.get("primitiveType", ""),
                "precision": _TYPES.get(facts.get("runtimePrecision", ""), facts.get("runtimePrecision", "")),
                "layouts": facts.get("outputLayouts", "").split(","),
                "ran": facts.get("execTimeMcs", _NOT_RUN) != _NOT_RUN,
                "order": int(facts.get("execOrder", "0")),
                "operators": [_ours(name) for name in facts.get("originalLayersNames", "").split(",") if name],
                "inputs": [[source.get_node().get_friendly_name(), source.get_index()] for source in sources],
                "outputs": len(operator.outputs()),
            }
        )
    return sorted(nodes, key=lambda node: node["order"])


def _ours(name: str) -> str:
    """The name that we gave, also where OpenVINO appended the number of an output, as it does to convert that."""
    return name.partition(".")[0] if name.startswith("@") else name


def _text(value: Any) -> str:
    return str(value.astype(str) if hasattr(value, "astype") else value)


def _totals(request: Any, runs: int) -> dict[str, float]:
    """Seconds of each kernel in all runs so far."""
    return {entry.node_name: runs * entry.real_time.total_seconds() for entry in request.get_profiling_info()}


def typical_seconds(totals: list[float], runs: int) -> float:
    """The time of a kernel in one run: the mean over all blocks, or the median block where some were interrupted.

    A mean that was cut to whole microseconds says less of a single block than of all together, so that the median is
    taken only where it is further from the mean than cutting off can explain.

    Args:
        totals: before the first block and after each.
        runs: in a block.
    """
    blocks = [(after - before) / runs for before, after in itertools.pairwise(totals)]
    mean, median = statistics.fmean(blocks), statistics.median(blocks)
    cut_off = 1e-6 * (_WARM_UP_RUNS / runs + len(blocks))
    return max(0.0, median if mean - median > _INTERRUPTED * cut_off else mean)
