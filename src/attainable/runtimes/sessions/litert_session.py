"""The child's side of LiteRT: loaded by path in the worker; standard library, numpy and LiteRT only.

The interpreter runs the network, with XNNPACK for the operators that it has, as it is deployed. Its Python has no
profiler. LiteRT's C library has one: it loads the same file again and notes events, see ``_Profiler``.

Which tensor of the original model each of a converted one is, its values tell. They are described here by an
interpreter without XNNPACK, which keeps them all.
"""

import contextlib
import ctypes
import importlib
import importlib.util
import json
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Generator
from typing import Any

_VERSION = re.compile(r"2\.3\.\d+")
"""Of which the C library is known; its structures change with the minor version."""
_LIBRARIES = {"darwin": "libLiteRt.dylib", "win32": "libLiteRt.dll"}
_CPU, _WRITE = 1, 1
_LAYOUT_BYTES, _DIMENSIONS_AT, _MOST_DIMENSIONS, _RANK_BITS = 256, 8, 8, 0x7F
_EVENT_BYTES, _SPARE_BYTES, _UNTOUCHED = 104, 4096, 0xA5
_ROOM = 2048
"""Events that the profiler keeps; it drops what comes later."""
_INVOKED, _DELEGATED, _PROFILED_DELEGATED = 2, 4, 8
_NUMBER = re.compile(r"_(?:args|output)_(\d+)(?:_output)?(?::\d+)?$")
_INT32 = 2**31
_HEAVY = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "BATCH_MATMUL", "TRANSPOSE_CONV", "CONV_3D")

Timed = Callable[[Callable[[], object], float, int, int], dict[str, Any]]


def open_session(arguments: dict[str, Any]) -> "tuple[LitertSession, dict[str, Any]]":
    """Load the model at ``arguments["model"]``; the reply has the version, the load time, the precision.

    Args:
        arguments: also ``threads``, ``inputs`` and ``outputs`` in the model's order: the shape of each by name, or
            null, and for outputs the dtype, ``converted``: whether the file was made of another one.
    """
    module = importlib.import_module("ai_edge_litert.interpreter")
    version = str(importlib.import_module("importlib.metadata").version("ai-edge-litert"))
    session = LitertSession(module, arguments, version)
    return session, {"version": version, "load_seconds": session.load_seconds, "precision": session.precision()}


