"""What a comparison says of devices: times at best, who wins where and why, and at which bandwidth that flips."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Column

from attainable.analysis.comparison import Comparison, DeviceComparison, DeviceTimes, Flip, FlipPoint, Verdict
from attainable.cli.ratios import format_ratio, pair, pairs
from attainable.cli.screen import bare_table, fact_grid, number_columns, plain, show
from attainable.export.figures import accounting_notes
from attainable.export.messages import say, say_count
from attainable.names import short_name, short_sentence
from attainable.quantities import (
    format_bytes_per_second,
    format_operations_per_second,
    format_seconds,
    format_share,
)
from attainable.report.views.machine import short_cpu, short_dtype

_MOST_CHANGES = 6
"""Sentences about kernels that change their class."""


def print_devices(out: Console, comparison: Comparison, labels: Sequence[str]) -> None:
    """Print the devices of a comparison; ``labels`` are the names of its models."""
    _times(out, comparison, labels)
    for sentence in _verdicts(comparison, labels):
        show(out, plain(sentence, "bold"))
    out.print()
    for device in comparison.devices:
        _accountings(out, device, labels)
    for sentence in _class_changes(comparison, labels):
        show(out, plain(sentence))
    if comparison.class_changes:
        out.print()
    for sentence in accounting_notes(comparison):
        show(out, plain(sentence, "dim"))
    assumptions = fact_grid(2)
    for label, entry in zip(labels, comparison.models, strict=True):
        inputs = ", ".join(f"{short_name(port.name)} {_shape(port.shape)}" for port in entry.model.inputs)
        assumptions.add_row(
            plain(label, "dim"), plain(say("compare.inputs", {"inputs": short_sentence(inputs)}), "dim")
        )
    for device in comparison.devices:
        for index, line in enumerate(_assumptions(device)):
            assumptions.add_row(plain(short_name(device.name) if index == 0 else "", "dim"), plain(line, "dim"))
    show(out, assumptions)
    for device in comparison.devices:
        for sentence in _left_out(device, labels):
            show(out, plain(sentence, "yellow"))
    out.print()


def _times(out: Console, comparison: Comparison, labels: Sequence[str]) -> None:
    predicted = any(times.predicted_seconds is not None for device in comparison.devices for times in device.times)
    table = bare_table(
        [
            Column(plain(say("compare.at_best"), "bold"), overflow="fold"), *pairs(["bound"]),
            Column(plain(say("column.binds").lower(), "dim"), no_wrap=True), *pairs(["roofline"]),
            *(number_columns(say("compare.predicted")) if predicted else []),
        ]
    )  # fmt: skip
    for device in comparison.devices:
        table.add_row(plain(short_name(device.name)))
        for index, (label, times) in enumerate(zip(labels, device.times, strict=True)):
            known = _predicted(times)
            table.add_row(
                plain(f"  {label}", "bold" if index == device.verdicts[0].winner else ""),
                *pair(format_seconds(times.bound_seconds), times.bound_ratio), plain(times.bound_by),
                *pair(format_seconds(times.roofline_seconds), times.roofline_ratio),
                *([plain(known)] if predicted else []),
            )  # fmt: skip
    show(out, table)
    out.print()


def _predicted(times: DeviceTimes) -> str:
    """The prediction of a fitted device with its interval."""
    if times.predicted_seconds is None:
        return "-"
    text = format_seconds(times.predicted_seconds)
    if times.predicted_low_seconds is None or times.predicted_high_seconds is None:
        return text
    return f"{text} ({format_seconds(times.predicted_low_seconds)}..{format_seconds(times.predicted_high_seconds)})"


def _verdicts(comparison: Comparison, labels: Sequence[str]) -> Iterator[str]:
    for device in comparison.devices:
        yield _reason(device, labels)
    partial = [label for label, entry in zip(labels, comparison.models, strict=True) if entry.totals.at_least]
    if partial:
        yield say("compare.at_least", {"models": ", ".join(partial)})
    flips = [flip for flip in comparison.flips if flip.measure == "roofline"]
    if len(comparison.devices) > 1:
        accounting = {"accounting": comparison.devices[0].accounting}
        yield from [_flip(flip, labels, accounting) for flip in flips] or [say("compare.no_flip", accounting)]
    for device in comparison.devices:
        if len({verdict.winner for verdict in device.verdicts}) > 1:
            yield say("compare.depends", {"device": short_name(device.name)})


def _reason(device: DeviceComparison, labels: Sequence[str]) -> str:
    """Who wins here over the next best, and why."""
    fastest, next_best, *_ = sorted(range(len(labels)), key=lambda index: device.times[index].roofline_seconds)
    winner, loser = device.times[fastest], device.times[next_best]
    names = {"device": short_name(device.name), "winner": labels[fastest], "loser": labels[next_best]}
    if not any(times.roofline_seconds for times in device.times):
        return say("compare.unknown", names)
    if winner.roofline_seconds == loser.roofline_seconds:
        return say("compare.tie", names)
    values = {
        **names, "ratio": format_ratio(winner.roofline_seconds / loser.roofline_seconds),
        "compute": _times_as_much(winner.compute_seconds, loser.compute_seconds),
        "memory": _times_as_much(winner.memory_seconds, loser.memory_seconds),
        "waiting": format_share(loser.memory_bound_share), "winner_waiting": format_share(winner.memory_bound_share),
    }  # fmt: skip
    return say("compare.wins" if loser.memory_seconds else "compare.wins_computing", values)


def _times_as_much(one: float, other: float) -> str:
    return format_ratio(one / other) if other else "-"


def _flip(flip: Flip, labels: Sequence[str], accounting: dict[str, str]) -> str:
    values = {
        **accounting,
        "first": labels[flip.first], "first_devices": ", ".join(map(short_name, flip.first_faster_on)),
        "second": labels[flip.second], "second_devices": ", ".join(map(short_name, flip.second_faster_on)),
    }  # fmt: skip
    return say("compare.flip", values)


def _accountings(out: Console, device: DeviceComparison, labels: Sequence[str]) -> None:
    """The verdict on a device under each accounting, and the bandwidth at which it flips."""
    table = bare_table(
        [
            Column(plain(f"{say('compare.by_accounting')}, {short_name(device.name)}", "bold"), overflow="fold"),
            *number_columns(*labels),
            Column(plain(say("compare.bandwidth_flip"), "dim"), overflow="fold"),
        ]
    )  # fmt: skip
    for verdict in device.verdicts:
        seconds = [
            plain(format_seconds(figure), "bold" if index == verdict.winner else "")
            for index, figure in enumerate(verdict.roofline_seconds)
        ]
        table.add_row(plain(f"  {verdict.accounting}"), *seconds, plain(_flip_points(verdict, labels)))
    show(out, table)
    out.print()


def _flip_points(verdict: Verdict, labels: Sequence[str]) -> str:
    points = [point for point in verdict.flip_points if point.roof == "bandwidth" and point.value is not None]
    return "; ".join(_flip_point(point, labels) for point in points[:2]) or say("compare.never")


def _flip_point(point: FlipPoint, labels: Sequence[str]) -> str:
    """The bandwidth at which the order flips, told from the device's own: what wins on the other side of it."""
    key, other_side = (
        ("compare.above", point.faster_above) if point.factor > 1 else ("compare.below", point.faster_below)
    )  # fmt: skip
    return say(key, {"bandwidth": format_bytes_per_second(point.value or 0.0), "winner": labels[other_side]})


