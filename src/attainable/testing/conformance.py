"""Runs a runtime through everything that one has to keep.

``python -m attainable.testing.conformance openvino`` prints every check; under pytest see ``runtime_conformance``.
"""

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import onnx

from attainable.errors import RuntimeRefused
from attainable.measurement.inputs import make_inputs
from attainable.names import clean
from attainable.runtimes import Runtime, Session
from attainable.runtimes import runtime as runtime_of
from attainable.runtimes.environments import find_interpreter
from attainable.testing.checks import (
    DEADLINE_SECONDS,
    Check,
    children,
    of_outputs,
    of_precision,
    of_profile,
    of_runs,
    of_session,
)
from attainable.testing.networks import BINDINGS, NETWORKS, unknown_operator
from attainable.workload import Workload, load

__all__ = ["REFERENCE", "check_all", "check_network", "check_refusals", "main", "why_not_installed"]

REFERENCE = "onnxruntime"
"""The runtime whose outputs are right."""

_PROFILED_RUNS = 10
_SECOND_SEED = 1
_NO_PRECISION = "float0"


def why_not_installed(runtime: Runtime) -> str:
    """Why a runtime cannot be checked here and what to do; empty where it can."""
    if find_interpreter(runtime.name, runtime.requirement) is None:
        return f"{runtime.name} is not installed: attainable runtimes install {runtime.name}"
    return ""


def check_network(runtime: Runtime, network: str, folder: Path) -> Iterator[Check]:
    """Run one of ``NETWORKS`` in the runtime and in the reference, and check all that can be told of it.

    Args:
        runtime: what is checked.
        network: its name.
        folder: for the model file.

    Raises:
        RunError: it cannot be run at all.
    """
    workload = _workload(NETWORKS[network](), folder / f"{network}.onnx")
    inputs = make_inputs(workload).arrays
    other_inputs = make_inputs(workload, seed=_SECOND_SEED).arrays
    with _opened(runtime_of(REFERENCE), workload) as reference:
        wanted = reference.compute(inputs, deadline_seconds=DEADLINE_SECONDS)
        other_wanted = reference.compute(other_inputs, deadline_seconds=DEADLINE_SECONDS)
    before = children()
    with _opened(runtime, workload) as session:
        yield from of_session(session)
        yield from of_precision(runtime, session, None)
        # The other inputs first: what they gave must not be kept.
        yield from of_outputs(runtime, session, workload, inputs=other_inputs, reference=other_wanted)
        yield from of_outputs(runtime, session, workload, inputs=inputs, reference=wanted)
        yield from of_runs(session, threads=1)
        if runtime.least_attributed_share:
            profile = session.profile(runs=_PROFILED_RUNS, deadline_seconds=DEADLINE_SECONDS)
            yield from of_profile(runtime, profile, workload, runs=_PROFILED_RUNS)
    yield Check("the worker is gone", children() <= before)
    with _opened(runtime, workload, threads=2) as session:
        yield from of_outputs(runtime, session, workload, inputs=inputs, reference=wanted)
        yield from of_runs(session, threads=2)
    for precision in runtime.precisions:
        with _opened(runtime, workload, precision=precision) as session:
            yield from of_precision(runtime, session, precision)
            yield from of_outputs(runtime, session, workload, inputs=inputs, reference=wanted)


def check_refusals(runtime: Runtime, folder: Path) -> Iterator[Check]:
    """Give the runtime what it cannot run. Nothing may be left of the attempt but its own words."""
    known = _workload(NETWORKS["residual"](), folder / "known.onnx")
    broken = _workload(NETWORKS["residual"](), folder / "broken.onnx")
    Path(broken.provenance.path).write_bytes(b"\x00 no model \xff" * 100)
    unknown = _workload(unknown_operator(), folder / "unknown.onnx")
    attempts: dict[str, Callable[[], Session]] = {
        "an operator that it does not know": lambda: _opened(runtime, unknown),
        "a file that is no model": lambda: _opened(runtime, broken),
        "a precision that it does not have": lambda: _opened(runtime, known, precision=_NO_PRECISION),
    }
    before = children()
    for what, attempt in attempts.items():
        words = ""
        try:
            with attempt():
                words = ""
        except RuntimeRefused as error:
            words = error.what
        yield Check(f"{what} is refused with a reason", bool(words), words)
        yield Check(
            f"the reason for refusing {what} is one printable line", words == clean(words) and "\n" not in words
        )
        yield Check(f"no worker is left of {what}", children() <= before)


def check_all(runtime: Runtime, folder: Path) -> Iterator[tuple[str, Check]]:
    """Every check of the suite, with the network that it is about."""
    for network in NETWORKS:
        for check in check_network(runtime, network, folder):
            yield network, check
    for check in check_refusals(runtime, folder):
        yield "refusals", check


def main(names: Iterable[str]) -> int:
    """Check runtimes by name, print every check, and give the exit code: 1 where one failed."""
    failed = 0
    for name in names:
        ran = 0
        with tempfile.TemporaryDirectory() as folder:
            for network, check in check_all(runtime_of(name), Path(folder)):
                ran += 1
                failed += not check.passed
                verdict = "ok    " if check.passed else "FAILED"
                sys.stdout.write(f"{verdict} {network}: {check.name}: {clean(check.detail)}\n")
        sys.stdout.write(f"{name}: {ran} checks\n")
    return min(failed, 1)


def _opened(runtime: Runtime, workload: Workload, *, threads: int = 1, precision: str | None = None) -> Session:
    return runtime.open(
        workload, make_inputs(workload).arrays, threads=threads, deadline_seconds=DEADLINE_SECONDS, precision=precision
    )  # fmt: skip


def _workload(model: onnx.ModelProto, path: Path) -> Workload:
    path.write_bytes(model.SerializeToString())
    axes = [axis.dim_param for value in model.graph.input for axis in value.type.tensor_type.shape.dim]
    return load(path, {name: extent for name, extent in BINDINGS.items() if name in axes})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
