"""``attainable measure``: only the run, honestly."""

import sys

from attainable.cli.options import Batch, Budget, Inputs, Json, ModelPath, Runtime, Shapes, Threads, read_inputs


def measure(
    model: ModelPath, *, shape: Shapes = None, batch: Batch = None, threads: Threads = 1,
    runtime: Runtime = "onnxruntime", time_budget: Budget = "20s", input: Inputs = None, json: Json = False,
) -> None:  # fmt: skip
    """Run a model on this machine and print its time, with the interval and the conditions."""
    from attainable import pipeline
    from attainable.analysis.records import as_json
    from attainable.cli.model import require_file_that_runs
    from attainable.cli.terminal import print_run
    from attainable.quantities import parse_seconds
    from attainable.workload.shapes import parse_bindings

    require_file_that_runs(model)
    run = pipeline.measure(
        model, runtime, threads=threads, shapes=parse_bindings(shape or ()), batch=batch,
        time_budget_seconds=parse_seconds(time_budget, where="--time-budget"), inputs=read_inputs(input),
    )  # fmt: skip
    if json:
        sys.stdout.write(as_json(run))
    else:
        print_run(run)
