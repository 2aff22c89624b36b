"""Runs the original and the changed network on the same inputs, each in a worker, and judges their agreement."""

from collections.abc import Iterator

from attainable.errors import ModelGraphError
from attainable.optimization.verification import Accumulator, OutputAgreement, Verification, accumulate
from attainable.runtimes import runtime as runtime_of
from attainable.transforms.input_sets import InputSet
from attainable.workload.graph import Workload

LARGEST_RELATIVE_ERROR = 1e-4
"""For changes that are exact up to rounding: largest difference by largest magnitude."""

MINIMUM_SQNR_DECIBELS = 15.0
"""For changes that lose precision, where the user names no other number."""

_DEADLINE_SECONDS = 300.0


def verify(
    original: Workload, changed: Workload, inputs: InputSet, *, runtime: str = "onnxruntime", threads: int = 1
) -> Verification:
    """Run both networks on the same inputs and compare their outputs, holding one input at a time.

    Args:
        original, changed: networks with equal inputs.
        inputs: for the original.
        runtime: a key of ``RUNTIMES``.
        threads: processor threads that one kernel may use.

    Raises:
        ModelGraphError: the original has no outputs to compare.
        RunError: a network cannot be run.
    """
    accumulators = {tensor.name: Accumulator(tensor.name) for tensor in original.outputs}
    if not accumulators:
        raise ModelGraphError("has no outputs to compare", where=original.provenance.path)
    chosen = runtime_of(runtime)
    samples = iter(inputs)
    first = next(samples)
    limits = {"threads": threads, "deadline_seconds": _DEADLINE_SECONDS}
    del limits
    with (
        chosen.open(original, first, threads=threads, deadline_seconds=_DEADLINE_SECONDS) as reference,
        chosen.open(changed, first, threads=threads, deadline_seconds=_DEADLINE_SECONDS) as candidate,
    ):
        for sample in _with_first(first, samples):
            wanted = reference.compute(sample, deadline_seconds=_DEADLINE_SECONDS)
            accumulate(accumulators, wanted, candidate.compute(sample, deadline_seconds=_DEADLINE_SECONDS))
    constant = [name for name, accumulator in accumulators.items() if accumulator.reference_is_constant]
    return Verification(
        inputs=len(inputs),
        source=inputs.description,
        outputs=tuple(accumulator.agreement() for accumulator in accumulators.values()),
        warnings=tuple(f"the original's output {name} is the same for every input; agreement says little" for name in constant),
    )


def shortfall(verification: Verification, *, exact: bool, minimum_sqnr_decibels: float) -> str:
    """Why the changed network is not equal enough, one sentence; empty where it is.

    Args:
        verification: of all outputs.
        exact: whether outputs must be equal up to rounding.
        minimum_sqnr_decibels: where they need not be.
    """
    for output in verification.outputs:
        if output.fault:
            return f"output {output.name} {output.fault}"
        if exact and output.relative_error > LARGEST_RELATIVE_ERROR:
            return f"output {output.name} differs by {output.relative_error:.1e} relative, {LARGEST_RELATIVE_ERROR:.0e} is allowed"
        if not exact and output.sqnr_decibels < minimum_sqnr_decibels:
            return f"SQNR of output {output.name} is {output.sqnr_decibels:.1f} dB, below {minimum_sqnr_decibels:g} dB"
    return ""
