"""Whether a runtime computes what the model says: its outputs against those of a reference, in the same run.

The reference is onnxruntime without graph optimisation, in a process of its own that has ended before anything is
timed. The outputs are taken after the timed runs, whose peak memory they would raise, and told first: a quick answer
that is wrong is no answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from attainable.errors import RunError
from attainable.names import clean
from attainable.quantities import format_share
from attainable.runtimes import Runtime, Session, Tolerance
from attainable.runtimes.agreement import Agreement, agreements
from attainable.runtimes.onnxruntime import QUANTISING, REFERENCE
from attainable.workload.graph import Workload, all_ops

if TYPE_CHECKING:
    from attainable.runtimes import Array

_UNKNOWN_PRECISION = Tolerance(relative=5e-2)
"""Where a runtime does not tell what it computes in: as wide as for the narrowest types that the runtimes name."""
_ROUNDED = Tolerance(relative=0.1)
"""For networks that quantise by themselves: a value that rounds the other way is a step of its eight bits off, and each
layer adds its own. Right results of OpenVINO and ONNX Runtime differ by 4.8e-2 on a resnet18 in int8."""
_RANDOM = frozenset({
    "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Correctness:
    """The outputs of a run against the reference.

    Attributes:
        reference: what they were compared with; empty where nothing was.
        tolerance: how far they may be from it, in the precision that ran.
        outputs: one by one, in the model's order; empty where nothing was compared.
        absence: why nothing was compared; empty where it was.
        is_right: whether all outputs are within the tolerance; None where nothing was compared.
        wrong_outputs: names of those that are not.
    """

    reference: str
    tolerance: Tolerance
    outputs: tuple[Agreement, ...]
    absence: str = ""
    is_right: bool | None = field(init=False)
    wrong_outputs: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        # Fields, so that saved runs have them.
        object.__setattr__(self, "is_right", not self.wrong if self.outputs else None)
        object.__setattr__(self, "wrong_outputs", tuple(output.output for output in self.wrong))

    @property
    def wrong(self) -> tuple[Agreement, ...]:
        """The outputs that are further from the reference than they may be."""
        return tuple(output for output in self.outputs if not output.is_within(self.tolerance))

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong, one sentence for each output."""
        return tuple(
            f"wrong outputs: {clean(each.output)} {each.fault or self._distance(each)}" for each in self.wrong
        )  # fmt: skip

    def _distance(self, output: Agreement) -> str:
        return (
            f"is off by {output.relative_error:.1e} of the values around it, {self.tolerance.relative:.0e} is usual; "
            f"cosine {output.cosine:.4f}, first choices alike in {format_share(output.same_top)}"
        )


def reference_outputs(
    workload: Workload, inputs: "Mapping[str, Array]", *, threads: int, deadline_seconds: float
) -> "tuple[dict[str, Array], str]":
    """The outputs of the reference, or none and the reason. Its worker has ended when this returns.

    Args:
        workload: whose model file is run.
        inputs: an array for each graph input.
        threads: processor threads that it may use.
        deadline_seconds: for loading and for running it.
    """
    if workload.provenance.format not in REFERENCE.formats:
        return {}, f"the reference does not run {workload.provenance.format} files"
    if any(op.kind in _RANDOM for op in all_ops(workload.ops)):
        return {}, "the network draws random numbers"
    try:
        with REFERENCE.open(workload, inputs, threads=threads, deadline_seconds=deadline_seconds) as session:
            return session.compute(inputs, deadline_seconds=deadline_seconds), f"{REFERENCE.name} {session.version}"
    except RunError as error:
        return {}, f"the reference did not run: {error.what}"


def correctness(
    session: Session, runtime: Runtime, workload: Workload, inputs: "Mapping[str, Array]",
    reference: "tuple[dict[str, Array], str]", *, deadline_seconds: float,
) -> Correctness:  # fmt: skip
    """Compute the outputs in a session and compare them.

    Args:
        session: that has run at least once; it keeps the inputs.
        runtime: whose session it is; names the tolerances.
        workload: that it has loaded.
        inputs: that the reference was given.
        reference: from ``reference_outputs``.
        deadline_seconds: for one run.

    Raises:
        WorkerCrashed: the worker died.
        WorkerTimedOut: no answer in time.
    """
    tolerance = runtime.tolerances.get(session.precision, _UNKNOWN_PRECISION)
    if any(word in op.kind for op in all_ops(workload.ops) for word in QUANTISING):
        tolerance = max(tolerance, _ROUNDED, key=lambda each: each.relative)
    wanted, words = reference
    if not wanted:
        return Correctness("", tolerance, (), absence=words or "the network has no outputs")
    return Correctness(words, tolerance, agreements(wanted, session.compute(inputs, deadline_seconds=deadline_seconds)))
