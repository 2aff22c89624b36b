"""The main job, stage by stage, and the short ways to a single answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from attainable import devices as described
from attainable.advice.find import find
from attainable.analysis import symbolic as scaling
from attainable.analysis.build import Bounding
from attainable.analysis.counted import counted
from attainable.analysis.environment import environment
from attainable.analysis.records import Analysis, Fault
from attainable.analysis.run_rows import run_row
from attainable.analysis.symbolic import Sweep, Symbolic
from attainable.calibration.local import LOCAL, local_device
from attainable.cost.control_flow import TripCounts
from attainable.cost.count import Count, count
from attainable.devices.device import Device
from attainable.errors import RunError, UnboundDimensions
from attainable.measurement.measure import measure_workload
from attainable.measurement.run import Run
from attainable.prediction import roofline
from attainable.prediction.accounting import FUSED, Accounting
from attainable.prediction.estimate import Estimate
from attainable.workload import Workload, load
from attainable.workload.shapes import Bindings

Progress = Callable[[str], None]
"""Told a sentence when a stage starts that may take over a second."""


def analyze(
    path: str | Path, *, shapes: Bindings | None = None, batch: int | None = None, devices: Sequence[str] = (),
    threads: int = 1, runtime: str = "onnxruntime", measure: bool = True, advise: bool = True,
    time_budget_seconds: float = 20.0,
    inputs: Mapping[str, Path] | None = None, accounting: Accounting = FUSED,
    trip_counts: TripCounts | None = None,
    progress: Progress = lambda sentence: None,
) -> Analysis:  # fmt: skip
    """Count, bound and measure a model on this machine, and explain the gap.

    Args:
        path: the model file.
        shapes: numbers for symbolic dimensions, shapes for inputs.
        batch: number for the batch dimension.
        devices: names or TOML files of further devices to bound the model on.
        threads: cores for the run here and for the roofs of this machine.
        runtime: what runs the model here.
        measure: run the model; otherwise count and bound only.
        advise: prove what would make it faster, where the run succeeded.
        time_budget_seconds: most time to spend on the run, and again on the probes of the advice.
        inputs: ``.npy`` files by input name; other inputs are made up, valid for the model.
        accounting: of the roofline op by op.
        trip_counts: how often loops run that do not say so, by id or name; ``*`` for all of them.
        progress: told when a long stage starts.

    Returns:
        The analysis. A run or a calibration that failed is in ``errors``; what was computed on paper stands.

    Raises:
        InputError: the model, a device or an argument cannot be used; nothing was run.
    """
    # Everything that can be wrong with the question is found before any long work.
    others = [described.load_device(name) for name in devices if name != LOCAL]
    workload = load(path, shapes, batch=batch)
    # The work on paper.
    on_paper = count(workload, trip_counts=trip_counts)
    analysis = replace(counted(on_paper), environment=environment())
    # The roofs of this machine, measured once and cached.
    if not described.local_profile_path().is_file():
        progress("measuring the roofs of this machine (once, about 5 s)")
    here, faults = _attempt("calibration", local_device)
    # How fast it could be.
    bounding = Bounding(on_paper)
    rows = [bounding.row(here, threads=threads, accounting=accounting)] if here else []
    rows += [bounding.row(device, threads=None, accounting=accounting) for device in others]
    analysis = replace(analysis, devices=rows)
    # How fast it is.
    if measure:
        progress(f"running {workload.name} with {runtime} (at most {time_budget_seconds:.0f} s)")
        run, run_faults = _attempt(
            "measurement",
            lambda: measure_workload(
                workload, runtime=runtime, threads=threads, time_budget_seconds=time_budget_seconds, inputs=inputs
            ),
        )
        faults += run_faults
        if run is not None:
            analysis = replace(
                analysis, runs=[run_row(on_paper, run, here)], warnings=[*analysis.warnings, *run.warnings]
            )
        # What to change, each proposal proved by a probe.
        if run is not None and advise:
            advice = find(on_paper, run, time_budget_seconds=time_budget_seconds, inputs=inputs, progress=progress)
            analysis = replace(
                analysis, findings=advice.findings, checked=advice.checked,
                warnings=[*analysis.warnings, *advice.warnings],
            )  # fmt: skip
    return replace(analysis, errors=faults)


def symbolic(path: str | Path, *, shapes: Bindings | None = None, trip_counts: TripCounts | None = None) -> Symbolic:
    """The totals of a model as formulas in the dimensions that ``shapes`` leaves open, its batch among them.

    Raises:
        InputError: the model cannot be used, or it has no open dimension, or more than four.
    """
    fixed = dict(shapes or {})
    found, notes = _open_dimensions(path, fixed)
    result = scaling.symbolic(_count_at(path, fixed, trip_counts), found)
    return replace(result, warnings=notes)


def sweep(
    path: str | Path, dimension: str, values: Sequence[int], *, shapes: Bindings | None = None,
    batch: int | None = None, trip_counts: TripCounts | None = None,
) -> Sweep:  # fmt: skip
    """The totals of a model at each of ``values`` of one dimension; the others are bound by ``shapes`` and ``batch``.

    Raises:
        InputError: the model cannot be used with these numbers.
    """
    fixed = dict(shapes or {})
    return scaling.sweep(_count_at(path, fixed, trip_counts, batch=batch), dimension, values)


def _count_at(
    path: str | Path, fixed: Bindings, trip_counts: TripCounts | None, *, batch: int | None = None
) -> Callable[[Mapping[str, int]], Count]:
    def count_at(values: Mapping[str, int]) -> Count:
        return count(load(path, {**fixed, **values}, batch=batch), trip_counts=trip_counts)

    return count_at


def _open_dimensions(path: str | Path, fixed: Bindings) -> tuple[tuple[str, ...], list[str]]:
    """The dimensions that the model leaves open, and what the reader noted beside them."""
    try:
        workload = load(path, fixed)
    except UnboundDimensions as error:
        return error.dimensions, []
    # a lone batch dimension is set to 1 by the reader, which says so
    found = tuple(name for name, _ in workload.bindings if name not in fixed)
    return found, [note for note in workload.notes if not any(repr(name) in note for name in found)]


def bound(workload: Workload, device: Device, threads: int | None = None) -> Estimate:
    """The time that no execution of ``workload`` on ``device`` can beat, with ``threads`` cores (None: all)."""
    return roofline.bound(count(workload), device, threads)


def device(name: str) -> Device:
    """A device by name or by the path of its TOML file; ``local`` is this machine, measured when it is not yet known.

    Raises:
        UnknownName: no device has this name.
        InputError: the file is no device profile.
    """
    return local_device() if name == LOCAL else described.load_device(name)


def measure(
    path: str | Path, runtime: str = "onnxruntime", *, threads: int = 1, shapes: Bindings | None = None,
    batch: int | None = None, time_budget_seconds: float = 20.0, inputs: Mapping[str, Path] | None = None,
) -> Run:  # fmt: skip
    """Run a model on this machine, in a worker process, until its time is known well enough.

    Raises:
        InputError: the model or an argument cannot be used.
        RunError: the runtime refused, crashed or took too long.
    """
    workload = load(path, shapes, batch=batch)
    return measure_workload(
        workload, runtime=runtime, threads=threads, time_budget_seconds=time_budget_seconds, inputs=inputs
    )


_Result = TypeVar("_Result")


def _attempt(stage: str, run: Callable[[], _Result]) -> tuple[_Result | None, list[Fault]]:
    """Run a stage that may fail without taking the rest with it."""
    try:
        return run(), []
    except RunError as error:
        return None, [Fault(stage, error.what, error.where, error.help)]
