"""The executed graph on the screen: what kernels are for, the kernels with their ops, and what to know of both."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from attainable.cli.kernels_messages import say, say_count
from attainable.cli.measure_checks import asides_of, show_checks
from attainable.cli.screen import (
    NARROW,
    bare_table,
    number_columns,
    open_console,
    plain,
    show,
    show_asides,
    show_title,
)
from attainable.measurement.executed import ExecutedGraph, ExecutedKernel, Part
from attainable.measurement.kernel_words import OPERATORS, delegate_of
from attainable.names import short_name
from attainable.quantities import format_seconds, format_share

_MOST_KERNELS = 40
_MOST_PATTERNS = 8
_MOST_KINDS = 8
_MOST_OPS = 4
_LONGEST_NAME = 40
_STYLES = {"fallback": "yellow", "unmapped": "yellow", "quantise": "yellow"}


def print_executed(
    graph: ExecutedGraph, labels: Mapping[str, str], console: Console | None = None, *, aside: Console | None = None
) -> None:  # fmt: skip
    """Print the executed graph: its purposes, its longest kernels in their order, and what is known of the profile.

    Args:
        graph: what to say.
        labels: what a person calls the ops, by id.
        console: for the result; None for stdout.
        aside: for warnings; None for stderr.
    """
    out, aside = console or open_console(sys.stdout), aside or open_console(sys.stderr)
    run = graph.run
    runtime = short_name(f"{run.runtime} {run.version}")
    ran = short_name(run.precision) or _most_of(graph) or short_name(run.dtype)
    there = [] if run.host is None else [short_name(run.host.name)]
    place = ", ".join([ran, say_count("threads", run.threads), *there])
    out.print()
    show_title(out, say("title", {"model": short_name(graph.model)}), runtime, place)
    show_checks(out, run)
    out.print()
    _show_purposes(out, graph)
    _show_fallbacks(out, graph)
    _show_parts(out, say("precision.title"), graph.precisions, most=_MOST_PATTERNS, alone=False)
    _show_parts(out, say("pattern.title"), graph.patterns, most=_MOST_PATTERNS, alone=True)
    _show_kernels(out, graph, labels)
    _show_end(out, graph)
    show_asides(aside, asides_of(run), ())


def _most_of(graph: ExecutedGraph) -> str:
    """The type of most of the time, where the runtime does not tell what it computes in."""
    longest = next((part.name for part in graph.precisions), "")
    return say("mostly", {"precision": short_name(longest)}) if longest else ""


def _columns(title: str) -> list[Column]:
    names = (say("column.kernels"), say("column.time"), say("column.share"))
    return [Column(plain(title, "bold"), overflow="fold"), *number_columns(*names)]


def _row(name: str, part: Part, style: str = "") -> list[Text]:
    if not part.kernels:
        return [plain(name, "dim"), plain("0", "dim"), plain("-", "dim"), plain("-", "dim")]
    cells = (str(part.kernels), format_seconds(part.seconds), format_share(part.share))
    return [plain(name, style), *(plain(cell) for cell in cells)]


def _show_purposes(out: Console, graph: ExecutedGraph) -> None:
    table = bare_table(_columns(say("purpose")))
    inserted = Counter(kernel.purpose for kernel in graph.kernels if kernel.is_inserted)
    for part in graph.purposes:
        count = sum(number for purpose, number in inserted.items() if purpose == part.name != "layout")
        note = say("inserted", {"count": count}) if count else ""
        table.add_row(*_row(say(f"purpose.{part.name}") + note, part, _STYLES.get(part.name, "")))
    show(out, table)
    out.print()


def _show_fallbacks(out: Console, graph: ExecutedGraph) -> None:
    found = [(_reason(kernel, graph), kernel) for kernel in graph.kernels if kernel.fallback]
    parts: dict[str, Part] = {}
    for words, kernel in found:
        name = say("fallback.row", {"kind": short_name(_kind(kernel.kind)), "reason": words})
        old = parts.get(name, Part(name, 0, 0.0, 0.0))
        parts[name] = Part(name, old.kernels + 1, old.seconds + kernel.seconds, old.share + kernel.share)
    longest = sorted(parts.values(), key=lambda part: -part.seconds)
    _show_parts(out, say("fallback.title"), longest, most=_MOST_PATTERNS, alone=True)


def _reason(kernel: ExecutedKernel, graph: ExecutedGraph) -> str:
    """Why a kernel is a fallback; empty where it is none."""
    if not kernel.fallback:
        return ""
    values = {
        "implementation": short_name(kernel.implementation), "precision": short_name(kernel.precision),
        "wanted": short_name(graph.run.precision or graph.run.dtype),
    }  # fmt: skip
    if kernel.fallback == "provider" and not kernel.implementation:
        return say("fallback.no_provider", {"provider": delegate_of(graph.run.runtime)})
    return say(f"fallback.{kernel.fallback}", values)


def _show_parts(out: Console, title: str, parts: Sequence[Part], *, most: int, alone: bool) -> None:
    """A table of parts; ``alone`` tells whether a single one is worth a table."""
    if len(parts) < (1 if alone else 2):
        return
    table = bare_table(_columns(title))
    for part in parts[:most]:
        table.add_row(*_row(short_name(part.name) or say("precision.unknown"), part))
    if rest := parts[most:]:
        seconds, share = sum(part.seconds for part in rest), sum(part.share for part in rest)
        together = Part("", sum(part.kernels for part in rest), seconds, share)
        table.add_row(*_row(say_count("pattern.more", len(rest)), together, "dim"))
    show(out, table)
    out.print()


def _show_kernels(out: Console, graph: ExecutedGraph, labels: Mapping[str, str]) -> None:
    longest = sorted(graph.kernels, key=lambda kernel: -kernel.seconds)[:_MOST_KERNELS]
    listed = sorted(longest, key=lambda kernel: kernel.position)
    narrow = out.width < NARROW
    told = ("precision", "layout") if not narrow else ()
    told = [key for key in told if any(getattr(kernel, key) for kernel in listed)]
    table = bare_table(
        [
            *number_columns(say("column.number")),
            Column(plain(say("column.purpose"), "bold"), no_wrap=True),
            Column(plain(say("column.kernel"), "bold"), overflow="fold"),
            *(Column(plain(say(f"column.{key}"), "bold"), overflow="fold") for key in told),
            *number_columns(say("column.time"), say("column.share")),
            Column(plain(say("column.ops"), "bold"), overflow="fold", ratio=1),
        ]
    )
    table.padding = (0, 2, 0, 0)
    # What is the same for all of them stands in the title.
    same = {kernel.implementation for kernel in graph.kernels}
    for kernel in listed:
        words = [_kind(kernel.kind), *([kernel.implementation] if len(same) > 1 else [])]
        words += [kernel.precision, kernel.layout] if narrow else []
        named = " ".join(short_name(word) for word in dict.fromkeys(words) if word)
        cells = [
            str(kernel.position), say(f"short.{kernel.purpose}"), named,
            *(short_name(str(getattr(kernel, key))) for key in told),
            format_seconds(kernel.seconds), format_share(kernel.share),
        ]  # fmt: skip
        number, purpose, *others = [plain(cell) for cell in cells]
        purpose.stylize(_STYLES.get(kernel.purpose, ""))
        table.add_row(number, purpose, *others, _ops(kernel, labels))
    show(out, table)
    if rest := len(graph.kernels) - len(listed):
        share = format_share(max(0.0, 1 - sum(kernel.share for kernel in listed)))
        show(out, plain(say_count("kernels.rest", rest, {"share": share}), "dim"))
    out.print()


def _kind(kind: str) -> str:
    """A kernel's kind without the domain of the runtime's own operators."""
    return kind.removeprefix("com.microsoft.nchwc:").removeprefix("com.microsoft:")


def _ops(kernel: ExecutedKernel, labels: Mapping[str, str]) -> Text:
    """What it computes: the label of the first op that computes, the other operators, and the name of that op."""
    if not kernel.ops:
        return plain(say("ops.none"), "dim")
    # A kernel that only moves or converts may stand in a region of several ops: named is what asks for it.
    own = [op for op in kernel.ops if OPERATORS.get(op.kind) == kernel.purpose] or kernel.ops
    first = next((op for op in own if op.kind not in OPERATORS), own[0])
    label = short_name(labels.get(first.id, first.kind))
    words = (
        say("ops.serves", {"ops": label})
        if kernel.is_inserted
        else ", ".join([label, *_others([op.kind for op in own if op is not first])])
    )
    return Text.assemble(plain(words), " ", plain(_shortened(first.name), "dim"))


def _others(kinds: Sequence[str]) -> list[str]:
    """Operators beside the one that is labelled, each with how often it is there, those that quantise together."""
    counted = Counter(kind for kind in kinds if OPERATORS.get(kind) != "quantise")
    words = [
        short_name(kind) if count == 1 else say("end.times", {"kind": short_name(kind), "count": count})
        for kind, count in counted.items()
    ]
    listed = words[:_MOST_OPS]
    if more := len(words) - len(listed):
        listed.append(say("ops.more", {"count": more}))
    return [*listed, *([say("ops.quantised")] if sum(counted.values()) < len(kinds) else [])]


def _shortened(name: str) -> str:
    """The end of a name, which tells nodes of one module apart."""
    shown = short_name(name)
    return shown if len(shown) <= _LONGEST_NAME else f"…{shown[1 - _LONGEST_NAME :]}"


def _show_end(out: Console, graph: ExecutedGraph) -> None:
    run = graph.run
    facts = Table.grid(Column(justify="right"), Column(overflow="fold"), padding=(0, 2, 0, 0))
    whole = {"whole": format_seconds(graph.whole_seconds), "share": format_share(graph.together_share)}
    rows = [
        (format_seconds(run.kernels_seconds or 0.0), say("end.together", whole)),
        (format_share(graph.unmapped_share), say("end.unmapped")),
    ]
    if graph.profiler_share is None:
        rows.append(("?", say("end.profiler_unknown")))
    else:
        times = {"plain": run.unprofiled_seconds or 0.0, "profiled": run.profiled_seconds or 0.0}
        spoken = {key: format_seconds(seconds) for key, seconds in times.items()}
        rows.append((f"{100 * graph.profiler_share:+.1f} %", say("end.profiler", spoken)))
    if run.profiler_seconds:
        rows.append((format_seconds(run.profiler_seconds), say("end.subtracted")))
    for value, meaning in rows:
        facts.add_row(plain(value), plain(meaning, "dim"))
    show(out, facts)
    out.print()
    executed = {op.id for kernel in graph.kernels for op in kernel.ops}
    values = {"ops": len(executed), "kernels": len(graph.kernels), "fused": graph.fused_ops}
    show(out, plain(say("end.ops", values), "dim"))
    if graph.absent:
        kinds = Counter(op.kind for op in graph.absent)
        named = [say("end.times", {"kind": short_name(kind), "count": count}) for kind, count in kinds.most_common()]
        if more := len(named) - _MOST_KINDS:
            named[_MOST_KINDS:] = [say("ops.more", {"count": more})] if more > 0 else []
        show(out, plain(say("end.absent", {"kinds": ", ".join(named)}), "dim"))
