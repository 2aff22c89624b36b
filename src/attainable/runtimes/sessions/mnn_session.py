"""The child's side of MNN: loaded by path in the worker; standard library, numpy and MNN only.

The model is converted in a process of its own, so that its memory is not counted, with the converter's own module: the
command around it installs a package and reports what it converted. The processor's backend runs it in high precision
with as many threads as asked for.

The memory of an input belongs to the session, which puts results of the network there: every run starts with copying
the inputs, and without that all but the first would compute something else.
"""

import contextlib
import ctypes
import importlib
import json
import mmap
import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from typing import Any

_CONVERTED = "model.mnn"
_CONVERTER = (
    "import sys, _tools; "
    "_tools.mnnconvert(['', '-f', 'ONNX', '--modelFile', sys.argv[1], '--MNNModel', sys.argv[2], '--bizCode', 'x'])"
)
_SUCCESS = "Converted Success!"
_CHATTER = (
    "The device supports", "Start to", "inputTensors", "outputTensors", "Converted", "Don't has bizCode",
    "MNN use", "[ERROR] Convert error",
)  # fmt: skip
_CHATTER_WITHIN = ("ONNX Model ir version", "ONNX Model opset version")
_INT32 = 2**31
_CONVOLUTIONS, _INTEGER_CONVOLUTIONS = (12, 13), (513, 515)
_FEWEST_WARM_UP_RUNS = 2

Timed = Callable[[Callable[[], object], float, int, int], dict[str, Any]]


def open_session(arguments: dict[str, Any]) -> "tuple[MnnSession, dict[str, Any]]":
    """Convert and load the model at ``arguments["model"]``; the reply has the version and the load time.

    Args:
        arguments: also ``threads``, ``shapes`` by input, and ``outputs``: in the model's order, each with its dtype.
    """
    mnn = importlib.import_module("MNN")
    _convert(arguments["model"])
    session = MnnSession(mnn, arguments)
    return session, {
        "version": str(mnn.version()),
        "load_seconds": session.load_seconds,
        "precision": session.precision(),
    }