class LitertSession:
    """A model loaded once for the times, and once more each for the profile and for the values in it."""

    def __init__(self, module: Any, arguments: dict[str, Any], version: str) -> None:
        self._module = module
        self._arguments = arguments
        self._version = version
        self._fed: list[Any] = []
        start = time.perf_counter()
        with _words() as words:
            try:
                self._interpreter = module.Interpreter(arguments["model"], num_threads=arguments["threads"])
                parsed = time.perf_counter()
                self._make_static(self._interpreter)
                self._interpreter.allocate_tensors()
            except (RuntimeError, ValueError) as error:
                raise ValueError(f"{error} {words()}".strip()) from None
        self.load_seconds = time.perf_counter() - start
        self._stages = {"parse": parsed - start, "optimise": start + self.load_seconds - parsed}
        self._outputs = self._in_order(self._interpreter.get_output_details())
        if len(self._outputs) != len(arguments["outputs"]):
            raise ValueError(f"it has {len(self._outputs)} outputs, the model {len(arguments['outputs'])}")
        self.call: Callable[[], object] = _not_fed

    def feed(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Read the inputs from their files; where ``outputs`` names a folder, run once and write them there."""
        numpy = importlib.import_module("numpy")
        details = self._in_order(self._interpreter.get_input_details())
        if len(details) != len(arguments["inputs"]):
            raise ValueError(f"it has {len(details)} inputs, the model {len(arguments['inputs'])}")
        self._fed = []
        for detail, name in zip(details, self._arguments["inputs"], strict=True):
            array = numpy.load(arguments["inputs"][name]["file"], allow_pickle=False)
            kept = _fitting(numpy, array, numpy.dtype(detail["dtype"]), name)
            self._interpreter.set_tensor(detail["index"], kept)
            self._fed.append((detail["name"], kept))
        self.call = self._interpreter.invoke
        return self._computed(numpy, arguments["outputs"]) if "outputs" in arguments else {}

    def load_stages(self, arguments: dict[str, Any]) -> dict[str, float]:
        """Seconds of reading the file, and of handing it to XNNPACK, which packs the weights."""
        del arguments
        return self._stages

    def precision(self) -> str:
        """The type that most of the arithmetic runs in: that of weights that are integers, else of activations."""
        types: list[str] = []
        for operator in self._interpreter._get_ops_details():
            if operator["op_name"] in _HEAVY:
                operands = [_name_of(kind) for kind in operator["operand_types"]]
                types.append("int8" if "int8" in operands[:2] else _name_of(operator["result_types"][0]))
        return max(sorted(set(types)), key=types.count, default="float32")

    def profile(self, arguments: dict[str, Any], timed: Timed) -> dict[str, Any]:
        """Run the model in turns in the interpreter and under the profiler of the C library.

        Args:
            arguments: ``blocks`` of ``runs`` runs each way, ``values``: whether to describe what is in the tensors,
                ``graph``: the file for the ``events`` of one run, for the ``times`` of each in each run, and for the
                ``values``: those of the results of each operator.
            timed: the worker's timer.

        Returns:
            ``plain`` and ``profiled`` seconds; ``absence`` where there is no profile.
        """
        if not _VERSION.fullmatch(self._version):
            return {"absence": f"the profiler of LiteRT {self._version} is not known, only that of 2.3"}
        plain: list[float] = []
        profiled: list[float] = []
        blocks: list[list[tuple[Any, ...]]] = []
        try:
            profiler = _Profiler(self._arguments["model"], self._arguments["threads"])
            profiler.bind(self._fed, self._interpreter.get_output_details())
            profiler.run()
            most = _runs_at_once(profiler)
            for _ in range(arguments["blocks"]):
                plain += timed(self.call, 0.0, arguments["runs"], arguments["runs"])["seconds"]
                blocks.append([])
                for done in range(0, arguments["runs"], most):
                    runs = min(most, arguments["runs"] - done)
                    profiler.start()
                    profiled += timed(profiler.run, 0.0, runs, runs)["seconds"]
                    blocks[-1] += profiler.stop()
            events, times = _by_run(blocks, arguments["runs"])
        except (OSError, AttributeError, _UnknownLibrary) as error:
            return {"absence": f"LiteRT's profiler cannot be used: {error}"}
        values = self._values() if arguments["values"] else []
        with open(arguments["graph"], "w", encoding="utf-8") as file:  # noqa: PTH123  (no pathlib here)
            json.dump({"events": events, "times": times, "values": values}, file)
        return {"plain": plain, "profiled": profiled}

    def _in_order(self, details: list[Any]) -> list[Any]:
        """Inputs or outputs in the original model's order; the converter numbers them, and may write another order."""
        numbers = [_NUMBER.search(detail["name"]) for detail in details]
        if not self._arguments["converted"] or None in numbers:
            return details
        return sorted(details, key=lambda detail: int(_NUMBER.search(detail["name"])[1]))  # type: ignore[index]

    def _make_static(self, interpreter: Any) -> None:
        details = self._in_order(interpreter.get_input_details())
        for detail, shape in zip(details, self._arguments["inputs"].values(), strict=False):
            if shape is not None and list(detail["shape"]) != shape:
                interpreter.resize_tensor_input(detail["index"], shape, strict=True)

    def _computed(self, numpy: Any, folder: str) -> dict[str, Any]:
        self.call()
        files: dict[str, str] = {}
        wanted = self._arguments["outputs"].items()
        for number, ((name, dtype), detail) in enumerate(zip(wanted, self._outputs, strict=True)):
            array = numpy.array(self._interpreter.get_tensor(detail["index"]))
            if array.dtype.kind not in "biufc":
                raise TypeError(f"output {name} is no array of numbers")
            with contextlib.suppress(TypeError):
                # A converted model may have 32 bits where the original has 64; numpy has no name for some types.
                array = array.astype(numpy.dtype(dtype), copy=False)
            files[name] = os.path.join(folder, f"output-{number}.npy")  # noqa: PTH118
            numpy.save(files[name], array, allow_pickle=False)
        return {"outputs": files}

    def _values(self) -> list[list[list[float]]]:
        """Number of elements, mean, deviation, least, largest, mean magnitude of each operator's results."""
        numpy = importlib.import_module("numpy")
        kinds = self._module.OpResolverType
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            interpreter = self._module.Interpreter(
                self._arguments["model"], num_threads=self._arguments["threads"],
                experimental_op_resolver_type=kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
                experimental_preserve_all_tensors=True,
            )  # fmt: skip
        self._make_static(interpreter)
        interpreter.allocate_tensors()
        for detail, (_, array) in zip(self._in_order(interpreter.get_input_details()), self._fed, strict=True):
            interpreter.set_tensor(detail["index"], array)
        interpreter.invoke()
        return [
            [_moments(numpy, interpreter.get_tensor(index)) for index in operator["outputs"]]
            for operator in interpreter._get_ops_details()
        ]


class _UnknownLibrary(Exception):
    """The C library does not behave as the known one does."""


class _Event(ctypes.Structure):
    _fields_ = (
        ("tag", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("start_microseconds", ctypes.c_uint64),
        ("microseconds", ctypes.c_uint64),
        ("memory", ctypes.c_uint64 * 6),
        ("index", ctypes.c_uint64),
        ("subgraph", ctypes.c_uint64),
        ("source", ctypes.c_int),
    )


class _Profiler:
    """A model in LiteRT's C library, with its profiler on.

    A library of another version may crash here, which only ends the worker; where it writes events of another size than
    ours, they are not read.

    Source: LiteRT, litert/c: litert_environment.h, litert_model.h, litert_options.h, litert_opaque_options.h,
    litert_compiled_model.h, litert_tensor_buffer.h, litert_profiler.h, litert_profiler_event.h; the layouts of 2.3.0.
    """

    def __init__(self, model: str, threads: int) -> None:
        package = importlib.util.find_spec("ai_edge_litert")
        assert package is not None and package.submodule_search_locations
        folder = package.submodule_search_locations[0]
        name = _LIBRARIES.get(sys.platform, "libLiteRt.so")
        self._library = ctypes.CDLL(os.path.join(folder, name))  # noqa: PTH118
        self._kept: list[Any] = []
        self._environment = self._made("CreateEnvironment", 0, None)
        self._model = self._made("CreateModelFromFile", self._environment, os.fsencode(model))
        options = self._made("CreateOptions")
        self._call("SetOptionsHardwareAccelerators", options, _CPU)
        for key, text in (
            (b"runtime_options_string", b"enable_profiling = true\n"), (b"xnnpack", b"num_threads = %d\n" % threads),
        ):  # fmt: skip
            self._add_option(options, key, text)
        self._compiled = self._made("CreateCompiledModel", self._environment, self._model, options)
        self._profiler = self._made("CompiledModelGetProfiler", self._compiled)
        self._signature = self._made("GetModelSignature", self._model, 0)
        self._bound: tuple[Any, ...] = ()
        self.noted = 0

    def bind(self, inputs: list[tuple[str, Any]], outputs: list[Any]) -> None:
        """Copy the inputs in and make room for the outputs.

        Args:
            inputs: name of the tensor and its elements.
            outputs: what the interpreter says of them.
        """
        arrays = dict(inputs)
        shapes = {detail["name"]: list(detail["shape"]) for detail in outputs}
        sides: list[Any] = []
        for side, wanted in (("Input", len(inputs)), ("Output", len(outputs))):
            buffers: list[Any] = []
            for index in range(wanted):
                tensor = self._made(f"GetSignature{side}TensorByIndex", self._signature, index)
                name = ctypes.c_char_p()
                self._call("GetTensorName", tensor, ctypes.byref(name))
                key = (name.value or b"").decode("utf-8", errors="replace")
                if key not in (arrays if side == "Input" else shapes):
                    raise _UnknownLibrary(f"it has no {side.lower()} {key}")
                shape = list(arrays[key].shape) if side == "Input" else shapes[key]
                if side == "Input":
                    extents = (ctypes.c_int * len(shape))(*shape)
                    self._call("CompiledModelResizeInputTensor", self._compiled, 0, index, extents, len(shape))
                elif not index:
                    # The sizes of results follow from those of inputs, but only when they are asked for.
                    layouts = ctypes.create_string_buffer(_LAYOUT_BYTES * wanted)
                    self._call("GetCompiledModelOutputTensorLayouts", self._compiled, 0, wanted, layouts, 1)
                buffer = self._buffer(side, index, tensor, shape)
                if side == "Input":
                    self._fill(buffer, arrays[key])
                buffers.append(buffer)
            sides.append((ctypes.c_void_p * len(buffers))(*buffers))
        first, second = sides
        self._bound = (self._compiled, *_sizes(0, len(first)), first, *_sizes(len(second)), second)

    def run(self) -> None:
        """One run."""
        if self._library.LiteRtRunCompiledModel(*self._bound):
            raise RuntimeError("LiteRT gave up the run")

    def start(self) -> None:
        """Forget all events and note those to come."""
        self._call("ResetProfiler", self._profiler)
        self._call("StartProfiler", self._profiler)

    def stop(self) -> list[tuple[Any, ...]]:
        """Note no more; gives the events of operators: tag, type, index, subgraph, microseconds.

        How many there were of all types is in ``noted``.
        """
        self._call("StopProfiler", self._profiler)
        count = ctypes.c_int()
        self._call("GetNumProfilerEvents", self._profiler, ctypes.byref(count))
        if count.value < 1:
            raise _UnknownLibrary("it noted no events")
        if count.value >= _ROOM:
            raise _UnknownLibrary(f"it has room for {_ROOM} events, and there were as many or more")
        self.noted = count.value
        # Room for structures that are larger than ours, so that they are seen to be.
        room = bytearray([_UNTOUCHED]) * (2 * _EVENT_BYTES * count.value + _SPARE_BYTES)
        buffer = (ctypes.c_char * len(room)).from_buffer(room)
        self._call("GetProfilerEvents", self._profiler, count.value, buffer)
        written = len(room.rstrip(bytes([_UNTOUCHED])))
        # The last number has four bytes and is followed by four that nobody writes, or that are copied along.
        if not -4 <= written - _EVENT_BYTES * count.value <= 0:
            raise _UnknownLibrary(f"its events have {written / count.value:.0f} bytes, not {_EVENT_BYTES}")
        events = (_Event * count.value).from_buffer(room)
        noted = (_INVOKED, _DELEGATED, _PROFILED_DELEGATED)
        return [
            ((event.tag or b"").decode("utf-8", errors="replace"), event.type, event.index, event.subgraph,
             event.microseconds)
            for event in events if event.type in noted
        ]  # fmt: skip

    def _buffer(self, side: str, index: int, tensor: Any, shape: list[int]) -> Any:
        kind = ctypes.create_string_buffer(_LAYOUT_BYTES)
        self._call("GetRankedTensorType", tensor, kind)
        rank = kind.raw[4] & _RANK_BITS
        if rank != len(shape) or rank > _MOST_DIMENSIONS:
            raise _UnknownLibrary(f"a tensor of rank {len(shape)} has the rank {rank}")
        (ctypes.c_int32 * rank).from_buffer(kind, _DIMENSIONS_AT)[:] = shape
        needs = self._made(f"GetCompiledModel{side}BufferRequirements", self._compiled, 0, index)
        return self._made("CreateManagedTensorBufferFromRequirements", self._environment, kind, needs)

    def _fill(self, buffer: Any, array: Any) -> None:
        size = ctypes.c_size_t()
        self._call("GetTensorBufferPackedSize", buffer, ctypes.byref(size))
        if size.value != array.nbytes:
            raise _UnknownLibrary(f"an input of {array.nbytes} bytes has {size.value}")
        place = ctypes.c_void_p()
        self._call("LockTensorBuffer", buffer, ctypes.byref(place), _WRITE)
        ctypes.memmove(place, array.ctypes.data, array.nbytes)
        self._call("UnlockTensorBuffer", buffer)

    def _add_option(self, options: Any, key: bytes, text: bytes) -> None:
        # The library asks to free the text; it is ours.
        release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(_keep)
        content = ctypes.create_string_buffer(text)
        self._kept += [release, content]
        self._call("AddOpaqueOptions", options, self._made("CreateOpaqueOptions", key, content, release))

    def _made(self, name: str, *arguments: Any) -> Any:
        """What a function gives through its last argument."""
        found = ctypes.c_void_p()
        self._call(name, *arguments, ctypes.byref(found))
        if not found:
            raise _UnknownLibrary(f"{name} gives nothing")
        return found

    def _call(self, name: str, *arguments: Any) -> None:
        status = getattr(self._library, f"LiteRt{name}")(*(_argument(each) for each in arguments))
        if status:
            raise _UnknownLibrary(f"{name} ends with status {status}")


def _runs_at_once(profiler: _Profiler) -> int:
    """How many runs the profiler has room for."""
    profiler.start()
    profiler.run()
    profiler.stop()
    return (_ROOM - 1) // profiler.noted


def _argument(value: Any) -> Any:
    """Integers as wide as a register: the library takes some as ``int`` and some as ``size_t``."""
    return ctypes.c_size_t(value) if isinstance(value, int) else value


def _sizes(*numbers: int) -> list[Any]:
    return [ctypes.c_size_t(number) for number in numbers]


def _keep(pointer: Any) -> None:
    del pointer


def _by_run(blocks: list[list[tuple[Any, ...]]], runs: int) -> tuple[list[dict[str, Any]], list[list[float]]]:
    """The events of one run, which are the same in each, and the seconds of each in each run."""
    length = len(blocks[0]) // runs
    if not length or any(len(block) != length * runs for block in blocks):
        raise _UnknownLibrary("it noted other events in other runs")
    noted = [block[at : at + length] for block in blocks for at in range(0, len(block), length)]
    events: list[dict[str, Any]] = []
    for same in zip(*noted, strict=True):
        if len({event[:4] for event in same}) > 1:
            raise _UnknownLibrary("it noted other events in other runs")
        tag, kind, index, subgraph, _ = same[0]
        events.append({"tag": tag, "delegated": kind != _INVOKED, "index": index, "subgraph": subgraph})
    return events, [[1e-6 * event[4] for event in run] for run in noted]


def _fitting(numpy: Any, array: Any, wanted: Any, name: str) -> Any:
    """An input in the type that the file takes."""
    if array.dtype == wanted:
        return numpy.ascontiguousarray(array)
    if array.dtype.kind in "iu" and wanted == numpy.int32:
        if array.size and not -_INT32 <= int(array.min()) <= int(array.max()) < _INT32:
            raise ValueError(f"input {name} has numbers beyond the 32 bits that the converted model reads")
        return numpy.ascontiguousarray(array, dtype=wanted)
    raise TypeError(f"input {name} is {array.dtype}, the file takes {wanted}")


def _moments(numpy: Any, array: Any) -> list[float]:
    if array.dtype.kind not in "biuf":
        return [float(array.size)]
    array = array.astype(numpy.float64)
    if not array.size or not numpy.isfinite(array).all():
        return [float(array.size)]
    return [
        float(array.size), float(array.mean()), float(array.std()), float(array.min()), float(array.max()),
        float(numpy.abs(array).mean()),
    ]  # fmt: skip


def _name_of(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))


def _not_fed() -> object:
    raise RuntimeError("the session has no inputs")


@contextlib.contextmanager
def _words() -> Generator[Callable[[], str]]:
    """Collect what LiteRT prints; gives a function that tells its last error, as far as one was printed."""
    library = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
    kept = os.dup(2)
    with open("words.txt", "w+b") as file:  # noqa: PTH123

        def last() -> str:
            library.fflush(None)
            with open("words.txt", encoding="utf-8", errors="replace") as written:  # noqa: PTH123
                errors = [line.partition("ERROR:")[2].strip() for line in written if line.startswith("ERROR:")]
            return errors[-1] if errors else ""

        os.dup2(file.fileno(), 2)
        try:
            yield last
        finally:
            library.fflush(None)
            os.dup2(kept, 2)
            os.close(kept)
