"""The child's side of ncnn: loaded by path in the worker; standard library, numpy and ncnn only.

pnnx converts the model here, for the shapes of the workload; its program needs nothing of the package around it. Half
precision is ncnn's default where a processor has it, and is off here unless it was asked for.

ncnn has no profiler. Its layers are asked for one after the other, so that each runs alone, with memory that is reused
and blobs that are given up once they are read, as in a plain run. What is asked for is also handed out each time: that
is the profiler's own time. Which tensor a blob is, its values tell: they are described here, in float32.
"""

import contextlib
import ctypes
import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from typing import Any

_MODEL, _CONVERTED = "model", "model.ncnn"
_TYPES = {
    "float32": "f32", "float64": "f64", "float16": "f16", "bfloat16": "bf16", "int8": "i8", "uint8": "u8",
    "int16": "i16", "int32": "i32", "int64": "i64",
}  # fmt: skip
"""Source: pnnx, its usage message and README, types of ``inputshape``."""
_NO_BATCH = 233
"""What ncnn calls the axis of the batch where there is none."""
_INPUT = re.compile(r'ex\.input\("(\w+)", ncnn\.Mat\(\w+\.numpy\(\)(?:, batch_index=(\d+))?\)')
_OUTPUT = re.compile(r"from_numpy\((\w+)\.numpy\((?:[^()]*batch_index=(\d+))?\)")
_COLOURS = re.compile(r"\x1b?\[[0-9;]*m")
_HEAVY = (
    "Convolution", "ConvolutionDepthWise", "InnerProduct", "Gemm", "MatMul", "MultiHeadAttention", "Deconvolution",
    "Convolution1D", "Convolution3D",
)  # fmt: skip
_NOT_RUN = ("Input",)
_INT32 = 2**31
_LONGEST_REASON = 3
_RAW, _FLOAT32 = 1, 0

Timed = Callable[[Callable[[], object], float, int, int], dict[str, Any]]


def open_session(arguments: dict[str, Any]) -> "tuple[NcnnSession, dict[str, Any]]":
    """Convert and load the model at ``arguments["model"]``; the reply has the version, the load time, the precision.

    Args:
        arguments: also ``threads``, ``precision``, ``inputs``: shape and dtype of each by name, in the model's order,
            and ``outputs`` likewise.
    """
    ncnn = importlib.import_module("ncnn")
    inputs, outputs = _convert(arguments["model"], arguments["inputs"])
    session = NcnnSession(ncnn, arguments, inputs, outputs)
    return session, {
        "version": str(importlib.import_module("importlib.metadata").version("ncnn")),
        "load_seconds": session.load_seconds,
        "precision": session.precision(),
    }


