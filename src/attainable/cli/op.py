"""``attainable op``: one operator described in a line, on paper and at best on devices, several side by side."""

import sys
from typing import Annotated

import typer

from attainable.cli.device_flags import OfThreads, OnDevices, named_devices
from attainable.cli.options import AccountingName, Json

Lines = Annotated[
    list[str],
    typer.Argument(
        metavar="LINE...", show_default=False,
        help='Operators, each in quotes: "conv 3x3 64->64 @56", "depthwise 3x3 128 @28", "linear 512->1000 b8", '
        '"matmul 128x768x3072", "maxpool 2x2 64 @112 s2", "add 64 @56". s is the stride, g the groups, b the batch.',
    ),
]  # fmt: skip


def op(
    lines: Lines, *, device: OnDevices = None, threads: OfThreads = None, accounting: AccountingName = "fused",
    json: Json = False,
) -> None:  # fmt: skip
    """Analyse operators that are described in a line: work, traffic, intensity, class and time per device."""
    from attainable.analysis.op_sheet import OpSheets, op_sheet
    from attainable.analysis.settings import Setting
    from attainable.prediction.accounting import accounting as terms_of
    from attainable.workload.line import described

    terms = terms_of(accounting)
    workloads = [described(line) for line in lines]
    settings = [Setting(*named) for named in named_devices(device)]
    sheets = OpSheets(
        terms.name, [op_sheet(each, settings, threads=threads, accounting=terms) for each in workloads]
    )  # fmt: skip
    if json:
        from attainable.analysis.records import as_json

        sys.stdout.write(as_json(sheets))
    else:
        from attainable.cli.op_shown import print_op_sheets

        print_op_sheets(sheets)
