"""The child's side of PyTorch: loaded by path in the worker; standard library, numpy, onnx and torch only.

An ONNX model becomes a module with a module for each of its nodes (``torch_program``). It runs eagerly, or through
``torch.compile`` with frozen weights (``torch_compiled``). Which node a kernel comes from is known in both: eagerly a
node is a kernel, and torch.compile carries the module that made it along with every node of its graphs.

Nothing is computed in reduced precision unasked, gradients are off, shapes are static. What inductor writes goes to the
current folder; its compiler runs in this process's group, and nothing that an earlier worker compiled is used.

The files that belong to this one come as text with the request, because another machine has only this one.
"""

import importlib
import importlib.util
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

_WARM_UP_RUNS = 2
_CLOCK_READINGS = 2000
_COMPILER = ("torch._dynamo", "torch._inductor.compile_fx")
"""What is otherwise imported on first use; importing is no part of loading."""
_TABLES = ("torch_operators", "torch_movements")

Timed = Callable[[Callable[[], object], float, int, int], dict[str, Any]]


def open_session(arguments: dict[str, Any]) -> "tuple[TorchSession, dict[str, Any]]":
    """Load the model at ``arguments["model"]``; the reply has the version, the load time and the precision that runs.

    Args:
        arguments: also ``threads``, ``compiled``, ``precision`` (None: the model's own types), ``inputs``: shape and
            dtype by name, ``outputs``: names in the model's order, and ``files``: text by name.
    """
    torch = importlib.import_module("torch")
    importlib.import_module("onnx")
    parts = {name: _loaded(name, text) for name, text in arguments["files"].items()}
    session = TorchSession(torch, parts, arguments)
    return session, {
        "version": str(torch.__version__).partition("+")[0],
        "load_seconds": session.load_seconds,
        "precision": session.precision,
    }


