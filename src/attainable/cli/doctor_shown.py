"""The screen of ``attainable doctor``."""

import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from attainable.analysis.checkup import Checkup, InstalledRuntime
from attainable.analysis.environment import readable
from attainable.cli.doctor_messages import say
from attainable.cli.screen import fact_grid, open_console, plain, show
from attainable.names import short_name, short_sentence

_STYLES = {"unusable": "bold red", "disturbs": "yellow", "notable": "", "fine": "green", "disturbed": "yellow"}
_STATES = {"usable": "green", "slow": "yellow", "broken": "bold red", "missing": "dim"}
_MACHINE = (
    "cpu", "cores", "processors", "cpu quota", "isa", "governor", "clock after", "hand-over", "memory", "memory limit",
    "system",
)  # fmt: skip
"""Rows of the environment that are shown, by the beginning of their names; --json has all."""


def print_checkup(found: Checkup, console: Console | None = None, *, other: Path | None = None) -> None:
    """Print the runtimes, the machine, what disturbs measuring with what to do, and the verdict.

    Args:
        found: what to say.
        console: for the result; None for stdout.
        other: the record of the machine that this one was compared with; None where it was not.
    """
    out = console or open_console(sys.stdout)
    out.print()
    show(out, plain(say("runtimes"), "bold"))
    runtimes = fact_grid(3)
    for each in found.runtimes:
        runtimes.add_row(
            plain(short_name(each.runtime)), plain(short_name(each.version or say("no_version")), "dim"), _told(each)
        )
    show(out, runtimes)
    out.print()
    show(out, plain(say("machine"), "bold"))
    show(out, _machine(found))
    out.print()
    if other is not None:
        title = say("differences" if found.differences else "no_differences", {"file": short_name(str(other))})
        show(out, plain(title, "bold"))
        for sentence in found.differences:
            show(out, plain(say("difference", {"sentence": short_sentence(sentence)})))
        out.print()
    for severity in ("unusable", "disturbs", "notable"):
        among = [each for each in found.disturbers if each.severity == severity]
        if not among:
            continue
        show(out, plain(say(f"severity.{severity}"), _STYLES[severity] or "bold"))
        table = Table.grid(Column(), Column(overflow="fold"), padding=(0, 1, 0, 0))
        for each in among:
            table.add_row(plain(say("bullet")), plain(short_sentence(each.observation)))
            table.add_row("", plain(short_sentence(each.advice), "dim"))
        show(out, table)
        out.print()
    show(out, plain(say(f"verdict.{found.state}"), _STYLES[found.state]))


def _told(runtime: InstalledRuntime) -> Text:
    """The state of a runtime, why, and what to do."""
    text = plain(say(f"state.{runtime.state}"), _STATES[runtime.state])
    for note in _notes(runtime):
        text.append("\n").append_text(plain(note, "dim"))
    return text


def _notes(runtime: InstalledRuntime) -> Iterator[str]:
    if runtime.fault:
        yield short_sentence(runtime.fault)
    if runtime.origin in ("configured", "managed"):
        yield say(f"origin.{runtime.origin}", {"python": short_sentence(runtime.python)})
    if runtime.advice:
        yield short_sentence(runtime.advice)


def _machine(found: Checkup) -> Table:
    rows = fact_grid(2)
    for row in _MACHINE:
        for name, text in found.environment.items():
            # Of what was read before and after, the later one.
            chosen = name == row or (row == "hand-over" and name.startswith(row) and name.endswith("after"))
            if chosen and text not in ("unknown", "none"):
                label = say(f"row.{row}", {"pair": name.removeprefix(row).removesuffix("after").strip()})
                rows.add_row(plain(short_name(label), "dim"), plain(short_sentence(readable(text))))
    return rows
