"""Measured times on the screen: what stands below a run, a table of runs, and one network against another."""

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Column, Table

from attainable.cli.measure_checks import outputs_in_a_word
from attainable.cli.measure_messages import say, say_count
from attainable.cli.screen import (
    NARROW,
    bare_table,
    fact_grid,
    number_columns,
    open_console,
    plain,
    show,
    show_asides,
    show_title,
)
from attainable.measurement.claim import Claim
from attainable.measurement.compare import Comparison
from attainable.measurement.percentiles import fewest_for_percentile
from attainable.measurement.run import Run
from attainable.measurement.sweep import OpenBatch, Sweep
from attainable.names import short_name, short_sentence
from attainable.quantities import format_bytes, format_count, format_joules, format_seconds, format_share
from attainable.timing.kernel_files import UNKNOWN

_NOISY = "noisy"
_MOST_FAULTS = 4


def percent(share: float) -> str:
    """A share with one decimal, for differences of a few percent."""
    return f"{100 * share:.1f} %"


def print_more(run: Run, console: Console | None = None) -> None:
    """Print what else is known of a run: its slow runs, its loading, its memory, what interrupted it."""
    out = console or open_console(sys.stdout)
    show(out, plain(say("run.more"), "bold"))
    facts = fact_grid(2)
    for value, meaning in [*_host(run), *_deployed(run), *_latency(run), *_loading(run), *_system(run)]:
        facts.add_row(plain(value), plain(meaning, "dim"))
    show(out, facts)


def _host(run: Run) -> list[tuple[str, str]]:
    if run.host is None:
        return []
    told = {key: short_sentence(run.host.conditions.get(key, UNKNOWN)) for key in ("cpu", "processors", "system")}
    others = None if run.surroundings is None else run.surroundings.others_share
    share = say("run.unknown") if others is None else format_share(others)
    return [(short_name(run.host.name), say("run.host", {**told, "others": share}))]


def _deployed(run: Run) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    if run.period_seconds:
        missed = "" if run.missed_share is None else percent(run.missed_share)
        rows.append((format_seconds(run.period_seconds), say("run.period", {"missed": missed})))
    for each in run.beside:
        time = "" if each.median_seconds is None else format_seconds(each.median_seconds)
        rows.append((time, say("run.beside", {"name": short_name(each.name)})))
    if run.load:
        rows.append(("", say("run.load", {"load": run.load})))
    if run.processors:
        listed = say("run.processors_list", {"list": ", ".join(map(str, run.processors))})
        rows.append(("", f"{say('run.processors')} {listed}"))
    return rows


def _latency(run: Run) -> list[tuple[str, str]]:
    rows = [(format_count(run.inferences_per_second), say("run.throughput", {"batch": run.batch}))]
    for seconds, key in ((run.p90_seconds, "run.p90"), (run.p99_seconds, "run.p99")):
        if seconds is not None:
            rows.append((format_seconds(seconds), say(key)))
    if run.p99_seconds is None:
        fewest = {"p90": fewest_for_percentile(0.9), "p99": fewest_for_percentile(0.99), "samples": run.samples}
        rows.append(("", say("run.no_percentile", fewest)))
    return rows


def _loading(run: Run) -> list[tuple[str, str]]:
    times = (
        (run.first_run_seconds, "run.first"), (run.import_seconds, "run.import"), (run.read_seconds, "run.read"),
        (run.parse_seconds, "run.parse"), (run.optimise_seconds, "run.optimise"),
    )  # fmt: skip
    return [(format_seconds(seconds), say(key)) for seconds, key in times if seconds is not None]


def _system(run: Run) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    if run.resident_before_bytes is not None and run.resident_first_run_bytes is not None:
        rows.append((format_bytes(run.resident_first_run_bytes - run.resident_before_bytes), say("run.memory")))
    if run.usage is None:
        rows.append(("", say("run.no_usage")))
    else:
        faults = run.usage.minor_faults + run.usage.major_faults
        values = {"samples": run.samples, "major": run.usage.major_faults}
        rows.append((format_count(faults), say("run.faults", values)))
        switches = run.usage.voluntary_switches + run.usage.involuntary_switches
        rows.append((format_count(switches), say("run.switches", {"involuntary": run.usage.involuntary_switches})))
    if run.energy is not None:
        per_run, source = run.energy.joules_per_run, {"source": run.energy.source}
        rows.append(
            ("", say("run.no_energy", source)) if per_run is None
            else (format_joules(per_run), say("run.energy", source))
        )  # fmt: skip
        if run.energy.gpu_joules_per_run is not None:
            rows.append((format_joules(run.energy.gpu_joules_per_run), say("run.gpu_energy")))
    return rows


def place_of(run: Run) -> str:
    """What ran it, in which type where that is known, and on which machine where that is not this one."""
    parts = [short_name(f"{run.runtime} {run.version}"), short_name(run.precision)]
    if run.host is not None:
        parts.append(say("run.on_host", {"host": short_name(run.host.name)}))
    return ", ".join(filter(None, parts))