class TorchSession:
    """A model loaded once, for the times and for the profile."""

    def __init__(self, torch: Any, parts: dict[str, Any], arguments: dict[str, Any]) -> None:
        self._torch, self._parts = torch, parts
        self._given: dict[str, Any] = {}
        self._compilation: Any = None
        torch.set_num_threads(arguments["threads"])
        torch.set_num_interop_threads(1)
        torch.set_float32_matmul_precision("highest")
        start = time.perf_counter()
        with torch.no_grad():
            tables = [parts[name] for name in _TABLES]
            self._program = parts["torch_program"].Program(torch, arguments, tables)
        self._network = self._run = self._program.network().eval()
        # That the nodes ran while they were translated is ours, not PyTorch's.
        self._stages = {"parse": time.perf_counter() - start - self._program.trial_seconds}
        if arguments["compiled"]:
            for name in _COMPILER:
                importlib.import_module(name)
            start = time.perf_counter()
            self._compilation = parts["torch_compiled"].Compilation(torch, self._network, self._program)
            self._run = self._compilation.run
            self._stages["optimise"] = time.perf_counter() - start
        self.load_seconds = sum(self._stages.values())
        self.precision = self._program.precision()
        self.call: Callable[[], object] = _not_fed

    def feed(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Read the inputs from their files; where ``outputs`` names a folder, run once and write them there."""
        numpy = importlib.import_module("numpy")
        for name, given in arguments["inputs"].items():
            array = numpy.load(given["file"], allow_pickle=False)
            tensor = self._parts["torch_program"].to_tensor(self._torch, array, given["dtype"])
            self._given[name] = tensor.to(self._program.lowered(tensor.dtype))
        self.call = self._bound(self._run)
        return self._computed(numpy, arguments["outputs"]) if "outputs" in arguments else {}

    def load_stages(self, arguments: dict[str, Any]) -> dict[str, float]:
        """Seconds of turning the model into modules, and of compiling them."""
        del arguments
        return self._stages

    def profile(self, arguments: dict[str, Any], timed: Timed) -> dict[str, Any]:
        """Run the model in turns without and with readings of the clock between the kernels.

        What Python does before a kernel, such as making room for its result, is part of its time: in this runtime
        nobody gets the one without the other. What is before the first kernel (guards, the wrapping of tensors) and
        after the last is nobody's, and told apart.

        Args:
            arguments: ``blocks`` of ``runs`` runs each way, ``graph``: the file for the ``kernels``, the
                ``times`` of each in each run, the ``steps`` of the program, and those ``present`` in what ran.
            timed: the worker's timer.
        """
        part = "torch_compiled" if self._compilation else "torch_eager"
        clocked = self._parts[part].Clocked(self._torch, self._compilation or self._network)
        kernels = clocked.describe(self._bound(clocked.run))
        profiled_call = _read_around(self._bound(clocked.run), clocked.readings)
        for _ in range(_WARM_UP_RUNS):
            with clocked:
                profiled_call()
        clocked.readings.clear()
        plain: list[float] = []
        profiled: list[float] = []
        for _ in range(arguments["blocks"]):
            plain += timed(self.call, 0.0, arguments["runs"], arguments["runs"])["seconds"]
            with clocked:
                profiled += timed(profiled_call, 0.0, arguments["runs"], arguments["runs"])["seconds"]
        readings, own = clocked.readings, _clock_seconds()
        # The kernels have one more reading than there are of them, and the whole run one on either side.
        stride = 3 + len(kernels)
        if len(readings) != stride * len(profiled):
            raise RuntimeError("PyTorch did not run the same kernels each time")
        runs = (readings[at : at + stride] for at in range(0, len(readings), stride))
        whole = [[1e-9 * (end - start) for start, end in itertools.pairwise(run)] for run in runs]
        outside = statistics.median(before + after for before, *_, after in whole)
        times = [within for _, *within, _ in whole]
        found = {"kernels": kernels, "times": times, "steps": self._program.steps, "present": clocked.present()}
        with open(arguments["graph"], "w", encoding="utf-8") as file:  # noqa: PTH123  (no pathlib here)
            json.dump(found, file)
        return {"plain": plain, "profiled": profiled, "profiler_seconds": own, "outside_seconds": outside}

    def _bound(self, run: Callable[..., Any]) -> Callable[[], Any]:
        inputs, inference_mode = [self._given[name] for name in self._program.inputs], self._torch.inference_mode

        def call() -> Any:
            with inference_mode():
                return run(*inputs)

        return call

    def _computed(self, numpy: Any, folder: str) -> dict[str, Any]:
        files: dict[str, str] = {}
        results = zip(self._program.output_types.items(), self._bound(self._run)(), strict=True)
        for number, ((name, kind), tensor) in enumerate(results):
            # Any other type is for the comparison to find.
            given = tensor.to(kind) if tensor.dtype == self._program.lowered(kind) else tensor
            array = self._parts["torch_program"].to_array(self._torch, given)
            files[name] = os.path.join(folder, f"output-{number}.npy")  # noqa: PTH118
            numpy.save(files[name], array, allow_pickle=False)
        return {"outputs": files}


def _read_around(call: Callable[[], Any], readings: list[int]) -> Callable[[], object]:
    note, now = readings.append, time.perf_counter_ns

    def read() -> object:
        note(now())
        result = call()
        note(now())
        return result

    return read


def _not_fed() -> object:
    raise RuntimeError("the session has no inputs")


def _clock_seconds() -> float:
    """What two readings of the clock in a row tell of themselves."""
    readings: list[int] = []
    note, now = readings.append, time.perf_counter_ns
    for _ in range(_CLOCK_READINGS):
        note(now())
        note(now())
    return 1e-9 * statistics.median(readings[at + 1] - readings[at] for at in range(0, len(readings), 2))


def _loaded(name: str, text: str) -> Any:
    """A file of ours, by its text."""
    path = os.path.abspath(f"{name}.py")  # noqa: PTH100
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise ImportError(f"{name} cannot be loaded")
    module = importlib.util.module_from_spec(specification)
    # torch.compile looks for the globals of what it traces there.
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module
