"""``attainable import``: the logs that people already have, beside the model that they are of."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from attainable.cli.options import Batch, Force, Json, Shapes

Logs = Annotated[
    list[Path],
    typer.Argument(
        metavar="LOG", show_default=False,
        help="A log; or several that tell of one run, such as times in one and kernels in another.",
    ),
]  # fmt: skip
OfModel = Annotated[
    Path | None,
    typer.Option(
        "--model", metavar="MODEL", show_default=False,
        help="The model that was run, a file or a network of the zoo: finds the ops of the kernels.",
    ),
]  # fmt: skip
LogFormat = Annotated[
    str | None,
    typer.Option(
        "--format", metavar="NAME", show_default="by the content",
        help="onnxruntime, openvino, trtexec, benchncnn, tflite, rknn, torch or nsys.",
    ),
]  # fmt: skip
RanOn = Annotated[
    str | None,
    typer.Option(
        "--device", metavar="NAME", show_default=False, help="The device that it ran on: bounds the model there."
    ),
]  # fmt: skip
LogThreads = Annotated[
    int | None,
    typer.Option("--threads", min=1, show_default=False, help="Threads of the run, where the log does not tell."),
]
TracedRuns = Annotated[
    int | None,
    typer.Option(
        "--runs", min=1, show_default=False, help="How many equal runs are in a trace of GPU kernels that marks none."
    ),
]  # fmt: skip
Written = Annotated[
    Path | None,
    typer.Option(
        "--output", metavar="FILE.json", show_default=False,
        help="Write the analysis with this run, for `attainable report`; without --model the log as JSON.",
    ),
]  # fmt: skip


def import_log(
    logs: Logs, *, model: OfModel = None, format: LogFormat = None, device: RanOn = None, shape: Shapes = None,
    batch: Batch = None, threads: LogThreads = None, runs: TracedRuns = None,
    output: Written = None, json: Json = False, force: Force = False,
) -> None:  # fmt: skip
    """Read the log of a runtime's own tool: its times, its kernels, and the ops of the model that these are."""
    from attainable.analysis.records import as_json
    from attainable.cli.imported import print_log, print_networks
    from attainable.cli.model import read_model
    from attainable.cli.outputs import print_written
    from attainable.cost.count import count
    from attainable.errors import InputError, InvalidQuantity
    from attainable.files import require_writable, write_atomically
    from attainable.importers import merged, read_log
    from attainable.importers.join import join, of_network
    from attainable.importers.traced_runs import with_runs
    from attainable.pipeline import device as described

    if model is None and (device is not None or shape or batch is not None):
        raise InvalidQuantity("needs the model that was run", where="--device, --shape, --batch", help="add --model")
    if output is not None:
        require_writable(output, overwrite=force)
    ran_on = described(device) if device is not None else None
    found = [read_log(path, format) for path in logs]
    told = list(found[0]) if len(found) == 1 else [merged([log for each in found for log in each])]
    if runs is not None:
        told = [with_runs(log, runs) for log in told]
    joined = None
    if model is not None:
        workload = read_model(model, shape or (), batch)
        log = of_network(told, workload.name, threads=threads)
        joined = join(log, count(workload), device=ran_on, threads=threads)
        told = [log]
    content = as_json(joined if joined is not None else told)
    if output is not None:
        if joined is not None and joined.left_out:
            raise InputError(
                "cannot hold this run", where=str(output), faults=[f"{reason} @ the log" for reason in joined.left_out],
                help="leave out --output to see what the log tells, or --model to write that",
            )  # fmt: skip
        saved = joined.analysis.to_json() if joined is not None else content
        write_atomically(output, saved.encode("utf-8", "backslashreplace"), overwrite=force)
    if json:
        sys.stdout.write(content)
    elif len(told) == 1:
        print_log(told[0], joined)
    else:
        print_networks(told)
    if output is not None:
        print_written(output)
