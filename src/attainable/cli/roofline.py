"""``attainable roofline``: the operators of models under the roofs of a device, in the terminal and as SVG."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from attainable.cli.compare import load_all
from attainable.cli.device_flags import OfThreads, one_device
from attainable.cli.options import AccountingName, Batch, Force, Shapes

Models = Annotated[
    list[Path],
    typer.Argument(metavar="MODEL...", help="Model files, or names of networks of the zoo.", show_default=False),
]
OnDevice = Annotated[
    str, typer.Option("--device", metavar="NAME[@TYPE]", help="The device, with TYPE as if the models had that type.")
]
Picture = Annotated[
    Path | None, typer.Option("--output", metavar="FILE.svg", help="Write the chart as an SVG file too.")
]


def roofline(
    models: Models, *, device: OnDevice = "local", shape: Shapes = None, batch: Batch = None,
    threads: OfThreads = None, accounting: AccountingName = "fused", output: Picture = None, force: Force = False,
) -> None:  # fmt: skip
    """Draw the roofline of a device with the operators of models under it; areas are times at best."""
    from attainable.analysis.settings import Setting, bounded_on
    from attainable.cli.outputs import print_written, write
    from attainable.cli.roofline_shown import print_roofline
    from attainable.errors import InvalidQuantity
    from attainable.files import require_writable
    from attainable.names import short_name
    from attainable.prediction.accounting import FUSED
    from attainable.prediction.accounting import accounting as terms_of
    from attainable.report.svg import roofline_picture
    from attainable.report.views.roofline_chart import models_chart

    if output is not None:
        if output.suffix.lower() != ".svg":
            raise InvalidQuantity("can only be an SVG file", where=str(output), help="name a file that ends in .svg")
        require_writable(output, overwrite=force)
    terms = terms_of(accounting)
    if terms != replace(FUSED, scope=terms.scope, kernels=terms.kernels, basis=terms.basis):
        raise InvalidQuantity(
            "asks for more than is drawn: each operator for itself, through the main memory", where="--accounting",
            help="take contractions, measured or specified here; attainable compare takes them all",
        )  # fmt: skip
    setting = Setting(*one_device(device))
    analyses = [
        bounded_on(workload, setting, threads=threads, accounting=terms)
        for workload in load_all(models, shape or (), batch=batch)
    ]
    labels = [short_name(str(model)) if len(model.suffix) < 2 else short_name(model.stem) for model in models]
    chart = models_chart(analyses, labels)
    print_roofline(chart, analyses[0].devices[0].title)
    for analysis in analyses:
        for warning in analysis.warnings:
            print(f"warning: {warning}", file=sys.stderr)
    if output is not None:
        write(roofline_picture(chart, f"{', '.join(labels)}: {setting.name}"), output, overwrite=force)
        print_written(output)
