"""``attainable count``: the work on paper."""

import sys

from attainable.cli.options import Batch, Json, ModelPath, Shapes


def count(model: ModelPath, *, shape: Shapes = None, batch: Batch = None, json: Json = False) -> None:
    """Count operations, parameters, memory traffic and peak memory. No device, no run."""
    from attainable.analysis.counted import counted
    from attainable.cost import count as counting
    from attainable.workload import load
    from attainable.workload.shapes import parse_bindings

    workload = load(model, parse_bindings(shape or ()), batch=batch)
    analysis = counted(counting.count(workload))
    if json:
        sys.stdout.write(analysis.to_json())
        return
    from attainable.cli.terminal import print_count

    print_count(analysis)