class NcnnSession:
    """A model loaded once for the times, and once more, when these are taken, to look at the values in it."""

    def __init__(
        self, ncnn: Any, arguments: dict[str, Any], inputs: list[tuple[str, int]], outputs: list[tuple[str, int]]
    ) -> None:
        self._ncnn = ncnn
        self._arguments = arguments
        self._input_blobs = inputs
        self._output_blobs = outputs
        if len(outputs) != len(arguments["outputs"]):
            raise ValueError(f"it has {len(outputs)} outputs, the model {len(arguments['outputs'])}")
        self._fed: list[tuple[str, Any]] = []
        start = time.perf_counter()
        self._net = self._load(arguments["precision"])
        self.load_seconds = time.perf_counter() - start
        self._stages = {"parse": self._parsed - start, "optimise": start + self.load_seconds - self._parsed}
        self.call: Callable[[], object] = _not_fed

    def feed(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Read the inputs from their files; where ``outputs`` names a folder, run once and write them there."""
        numpy = importlib.import_module("numpy")
        self._fed = []
        for (blob, batch), name in zip(self._input_blobs, self._arguments["inputs"], strict=True):
            array = numpy.load(arguments["inputs"][name]["file"], allow_pickle=False)
            if array.dtype.kind in "iu":
                if array.size and not -_INT32 <= int(array.min()) <= int(array.max()) < _INT32:
                    raise ValueError(f"input {name} has numbers beyond the 32 bits that ncnn reads")
                array = array.astype(numpy.int32)
            else:
                array = array.astype(numpy.float32)
            mat = self._ncnn.Mat(numpy.ascontiguousarray(array), batch_index=batch).clone()
            self._fed.append((blob, mat))
        self.call = self._bound()
        return self._computed(numpy, arguments["outputs"]) if "outputs" in arguments else {}

    def load_stages(self, arguments: dict[str, Any]) -> dict[str, float]:
        """Seconds of reading the converted layers, and of reading and packing their weights."""
        del arguments
        return self._stages

    def precision(self) -> str:
        """The type that most layers with arithmetic store their numbers in: what was asked for, if they can."""
        asked = self._arguments["precision"]
        if asked == "float32":
            return asked
        layers = self._net.layers()
        heavy = [layer for layer in layers if layer.type in _HEAVY] or layers
        return asked if 2 * sum(bool(layer.support_bf16_storage) for layer in heavy) > len(heavy) else "float32"

    def profile(self, arguments: dict[str, Any], timed: Timed) -> dict[str, Any]:
        """Run the model in turns as a whole and layer by layer, then look at what each layer gives.

        Args:
            arguments: ``blocks`` of ``runs`` runs each way, ``graph``: the file for the ``layers``, the
                ``times`` of each in each run and the blobs of the ``inputs``.
            timed: the worker's timer.
        """
        layers = [layer for layer in self._net.layers() if layer.type not in _NOT_RUN]
        times: list[list[int]] = []
        profiled_call = self._profiled([list(layer.tops) for layer in layers], times)
        profiled_call()
        times.clear()
        plain: list[float] = []
        profiled: list[float] = []
        for _ in range(arguments["blocks"]):
            plain += timed(self.call, 0.0, arguments["runs"], arguments["runs"])["seconds"]
            profiled += timed(profiled_call, 0.0, arguments["runs"], arguments["runs"])["seconds"]
        packs = self._packs([list(layer.tops) for layer in layers])
        del layers, profiled_call
        self.call = _not_fed
        self._net.clear()
        described = self._described()
        for layer, pack in zip(described, packs, strict=True):
            layer["pack"] = pack
        seconds = [[1e-9 * each for each in run] for run in times]
        with open(arguments["graph"], "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump({"layers": described, "times": seconds, "inputs": [blob for blob, _ in self._fed]}, file)
        return {"plain": plain, "profiled": profiled}

    def _load(self, precision: str, *, exact: bool = False) -> Any:
        net = self._ncnn.Net()
        option = net.opt
        option.num_threads = self._arguments["threads"]
        option.use_vulkan_compute = False
        option.use_fp16_packed = option.use_fp16_storage = option.use_fp16_arithmetic = False
        option.use_bf16_packed = option.use_bf16_storage = precision == "bfloat16"
        if exact:
            option.use_winograd_convolution = False
        with _words() as words:
            failed = net.load_param(f"{_CONVERTED}.param")
            self._parsed = time.perf_counter()
            failed = failed or net.load_model(f"{_CONVERTED}.bin")
        if failed:
            raise ValueError(words.reason() or "ncnn cannot load what pnnx made of the model")
        return net

    def _extractor(self, net: Any) -> Any:
        extractor = net.create_extractor()
        for blob, mat in self._fed:
            extractor.input(blob, mat)
        return extractor

    def _bound(self) -> Callable[[], object]:
        names = [blob for blob, _ in self._output_blobs]

        def call() -> list[Any]:
            extractor = self._extractor(self._net)
            results = [extractor.extract(name) for name in names]
            if any(failed for failed, _ in results):
                raise RuntimeError("ncnn gave up the run")
            return [mat for _, mat in results]

        return call

    def _computed(self, numpy: Any, folder: str) -> dict[str, Any]:
        files: dict[str, str] = {}
        mats: Any = self.call()
        wanted = self._arguments["outputs"].items()
        for number, ((name, output), mat, (_, batch)) in enumerate(zip(wanted, mats, self._output_blobs, strict=True)):
            array = numpy.array(mat.numpy(batch_index=batch))
            shape = output["shape"]
            if shape is not None and array.size == numpy.prod(shape, dtype=int):
                array = array.reshape(shape)
            with contextlib.suppress(TypeError):
                # ncnn has no integers of 64 bits and no booleans; what numpy has no name for stays as it is.
                array = array.astype(numpy.dtype(output["dtype"]), copy=False)
            files[name] = os.path.join(folder, f"output-{number}.npy")  # noqa: PTH118  (no pathlib here)
            numpy.save(files[name], array, allow_pickle=False)
        return {"outputs": files}

    def _profiled(self, tops: list[list[int]], times: list[list[int]]) -> Callable[[], object]:
        clock = time.perf_counter_ns
        # The allocators that a run has by itself hand results out as copies.
        pools = [self._ncnn.PoolAllocator(), self._ncnn.PoolAllocator()]

        def call() -> None:
            extractor = self._extractor(self._net)
            extractor.set_blob_allocator(pools[0])
            extractor.set_workspace_allocator(pools[1])
            extract = extractor.extract
            taken: list[int] = []
            for each in tops:
                start = clock()
                for top in each:
                    # Not kept: a layer that works in place would copy its input first.
                    extract(top, _RAW)
                taken.append(clock() - start)
            times.append(taken)

        return call

    def _packs(self, tops: list[list[int]]) -> list[int]:
        """How many channels are neighbours in memory, in what each layer gives."""
        extractor = self._extractor(self._net)
        return [max((int(extractor.extract(top, _RAW)[1].elempack) for top in each), default=1) for each in tops]

    def _described(self) -> list[dict[str, Any]]:
        """The layers, in the order in which they run, with the blobs between them and what is in these."""
        numpy = importlib.import_module("numpy")
        net = self._load("float32", exact=True)
        names = [blob.name for blob in net.blobs()]
        extractor = self._extractor(net)
        described: list[dict[str, Any]] = []
        for layer in net.layers():
            if layer.type in _NOT_RUN:
                continue
            values = [_moments(numpy, extractor.extract(top, _FLOAT32)[1]) for top in layer.tops]
            described.append(
                {
                    "name": layer.name,
                    "type": layer.type,
                    "bottoms": [names[bottom] for bottom in layer.bottoms],
                    "tops": [names[top] for top in layer.tops],
                    "values": values,
                }
            )
        return described


def _not_fed() -> object:
    raise RuntimeError("the session has no inputs")


def _moments(numpy: Any, mat: Any) -> list[float]:
    """Number of elements, mean, standard deviation, least, largest, mean magnitude: the same in every layout."""
    array = mat.numpy(batch_index=0) if mat.n > 1 else mat.numpy()
    array = array.astype(numpy.float64)
    if not array.size or not numpy.isfinite(array).all():
        return [float(array.size)]
    return [
        float(array.size), float(array.mean()), float(array.std()), float(array.min()), float(array.max()),
        float(numpy.abs(array).mean()),
    ]  # fmt: skip


def _convert(model: str, inputs: dict[str, Any]) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Let pnnx convert the model; the blobs of the inputs and of the outputs, each with its axis of the batch."""
    missing = next((name for name, given in inputs.items() if given["dtype"] not in _TYPES), None)
    if missing is not None:
        raise TypeError(f"pnnx takes no {inputs[missing]['dtype']} for input {missing}")
    shapes = ",".join(
        f"[{','.join(map(str, given['shape']))}]{_TYPES[given['dtype']]}" for given in inputs.values()
    )  # fmt: skip
    # It writes beside the model.
    try:
        os.symlink(model, f"{_MODEL}.onnx")  # noqa: PTH211  (no pathlib here)
    except OSError:
        shutil.copyfile(model, f"{_MODEL}.onnx")
    with open("pnnx.txt", "w+b") as log:  # noqa: PTH123
        finished = subprocess.run(
            [_program(), f"{_MODEL}.onnx", f"inputshape={shapes}", "fp16=0"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        log.seek(0)
        lines = _lines(log.read())
    made = all(os.path.exists(f"{_CONVERTED}.{end}") for end in ("param", "bin"))  # noqa: PTH110
    if finished.returncode or not made:
        last = lines[-1] if lines else "it says nothing"
        raise ValueError(f"pnnx ends with code {finished.returncode}: {last}")
    _write_embeddings(lines)
    with open(f"{_MODEL}_ncnn.py", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
        text = file.read()
    for name in (f"{_MODEL}.pnnx.bin", f"{_MODEL}.pnnx.onnx", f"{_MODEL}.pnnxsim.onnx"):
        with contextlib.suppress(OSError):
            os.remove(name)  # noqa: PTH107
    found = [(name, int(batch or _NO_BATCH)) for name, batch in _INPUT.findall(text)]
    if len(found) != len(inputs):
        raise ValueError(f"pnnx keeps {len(found)} inputs of {len(inputs)}")
    return found, [(name, int(batch or _NO_BATCH)) for name, batch in _OUTPUT.findall(text)]


def _write_embeddings(log: list[str]) -> None:
    """Make each Gather that looks rows of a table up by an input of the model the Embed that ncnn has for it.

    pnnx makes an Embed of torch's, and leaves ONNX's as a layer that ncnn does not have. Weights are stored in the
    order of the layers, those of an Embed behind a tag of four bytes that says how they are packed, 0 for not at all.

    Source: ncnn, "param and model file structure" and "operation param weight table" (MemoryData, Embed).
    """
    with open(f"{_CONVERTED}.param", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
        first, _, *layers = file.read().splitlines()
    for gather in [line for line in layers if line.startswith("Gather ")]:
        fields = gather.split()
        # Without an axis in pnnx's complaint it is another Gather.
        if fields[2:4] != ["2", "1"] or f"ignore Gather {fields[1]} param axis=0" not in log:
            continue
        table, indices, rows = fields[4:7]
        place = next((at for at, line in enumerate(layers) if _is_table(line, table)), None)
        if place is None or not any(line.split()[:1] == ["Input"] and line.split()[4] == indices for line in layers):
            continue
        before = [_stored_bytes(line) for line in layers[:place]]
        if None in before:
            continue
        sizes = _parameters(layers[place])
        width, height = sizes["0"], sizes["1"]
        layers[place] = f"Embed {fields[1]} 1 1 {indices} {rows} 0={width} 1={height} 2=0 3={width * height}"
        layers.remove(gather)
        _insert_tag(sum(size for size in before if size is not None))
    blobs = sum(int(line.split()[3]) for line in layers)
    with open(f"{_CONVERTED}.param", "w", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
        file.write("\n".join([first, f"{len(layers)} {blobs}", *layers, ""]))


def _is_table(line: str, blob: str) -> bool:
    fields = line.split()
    return fields[:1] == ["MemoryData"] and fields[4] == blob and _parameters(line).keys() == {"0", "1"}


def _stored_bytes(line: str) -> int | None:
    """Of the weights of a layer; None where that takes more than a look at it."""
    kind = line.split()[0]
    if kind == "Input":
        return 0
    sizes = _parameters(line)
    if kind == "Embed" and "18" not in sizes:
        return 4 + 4 * sizes["3"] + 4 * sizes["0"] * sizes["2"]
    if kind != "MemoryData" or not sizes.keys() <= {"0", "1", "2", "11"}:
        return None
    count = 1
    for size in sizes.values():
        count *= size or 1
    return 4 * count


def _parameters(line: str) -> dict[str, int]:
    return {key: int(number) for key, number in re.findall(r" (\d+)=(\d+)(?= |$)", line)}


def _insert_tag(offset: int) -> None:
    path = f"{_CONVERTED}.bin"
    with open(path, "rb") as source, open(f"{path}.new", "wb") as target:  # noqa: PTH123
        target.write(source.read(offset))
        target.write(bytes(4))
        while part := source.read(2**24):
            target.write(part)
    os.replace(f"{path}.new", path)  # noqa: PTH105


def _program() -> str:
    """Of pnnx, without importing the package: that needs torch, the program does not."""
    found = importlib.util.find_spec("pnnx")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("pnnx", name="pnnx")
    end = ".exe" if sys.platform == "win32" else ""
    return os.path.join(found.submodule_search_locations[0], f"pnnx{end}")  # noqa: PTH118


def _lines(output: bytes) -> list[str]:
    text = _COLOURS.sub("", output.decode("utf-8", errors="replace"))
    return [line.strip() for line in text.splitlines() if line.strip()]


class _Words:
    """What ncnn printed."""

    lines: list[str]

    def reason(self) -> str:
        """Its last words."""
        return "; ".join(self.lines[-_LONGEST_REASON:])


@contextlib.contextmanager
def _words() -> Generator[_Words]:
    """Collect what ncnn prints, its only way to tell why it refuses."""
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
            words.lines = _lines(file.read())
