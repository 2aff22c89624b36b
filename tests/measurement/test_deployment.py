"""As deployed: beside other networks, bound to cores, once in a while; and nothing of it is left."""

import os
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from attainable.errors import InvalidQuantity, WorkerCrashed
from attainable.measurement import Run, measure_workload
from attainable.measurement.deployment import Deployment, company, cores_for, pinned
from attainable.measurement.load import Load
from attainable.measurement.neighbours import beside, times_of
from attainable.runtimes.onnxruntime import RUNTIME
from attainable.timing.conditions import usable_processors
from attainable.workload import Workload, load
from tests.processes import wait_until_dead
from tests.transforms.nets import image, residual_network


@pytest.fixture
def network(tmp_path: Path) -> Workload:
    return load(residual_network().save(tmp_path, [image(size=32)], "y"))


def test_neighbours_run_meanwhile_and_end(network: Workload) -> None:
    with beside([network, network], RUNTIME, threads=1) as neighbours:
        assert len({neighbour.process_id for neighbour in neighbours}) == 2
        end = time.monotonic() + 60
        while not all(neighbour.seconds for neighbour in neighbours) and time.monotonic() < end:
            time.sleep(0.02)
        times = times_of(neighbours)
    assert [each.name for each in times] == [network.name] * 2
    assert all(each.median_seconds is not None and each.median_seconds > 0 for each in times)
    wait_until_dead(neighbour.process_id for neighbour in neighbours)


def test_neighbours_end_at_once_when_the_measurement_fails(network: Workload) -> None:
    processes: list[int] = []
    with pytest.raises(KeyboardInterrupt), beside([network], RUNTIME, threads=1) as neighbours:
        processes.append(neighbours[0].process_id)
        raise KeyboardInterrupt
    wait_until_dead(processes)


def test_a_neighbour_that_dies_is_an_error_and_no_quiet_machine(network: Workload) -> None:
    with beside([network], RUNTIME, threads=1) as (neighbour,):
        os.kill(neighbour.process_id, 9)
        end = time.monotonic() + 60
        while neighbour.fault is None and time.monotonic() < end:
            time.sleep(0.02)
        with pytest.raises(WorkerCrashed, match="SIGKILL"):
            times_of([neighbour])


def test_all_that_runs_beside_a_network_is_known_to_the_gate(network: Workload) -> None:
    with company(Deployment(beside=(network,), load=Load(cores=1)), RUNTIME, threads=1) as found:
        assert len(found.processes) == 2
        assert found.neighbours[0].process_id == found.processes[0]
    wait_until_dead(found.processes)
    with company(Deployment(period_seconds=0.1), RUNTIME, threads=1) as found:
        assert (found.neighbours, found.processes) == ((), ())


def test_a_pinned_worker_runs_on_its_cores_only_and_we_keep_ours(network: Workload) -> None:
    before = os.sched_getaffinity(0)
    (core,) = cores_for(1)
    with pinned([core]):
        session = RUNTIME.open(network, {"x": ones(network)}, threads=1, deadline_seconds=60.0)
    with session:
        found: list[set[int]] = []
        for task in Path(f"/proc/{session.process_id}/task").iterdir():
            with suppress(ProcessLookupError):  # a thread that has ended meanwhile
                found.append(os.sched_getaffinity(int(task.name)))
        assert found
        assert all(processors == {core} for processors in found)
    assert os.sched_getaffinity(0) == before
    with pinned([]):
        assert os.sched_getaffinity(0) == before


def test_each_thread_of_a_pinned_network_has_a_core(network: Workload) -> None:
    there = usable_processors()
    assert sorted(cores_for(len(there))) == list(there)
    with pytest.raises(InvalidQuantity, match="--pin"):
        measure_workload(network, threads=len(there) + 1, deployment=Deployment(pinned=True))


def ones(network: Workload) -> NDArray[np.float32]:
    return np.ones(network.inputs[0].dims, np.float32)


def deployed(network: Workload, deployment: Deployment) -> Run:
    return measure_workload(network, time_budget_seconds=1.5, profile=False, deployment=deployment)


def test_a_run_as_deployed_says_how_it_was_deployed(network: Workload) -> None:
    run = deployed(network, Deployment(0.02, (network,), Load(cores=1), pinned=True))
    assert (run.period_seconds, run.load, run.processors) == (0.02, "cpu=1", cores_for(1))
    assert [each.name for each in run.beside] == [network.name]
    assert run.missed_share is not None
    assert 0 <= run.missed_share <= 1
    assert run.kernels == ()
    # at most one run a period: a block of a second, and another that began within the budget
    assert 8 <= run.samples <= (1.5 + 1.0) / 0.02


def test_a_period_that_is_too_short_is_missed(network: Workload) -> None:
    run = deployed(network, Deployment(period_seconds=1e-6))
    assert run.missed_share == 1.0


def test_without_a_period_there_is_nothing_to_miss(network: Workload) -> None:
    run = deployed(network, Deployment())
    assert (run.period_seconds, run.missed_share, run.load, run.processors, run.beside) == (0.0, None, "", (), ())
