"""Rows on batches: half-empty ones, growing ones, and a batch dimension that is left open."""

import tempfile
from itertools import pairwise
from pathlib import Path

import onnx

from attainable import zoo
from attainable.measurement.claim import decide
from attainable.measurement.inputs import Array, make_inputs
from attainable.measurement.sweep import compare_open_batch
from attainable.quantities import format_bytes
from attainable.workload import load
from benchmarks.local_rows.judging import Finding, Result, claim_between, ordering, shown, shown_claim, within
from benchmarks.local_rows.rounds import Contender, Effort, measure_networks
from benchmarks.local_rows.row import Row, Rows, contenders, written

NETWORK = "mobilenet_v2"
BATCHES = (1, 2, 4, 8)
STATIC_BATCH, REAL_INPUTS = 6, 2


def _half_empty(effort: Effort) -> Result:
    with written({"static": zoo.build(NETWORK, batch=STATIC_BATCH)}) as workloads:
        workload = workloads["static"]
        full = make_inputs(workload).arrays
        padded: dict[str, Array] = {name: array.copy() for name, array in full.items()}
        for array in padded.values():
            array[REAL_INPUTS:] = 0
        both = {"full": Contender(workload, inputs=full), "padded": Contender(workload, inputs=padded)}
        rounds = measure_networks(both, effort)
    ratios = rounds.ratios("padded", "full")
    verdict = within(ratios, least=0.9, most=1.1, noise=rounds.noise, others=rounds.others)
    return Result(
        (Finding(shown(ratios, ".3f"), verdict),), rounds.count, rounds.others, f"{NETWORK}, zeros as padding"
    )


def _growing(effort: Effort) -> Result:
    models = {f"batch {batch}": zoo.build(NETWORK, batch=batch) for batch in BATCHES}
    with written(models) as workloads:
        rounds = measure_networks(contenders(workloads), effort)
    claims = [claim_between(rounds, first, second) for first, second in pairwise(models)]
    found = [
        Finding(
            "latency " + ", ".join(f"{name} {rounds.median(name) * 1e3:.2f} ms" for name in models),
            ordering(claims, strict=True),
        ),
        Finding(
            "per second " + ", ".join(f"{batch / rounds.median(f'batch {batch}'):.1f}" for batch in BATCHES), "printed"
        ),
    ]
    for smaller, larger in pairwise(BATCHES):
        times = rounds.ratios(f"batch {smaller}", f"batch {larger}")
        rates = [ratio * larger / smaller for ratio in times]
        # Saturated, it may stay; an inference must not take longer in the larger batch.
        claim = decide([1 / rate for rate in rates], rounds.own_ratios, rounds.others)
        found.append(
            Finding(f"throughput {smaller} to {larger}: {shown(rates, '.3f')}", ordering([claim], strict=False))
        )
    return Result(tuple(found), rounds.count, rounds.others, f"{NETWORK}, 1 thread")


def _with_open_batch(name: str) -> onnx.ModelProto:
    """A network of the zoo whose first dimension is called N throughout."""
    model = zoo.build(name)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    return model


def _open(batch: int, effort: Effort) -> Result:
    with tempfile.TemporaryDirectory(prefix="attainable-") as folder:
        path = Path(folder) / "open.onnx"
        path.write_bytes(_with_open_batch(NETWORK).SerializeToString())
        found = compare_open_batch(
            load(path, batch=batch), batch=batch, pairs=effort.rounds, progress=effort.progress
        ).comparison  # fmt: skip
    claim = found.claim
    times = f"open {found.first_seconds * 1e3:.2f} ms, fixed {found.second_seconds * 1e3:.2f} ms"
    peaks = f"peak open {format_bytes(found.first_peak_bytes)}, fixed {format_bytes(found.second_peak_bytes)}"
    return Result(
        (
            Finding(f"{times}, fixed {shown_claim(claim)}", "noisy" if claim.kind == "noisy" else "printed"),
            Finding(f"{peaks}, ratio {found.first_peak_bytes / max(1, found.second_peak_bytes):.3f}", "printed"),
        ),
        len(found.ratios), found.others, NETWORK,
    )  # fmt: skip


ROWS: Rows = {
    "T153": Row(
        f"A static batch of {STATIC_BATCH} with {REAL_INPUTS} real inputs against a full one",
        "ratio 0.9 to 1.1",
        _half_empty,
    ),
    "T154": Row("Latency and throughput against batch", "both grow until saturation, within noise", _growing),
    "open-batch-1": Row("Batch dimension open against fixed, batch 1", "none", lambda effort: _open(1, effort)),
    "open-batch-6": Row("Batch dimension open against fixed, batch 6", "none", lambda effort: _open(6, effort)),
}
