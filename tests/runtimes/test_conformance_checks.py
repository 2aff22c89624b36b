"""The conformance suite finds what is wrong: every check fails for a session that breaks what it is about."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from attainable.measurement.inputs import Array
from attainable.runtimes import Execution, Profile, Samples, Session
from attainable.runtimes.onnxruntime import RUNTIME
from attainable.testing.checks import Check, of_outputs, of_precision, of_profile, of_runs, of_session
from attainable.testing.conformance import why_not_installed
from attainable.testing.networks import NETWORKS
from attainable.workload import Kernel, Workload, load
from tests.runtimes.nets import Net, image

GOOD = Samples(seconds=(0.1,) * 5, wall_seconds=0.6, cpu_seconds=0.6, peak_rss_bytes=100)


class Said:
    """A session that says what a test wrote down."""

    version = "1"
    load_seconds = 0.1
    precision = "float32"
    process_id = os.getppid()

    def __init__(self, *samples: Samples, outputs: Mapping[str, Array] = {}) -> None:
        self._samples = iter(samples)
        self._outputs = dict(outputs)

    def run(self, **_: object) -> Samples:
        return next(self._samples)

    def compute(self, inputs: object, *, deadline_seconds: float) -> dict[str, Array]:
        del inputs, deadline_seconds
        return self._outputs


def session(said: Said) -> Session:
    return cast("Session", said)


def failed(checks: Iterable[Check]) -> list[str]:
    return sorted({check.name for check in checks if not check.passed})


@pytest.fixture
def workload(tmp_path: Path) -> Workload:
    net = Net()
    return net.load(tmp_path, [image()], net.op("Relu", net.conv("x", 3, 16)))


def profile(workload: Workload, **changes: object) -> Profile:
    conv, relu = (op.id for op in workload.ops)
    kernels = (Kernel("a", "Conv", 0.8, (conv,), "exact"), Kernel("b", "Relu", 0.1, (relu,), "exact"))
    good = Profile(kernels, (1.0,) * 4, (1.0,) * 4, 0.0, executions=(Execution(), Execution()))
    return replace(good, **changes)


def test_a_good_session_passes_everything(workload: Workload) -> None:
    (output,) = (tensor.name for tensor in workload.outputs)
    reference = {output: np.ones((2, 2), "float32")}
    said = Said(GOOD, GOOD, GOOD, outputs=reference)
    assert not failed(of_session(session(said)))
    assert not failed(of_runs(session(said), threads=1))
    assert not failed(of_precision(RUNTIME, session(said), None))
    assert not failed(of_outputs(RUNTIME, session(said), workload, inputs={}, reference=reference))
    assert not failed(of_profile(RUNTIME, profile(workload), workload, runs=4))


def test_wrong_outputs_are_found(workload: Workload) -> None:
    (output,) = (tensor.name for tensor in workload.outputs)
    right = np.array([[1.0, 2.0]], "float32")

    def with_outputs(outputs: Mapping[str, Array], precision: str = "float32") -> list[str]:
        said = Said(outputs=outputs)
        said.precision = precision
        return failed(of_outputs(RUNTIME, session(said), workload, inputs={}, reference={output: right}))

    agrees, points = f"{output} agrees with the reference", f"{output} points where the reference does"
    assert with_outputs({output: right}) == []
    assert with_outputs({output: right * np.float32(1.001)}) == [agrees]
    assert with_outputs({output: right[:, ::-1]}) == [agrees, points]
    assert with_outputs({output: right.astype("float64")}) == [agrees]
    assert with_outputs({output: right[0]}) == [agrees]
    assert with_outputs({"renamed": right}) == [
        agrees, "outputs are those of the model, in its order", "renamed agrees with the reference",
    ]  # fmt: skip
    assert with_outputs({output: right}, "float3") == [agrees, "the precision that runs has a tolerance"]


@pytest.mark.parametrize(
    ("samples", "name"),
    [
        ((replace(GOOD, seconds=(0.1,) * 6), GOOD, GOOD), "without time exactly the least number runs"),
        ((GOOD, replace(GOOD, seconds=(0.1,) * 4), GOOD), "no more than the largest number runs"),
        ((replace(GOOD, seconds=(0.1, 0.1, 0.0, 0.1, 0.1)), GOOD, GOOD), "every run takes time"),
        ((GOOD, GOOD, replace(GOOD, wall_seconds=0.4, cpu_seconds=0.4)), "runs fit into the time of them together"),
        ((GOOD, replace(GOOD, peak_rss_bytes=99), GOOD), "the peak of the memory never falls"),
        ((GOOD, GOOD, replace(GOOD, cpu_seconds=1.2)), "no more than 1 threads compute"),
    ],
)
def test_wrong_runs_are_found(samples: tuple[Samples, ...], name: str) -> None:
    assert failed(of_runs(session(Said(*samples)), threads=1)) == [name]


def test_a_session_that_says_nothing_is_found() -> None:
    said = Said()
    said.version, said.load_seconds, said.process_id = "", 0.0, os.getpid()
    assert len(failed(of_session(session(said)))) == 3


def test_a_precision_that_was_lowered_unasked_is_found() -> None:
    said = Said()
    said.precision = "bfloat16"
    assert failed(of_precision(RUNTIME, session(said), None)) == ["no precision is lowered unasked"]
    assert not failed(of_precision(RUNTIME, session(said), "bfloat16"))
    said.precision = ""
    assert failed(of_precision(RUNTIME, session(said), "bfloat16")) == ["asked for bfloat16, it says what ran"]


def test_wrong_profiles_are_found(workload: Workload) -> None:
    conv, relu = (op.id for op in workload.ops)

    def with_kernels(*kernels: Kernel) -> list[str]:
        return failed(of_profile(RUNTIME, profile(workload, kernels=kernels, executions=()), workload, runs=4))

    good = Kernel("a", "Conv", 0.9, (conv,), "exact")
    assert with_kernels(good) == []
    assert with_kernels(replace(good, ops=("99", conv))) == ["kernels cover ops that exist"]
    assert with_kernels(replace(good, ops=(conv, conv))) == ["no kernel names an op twice"]
    assert with_kernels(good, Kernel("b", "Relu", 0.01, (), "exact")) == ["kernels without ops say so"]
    assert with_kernels(good, Kernel("b", "Relu", -0.01, (relu,), "exact")) == ["kernels take time"]
    assert with_kernels(replace(good, ops=(relu,))) == ["every contraction has a kernel"]
    assert with_kernels(replace(good, seconds=0.9), Kernel("b", "Relu", 0.06, (), "none")) == [
        "95% of the time or more finds its ops"
    ]
    assert with_kernels(replace(good, seconds=1.01)) == ["kernels fit into the run"]
    assert "there are kernels" in with_kernels()
    assert failed(of_profile(RUNTIME, profile(workload), workload, runs=5)) == ["as many runs as asked for, or more"]
    assert failed(of_profile(RUNTIME, profile(workload, executions=(Execution(),)), workload, runs=4)) == [
        "every kernel or none says how it was run"
    ]


def test_a_layout_change_may_serve_nobody(workload: Workload) -> None:
    conv, _ = (op.id for op in workload.ops)
    kernels = (Kernel("a", "Conv", 0.9, (conv,), "exact"), Kernel("b", "Reorder", 0.01, (), "layout"))
    assert not failed(of_profile(RUNTIME, profile(workload, kernels=kernels), workload, runs=4))


@pytest.mark.parametrize("network", NETWORKS)
def test_the_networks_of_the_suite_are_valid(network: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(NETWORKS[network]().SerializeToString())
    assert load(path, batch=2 if network == "dynamic_batch" else None).outputs


def test_what_is_installed_has_no_reason_to_be_skipped() -> None:
    assert why_not_installed(RUNTIME) == ""
