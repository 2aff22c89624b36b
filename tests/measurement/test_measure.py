"""Measuring: when runs stop, what is recorded, and which doubts are spoken out."""

import itertools
from pathlib import Path

import numpy
import pytest
from onnx import TensorProto, helper

from attainable.errors import InvalidQuantity, RuntimeRefused, UnknownName, WorkerCrashed
from attainable.measurement import Run, measure_workload
from attainable.measurement.doubts import Timed, doubts_of_gate, doubts_of_profile, doubts_of_times
from attainable.runtimes import RUNTIMES, Profile
from attainable.timing.conditions import CpuTimes
from attainable.timing.gate import Reading, judge
from attainable.timing.gate_readings import Gate
from attainable.timing.statistics import summarize
from attainable.workload import Kernel, Workload, load
from attainable.workload.kernel import Group
from tests.measurement.fake_runtime import FakeRuntime
from tests.models import constant, model, save, value
from tests.runtimes.nets import Net, image


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    monkeypatch.setitem(RUNTIMES, "fake", "tests.measurement.fake_runtime")
    runtime = FakeRuntime()
    monkeypatch.setattr("tests.measurement.fake_runtime.RUNTIME", runtime)
    return runtime


@pytest.fixture
def workload(tmp_path: Path) -> Workload:
    net = Net()
    first = net.op("Relu", net.batch_normalization(net.conv("x", 3, 16), 16))
    last = net.op("Relu", net.op("Add", net.conv(first, 16, 16), first))
    return net.load(tmp_path, [image()], last)


def test_a_real_network_is_measured_and_every_op_has_its_time(workload: Workload) -> None:
    run = measure_workload(workload, time_budget_seconds=1.5)
    assert (run.runtime, run.threads, run.dtype) == ("onnxruntime", 1, "float32")
    assert run.version.count(".") == 2
    assert run.minimum_seconds <= run.low_seconds <= run.median_seconds <= run.high_seconds
    assert run.samples >= 5
    assert run.attributed_share == 1.0
    assert {op for group in run.groups for op in group.ops} == {op.id for op in workload.ops}
    assert run.kernels_seconds == pytest.approx(sum(group.seconds for group in run.groups))
    assert run.kernels_seconds is not None
    assert run.profiled_seconds is not None
    # Contention moves times, but never by a factor: the kernels are what a run is made of.
    runs = (run.median_seconds, run.profiled_seconds)
    assert 0.3 * min(runs) < run.kernels_seconds < 3 * max(runs)
    assert run.peak_rss_bytes > 2**20
    assert run.inputs == ("x: normal numbers, mean 0, standard deviation 1",)
    assert run.correctness is not None
    assert run.correctness.is_right
    assert run.surroundings is not None
    assert len(run.executions) == len(run.kernels)


def test_a_wrong_answer_is_told_before_a_quick_one(fake: FakeRuntime, workload: Workload) -> None:
    fake.answer = lambda outputs: {name: numpy.zeros_like(array) for name, array in outputs.items()}
    run = measure_workload(workload, runtime="fake", time_budget_seconds=0.2, profile=False)
    assert run.correctness is not None
    assert run.correctness.is_right is False
    assert run.warnings[0].startswith("wrong outputs: ")
    assert run.warnings[0] == run.correctness.faults[0]
    fake.answer = lambda outputs: {}
    run = measure_workload(workload, runtime="fake", time_budget_seconds=0.2, profile=False)
    assert "is missing" in run.warnings[0]
    fake.answer = lambda outputs: outputs
    run = measure_workload(workload, runtime="fake", time_budget_seconds=0.2, profile=False)
    assert run.correctness is not None
    assert run.correctness.is_right is True
    assert not any(warning.startswith("wrong") for warning in run.warnings)


def test_a_network_that_quantises_may_round_the_other_way(fake: FakeRuntime, tmp_path: Path) -> None:
    net = Net()
    scale = net.constant(0.1)
    quantised = net.op("QuantizeLinear", "x", scale)
    workload = net.load(tmp_path, [image()], net.op("DequantizeLinear", quantised, scale))
    # One step of 0.1 more everywhere; the values reach 4 standard deviations at least, so that it is no tenth of them.
    fake.answer = lambda outputs: {name: numpy.add(array, numpy.float32(0.1)) for name, array in outputs.items()}
    run = measure_workload(workload, runtime="fake", time_budget_seconds=0.2, profile=False)
    assert run.correctness is not None
    assert run.correctness.is_right is True


