"""A log beside its model: the run in the analysis, and what a log has to tell for that."""

from dataclasses import replace
from pathlib import Path

import pytest

from attainable.analysis.records import Analysis
from attainable.cost.count import Count, count
from attainable.devices import load_device
from attainable.errors import InputError
from attainable.importers import logs_of
from attainable.importers.join import join, of_network
from attainable.importers.log import Log, LoggedKernel, Times
from attainable.workload import load
from tests.importers import logs
from tests.models import chain, save


@pytest.fixture
def counted(tmp_path: Path) -> Count:
    """Conv, Relu and Add, twice; the ids are 0 to 5."""
    return count(load(save(chain(2), tmp_path)))


def log_of(counted: Count, **figures: object) -> Log:
    first, second = counted.workload.ops[0], counted.workload.ops[3]
    kernels = (LoggedKernel(first.output.name, "Conv", 3e-3), LoggedKernel(second.output.name, "Conv", 1e-3))
    times = Times(samples=50, median=5e-3, average=6e-3, minimum=4e-3, maximum=9e-3, low=4e-3, high=9e-3)
    return replace(Log(runtime="ONNX Runtime", times=times, kernels=kernels, threads=2), **figures)


def test_a_run_stands_in_the_analysis_with_its_provenance(counted: Count) -> None:
    (source,) = logs_of(logs.content(logs.RKNN_PERF))[0].sources
    joined = join(log_of(counted, sources=(source,), load_seconds=0.25), counted, device=load_device("rk3588-cpu"))
    (run,) = joined.analysis.runs
    assert (run.runtime, run.threads, run.samples, run.seconds) == ("ONNX Runtime", 2, 50, 5e-3)
    assert run.statistic == "median"
    assert (run.low_seconds, run.high_seconds, run.minimum_seconds) == (4e-3, 9e-3, 4e-3)
    assert (run.load_seconds, run.kernels_seconds) == (0.25, pytest.approx(4e-3))
    assert joined.attributed_share == pytest.approx(1.0)
    assert joined.analysis.runs[0].provenance["log sha256"] == source.sha256
    # every op is in a group, beside the roofline of that group
    assert {op for group in run.groups for op in group.ops} == {op.id for op in counted.workload.ops}
    assert all(group.roofline_seconds for group in run.groups)
    assert [device.threads for device in joined.analysis.devices] == [2]
    assert Analysis.from_json(joined.analysis.to_json()) == joined.analysis


def test_the_share_that_found_no_op_is_told(counted: Count) -> None:
    log = log_of(counted)
    log = replace(log, kernels=(*log.kernels, LoggedKernel("mystery", "Fused", 12e-3)))
    # 3 and 1 of 16 ms
    assert join(log, counted).attributed_share == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ({"times": Times()}, "no time of whole runs"),
        ({"times": Times(basis="operators", average=2e-3)}, "the time of operators only, not of whole runs"),
        ({"batch": 8}, "the log is of batch 8 and the model of batch 1"),
    ],
)
def test_what_is_no_run_of_the_model_is_left_out(counted: Count, figures: dict[str, object], reason: str) -> None:
    joined = join(log_of(counted, **figures), counted)
    assert (joined.analysis.runs, joined.achieved) == ([], None)
    assert [reason in sentence for sentence in joined.left_out] == [True]
    assert joined.kernels[0].ops


def test_what_a_log_does_not_tell_is_unknown_and_never_made_up(counted: Count) -> None:
    times = Times(average=2e-3, maximum=9e-3)
    (run,) = join(log_of(counted, times=times, threads=None, accelerator="npu"), counted).analysis.runs
    assert (run.seconds, run.statistic, run.device) == (2e-3, "average", "unknown")
    assert (run.threads, run.samples, run.low_seconds, run.high_seconds, run.minimum_seconds) == (None,) * 5
    assert (run.load_seconds, run.peak_resident_bytes, run.batch, run.p90_seconds) == (None,) * 4


def test_percentiles_and_throughput_come_along(counted: Count) -> None:
    times = Times(median=2e-3, percentiles=((90.0, 3e-3), (99.0, 4e-3)))
    (run,) = join(log_of(counted, times=times, batch=1), counted).analysis.runs
    # 1 / 2 ms
    assert (run.p90_seconds, run.p99_seconds, run.inferences_per_second) == (3e-3, 4e-3, 500)


def test_threads_that_contradict_the_log(counted: Count) -> None:
    with pytest.raises(InputError, match="tells 2 threads"):
        join(log_of(counted), counted, threads=4)
    assert join(log_of(counted, threads=None), counted, threads=4).analysis.runs[0].threads == 4


def test_the_network_of_a_list(counted: Count) -> None:
    found = logs_of(logs.content(logs.BENCHNCNN))
    assert of_network(found, "ResNet18-int8") is found[1]
    assert of_network(found, "squeezenet", threads=1) is found[2]
    with pytest.raises(InputError, match="2 runs of 'squeezenet'"):
        of_network(found, "squeezenet")
    with pytest.raises(InputError, match="it lists: squeezenet, resnet18_int8"):
        of_network(found, "vgg16")