class MnnSession:
    """A model loaded once, for the times and for the profile."""

    def __init__(self, mnn: Any, arguments: dict[str, Any]) -> None:
        self._mnn = mnn
        self._outputs: dict[str, str] = arguments["outputs"]
        self._graph = _operators(_CONVERTED)
        self._inputs: list[tuple[Any, Any, Any]] = []
        with _words() as words:
            start = time.perf_counter()
            self._interpreter = mnn.Interpreter(_CONVERTED)
            parsed = time.perf_counter()
            self._session = self._interpreter.createSession(
                {"backend": "CPU", "precision": "high", "numThread": arguments["threads"]}
            )
            if self._session is not None:
                self._make_static(arguments["shapes"])
            self.load_seconds = time.perf_counter() - start
            self._stages = {"parse": parsed - start, "optimise": start + self.load_seconds - parsed}
        if self._session is None:
            raise ValueError(words.reason() or "MNN made no session of the model")
        missing = [name for name in self._outputs if name not in self._interpreter.getSessionOutputAll(self._session)]
        if missing:
            raise ValueError(f"it has no output {missing[0]}")
        self.call: Callable[[], object] = _not_fed

    def feed(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Read the inputs from their files; where ``outputs`` names a folder, run once and write them there."""
        numpy = importlib.import_module("numpy")
        self._inputs = []
        for name, given in arguments["inputs"].items():
            array = numpy.load(given["file"], allow_pickle=False)
            self._inputs.append(self._host_tensor(numpy, name, array))
        self.call = self._bound()
        return self._computed(numpy, arguments["outputs"]) if "outputs" in arguments else {}

    def load_stages(self, arguments: dict[str, Any]) -> dict[str, float]:
        """Seconds of reading the converted model, and of preparing its weights and planning its memory."""
        del arguments
        return self._stages

    def precision(self) -> str:
        """The type that most convolutions run in: high precision computes in float32 what is not quantised."""
        types = [operator["type"] for operator in self._graph]
        quantised = sum(types.count(each) for each in _INTEGER_CONVOLUTIONS)
        return "int8" if quantised > sum(types.count(each) for each in _CONVOLUTIONS) else "float32"

    def profile(self, arguments: dict[str, Any], timed: Timed) -> dict[str, Any]:
        """Run the model in turns without and with a reading of the clock before and after each command.

        Args:
            arguments: ``blocks`` of ``runs`` runs each way, ``graph``: the file for the ``commands``, the
                ``times`` of each in each run and the ``operators`` of the converted model.
            timed: the worker's timer.
        """
        commands = self._commands()
        starts: list[int] = []
        ends: list[int] = []
        profiled_call = self._profiled(starts, ends)
        for _ in range(_FEWEST_WARM_UP_RUNS):
            profiled_call()
        plain: list[float] = []
        profiled: list[float] = []
        starts.clear()
        ends.clear()
        for _ in range(arguments["blocks"]):
            plain += timed(self.call, 0.0, arguments["runs"], arguments["runs"])["seconds"]
            profiled += timed(profiled_call, 0.0, arguments["runs"], arguments["runs"])["seconds"]
        if len(ends) != len(commands) * len(profiled) or len(starts) != len(ends):
            raise RuntimeError("MNN did not run the same commands each time")
        taken = [1e-9 * (end - start) for start, end in zip(starts, ends, strict=True)]
        times = [taken[run * len(commands) : (run + 1) * len(commands)] for run in range(len(profiled))]
        with open(arguments["graph"], "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump({"operators": self._graph, "commands": commands, "times": times}, file)
        return {"plain": plain, "profiled": profiled}

    def _make_static(self, shapes: dict[str, list[int]]) -> None:
        resized = False
        for name, tensor in self._interpreter.getSessionInputAll(self._session).items():
            if name in shapes and list(tensor.getShape()) != shapes[name]:
                self._interpreter.resizeTensor(tensor, tuple(shapes[name]))
                resized = True
        if resized:
            self._interpreter.resizeSession(self._session)

    def _host_tensor(self, numpy: Any, name: str, array: Any) -> tuple[Any, Any, Any]:
        """The session's tensor of an input, one of the same type that has the elements, and what owns them."""
        target = self._interpreter.getSessionInputAll(self._session).get(name)
        if target is None:
            raise ValueError(f"it has no input {name}")
        wanted = target.getNumpyData().dtype
        integers = array.dtype.kind in "iu" and array.size and wanted == numpy.int32
        if integers and not -_INT32 <= int(array.min()) <= int(array.max()) < _INT32:
            raise ValueError(f"input {name} has numbers beyond the 32 bits that MNN reads")
        kept = numpy.ascontiguousarray(array, dtype=wanted)
        kinds = {
            "float32": self._mnn.Halide_Type_Float, "int32": self._mnn.Halide_Type_Int,
            "uint8": self._mnn.Halide_Type_Uint8,
        }  # fmt: skip
        if str(wanted) not in kinds:
            raise TypeError(f"MNN takes no {wanted} for input {name}")
        host = self._mnn.Tensor(array.shape, kinds[str(wanted)], kept, self._mnn.Tensor_DimensionType_Caffe)
        return target, host, kept

    def _copy_in(self) -> Callable[[], None]:
        pairs = [(target.copyFrom, host) for target, host, _ in self._inputs]

        def copy() -> None:
            for take, host in pairs:
                take(host)

        return copy

    def _bound(self) -> Callable[[], object]:
        run, session, copy = self._interpreter.runSession, self._session, self._copy_in()

        def call() -> None:
            copy()
            if run(session):
                raise RuntimeError("MNN gave up the run")

        return call

    def _computed(self, numpy: Any, folder: str) -> dict[str, Any]:
        self.call()
        files: dict[str, str] = {}
        for number, (name, dtype) in enumerate(self._outputs.items()):
            tensor = self._interpreter.getSessionOutput(self._session, name)
            host = self._mnn.Tensor(tensor, self._mnn.Tensor_DimensionType_Caffe)
            tensor.copyToHostTensor(host)
            array = numpy.array(host.getNumpyData())
            if array.dtype.kind not in "biufc":
                raise TypeError(f"output {name} is no array of numbers")
            with contextlib.suppress(TypeError):
                # MNN has no integers of 64 bits and no booleans; what numpy has no name for stays as it is.
                array = array.astype(numpy.dtype(dtype), copy=False)
            files[name] = os.path.join(folder, f"output-{number}.npy")  # noqa: PTH118  (no pathlib here)
            numpy.save(files[name], array, allow_pickle=False)
        return {"outputs": files}

    def _commands(self) -> list[dict[str, Any]]:
        """What one run executes, in order."""
        commands: list[dict[str, Any]] = []

        def note(tensors: Any, command: Any) -> bool:
            shapes = [list(tensor.getShape()) for tensor in tensors]
            commands.append({"name": command.getName(), "kind": command.getType(), "shapes": shapes})
            return True

        self._copy_in()()
        self._interpreter.runSessionWithCallBackInfo(self._session, _go_on, note)
        return commands

    def _profiled(self, starts: list[int], ends: list[int]) -> Callable[[], object]:
        clock, started, ended = time.perf_counter_ns, starts.append, ends.append
        run, session, copy = self._interpreter.runSessionWithCallBackInfo, self._session, self._copy_in()

        def before(tensors: object, command: object) -> bool:
            started(clock())
            return True

        def after(tensors: object, command: object) -> bool:
            ended(clock())
            return True

        def call() -> None:
            copy()
            run(session, before, after)

        return call


def _go_on(tensors: object, command: object) -> bool:
    return True


def _not_fed() -> object:
    raise RuntimeError("the session has no inputs")


def _convert(model: str) -> None:
    with open("words.txt", "w+b") as file:  # noqa: PTH123  (no pathlib here)
        code = subprocess.run(
            [sys.executable, "-I", "-c", _CONVERTER, model, _CONVERTED],
            stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, check=False,
        ).returncode  # fmt: skip
        file.seek(0)
        words = _Words(file.read())
    if code:
        raise ValueError(f"MNN's converter ends with code {code}: {words.reason()}")
    # It ends well whatever happens.
    if _SUCCESS not in words.text or not os.path.exists(_CONVERTED):  # noqa: PTH110
        raise ValueError(words.reason() or "MNN's converter refused the model")


class _Words:
    """What MNN printed."""

    def __init__(self, output: bytes = b"") -> None:
        self.text = output.decode("utf-8", errors="replace")

    def reason(self) -> str:
        """Its words without what it always prints."""
        lines = [line.strip() for line in self.text.splitlines()]
        kept = [
            line for line in lines
            if line and not line.startswith(_CHATTER) and not any(part in line for part in _CHATTER_WITHIN)
        ]  # fmt: skip
        return "; ".join(kept)


@contextlib.contextmanager
def _words() -> Generator[_Words]:
    """Collect what MNN prints, its only way to tell why it refuses."""
    words = _Words()
    library = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
    library.fflush(None)
    kept = [os.dup(1), os.dup(2)]
    with open("words.txt", "w+b") as file:  # noqa: PTH123
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield words
        finally:
            library.fflush(None)
            for number, descriptor in enumerate(kept, start=1):
                os.dup2(descriptor, number)
                os.close(descriptor)
            file.seek(0)
            words.text = file.read().decode("utf-8", errors="replace")


class _Table:
    """A table of a FlatBuffers file: fields by their number, absent ones empty.

    Source: FlatBuffers, "Internals" (format of tables, vectors and strings).
    """

    def __init__(self, buffer: Any, position: int) -> None:
        self._buffer = buffer
        self._position = position
        self._fields = position - int(struct.unpack_from("<i", buffer, position)[0])
        self._bytes = int(struct.unpack_from("<H", buffer, self._fields)[0])

    def number(self, field: int) -> int:
        at = self._place(field)
        return int(struct.unpack_from("<i", self._buffer, at)[0]) if at else 0

    def numbers(self, field: int) -> list[int]:
        length, at = self._vector(field)
        return list(struct.unpack_from(f"<{length}i", self._buffer, at))

    def text(self, field: int) -> str:
        length, at = self._vector(field)
        return self._buffer[at : at + length].decode("utf-8", errors="replace")

    def texts(self, field: int) -> list[str]:
        found: list[str] = []
        for at in self._targets(field):
            length = int(struct.unpack_from("<I", self._buffer, at)[0])
            found.append(self._buffer[at + 4 : at + 4 + length].decode("utf-8", errors="replace"))
        return found

    def tables(self, field: int) -> "list[_Table]":
        return [_Table(self._buffer, at) for at in self._targets(field)]

    def _place(self, field: int) -> int:
        entry = 4 + 2 * field
        offset = int(struct.unpack_from("<H", self._buffer, self._fields + entry)[0]) if entry < self._bytes else 0
        return self._position + offset if offset else 0

    def _vector(self, field: int) -> tuple[int, int]:
        at = self._place(field)
        if not at:
            return 0, 0
        at += int(struct.unpack_from("<I", self._buffer, at)[0])
        return int(struct.unpack_from("<I", self._buffer, at)[0]), at + 4

    def _targets(self, field: int) -> list[int]:
        length, first = self._vector(field)
        places = range(first, first + 4 * length, 4)
        return [at + int(struct.unpack_from("<I", self._buffer, at)[0]) for at in places]


def _operators(path: str) -> list[dict[str, Any]]:
    """The operators of a converted model in their order, their tensors by number and by name.

    Source: MNN 3.6, schema/default/MNN.fbs, tables ``Net`` and ``Op``.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as buffer:  # noqa: PTH123
        net = _Table(buffer, int(struct.unpack_from("<I", buffer, 0)[0]))
        names = net.texts(7)
        return [
            {
                "name": operator.text(3),
                "type": operator.number(5),
                "inputs": [[number, names[number]] for number in operator.numbers(0)],
                "outputs": [[number, names[number]] for number in operator.numbers(4)],
            }
            for operator in net.tables(3)
        ]