def test_random_numbers_are_compared_with_nothing(tmp_path: Path) -> None:
    net = Net()
    noise = net.op("RandomNormalLike", "x")
    workload = net.load(tmp_path, [image()], net.op("Add", "x", noise))
    run = measure_workload(workload, time_budget_seconds=0.2, profile=False)
    assert run.correctness is not None
    assert run.correctness.is_right is None
    assert run.correctness.absence == "the network draws random numbers"


def test_profiling_can_be_left_out(workload: Workload) -> None:
    run = measure_workload(workload, time_budget_seconds=0.5, profile=False)
    assert (run.kernels, run.groups) == ((), ())
    assert run.attributed_share is run.kernels_seconds is run.profiled_seconds is run.profiler_seconds is None


def test_what_is_wrong_is_said_before_a_worker_starts(workload: Workload) -> None:
    with pytest.raises(UnknownName, match="no runtime is called 'onnx'"):
        measure_workload(workload, runtime="onnx")
    with pytest.raises(InvalidQuantity, match="the network has no such input, it has x @ y"):
        measure_workload(workload, inputs={"y": Path("y.npy")})
    with pytest.raises(InvalidQuantity, match="threads: 0 threads cannot run anything"):
        measure_workload(workload, threads=0)


def measure(workload: Workload, *, seconds: float = 0.2) -> Run:
    return measure_workload(workload, runtime="fake", time_budget_seconds=seconds, check_outputs=False)


def test_steady_times_stop_early_and_are_recorded(fake: FakeRuntime, workload: Workload) -> None:
    fake.kernels = (Kernel("a", "Conv", 0.6e-3, ("0", "1"), "name"), Kernel("b", "Reorder", 0.3e-3, ("0",), "layout"))
    run = measure(workload, seconds=20.0)
    assert (run.median_seconds, run.low_seconds, run.high_seconds) == (1e-3, 1e-3, 1e-3)
    assert 20 <= run.samples < 2000
    assert (run.version, run.load_seconds, run.peak_rss_bytes) == ("7", 0.25, 10**7)
    assert run.groups == (Group(kernels=(0, 1), ops=("0", "1"), seconds=0.6e-3 + 0.3e-3),)
    assert run.attributed_share == 1.0
    assert fake.profile_runs == 100
    assert fake.runs - run.samples >= 2  # the warm-up


