"""Practical ceilings: rates from the counter and the fastest run, and what is left out is said."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from attainable.calibration import practical
from attainable.calibration.practical import DTYPES, measure_practical
from attainable.calibration.practical_trials import Trial
from attainable.devices import Ceiling
from attainable.errors import InvalidQuantity, RuntimeRefused
from attainable.timing.conditions import CpuTimes
from attainable.workload.graph import Workload
from attainable.workload.kernel import Kernel
from attainable.zoo.micro import MicroConvolutions, MicroProduct

SMALL = (
    ("gemm", MicroProduct(8, 16, 4)),  # 512 MACs
    ("gemm", MicroProduct(2, 16, 4)),  # 128 MACs
    ("conv", MicroConvolutions((3, 4, 5), kernel=1, extent=6)),  # 36 x (12 + 20) = 1152 MACs
)
SECONDS = {"product-512": (4e-6, 2e-6, 3e-6), "product-128": (1e-6, 1e-6, 1e-6), "conv0-1152": (1e-6, 9e-6, 9e-6)}

Answer = Callable[[Workload, int], Trial]


class StandIn:
    """In place of the worker: answers with given times."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[tuple[str, int]] = []

    def __call__(self) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def trial(self, workload: Workload, *, threads: int, seconds: float) -> Trial:
        assert seconds >= 0
        self.asked.append((workload.provenance.path, threads))
        return self.answer(workload, threads)


def by_size(workload: Workload, threads: int) -> Trial:
    name = workload.ops[0].name
    first = workload.ops[0].input(0).dims[0] * 64 if name == "product" else 1152
    return Trial(tuple(second / threads for second in SECONDS[f"{name}-{first}"]), "9.9")


def taken(folder: Path, dtype: str) -> str:
    """The runtime has kernels for every type."""
    del folder, dtype
    return ""


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(practical, "MICROS", SMALL)
    monkeypatch.setattr(practical, "_replaced", taken)
    monkeypatch.setattr(practical, "read_cpu_times", lambda: None)


