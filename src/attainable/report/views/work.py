"""The work on paper: the totals, every one counted."""

from collections.abc import Iterable
from dataclasses import dataclass

from attainable.analysis.records import Analysis, NetworkShape
from attainable.names import short_name
from attainable.quantities import format_bytes, format_count
from attainable.report.messages import say, say_count

_MOST_STAGES = 8
_LEAST_SHARE_IN_STAGES, _MOST_STAGES_A_LAYER = 0.5, 2
"""Of all operations, and of the layers on the longest path, in a network that makes images.

A transformer makes none, though its attention has four axes: little of its work is there, or it changes shape all the
time.
"""


@dataclass(frozen=True, slots=True)
class Total:
    """A counted figure, what it counts, and its parts or conditions where it has some."""

    value: str
    meaning: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class WorkOnPaper:
    """The totals, the conventions in a line, and how much of the network they cover.

    Attributes:
        at_least: some ops could not be counted, so that every figure is a floor.
    """

    totals: tuple[Total, ...]
    at_least: bool
    conventions: str
    coverage: str


def work_on_paper(analysis: Analysis) -> WorkOnPaper:
    """What the shapes alone say about a network."""
    totals, model, coverage = analysis.totals, analysis.model, analysis.coverage
    floor = f"{say('work.at_least')} " if totals.at_least else ""
    parameters = f"{format_count(model.parameters)} ({format_bytes(model.parameter_bytes)})"
    figures = [
        Total(floor + format_count(totals.macs), say("work.macs")),
        Total(floor + format_count(totals.operations), say("work.operations")),
        Total(parameters, say("work.parameters")),
        Total(floor + format_bytes(totals.bytes_moved), say("work.moved")),
        Total(format_bytes(totals.unavoidable_bytes), say("work.unavoidable")),
    ]
    if totals.operational_intensity is not None:
        # a quotient of two floors is no floor
        figures.append(Total(format_count(totals.operational_intensity), say("work.intensity")))
    figures.append(Total(floor + format_bytes(totals.peak_activation_bytes), say("work.peak"), say("work.peak_note")))
    if totals.least_operations < totals.operations and not totals.at_least:
        least = {"macs": format_count(totals.least_macs), "operations": format_count(totals.least_operations)}
        figures.insert(
            2, Total(format_count(totals.least_operations), say("work.least"), say("work.least_note", least))
        )
    figures += [*_memory(analysis), *_shape(analysis)]
    counted = coverage.ops_with_rule - len(coverage.unresolved)
    return WorkOnPaper(
        totals=tuple(figures), at_least=totals.at_least, conventions=say("work.short_conventions"),
        coverage=say("work.coverage", {"counted": counted, "ops": coverage.ops}),
    )  # fmt: skip


def _memory(analysis: Analysis) -> Iterable[Total]:
    totals, model, step = analysis.totals, analysis.model, analysis.training
    if totals.planned_arena_bytes is not None:
        yield Total(format_bytes(totals.planned_arena_bytes), say("work.arena"), say("work.arena_note"))
    if step is not None:
        parts = {
            "phase": say(f"work.phase_{step.peak_phase}"),
            "weights": format_bytes(step.weight_bytes), "gradients": format_bytes(step.gradient_bytes),
            "state": format_bytes(step.optimiser_bytes), "saved": format_bytes(step.saved_bytes),
        }  # fmt: skip
        peak = say("work.training", {"optimiser": step.optimiser})
        note = say("work.training_note", parts)
        if step.assumed:
            note += "; " + say("work.training_assumed", {"kinds": ", ".join(map(short_name, step.assumed))})
        yield Total(format_bytes(step.peak_bytes), peak, note)
    if model.compressed_bytes is not None:
        whole = {"file": format_bytes(model.file_bytes)}
        yield Total(format_bytes(model.compressed_bytes), say("work.compressed"), say("work.compressed_note", whole))


def _shape(analysis: Analysis) -> Iterable[Total]:
    network = analysis.network
    if network is None:
        return
    parts = {
        "depth": network.depth, "widest": network.widest_level, "fragments": network.fragments,
        "parallelism": "-" if network.parallelism is None else f"{network.parallelism:.2f}",
    }  # fmt: skip
    yield Total(str(network.layers), say_count("work.layers", network.layers), say("work.layers_note", parts))
    if _makes_images(network, analysis.totals.operations):
        shown = [
            say_count("work.stage", stage.ops, {"resolution": "x".join(map(str, stage.resolution)),
                                                "channels": stage.channels})
            for stage in network.stages[:_MOST_STAGES]
        ]  # fmt: skip
        rest = ["..."] if len(network.stages) > _MOST_STAGES else []
        count = len(network.stages)
        yield Total(str(count), say_count("work.stages", count), ", ".join((*shown, *rest)))


def _makes_images(network: NetworkShape, operations: int) -> bool:
    in_stages = sum(stage.operations for stage in network.stages)
    few = len(network.stages) <= _MOST_STAGES_A_LAYER * network.layers
    return bool(network.stages) and few and in_stages >= _LEAST_SHARE_IN_STAGES * operations