def test_noisy_times_use_the_budget_and_say_so(
    fake: FakeRuntime, workload: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.times = [1e-3, 2e-3, 4e-3]
    monkeypatch.setattr("attainable.measurement.timed_runs.monotonic", itertools.count(0.0, 0.01).__next__)
    run = measure(workload)
    assert run.samples > 100
    assert run.median_seconds == 2e-3


def test_a_slow_network_needs_five_runs_only(fake: FakeRuntime, workload: Workload) -> None:
    fake.times = [3.0]
    run = measure(workload, seconds=20.0)
    assert run.samples == 5
    assert any("only 5 runs fitted into the time budget" in warning for warning in run.warnings)


def test_a_failed_profile_leaves_the_run(fake: FakeRuntime, workload: Workload) -> None:
    run = measure(workload)
    assert run.median_seconds == 1e-3
    assert run.kernels == ()
    assert "the profile failed, only whole runs are known: no profiler today" in run.warnings


def test_a_crash_is_not_hidden(fake: FakeRuntime, workload: Workload, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object, **__: object) -> None:
        raise WorkerCrashed("the worker died of SIGSEGV during 'run'")

    monkeypatch.setattr("tests.measurement.fake_runtime.FakeSession.run", crash)
    with pytest.raises(WorkerCrashed, match="SIGSEGV"):
        measure(workload)
    assert fake.runs == 0


def test_the_type_is_that_of_most_activations(fake: FakeRuntime, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("MatMul", ["half", "w"], ["wide"]),
        helper.make_node("Relu", ["wide"], ["y"]),
    ]
    proto = model(nodes, [value("x", [4, 8])], ["y"], [constant("w", 8, 64, dtype="float16")])
    assert fake.name == "fake"
    assert measure(load(save(proto, tmp_path))).dtype == "float16"


def timed(*blocks: float, cpu_share: float = 1.0) -> Timed:
    return Timed(tuple(blocks) * 10, blocks, cpu_share, 0)


def test_quiet_times_raise_no_doubts() -> None:
    quiet = timed(1e-3, 1e-3, 1e-3, 1e-3)
    assert list(doubts_of_times(quiet, summarize(quiet.seconds), threads=1)) == []


def test_each_doubt_is_told_with_what_to_do() -> None:
    loud = timed(1e-3, 1e-3, 2e-3, 2e-3, cpu_share=0.5)
    assert list(doubts_of_times(loud, summarize(loud.seconds[:8]), threads=1)) == [
        "only 8 runs fitted into the time budget; give more with --time-budget",
        "noisy: the 95 % interval is 1.00 ms to 2.00 ms; close other programs or give more time with --time-budget",
        "runs took 1.00 ms at first and 2.00 ms at last; the machine changed meanwhile, measure again",
        "the run had a processor for 50 % of its time only; close other programs",
    ]


def test_a_cell_that_did_not_pass_the_gate_is_marked_with_every_reason() -> None:
    # own processes took none of the 0.84 s that two processors were busy within 1 s
    busy = Reading(CpuTimes(10.0, 100.0, 5.0, 2)), Reading(CpuTimes(11.0, 100.84, 5.0, 2))
    assert list(doubts_of_gate(judge(*busy), attempts=1)) == [
        "noisy, no claim: other processes used 42 % of the machine; close them"
    ]
    assert list(doubts_of_gate(judge(*busy), attempts=3)) == [
        "noisy, no claim: other processes used 42 % of the machine in each of 3 attempts, this being the quietest; "
        "close them"
    ]
    assert list(doubts_of_gate(judge(Reading(), Reading()), attempts=3)) == []


def test_only_a_run_of_several_threads_is_repeated_and_all_attempts_share_the_budget(
    fake: FakeRuntime, workload: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter(Reading(CpuTimes(second, 2 * second, 0.0, 2)) for second in range(100))  # others take everything

    def read(_: Gate) -> Reading:
        return next(moments)

    monkeypatch.setattr(Gate, "before", read)
    monkeypatch.setattr(Gate, "after", read)
    for threads, attempts in ((1, ""), (2, " in each of 3 attempts, this being the quietest")):
        run = measure_workload(
            workload, runtime="fake", threads=threads, time_budget_seconds=0.2, profile=False, check_outputs=False
        )  # fmt: skip
        assert run.warnings[0] == f"noisy, no claim: other processes used 100 % of the machine{attempts}; close them"
    assert fake.runs > 0


def test_doubts_about_kernels() -> None:
    kernel = Kernel("a", "Conv", 0.8e-3, (), "none")
    profile = Profile((kernel,), (1.5e-3,), (1.0e-3,), 3e-6)
    assert list(doubts_of_profile(profile, 0.9)) == [
        "the profiler slowed runs from 1.00 ms to 1.50 ms; 3.00 us were subtracted from each kernel, "
        "so that short kernels are rough",
        "the kernels add up to 800 us, a run takes 1.00 ms: interruptions hit whole runs rather than single kernels; "
        "close other programs",
        "10 % of the kernels' time could not be traced to ops of the model",
    ]
    assert list(doubts_of_profile(Profile((), (1.0e-3,), (), 3e-6), 0.0)) == []


def test_a_format_that_the_runtime_does_not_run_is_refused_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "net.cfg"
    path.write_text("[net]\nwidth=8\nheight=8\nchannels=3\n\n[convolutional]\nfilters=4\nsize=3\nactivation=linear\n")
    with pytest.raises(RuntimeRefused, match="onnxruntime runs onnx files, this is darknet") as refused:
        measure_workload(load(path, batch=1))
    assert "attainable convert" in refused.value.help
