"""What a network achieved: counted work by the measured time of a run, beside the roofs of a device."""

from dataclasses import replace
from pathlib import Path

import pytest
from onnx import helper

from attainable.cost.count import Count, count
from attainable.devices import load_device
from attainable.importers import logs_of
from attainable.importers.achieved import achieved
from attainable.importers.join import join
from attainable.importers.log import Log, Times
from attainable.workload import load
from tests.importers import logs, traces
from tests.importers.logs import content
from tests.importers.traces import kernel
from tests.models import constant, model, save, value

WIDTH = 256
"""Of the matrices of a product: 2 x 256^3 operations; two are read and one is written, 256^2 x 4 bytes each."""

OPERATIONS = 2 * WIDTH**3
BYTES = 3 * WIDTH**2 * 4


@pytest.fixture
def counted(tmp_path: Path) -> Count:
    """One product of float32 matrices."""
    proto = model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        [value("x", [WIDTH, WIDTH])],
        ["y"],
        [constant("w", WIDTH, WIDTH)],
    )
    return count(load(save(proto, tmp_path)))


def log_of(text: str) -> Log:
    (log,) = logs_of(content(text))
    return log


def test_work_by_time_beside_the_roofs(counted: Count) -> None:
    # runs of 100 us, in which kernels run for 50 us
    reached = achieved(log_of(traces.three_steps()), counted, load_device("h100-sxm5"))
    assert reached is not None
    assert (reached.seconds, reached.statistic, reached.device) == (pytest.approx(100e-6), "median", "h100-sxm5")
    assert reached.busy_share == pytest.approx(0.5)
    (row,) = reached.operations
    assert (row.engine, row.dtype, row.operations) == ("matrix", "float32", OPERATIONS)
    assert row.operations_per_second == pytest.approx(OPERATIONS / 100e-6)
    # NVIDIA H100 white paper: 66.9 TFLOP/s of float32; no unit for products of this type
    assert (row.roof_operations_per_second, row.roof_kind) == (66.9e12, "specified")
    assert row.share == pytest.approx(OPERATIONS / 100e-6 / 66.9e12)
    assert [(moved.moved, moved.bytes) for moved in reached.bytes] == [("unavoidable", BYTES), ("op by op", BYTES)]
    assert reached.bytes[0].share == pytest.approx(BYTES / 100e-6 / 3.35e12)
    assert reached.highest == row


def test_without_a_device_there_are_rates_and_no_shares(counted: Count) -> None:
    reached = achieved(log_of(traces.three_steps()), counted, None)
    assert reached is not None
    assert (reached.device, reached.highest) == ("", None)
    assert reached.operations[0].operations_per_second == pytest.approx(OPERATIONS / 100e-6)
    assert [row.share for row in (*reached.operations, *reached.bytes)] == [None, None, None]


def test_without_the_time_of_a_run_nothing_was_achieved(counted: Count) -> None:
    assert achieved(log_of(traces.NSYS_TRACE), counted, load_device("h100-sxm5")) is None
    zero = replace(log_of(traces.three_steps()), times=Times(median=0.0))
    assert achieved(zero, counted, load_device("h100-sxm5")) is None


def test_any_log_with_a_time_tells_what_was_achieved(counted: Count) -> None:
    joined = join(log_of(logs.TRTEXEC_TIMES), counted, device=load_device("t4"))
    assert joined.achieved is not None
    # the median of 3, 5 and 4 ms; no trace, so nobody knows how busy the GPU was
    assert joined.achieved.operations[0].operations_per_second == pytest.approx(OPERATIONS / 4e-3)
    assert (joined.achieved.busy_share, joined.achieved.gpus) == (None, 0)


def test_the_time_of_another_batch_is_not_that_of_this_model(counted: Count) -> None:
    joined = join(replace(log_of(traces.three_steps()), batch=8), counted, device=load_device("h100-sxm5"))
    assert joined.left_out
    assert joined.achieved is None


def test_several_gpus_have_no_common_busy_share(counted: Count) -> None:
    steps = [traces.step(1, 0, 10), traces.step(2, 10, 10)]
    kernels = [kernel("a", now, 5, device=device) for device in range(2) for now in (0, 10)]
    reached = achieved(log_of(traces.torch_trace(*steps, *kernels)), counted, load_device("h100-sxm5"))
    assert reached is not None
    assert (reached.gpus, reached.busy_share) == (2, None)


def test_a_routine_that_is_called_like_an_op_is_an_accident(counted: Count) -> None:
    name = counted.workload.ops[0].output.name
    steps = [traces.step(1, 0, 10), traces.step(2, 10, 10)]
    log = log_of(traces.torch_trace(*steps, kernel(name, 0, 5), kernel(name, 10, 5)))
    joined = join(log, counted)
    assert [(each.ops, each.attribution) for each in joined.kernels] == [([], "none")]
    assert joined.attributed_share is None
    assert joined.analysis.runs[0].seconds == pytest.approx(10e-6)


def test_the_sum_of_operators_is_not_the_time_of_a_run(counted: Count) -> None:
    log = log_of(traces.three_steps())
    assert achieved(log, counted, None) is not None
    assert achieved(replace(log, times=replace(log.times, basis="operators")), counted, None) is None


@pytest.mark.parametrize(("batch", "is_told"), [(None, False), (1, False), (WIDTH, True)])
def test_the_batch_of_the_count_is_told(counted: Count, batch: int | None, *, is_told: bool) -> None:
    # the first axis of the only input
    reached = achieved(replace(log_of(traces.three_steps()), batch=batch), counted, None)
    assert reached is not None
    assert (reached.batch, reached.batch_told) == (WIDTH, is_told)


def test_floors_are_told(counted: Count) -> None:
    for at_least in (False, True):
        floor = replace(counted, totals=replace(counted.totals, at_least=at_least))
        reached = achieved(log_of(traces.three_steps()), floor, None)
        assert reached is not None
        assert reached.at_least == at_least
