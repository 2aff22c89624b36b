"""``attainable count``: the work on paper."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from attainable.cli.options import (
    Batch,
    Compressed,
    CountedModel,
    ExplainDiff,
    Force,
    Json,
    Preset,
    Shapes,
    SweepRange,
    Symbolic,
    Training,
    TripCount,
)
from attainable.cli.outputs import DEPTH, Annotate, By, Depth, FormatName, Limits, Output, deliver, requested
from attainable.errors import InvalidQuantity

if TYPE_CHECKING:
    from attainable.analysis.records import OpRow


def count(
    model: CountedModel,
    *,
    shape: Shapes = None,
    batch: Batch = None,
    trip_count: TripCount = None,
    symbolic: Symbolic = False,
    sweep: SweepRange = None,
    preset: Preset = None,
    explain_diff: ExplainDiff = False,
    training: Training = None,
    compressed: Compressed = False,
    by: By = "signature",
    depth: Depth = DEPTH,
    format: FormatName = None,
    output: Output = None,
    annotate: Annotate = None,
    budget: Limits = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Count operations, parameters, memory traffic and peak memory. No device, no run."""
    from attainable.analysis.counted import counted
    from attainable.cli.grouped import SIGNATURE
    from attainable.cli.model import read_model, require_file
    from attainable.cost import count as counting
    from attainable.cost.control_flow import parse_trip_counts
    from attainable.workload.package import compressed_bytes
    from attainable.workload.shapes import parse_bindings

    views = {"--symbolic": symbolic, "--sweep": sweep is not None, "--preset": preset is not None}
    outputs_of_a_count = {
        "--format": format, "--output": output, "--annotate": annotate, "--budget": budget, "--training": training,
        "--compressed": compressed, "--by": by != SIGNATURE,
    }  # fmt: skip
    _require_one(views, outputs_of_a_count)
    if depth != DEPTH and by != "scope":
        raise InvalidQuantity("is that of modules", where=f"--depth {depth}", help="add --by scope")
    if symbolic or sweep is not None:
        require_file(
            model,
            "is traced at the shapes given, so that no dimension is open",
            "export it with open ones: torch.export.export(module, inputs, dynamic_shapes=...), "
            "torch.export.save(program, 'model.pt2')",
        )
        # formulas print through the report's messages, which a plain count in JSON need not load
        from attainable.cli.formulas import scale

        scale(
            model,
            shapes=parse_bindings(shape or ()),
            batch=batch,
            trip_counts=parse_trip_counts(trip_count or ()),
            sweep=sweep,
            json=json,
        )
        return
    outputs = requested(
        format=format, json=json, by=by, depth=depth, output=output, annotate=annotate, budget=budget, force=force
    )
    if explain_diff and preset is None:
        raise InvalidQuantity("explains nothing alone", where="--explain-diff", help="name a counter: --preset fvcore")
    if compressed:
        require_file(model, "has no file that could be compressed", "leave out --compressed")
    workload = read_model(model, shape or (), batch)
    on_paper = counting.count(workload, trip_counts=parse_trip_counts(trip_count or ()))
    if preset is not None:
        from attainable.cli.presets import under_preset

        under_preset(on_paper, preset, explain=explain_diff, json=json)
        return
    analysis = counted(on_paper, optimiser=training)
    if compressed:
        analysis = replace(analysis, model=replace(analysis.model, compressed_bytes=compressed_bytes(model)))
    if trip_count and not _has_loop(analysis.ops):
        analysis = replace(
            analysis, warnings=[*analysis.warnings, "--trip-count has no effect: the network has no loop"]
        )
    deliver(analysis, outputs)


def _has_loop(ops: "Iterable[OpRow]") -> bool:
    pending = list(ops)
    while pending:
        op = pending.pop()
        if op.kind == "Loop":
            return True
        pending.extend(inner for body in op.bodies for inner in body.ops)
    return False


def _require_one(views: Mapping[str, bool], outputs: Mapping[str, object]) -> None:
    """Refuse two views at once, and a view with what only a plain count can give."""
    asked = [flag for flag, given in views.items() if given]
    if not asked:
        return
    together = [*asked, *(flag for flag, given in outputs.items() if given)]
    if len(together) > 1:
        raise InvalidQuantity("cannot be combined", where=" ".join(together), help="ask for one after the other")