def print_sweep(sweep: Sweep, console: Console | None = None, *, aside: Console | None = None) -> None:
    """Print a row for each batch size and number of threads."""
    out, aside = console or open_console(sys.stdout), aside or open_console(sys.stderr)
    first = sweep.runs[0]
    out.print()
    show_title(out, short_name(sweep.model), say("sweep.title"), place_of(first))
    periodic = any(run.period_seconds for run in sweep.runs)
    last = ["missed", "right"] if periodic else ["right"]
    keys = ["batch", "threads", "median", "interval", "p90", "rate", "memory", *last]
    table = bare_table(number_columns(*(say(f"sweep.{key}") for key in keys)))
    if out.width < NARROW:
        table.padding = (0, 2, 0, 0)
    if wrong := [run for run in sweep.runs if run.correctness is not None and run.correctness.is_right is False]:
        show(out, plain(say("sweep.wrong", {"cells": _cells(wrong)}), "bold red"))
    for run in sweep.runs:
        missed = "" if run.missed_share is None else percent(run.missed_share)
        cells = [
            str(run.batch), str(run.threads), format_seconds(run.median_seconds),
            f"± {percent((run.high_seconds - run.low_seconds) / 2 / run.median_seconds)}" if run.median_seconds else "",
            "" if run.p90_seconds is None else format_seconds(run.p90_seconds),
            format_count(run.inferences_per_second),
            format_bytes(run.peak_rss_bytes) if run.peak_rss_bytes else "",
            *([missed] if periodic else []),
        ]  # fmt: skip
        table.add_row(*(plain(cell) for cell in cells), plain(*outputs_in_a_word(run)))
    show(out, table)
    out.print()
    show(out, plain(say("sweep.legend"), "dim"))
    noisy = [run for run in sweep.runs if any(warning.startswith(_NOISY) for warning in run.warnings)]
    if noisy:
        show(out, plain(say("sweep.noisy", {"cells": _cells(noisy)}), "yellow"))
    # The same warning in many cells is one warning.
    show_asides(aside, dict.fromkeys(warning for run in sweep.runs for warning in run.warnings), ())


def _cells(runs: Iterable[Run]) -> str:
    return ", ".join(say("sweep.cell", {"batch": run.batch, "threads": run.threads}) for run in runs)


def verdict_in_words(comparison: Comparison) -> str:
    """The claim as a sentence."""
    claim = comparison.claim
    first, second = short_name(comparison.first), short_name(comparison.second)
    if claim.kind == "slower":
        values = {"change": percent(claim.change), "low": f"{100 * claim.low:.1f}", "high": percent(claim.high)}
        return say("compare.slower", {"second": second, **values})
    if claim.kind == "faster":
        values = {"change": percent(-claim.change), "low": f"{-100 * claim.high:.1f}", "high": percent(-claim.low)}
        return say("compare.faster", {"second": second, **values})
    if claim.kind == "no difference":
        return say("compare.none", {"within": percent(claim.within)})
    if claim.kind == "too few pairs":
        return say("compare.few", {"pairs": len(comparison.ratios)})
    return _noisy(claim, first)


def _noisy(claim: Claim, first: str) -> str:
    if claim.is_loaded:
        return say("compare.noisy_others", {"others": format_share(claim.others or 0.0)})
    if claim.noise is not None and claim.noise >= max(abs(claim.low), abs(claim.high)):
        return say("compare.noisy_own", {"first": first, "noise": percent(claim.noise)})
    return say("compare.noisy_wide", {"low": percent(claim.low), "high": percent(claim.high)})


def print_comparison(
    comparison: Comparison, console: Console | None = None, *, aside: Console | None = None
) -> None:  # fmt: skip
    """Print what may be said of two networks, and on what it rests."""
    out, aside = console or open_console(sys.stdout), aside or open_console(sys.stderr)
    runtime = short_name(f"{comparison.runtime} {comparison.version}")
    threads = say_count("compare.threads", comparison.threads)
    place = say("compare.place", {"first": short_name(comparison.first)})
    out.print()
    ran = ", ".join(filter(None, (runtime, short_name(comparison.precision), threads)))
    show_title(out, short_name(comparison.second), place, ran)
    _show_comparison(out, comparison)
    show_asides(aside, comparison.warnings, ())


def print_open_batch(found: OpenBatch, console: Console | None = None, *, aside: Console | None = None) -> None:
    """Print what an open batch dimension costs."""
    out, aside = console or open_console(sys.stdout), aside or open_console(sys.stderr)
    out.print()
    show(out, plain(say("open.title", {"batch": found.batch}), "bold"))
    _show_comparison(out, found.comparison)
    show_asides(aside, found.comparison.warnings, ())


def _show_comparison(out: Console, comparison: Comparison) -> None:
    for fault in comparison.wrong[:_MOST_FAULTS]:
        show(out, plain(short_sentence(fault), "bold red"))
    style = {"slower": "bold red", "faster": "bold green", "noisy": "bold yellow"}.get(comparison.claim.kind, "bold")
    show(out, plain(short_sentence(verdict_in_words(comparison)), style))
    out.print()
    facts = Table.grid(Column(justify="right"), Column(overflow="fold"), padding=(0, 2, 0, 0))
    names = (short_name(comparison.first), short_name(comparison.second))
    for name, seconds in zip(names, (comparison.first_seconds, comparison.second_seconds), strict=True):
        facts.add_row(plain(format_seconds(seconds)), plain(say("compare.time", {"name": name}), "dim"))
    facts.add_row(plain(str(len(comparison.ratios))), plain(say("compare.pairs"), "dim"))
    noise = comparison.claim.noise
    facts.add_row(
        plain(say("compare.no_noise") if noise is None else f"± {percent(noise)}"),
        plain(say("compare.noise", {"first": names[0], "pairs": len(comparison.own_ratios)}), "dim"),
    )
    for name, peak in zip(names, (comparison.first_peak_bytes, comparison.second_peak_bytes), strict=True):
        if peak:
            facts.add_row(plain(format_bytes(peak)), plain(say("compare.memory", {"name": name}), "dim"))
    show(out, facts)
