"""The child's side of onnxruntime: loaded by path in the worker; standard library, numpy and onnxruntime only.

Threads: ``intra_op_num_threads`` is what the user asked for, ``inter_op_num_threads`` is 1 and the nodes run in
sequence. Idle threads spin between kernels, as onnxruntime does unless told otherwise: that is how it is deployed.
All graph optimisations are on, the blocked layout (NCHWc) included, or all are off. Inputs are bound before the clock
starts and outputs stay inside the runtime, on the device that computes, so that no copy is timed; a run has ended when
the device has.

onnxruntime goes on without a provider that it cannot load, and says so only in its log. Here that is an error.
"""

import contextlib
import ctypes
import importlib
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from typing import Any, cast

_DEFAULTS: dict[str, Any] = {"providers": [["CPUExecutionProvider", {}]], "device": "cpu", "optimised": True}
"""Who computes, in the order in which they are asked; where inputs and outputs are; whether the graph is optimised."""

_INFO, _ERRORS_ONLY = 1, 3
_LONGEST_LOG = 16 * 2**20
# Source: onnx.proto, TensorProto.DataType; numpy has no such types, the bits travel as unsigned integers.
_ELEMENT_TYPES = {"bfloat16": 16, "float8e4m3fn": 17, "float8e4m3fnuz": 18, "float8e5m2": 19, "float8e5m2fnuz": 20}
_WARM_UP_RUNS = 2
_CONTROL_FLOW = ("If", "Loop", "Scan")
_PROBE_BLOCKS, _PROBE_RUNS = 5, 10
_LIBRARIES = {"CUDAExecutionProvider": "cuda", "TensorrtExecutionProvider": "tensorrt"}
_MEANINGS = {
    "libcuda.": "the driver of NVIDIA GPUs is not installed", "libnvinfer": "TensorRT is not installed",
    "libcu": "NVIDIA's CUDA libraries are not installed",
}  # fmt: skip
"""What it means that a library is missing, by how its name begins."""

_ROUNDED_OFF = 0.5
"""The profiler gives whole microseconds, rounded down: on average it drops half of one."""

Timed = Callable[[Callable[[], object], float, int, int], dict[str, Any]]
Event = tuple[str, str, float, float, int, str, str]
"""Name, operator, start and duration in microseconds, kernels within, type of the first result, provider.

There is no operator where a run of the model ended.
"""


def open_session(arguments: dict[str, Any]) -> "tuple[OnnxruntimeSession, dict[str, Any]]":
    """Load the model at ``arguments["model"]``; the reply has the version, the load time and the outputs."""
    onnxruntime = importlib.import_module("onnxruntime")
    arguments = {**_DEFAULTS, **arguments}
    if arguments["device"] == "cuda":
        _prepare_cuda(onnxruntime)
    session = OnnxruntimeSession(onnxruntime, arguments)
    return session, {
        "version": str(onnxruntime.__version__),
        "load_seconds": session.load_seconds,
        "inputs": [value.name for value in session.session.get_inputs()],
        "outputs": [value.name for value in session.session.get_outputs()],
        "providers": session.session.get_providers(),
    }


def _prepare_cuda(onnxruntime: Any) -> None:
    """Find NVIDIA's libraries where their packages are, and leave TF32 off: it is no type of the model."""
    os.environ["NVIDIA_TF32_OVERRIDE"] = "0"
    if hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()
    with contextlib.suppress(ImportError):
        importlib.import_module("tensorrt_libs")


