"""Runs the original and the changed network on the same inputs, each in a worker, and judges their agreement."""

from itertools import chain

from attainable.errors import ModelGraphError, RuntimeRefused
from attainable.optimization.verification import Accumulator, Verification, accumulate
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
        original: says which outputs are right.
        changed: takes the same inputs.
        inputs: for the original; at least one.
        runtime: a key of ``RUNTIMES``.
        threads: processor threads that one kernel may use.

    Returns:
        The agreement. A changed network that the runtime does not accept is a fault in it, not an error.

    Raises:
        ModelGraphError: the original has no outputs to compare.
        RunError: the original cannot be run, or a worker failed.
    """
    accumulators = {tensor.name: Accumulator(tensor.name) for tensor in original.outputs}
    if not accumulators:
        raise ModelGraphError("has no outputs to compare", where=original.provenance.path)
    chosen = runtime_of(runtime)
    samples = iter(inputs)
    first = next(samples)
    fault = ""
    with chosen.open(original, first, threads=threads, deadline_seconds=_DEADLINE_SECONDS) as reference:
        reference.compute(first, deadline_seconds=_DEADLINE_SECONDS)
        try:
            with chosen.open(changed, first, threads=threads, deadline_seconds=_DEADLINE_SECONDS) as candidate:
                for sample in chain([first], samples):
                    wanted = reference.compute(sample, deadline_seconds=_DEADLINE_SECONDS)
                    accumulate(accumulators, wanted, candidate.compute(sample, deadline_seconds=_DEADLINE_SECONDS))
        except RuntimeRefused as error:
            fault = f"{runtime} does not run the changed model: {error.what}"
    return Verification(
        inputs=len(inputs),
        source=inputs.description,
        outputs=() if fault else tuple(accumulator.agreement() for accumulator in accumulators.values()),
        fault=fault,
        warnings=tuple(
            f"the original's output {name} is the same for every input; agreement says little"
            for name, accumulator in accumulators.items()
            if accumulator.reference_is_constant
        ),
    )


def shortfall(verification: Verification, *, exact: bool, minimum_sqnr_decibels: float) -> str:
    """Why the changed network is not equal enough, one sentence; empty where it is.

    Args:
        verification: of all outputs.
        exact: whether outputs must be equal up to rounding.
        minimum_sqnr_decibels: what they need where they must not.
    """
    if verification.fault:
        return verification.fault
    for output in verification.outputs:
        if output.fault:
            return f"output {output.name} {output.fault}"
        if exact and output.relative_error > LARGEST_RELATIVE_ERROR:
            return (
                f"output {output.name} differs by {output.relative_error:.1e} relative, "
                f"at most {LARGEST_RELATIVE_ERROR:.0e} is rounding"
            )
        if not exact and output.sqnr_decibels < minimum_sqnr_decibels:
            return (
                f"SQNR of output {output.name} is {output.sqnr_decibels:.1f} dB, "
                f"below {minimum_sqnr_decibels:g} dB; --minimum-sqnr may allow less"
            )
    return ""
