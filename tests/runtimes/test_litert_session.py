"""LiteRT on a TFLite file, and its child's side with a C library that is not the known one."""

import ctypes
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy
import pytest

from attainable.errors import RuntimeRefused
from attainable.measurement import measure_workload
from attainable.measurement.inputs import make_inputs
from attainable.runtimes.environments import find_interpreter
from attainable.runtimes.litert import RUNTIME
from attainable.runtimes.litert.conversion import NAME, REQUIREMENT
from attainable.runtimes.process import SESSIONS
from attainable.testing.conformance import why_not_installed
from attainable.testing.networks import residual
from attainable.workload import load
from tests.workload.tflite_files import Operator, Tensor, write

EVENT_BYTES = 104


@pytest.fixture(scope="module")
def session() -> ModuleType:
    specification = importlib.util.spec_from_file_location("litert_session_under_test", SESSIONS / "litert_session.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class Library:
    """Functions that end well; that of the events writes some of another size."""

    def __init__(self, events: int, bytes_each: int) -> None:
        self.events = events
        self.bytes_each = bytes_each

    def __getattr__(self, name: str) -> Callable[..., int]:
        return lambda *arguments: 0

    def LiteRtGetNumProfilerEvents(self, profiler: object, count: Any) -> int:  # noqa: N802  (LiteRT's name)
        count._obj.value = self.events
        return 0

    def LiteRtGetProfilerEvents(self, profiler: object, count: Any, room: Any) -> int:  # noqa: N802
        ctypes.memset(room, 0, self.events * self.bytes_each)
        return 0


def profiler_of(session: ModuleType, library: Library) -> Any:
    profiler = object.__new__(session._Profiler)
    profiler._library = library
    profiler._profiler = None
    return profiler


def test_events_of_the_known_size_are_read(session: ModuleType) -> None:
    # All zeros: of no type that operators have.
    assert profiler_of(session, Library(3, EVENT_BYTES)).stop() == []


@pytest.mark.parametrize("bytes_each", [88, 96, 112, 160])
def test_events_of_another_size_are_not_read(session: ModuleType, bytes_each: int) -> None:
    with pytest.raises(session._UnknownLibrary, match=f"{bytes_each} bytes, not {EVENT_BYTES}"):
        profiler_of(session, Library(8, bytes_each)).stop()


def test_as_many_events_as_there_is_room_for_may_be_too_few(session: ModuleType) -> None:
    assert profiler_of(session, Library(2047, EVENT_BYTES)).stop() == []
    with pytest.raises(session._UnknownLibrary, match="room for 2048 events"):
        profiler_of(session, Library(2048, EVENT_BYTES)).stop()


class Profiler:
    """Notes as many events a run as it is told to."""

    def __init__(self, noted: int) -> None:
        self.each, self.noted = noted, 0
        self.runs: list[int] = []

    def start(self) -> None:
        self.runs.append(0)

    def run(self) -> None:
        self.runs[-1] += 1

    def stop(self) -> list[tuple[str, int, int, int, int]]:
        self.noted = self.each * self.runs[-1]
        return [("a", 8, 0, 0, 1)] * self.noted

    def bind(self, inputs: object, outputs: object) -> None:
        self.runs.append(0)


def test_runs_are_profiled_as_many_at_once_as_there_is_room_for(
    session: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # 600 events a run: three of them are 1800, and four too many.
    profiler = Profiler(600)

    def made(model: str, threads: int) -> Profiler:
        return profiler

    monkeypatch.setattr(session, "_Profiler", made)
    opened = object.__new__(session.LitertSession)
    opened._version, opened._arguments, opened._fed = "2.3.0", {"model": "", "threads": 1}, []
    opened._interpreter, opened.call = SimpleNamespace(get_output_details=list), int

    def timed(call: Callable[[], object], seconds: float, minimum: int, maximum: int) -> dict[str, Any]:
        for _ in range(minimum):
            call()
        return {"seconds": [1.0] * minimum}

    arguments = {"blocks": 2, "runs": 7, "values": False, "graph": str(tmp_path / "graph.json")}
    answer = opened.profile(arguments, timed)
    assert (len(answer["plain"]), len(answer["profiled"])) == (14, 14)
    assert profiler.runs == [1, 1, 3, 3, 1, 3, 3, 1]
    assert len(json.loads((tmp_path / "graph.json").read_text())["events"]) == 600


def test_a_library_without_a_function_is_unknown(session: ModuleType) -> None:
    profiler = profiler_of(session, Library(1, EVENT_BYTES))
    profiler._library = ctypes.CDLL(None)
    with pytest.raises(AttributeError, match="LiteRtResetProfiler"):
        profiler.start()


def test_the_events_of_one_run_have_a_time_in_each(session: ModuleType) -> None:
    # Two blocks of two runs of two operators, in microseconds.
    event = [("a", 8, 0, 0), ("b", 2, 1, 0)]
    first = [(*event[0], 1), (*event[1], 10), (*event[0], 3), (*event[1], 10)]
    second = [(*event[0], 5), (*event[1], 20), (*event[0], 5), (*event[1], 40)]
    found, times = session._by_run([first, second], 2)
    assert times == [pytest.approx(run) for run in ((1e-6, 10e-6), (3e-6, 10e-6), (5e-6, 20e-6), (5e-6, 40e-6))]
    assert [(each["tag"], each["delegated"], each["index"]) for each in found] == [("a", True, 0), ("b", False, 1)]


def test_runs_that_differ_are_no_profile(session: ModuleType) -> None:
    with pytest.raises(session._UnknownLibrary, match="other events in other runs"):
        session._by_run([[("a", 8, 0, 0, 1), ("b", 8, 0, 0, 1)]], 2)
    with pytest.raises(session._UnknownLibrary, match="other events in other runs"):
        session._by_run([[("a", 8, 0, 0, 1)], []], 1)


def test_integers_that_the_file_has_no_room_for_are_refused(session: ModuleType) -> None:
    small = session._fitting(numpy, numpy.array([7], "int64"), numpy.dtype("int32"), "ids")
    assert (small.dtype, small.tolist()) == (numpy.dtype("int32"), [7])
    with pytest.raises(ValueError, match="32 bits"):
        session._fitting(numpy, numpy.array([2**31], "int64"), numpy.dtype("int32"), "ids")
    with pytest.raises(TypeError, match="the file takes float32"):
        session._fitting(numpy, numpy.array([7], "int64"), numpy.dtype("float32"), "x")


def small(folder: Path) -> Path:
    """A convolution of one pixel with Relu, of which both results are outputs, the second first; any batch."""
    weights = numpy.arange(12, dtype="float32").reshape(3, 1, 1, 4) - 6
    shape = (1, 8, 8, 4)
    free = (-1, *shape[1:])
    tensors = [
        Tensor("image", shape, signature=free),
        Tensor("weights", (3, 1, 1, 4), stored=weights.tobytes()),
        Tensor("bias", (3,), stored=numpy.ones(3, "float32").tobytes()),
        Tensor("convolved", (1, 8, 8, 3), signature=(-1, 8, 8, 3)),
        Tensor("shares", (1, 8, 8, 3), signature=(-1, 8, 8, 3)),
    ]
    options = [(1, "int32", 1), (2, "int32", 1), (3, "int8", "RELU")]
    operators = [Operator("CONV_2D", [0, 1, 2], [3], options), Operator("LOGISTIC", [3], [4])]
    return write(folder / "small.tflite", tensors, operators, [0], [4, 3])


@pytest.mark.parametrize("batch", [1, 3])
def test_a_tflite_file_runs_as_it_is(tmp_path: Path, batch: int) -> None:
    if reason := why_not_installed(RUNTIME):
        pytest.skip(reason)
    workload = load(small(tmp_path), batch=batch)
    inputs = make_inputs(workload).arrays
    weights = numpy.arange(12, dtype="float32").reshape(3, 4) - 6
    convolved = numpy.maximum(numpy.einsum("bhwc,oc->bhwo", inputs["image"].astype("float32"), weights) + 1, 0)
    with RUNTIME.open(workload, inputs, threads=1, deadline_seconds=60) as opened:
        for _ in range(2):
            found = opened.compute(inputs, deadline_seconds=60)
            assert list(found) == ["shares", "convolved"]
            assert numpy.allclose(found["convolved"].astype("float32"), convolved, rtol=1e-4, atol=1e-4)
            assert numpy.allclose(found["shares"].astype("float32"), 1 / (1 + numpy.exp(-convolved)), rtol=1e-4)
        assert opened.precision == "float32"
        assert set(opened.load_stages(deadline_seconds=60)) == {"parse", "optimise"}
        profile = opened.profile(runs=3, deadline_seconds=60)
    assert [(kernel.name, kernel.ops, kernel.attribution) for kernel in profile.kernels] == [
        ("CONV_2D 0", ("0",), "exact"), ("LOGISTIC 1", ("1",), "exact"),
    ]  # fmt: skip
    assert [each.implementation.startswith("XNNPACK") for each in profile.executions] == [True, True]


def test_a_tflite_file_can_be_measured(tmp_path: Path) -> None:
    if reason := why_not_installed(RUNTIME):
        pytest.skip(reason)
    run = measure_workload(load(small(tmp_path)), runtime="litert", time_budget_seconds=1.0)
    assert (run.runtime, run.precision, run.attributed_share) == ("litert", "float32", 1.0)
    assert [group.ops for group in run.groups] == [("0",), ("1",)]


def test_a_file_that_is_broken_inside_is_refused_in_its_own_words(tmp_path: Path) -> None:
    if reason := why_not_installed(RUNTIME):
        pytest.skip(reason)
    workload = load(small(tmp_path))
    Path(workload.provenance.path).write_bytes(b"\x18\x00\x00\x00TFL3" + bytes(100))
    with pytest.raises(RuntimeRefused) as refused:
        RUNTIME.open(workload, make_inputs(workload).arrays, threads=1, deadline_seconds=60)
    assert refused.value.what


def test_an_onnx_file_without_the_converter_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("ATTAINABLE_CONFIG", str(tmp_path / "none"))
    path = tmp_path / "residual.onnx"
    path.write_bytes(residual().SerializeToString())
    workload = load(path)
    if find_interpreter(NAME, REQUIREMENT) is not None:
        pytest.skip("the converter is installed in the interpreter that runs the tests")
    with pytest.raises(RuntimeRefused, match="not installed") as refused:
        RUNTIME.open(workload, make_inputs(workload).arrays, threads=1, deadline_seconds=60)
    assert refused.value.help == "attainable runtimes install litert-conversion"