class OnnxruntimeSession:
    """A model loaded once for the times, and once more while it is profiled."""

    def __init__(self, onnxruntime: Any, arguments: dict[str, Any]) -> None:
        self._onnxruntime = onnxruntime
        self._arguments = arguments
        self._feeds: dict[str, Any] = {}
        onnxruntime.set_default_logger_severity(_ERRORS_ONLY)
        if hasattr(onnxruntime, "disable_telemetry_events"):
            onnxruntime.disable_telemetry_events()
        start = time.perf_counter()
        self.session = self._load(arguments["model"], self._options())
        self.load_seconds = time.perf_counter() - start
        self.call: Callable[[], object] = _not_fed

    def feed(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Read the inputs from their files and bind them; where ``outputs`` names a folder, run once and write them."""
        numpy = importlib.import_module("numpy")
        for name, given in arguments["inputs"].items():
            array = numpy.load(given["file"], allow_pickle=False)
            element_type = _ELEMENT_TYPES.get(given["dtype"])
            make = self._onnxruntime.OrtValue
            self._feeds[name] = (
                make.ortvalue_from_numpy(array)
                if element_type is None
                else make.ortvalue_from_numpy_with_onnx_type(array, element_type)
            )
        self.call = self._bound(self.session)
        return self._computed(arguments["outputs"]) if "outputs" in arguments else {}

    def _computed(self, folder: str) -> dict[str, Any]:
        """Run once and write each output to a file; the reply has the files by output."""
        numpy = importlib.import_module("numpy")
        files: dict[str, str] = {}
        names = [output.name for output in self.session.get_outputs()]
        for number, (name, value) in enumerate(
            zip(names, self.session.run_with_ort_values(names, self._feeds), strict=True)
        ):
            array = value.numpy() if value.is_tensor() else None
            if array is None or array.dtype.hasobject:
                raise TypeError(f"output {name} is no array of numbers")
            files[name] = os.path.join(folder, f"output-{number}.npy")  # noqa: PTH118  (no pathlib here)
            numpy.save(files[name], array, allow_pickle=False)
        return {"outputs": files}

    def profile(self, arguments: dict[str, Any], timed: Timed) -> dict[str, Any]:
        """Run the model in turns without and with the profiler.

        Args:
            arguments: ``folder`` for the profile, ``graph``: where the optimised graph goes, with its weights beside
                it (empty: nowhere), ``blocks`` of ``runs`` runs each way,
                ``share`` (False: the first session is given up, where memory is short), ``probe``: a model of one
                known kernel repeated, which tells the profiler's own time.
            timed: the worker's timer.
        """
        _fault_in_memory(arguments["profiler_bytes"])
        profiler_seconds = self._profiler_seconds(arguments["probe"], arguments["folder"], timed)
        if not arguments["share"]:
            self.call = _not_fed
            del self.session
        options = self._options()
        if arguments["graph"]:
            options.optimized_model_filepath = arguments["graph"]
            set_entry, prefix = options.add_session_config_entry, "session.optimized_model_external_initializers"
            set_entry(f"{prefix}_file_name", "optimised.weights")
            set_entry(f"{prefix}_min_size_in_bytes", "256")
        with _arena_log(self._onnxruntime) as told:
            session = self._profiled(self._arguments["model"], options, arguments["folder"])
            profiled_call = self._bound(session)
            for _ in range(_WARM_UP_RUNS):
                profiled_call()
        plain: list[float] = []
        profiled: list[float] = []
        for _ in range(arguments["blocks"]):
            if arguments["share"]:
                plain += timed(self.call, 0.0, arguments["runs"], arguments["runs"])["seconds"]
            profiled += timed(profiled_call, 0.0, arguments["runs"], arguments["runs"])["seconds"]
        runs = _runs(_events(session.end_profiling()))[_WARM_UP_RUNS:]
        return {
            "kernels": _kernels(runs), "plain": plain, "profiled": profiled,
            "profiler_seconds": profiler_seconds,
            "arena_bytes": _arena_bytes(told) if self._arguments["device"] == "cpu" else None,
        }  # fmt: skip

    def load_stages(self, arguments: dict[str, Any]) -> dict[str, float]:
        """Load the model once more under the profiler, which tells reading and parsing from optimising.

        Optimising includes choosing kernels and packing weights for them.
        """
        session = self._profiled(self._arguments["model"], self._options(), arguments["folder"])
        path = session.end_profiling()
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            events = {event.get("name"): event.get("dur") for event in json.load(file) if event.get("cat") == "Session"}
        os.remove(path)  # noqa: PTH107
        stages = {"parse": "model_loading_uri", "optimise": "session_initialization"}
        return {stage: 1e-6 * events[name] for stage, name in stages.items() if name in events}

    def _options(self) -> Any:
        options = self._onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._arguments["threads"]
        options.inter_op_num_threads = 1
        options.execution_mode = self._onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        levels = self._onnxruntime.GraphOptimizationLevel
        options.graph_optimization_level = (
            levels.ORT_ENABLE_ALL if self._arguments["optimised"] else levels.ORT_DISABLE_ALL
        )
        options.log_severity_level = _ERRORS_ONLY
        for dimension, extent in self._arguments["dimensions"].items():
            options.add_free_dimension_override_by_name(dimension, extent)
        return options

    def _load(self, model: str, options: Any) -> Any:
        providers = [(name, settings) for name, settings in self._arguments["providers"]]
        wanted = providers[0][0]
        available = self._onnxruntime.get_available_providers()
        if wanted not in available:
            raise RuntimeError(f"this onnxruntime has no {wanted}, only {', '.join(available)}")
        # What enable_fallback allows is to run elsewhere than was asked for.
        try:
            session = self._onnxruntime.InferenceSession(model, options, providers=providers, enable_fallback=0)
        except Exception as error:
            missing = _missing_library(self._onnxruntime, wanted)
            if missing:
                raise RuntimeError(f"{wanted} cannot be loaded: {missing}") from error
            raise
        running = session.get_providers()
        if not running or running[0] != wanted:
            reason = _missing_library(self._onnxruntime, wanted) or "onnxruntime does not tell why"
            raise RuntimeError(f"{wanted} cannot be loaded: {reason}; {', '.join(running)} would run instead")
        return session

    def _profiled(self, model: str, options: Any, folder: str) -> Any:
        options.enable_profiling = True
        options.profile_file_prefix = os.path.join(folder, "profile")  # noqa: PTH118
        return self._load(model, options)

    def _bound(self, session: Any, feeds: dict[str, Any] | None = None) -> Callable[[], object]:
        """One run of the session, with the inputs in place and the outputs left inside the runtime."""
        values = self._feeds if feeds is None else feeds
        names = [output.name for output in session.get_outputs()]
        is_static = all(isinstance(extent, int) for output in session.get_outputs() for extent in output.shape or ())
        device = self._arguments["device"]
        if not is_static and device == "cpu":
            # A result may have another size each time; a bound output would keep the size of the first.
            run_afresh = session.run_with_ort_values
            return lambda: run_afresh(None, values)
        binding = session.io_binding()
        for name, value in values.items():
            # Binding copies to the device that reads it.
            binding.bind_ortvalue_input(name, value)
        for name in names:
            binding.bind_output(name, device)
        run, synchronise = session.run_with_iobinding, binding.synchronize_outputs
        if device == "cpu":
            return lambda: run(binding)
        binding.synchronize_inputs()

        def run_on_device() -> None:
            if not is_static:
                for name in names:
                    binding.bind_output(name, device)
            run(binding)
            synchronise()

        return run_on_device

    def _profiler_seconds(self, model: str, folder: str, timed: Timed) -> float:
        """The profiler's own time in the time that it reports of a kernel: what it takes to describe the kernel.

        The model is a chain of kernels that do next to nothing. In a real network the caches are colder, so that this
        is the least that the profiler takes.
        """
        plain = self._load(model, self._options())
        profiled = self._profiled(model, self._options(), folder)
        feeds = {
            "x": self._onnxruntime.OrtValue.ortvalue_from_shape_and_type([1], importlib.import_module("numpy").float32)
        }
        plain_call, profiled_call = self._bound(plain, feeds), self._bound(profiled, feeds)
        seconds: list[float] = []
        for _ in range(_PROBE_BLOCKS):
            seconds += timed(plain_call, 0.0, _PROBE_RUNS, _PROBE_RUNS)["seconds"]
            timed(profiled_call, 0.0, _PROBE_RUNS, _PROBE_RUNS)
        runs = _runs(_events(profiled.end_profiling()))
        reported = min(statistics.fmean(event[3] for event in run) for run in runs) + _ROUNDED_OFF
        return max(0.0, 1e-6 * reported - min(seconds) / len(runs[0]))


@contextlib.contextmanager
def _arena_log(onnxruntime: Any) -> "Generator[list[str]]":
    """Keep the lines that the arena writes into the log meanwhile: a few at each of its growths, none at other times.

    No call of the Python interface gives its statistics. They go to stderr, which is a file for as long as this takes.
    """
    lines: list[str] = []
    sys.stderr.flush()
    usual = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        onnxruntime.set_default_logger_severity(_INFO)
        try:
            yield lines
        finally:
            onnxruntime.set_default_logger_severity(_ERRORS_ONLY)
            os.dup2(usual, 2)
            os.close(usual)
            log.seek(0)
            lines += log.read(_LONGEST_LOG).decode("utf-8", errors="replace").splitlines()


def _arena_bytes(lines: list[str]) -> int | None:
    """What the arena holds after these lines of its log: reserved for weights, and taken for activations.

    None where it told nothing, as where the arena is switched off.
    Source: onnxruntime, ``core/framework/bfc_arena.cc``, ``BFCArena::Extend`` and ``BFCArena::Reserve``.
    """
    held: int | None = None
    for line in lines:
        found = re.search(r"bfc_arena.*(Reserving memory|Total allocated bytes).*: ([0-9]{1,18})$", line.rstrip())
        if found:
            reserved = found[1] == "Reserving memory"
            # A total has everything before it in it.
            held = int(found[2]) + ((held or 0) if reserved else 0)
    return held


def _not_fed() -> object:
    raise RuntimeError("the session has no inputs")


def _missing_library(onnxruntime: Any, provider: str) -> str:
    """Why the library of a provider cannot be loaded, in the system's words; empty where it can."""
    if provider not in _LIBRARIES:
        return ""
    form = "{}.dll" if sys.platform == "win32" else "lib{}.so"
    folder = os.path.join(os.path.dirname(onnxruntime.__file__), "capi")  # noqa: PTH118, PTH120
    try:
        for library in ("shared", _LIBRARIES[provider]):
            path = os.path.join(folder, form.format(f"onnxruntime_providers_{library}"))  # noqa: PTH118
            ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        meaning = next((text for start, text in _MEANINGS.items() if str(error).startswith(start)), "")
        return f"{meaning} ({error})" if meaning else str(error)
    return ""


def _fault_in_memory(size: int) -> None:
    """Make the system give memory now that the profiler will ask for while kernels are timed.

    Without it a third of the profiler's time is page faults. Blocks are smaller than what the C library maps one by
    one, and freed memory stays with the process.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        return
    trim_threshold = -1
    library.mallopt(trim_threshold, 2**30)
    library.malloc.restype = ctypes.c_void_p
    library.free.argtypes = [ctypes.c_void_p]
    block = 64 * 1024
    blocks = [library.malloc(block) for _ in range(size // block)]
    for address in blocks:
        if address:
            ctypes.memset(address, 0, block)
    for address in blocks:
        library.free(address)


def _events(path: str) -> list[Event]:
    """The kernels in the order they ended, and the ends of runs between them."""
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
        events = json.load(file, object_hook=_event)
    os.remove(path)  # noqa: PTH107
    return [event for event in events if isinstance(event, tuple)]


def _event(fields: dict[str, Any]) -> Any:
    # Called for inner objects first: of a kernel's many arguments the operator, the type of its result and the provider
    # are kept.
    if "op_name" in fields:
        results = fields.get("output_type_shape")
        result = results[0] if results and isinstance(results[0], str) else ""
        return (fields["op_name"], result, fields.get("provider", ""))
    if len(fields) == 1 and isinstance(next(iter(fields.values())), list):
        return next(iter(fields))  # {type: shape}
    suffix = "_kernel_time"
    if fields.get("cat") == "Node" and str(fields.get("name")).endswith(suffix) and isinstance(fields["args"], tuple):
        arguments = cast("tuple[str, str, str]", fields["args"])
        return (
            fields["name"][: -len(suffix)],
            arguments[0],
            float(fields["ts"]),
            float(fields["dur"]),
            0,
            arguments[1],
            arguments[2],
        )
    return ("", "", 0.0, 0.0, 0, "", "") if fields.get("name") == "model_run" else None


def _runs(events: list[Event]) -> list[list[Event]]:
    """The kernels of each run. Those in the body of an If, Loop or Scan are counted in it: its time has theirs."""
    runs: list[list[Event]] = []
    current: list[Event] = []
    for name, kind, start, duration, _, result, provider in events:
        if not kind:
            runs.append(current)
            current = []
            continue
        within = 0
        if kind in _CONTROL_FLOW:
            # They ended before it and started after it.
            while current and current[-1][2] >= start:
                within += 1 + current.pop()[4]
        current.append((name, kind, start, duration, within, result, provider))
    return runs


def _kernels(runs: list[list[Event]]) -> list[dict[str, Any]]:
    """Median time of each kernel over the runs that ran the same kernels as the last one."""
    if not runs:
        return []
    sequence = [event[:2] for event in runs[-1]]
    alike = [run for run in runs if [event[:2] for event in run] == sequence]
    kernels: list[dict[str, Any]] = []
    for position, (name, kind) in enumerate(sequence):
        times = [run[position][3] for run in alike]
        # Whole microseconds: interpolated within the median's microsecond by how often the others occur.
        seconds = 1e-6 * (_ROUNDED_OFF + statistics.median_grouped(times, 1.0))
        within = statistics.median_low([run[position][4] for run in alike])
        *_, result, provider = runs[-1][position]
        kernels.append({
            "name": name, "kind": kind, "seconds": seconds, "within": within, "result": result, "provider": provider,
        })  # fmt: skip
    return kernels