def _class_changes(comparison: Comparison, labels: Sequence[str]) -> Iterator[str]:
    for change in comparison.class_changes[:_MOST_CHANGES]:
        values = {
            "model": labels[change.model], "compute": short_name(change.compute_bound_on),
            "memory": short_name(change.memory_bound_on), "examples": ", ".join(map(short_name, change.examples)),
        }  # fmt: skip
        yield say_count("compare.class_change", change.kernels, values)


def _assumptions(device: DeviceComparison) -> Iterator[str]:
    """What the device is, where its roofs come from and what they assume."""
    cores = "" if device.threads is None else say_count("compare.cores", device.threads)
    yield ", ".join(filter(None, (short_name(short_cpu(device.title)), cores)))
    rates = [
        f"{format_operations_per_second(roof.operations_per_second)} {short_dtype(roof.dtype)} {roof.engine} "
        f"({roof.kind})"
        for roof in device.roofs
    ]
    if device.bytes_per_second is not None:
        rates.append(f"{format_bytes_per_second(device.bytes_per_second)} ({device.bytes_per_second_kind})")
    if rates:
        yield short_sentence(", ".join(rates))
    for name, text in device.conditions.items():
        yield say("compare.assumed", {"name": short_name(name), "text": short_sentence(text)})


def _shape(shape: Sequence[int] | None) -> str:
    return "?" if shape is None else "x".join(map(str, shape))


def _left_out(device: DeviceComparison, labels: Sequence[str]) -> Iterator[str]:
    """Which computing has no roof here, and whether moving has none."""
    for dtypes, models in _without_roof(device, labels).items():
        values = {"device": short_name(device.name), "dtypes": dtypes, "models": ", ".join(models)}
        yield say("compare.without_roof", values)
    if device.bytes_per_second is None:
        yield say("compare.without_bandwidth", {"device": short_name(device.name)})


def _without_roof(device: DeviceComparison, labels: Sequence[str]) -> dict[str, list[str]]:
    """The models by the element types and engines that have no roof here."""
    models: dict[str, list[str]] = {}
    for label, times in zip(labels, device.times, strict=True):
        missing = sorted({f"{short_dtype(entry.dtype)} {entry.engine}" for entry in times.without_roof})
        if missing:
            models.setdefault(short_name(", ".join(missing)), []).append(label)
    return models
