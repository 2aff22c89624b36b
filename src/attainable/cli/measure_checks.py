"""What stands before the times of a run: whether its outputs are right, the type it computed in, how quiet it was.

A wrong answer is told before a fast one.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from attainable.cli.measure_messages import say
from attainable.cli.screen import plain, show
from attainable.measurement.recording import NOT_COMPARED
from attainable.names import short_name, short_sentence
from attainable.quantities import format_share

if TYPE_CHECKING:
    from attainable.measurement.run import Run

_MOST_FAULTS = 4
_FAULT = "wrong outputs: "
Line = tuple[str, str]
"""A sentence and its style."""


def show_checks(out: Console, run: "Run") -> None:
    """Print what is to be known before any time is read."""
    for sentence, style in (*_outputs(run), *_precision(run), *_surroundings(run)):
        show(out, plain(short_sentence(sentence), style))


def asides_of(run: "Run") -> Sequence[str]:
    """The warnings of a run that ``show_checks`` has not printed yet."""
    faults = run.correctness.faults if run.correctness else ()
    shown = faults[:_MOST_FAULTS]
    return [warning for warning in run.warnings if warning not in shown and not warning.startswith(NOT_COMPARED)]


def outputs_in_a_word(run: "Run") -> Line:
    """Whether the outputs of a run are right, for a table."""
    right = None if run.correctness is None else run.correctness.is_right
    return {None: (say("check.open"), "dim"), True: (say("check.yes"), ""), False: (say("check.no"), "bold red")}[right]


def scientific(number: float) -> str:
    """Two digits and a power of ten: ``3.1e-7``."""
    mantissa, _, exponent = f"{number:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}" if exponent else mantissa


def _outputs(run: "Run") -> list[Line]:
    found = run.correctness
    if found is None:
        return []
    if found.is_right is None:
        return [(say("check.absent", {"why": found.absence}), "yellow")]
    reference = short_name(found.reference)
    if found.is_right:
        worst = max(output.relative_error for output in found.outputs)
        values = {"error": scientific(worst), "usual": scientific(found.tolerance.relative), "reference": reference}
        return [(say("check.right" if worst else "check.equal", values), "green")]
    lines = [(say("check.wrong", {"reference": reference}), "bold red")]
    lines += [(f"  {fault.removeprefix(_FAULT)}", "bold red") for fault in found.faults[:_MOST_FAULTS]]
    more = len(found.faults) - _MOST_FAULTS
    return [*lines, *([(say("check.more_wrong", {"count": more}), "bold red")] if more > 0 else [])]


def _precision(run: "Run") -> list[Line]:
    if not run.precision or run.precision == run.dtype:
        return []
    return [(say("check.precision", {"ran": short_name(run.precision), "own": short_name(run.dtype)}), "yellow")]


def _surroundings(run: "Run") -> list[Line]:
    found = run.surroundings
    if found is None:
        return []
    others = "" if found.others_share is None else say("check.others", {"share": format_share(found.others_share)})
    if found.state == "noisy":
        more = say("check.more_reasons", {"count": len(found.reasons) - 1}) if len(found.reasons) > 1 else ""
        return [(say("check.noisy", {"reason": found.reasons[0] if found.reasons else others, "more": more}), "yellow")]
    return [(say(f"check.{'quiet' if found.state == 'quiet' else 'unknown'}", {"others": others}), "dim")]
