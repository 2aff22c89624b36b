"""A support check on the screen: the verdict of each target, and what it does not take."""

from rich.console import Console
from rich.table import Column
from rich.text import Text

from attainable.analysis.support_messages import say, say_count
from attainable.analysis.support_records import SupportCheck, SupportRow, TargetSupport
from attainable.cli.screen import bare_table, plain, show, show_title
from attainable.names import short_name, short_sentence
from attainable.quantities import format_bytes, format_share

_WIDEST_OPERATOR = 20
_MOST_IDS = 4
_STYLES = {"refused": "red", "fallback": "yellow"}


def print_check(result: SupportCheck, out: Console) -> None:
    """Print the verdict of each target and what it does not take."""
    out.print()
    show_title(out, short_name(result.model), say("check.title"), "")
    for target in result.targets:
        _print_target(target, out)


def _print_target(target: TargetSupport, out: Console) -> None:
    out.print()
    show_title(out, short_name(target.name), short_sentence(target.title), short_sentence(target.toolchain))
    beside = short_name(target.beside)
    if target.taken == target.ops:
        show(out, plain(say_count("check.all", target.ops), "green"))
    else:
        counts = (("refused", target.refused), ("fallback", target.fallback), ("not_listed", target.not_listed))
        parts = [say("check.taken", {"count": target.taken, "ops": target.ops})]
        parts += [say(f"check.{name}", {"count": number, "beside": beside}) for name, number in counts if number]
        show(out, plain(", ".join(parts), "bold red" if target.refused else "yellow"))
    if target.refused or target.fallback:
        shares = {"macs": format_share(target.macs_share), "moved": format_share(target.bytes_share)}
        cut = {
            "accelerator": say_count("check.segments", target.segments),
            "beside": target.segments_beside,
            "transfers": say_count("check.tensors", target.transfers),
            "moved": format_bytes(target.transfer_bytes),
        }
        condition = say("check.if_moved", {"beside": beside}) if target.refused else ""
        show(out, plain(say("check.share", shares)))
        show(out, plain(condition + say("check.cut", cut)))
    if target.rows:
        out.print()
        _print_rows(target, out)
    out.print()
    if target.not_listed:
        show(out, plain(say_count("check.unknown", target.not_listed), "dim"))
    if target.unchecked:
        show(out, plain(say_count("check.unchecked", target.unchecked), "dim"))
    for condition in target.conditions:
        show(out, plain(short_sentence(say("check.condition", {"condition": condition}))))
    for note in target.notes:
        show(out, plain(short_sentence(note), "dim"))
    for source in target.sources:
        values = {"document": source.document, "section": source.section, "date": source.date}
        show(out, plain(short_sentence(say("check.source", values)), "dim"))


def _print_rows(target: TargetSupport, out: Console) -> None:
    main = target.sources[0] if target.sources else None
    table = bare_table(
        [
            Column(plain(""), no_wrap=True),
            Column(plain(say("column.operator"), "dim"), overflow="fold", max_width=_WIDEST_OPERATOR),
            Column(plain(say("column.ops"), "dim"), justify="right", no_wrap=True),
            Column(plain(say("column.reason"), "dim"), overflow="fold"),
        ]
    )
    for row in target.rows:
        table.add_row(
            plain(say(f"status.{row.status}"), _STYLES.get(row.status, "")),
            plain(short_name(row.operator), "bold"),
            plain(str(len(row.ids))),
            _details(row, names_source=row.source is not None and row.source != main),
        )
    show(out, table)


def _details(row: SupportRow, *, names_source: bool) -> Text:
    """Why, which ops, and what to do, a line each."""
    ids = ", ".join([*map(short_name, row.ids[:_MOST_IDS]), *(["..."] if len(row.ids) > _MOST_IDS else [])])
    lines = [plain(short_sentence(row.reason))]
    lines += [plain(short_sentence(row.note))] if row.note else []
    lines += [plain(say("check.ids", {"label": short_name(row.label), "ids": ids}), "dim")]
    lines += [plain(say("check.help", {"help": short_sentence(row.help)}))] if row.help else []
    if names_source and row.source is not None:
        values = {"document": row.source.document, "section": row.source.section, "date": row.source.date}
        lines.append(plain(short_sentence(say("check.source", values)), "dim"))
    return Text("\n").join(lines)