def bench(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> StandIn:
    stand_in = StandIn(answer)
    monkeypatch.setattr(practical, "Bench", stand_in)
    return stand_in


@pytest.mark.usefixtures("small")
def test_a_ceiling_is_the_best_run_of_the_best_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = bench(monkeypatch, by_size).asked
    ceilings = measure_practical(threads=(1, 2, 1), seconds=600).ceilings
    assert [(c.practice, c.dtype, c.weight_dtype, c.threads) for c in ceilings] == [
        (practice, *types, threads) for threads in (1, 2) for practice in ("gemm", "conv") for types in DTYPES
    ]
    one = ceilings[0].operations_per_second
    # 512 MACs in 2 us are 512e6 a second; 128 in 1 us are fewer. The median run takes 3 us.
    assert one.value == pytest.approx(2 * 512 / 2e-6)
    assert one.low == pytest.approx(2 * 512 / 3e-6)
    assert one.high == one.value
    assert one.kind == "measured"
    assert one.source.startswith("product 8 x 16 x 4: best of 6,")  # 3 in each of 2 rounds
    assert ceilings[0].runtime == "onnxruntime 9.9"
    assert len(asked) == 2 * 2 * len(SMALL) * len(DTYPES)
    convolutions = [c.operations_per_second.value for c in ceilings if c.practice == "conv" and c.threads == 2]
    assert convolutions == [pytest.approx(2 * 2 * 1152 / 1e-6)] * len(DTYPES)


@pytest.mark.usefixtures("small")
def test_a_refused_type_is_a_condition_and_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(workload: Workload, threads: int) -> Trial:
        if workload.inputs[0].dtype == "int8":
            raise RuntimeRefused("no kernel for int8")
        return by_size(workload, threads)

    asked = bench(monkeypatch, refuses).asked
    found = measure_practical(threads=(1,), seconds=600)
    assert ("ceilings of int8 x int8", "onnxruntime: no kernel for int8") in found.conditions
    assert {c.dtype for c in found.ceilings} == {"float32", "uint8", "float16", "bfloat16"}
    assert len([path for path, _ in asked if "-int8-" in path]) == 1  # not asked again


@pytest.mark.usefixtures("small")
def test_what_there_is_no_time_for_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    bench(monkeypatch, by_size)
    found = measure_practical(threads=(1,), seconds=1e-9)
    assert found.ceilings == ()
    ((name, text),) = found.conditions
    assert name == "ceilings left out for want of time"
    assert text.startswith("gemm float32 on 1 core, gemm uint8 x int8 on 1 core")


@pytest.mark.usefixtures("small")
def test_a_busy_machine_is_said_and_widens_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    bench(monkeypatch, by_size)
    # others used 20 of the 40 seconds that two processors had
    times = iter((CpuTimes(0.0, 0.0, 0.0, 2), CpuTimes(20.0, 30.0, 10.0, 2)))
    monkeypatch.setattr(practical, "read_cpu_times", lambda: next(times))
    found = measure_practical(threads=(1,), seconds=600)
    assert dict(found.conditions)["ceilings may be higher"] == "others used 50% of the machine"
    speed = found.ceilings[0].operations_per_second
    assert speed.high == pytest.approx(speed.value / 0.5)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("events", "said"), [((7, 9), "heat slowed cores down 2 times"), ((7, 7), None), ((None, None), None)]
)
def test_heat_is_said(events: tuple[int | None, ...], said: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    bench(monkeypatch, by_size)
    readings = iter(events)

    def read(processors: Sequence[int]) -> int | None:
        assert processors
        return next(readings)

    monkeypatch.setattr(practical, "read_throttle_events", read)
    found = measure_practical(threads=(1,), seconds=600)
    assert dict(found.conditions).get("ceilings may be higher") == said


@pytest.mark.usefixtures("small")
def test_progress_names_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bench(monkeypatch, by_size)
    lines: list[str] = []
    measure_practical(threads=(2,), seconds=600, progress=lines.append)
    assert lines[0] == "gemm float32 on 2 cores: product 8 x 16 x 4"
    assert len(lines) == len(set(lines)) == len(SMALL) * len(DTYPES)


def test_onnxruntime_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(practical, "MICROS", SMALL)
    monkeypatch.setattr(practical, "_PATIENCE", 100.0)
    found = measure_practical(threads=(1,), seconds=3)
    said = " ".join(name for name, _ in found.conditions)
    for dtype, weight_dtype in DTYPES:
        have = {c.practice for c in found.ceilings if (c.dtype, c.weight_dtype) == (dtype, weight_dtype)}
        # a processor may lack narrow floating types; then a condition names them
        assert have == {"gemm", "conv"} or dtype in said, (dtype, weight_dtype, found.conditions)
    assert {"float32", "uint8"} <= {c.dtype for c in found.ceilings}
    assert all(in_order(ceiling) for ceiling in found.ceilings)


def in_order(ceiling: Ceiling) -> bool:
    speed = ceiling.operations_per_second
    return speed.low is not None and speed.high is not None and 0 < speed.low <= speed.value <= speed.high


def test_a_worker_that_failed_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(practical, "MICROS", SMALL[:1])
    monkeypatch.setattr(practical, "DTYPES", (("bfloat16", "bfloat16"), ("float32", "float32")))
    monkeypatch.setattr(practical, "_replaced", taken)
    monkeypatch.setattr(practical, "_PATIENCE", 100.0)
    found = measure_practical(threads=(1,), seconds=2)
    assert "float32" in {ceiling.dtype for ceiling in found.ceilings}


@pytest.mark.parametrize(("threads", "seconds"), [((), 1.0), ((0,), 1.0), ((1,), 0.0)])
def test_nonsense_is_refused(threads: tuple[int, ...], seconds: float) -> None:
    with pytest.raises(InvalidQuantity):
        measure_practical(threads=threads, seconds=seconds)


@pytest.mark.usefixtures("small")
def test_a_full_disk_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(workload: Workload, threads: int) -> Trial:
        raise OSError(28, "No space left on device")

    bench(monkeypatch, fails)
    with pytest.raises(RuntimeRefused, match="the models cannot be written: No space left"):
        measure_practical(threads=(1,), seconds=600)


class Profiled:
    """A runtime whose profiler names these kernels."""

    def __init__(self, *kinds: str) -> None:
        self.kernels = tuple(Kernel(kind, kind, 1e-6, (), "none") for kind in kinds)

    def open(self, workload: Workload, inputs: object, *, threads: int, deadline_seconds: float) -> Self:
        assert workload.inputs[0].dtype in ("float16", "bfloat16")
        assert (threads, inputs is None, deadline_seconds > 0) == (1, False, True)
        return self

    def profile(self, *, runs: int, deadline_seconds: float) -> Self:
        assert runs >= 1
        assert deadline_seconds > 0
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass


@pytest.mark.parametrize(("kinds", "measured"), [(("MatMul",), True), (("Cast", "MatMul", "Cast"), False)])
def test_a_product_between_conversions_is_none_in_the_narrow_type(
    kinds: tuple[str, ...], measured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def profiled(name: str) -> Profiled:
        assert name == "onnxruntime"
        return Profiled(*kinds)

    monkeypatch.setattr(practical, "MICROS", SMALL)
    monkeypatch.setattr(practical, "runtime", profiled)
    bench(monkeypatch, by_size)
    found = measure_practical(threads=(1,), seconds=600)
    assert ("float16" in {ceiling.dtype for ceiling in found.ceilings}) is measured
    converted = ("ceilings of float16", "onnxruntime has no kernel for it here and converts to float32")
    assert (converted in found.conditions) is not measured
