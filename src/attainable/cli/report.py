"""``attainable report``: render a saved analysis again."""

from pathlib import Path
from typing import Annotated

import typer

from attainable.cli.options import Force


def report(
    saved: Annotated[
        Path,
        typer.Argument(
            metavar="SAVED.json", help="What `attainable analyze --output FILE.json` wrote.", show_default=False
        ),
    ],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="The HTML file. Default: SAVED.html.")
    ] = None,
    force: Force = False,
) -> None:
    """Print the verdict of a saved analysis and write its HTML report."""
    from attainable.analysis import Analysis
    from attainable.cli.terminal import print_analysis
    from attainable.errors import ModelFileError
    from attainable.files import require_writable
    from attainable.report import require_format, write_analysis

    target = output or Path(saved.stem + ".html")
    require_format(target)
    require_writable(target, overwrite=force)
    try:
        content = saved.read_bytes()
    except OSError as error:
        raise ModelFileError(f"cannot be read: {error.strerror}", where=str(saved), help="check the path") from None
    analysis = Analysis.from_json(content, where=str(saved))
    write_analysis(analysis, target, overwrite=force)
    print_analysis(analysis)
    print(f"  report: {target}")
