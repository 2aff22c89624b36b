"""The pieces that every screen is made of. Names are ``Text``, never markup, and cleaned: a terminal obeys nothing."""

import os
from collections.abc import Iterable
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from attainable.analysis.records import Fault
from attainable.names import clean, short_name, short_sentence
from attainable.report.messages import say

WIDTH_OF_A_PIPE = 120
"""Columns where the output is no terminal, so that no table is cut."""

NARROW = 100
"""Columns below which a table leaves out what can be told from the others."""

INDENT = 2
"""Columns before everything."""
_GAP = 5


def open_console(stream: TextIO) -> Console:
    """A console that obeys NO_COLOR, COLUMNS and the terminal's width, and never cuts a table in a pipe."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        # a terminal without Unicode shows escapes instead of ending the program
        reconfigure(errors="backslashreplace")
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDTH_OF_A_PIPE
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def plain(text: str, style: str = "") -> Text:
    """Foreign text that a terminal can only show."""
    return Text(clean(text), style=style, overflow="fold")


def show(out: Console, what: Table | Text) -> None:
    """Print a table or a sentence, indented as everything is."""
    out.print(Padding(what, (0, 0, 0, INDENT), expand=False))


def show_title(out: Console, name: str, place: str, note: str) -> None:
    """Print what a result is about; the note on a line of its own where it does not fit."""
    head, side = Text.assemble(plain(name, "bold"), " ", plain(place)), plain(note, "dim")
    fits = INDENT + len(head) + _GAP + len(side) <= out.width
    show(out, Text.assemble(head, " " * _GAP if fits else "\n", side) if note else head)


def fact_grid(columns: int) -> Table:
    """A table without headings."""
    return Table.grid(*(Column(overflow="fold") for _ in range(columns)), padding=(0, 3, 0, 0))


def bare_table(columns: Iterable[Column]) -> Table:
    """A table without lines."""
    return Table(*columns, box=None, pad_edge=False, padding=(0, 3, 0, 0))


def number_columns(*titles: str) -> list[Column]:
    """Columns of numbers, aligned to the right."""
    return [Column(plain(title.lower(), "dim"), justify="right", no_wrap=True) for title in titles]


def show_asides(aside: Console, warnings: Iterable[str], errors: Iterable[Fault]) -> None:
    """Print warnings, and faults with what to do about them."""
    for warning in warnings:
        aside.print(plain(say("terminal.warning", {"text": short_sentence(warning)}), "yellow"))
    for fault in errors:
        where = f" ({short_sentence(fault.where)})" if fault.where else ""
        failed = say("errors.failed", {"stage": short_name(fault.stage), "what": short_sentence(fault.what)})
        aside.print(plain(say("terminal.error", {"text": f"{failed}{where}"}), "bold red"))
        if fault.help:
            aside.print(plain(f"  {say('errors.help', {'help': short_sentence(fault.help)})}"))
