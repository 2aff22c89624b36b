"""What becomes of one op on a target: its entry in the support table, the limits there and those of every op."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, cast

from attainable.analysis.labels import op_label
from attainable.analysis.support_messages import say
from attainable.cost.control_flow import is_call
from attainable.devices.targets.limits import LIMITS, misses
from attainable.devices.targets.target import (
    AttributeChoice,
    CommonRule,
    Entry,
    LimitSet,
    LimitValue,
    Outside,
    PatternEntry,
    Source,
    Target,
)
from attainable.names import short_name
from attainable.workload.graph import AttributeValue, Body, Op, UnresolvedShape

Status = Literal["taken", "not_listed", "fallback", "refused"]
SEVERITY: Mapping[str, int] = MappingProxyType({"taken": 0, "not_listed": 1, "fallback": 2, "refused": 3})
"""The gravest last."""

_STATUS_OUTSIDE: Mapping[Outside, Status] = MappingProxyType({"no": "refused", "fallback": "fallback"})


@dataclass(frozen=True, slots=True)
class Miss:
    """A limit that an op does not keep: the limit as a sentence names it, and what was found instead."""

    sentence: str
    what: str
    limit: str
    actual: tuple[object, ...]

    @property
    def rule(self) -> tuple[str, str, str]:
        """The limit without what was found, the same for all ops that miss it."""
        return (self.sentence, self.what, self.limit)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an op and why: a reason, or the limits that it misses."""

    status: Status
    reason: str = ""
    misses: tuple[Miss, ...] = ()
    note: str = ""
    help: str = ""
    source: Source | None = None
    unchecked: bool = False
    condition: str = ""


TAKEN = Verdict("taken")


def reason_of(verdicts: Sequence[Verdict]) -> str:
    """Why ops are not taken that miss the same limits; what they have instead, as a range where it differs."""
    columns = zip(*(verdict.misses for verdict in verdicts), strict=True)
    sentences = [
        say(misses[0].sentence, {"what": misses[0].what, "limit": misses[0].limit, "actual": _range(misses)})
        for misses in columns
    ]
    return "; ".join(sentences) or verdicts[0].reason


def _range(misses: Sequence[Miss]) -> str:
    found = dict.fromkeys(value for miss in misses for value in miss.actual)
    numbers = [value for value in found if isinstance(value, int | float)]
    if len(found) > _MOST_LISTED and len(numbers) == len(found):
        return f"{_shown(min(numbers))} to {_shown(max(numbers))}"
    return _listed(list(found)[:_MOST_LISTED]) + (", ..." if len(found) > _MOST_LISTED else "")


_MOST_LISTED = 3
"""Different values that a reason lists."""


class SupportTable:
    """The table of a target, by operator."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._entries: dict[str, list[Entry]] = {}
        for entry in target.entries:
            for operator in entry.operators:
                self._entries.setdefault(operator, []).append(entry)
        self._bodies: dict[int, Verdict] = {}

    def verdict(self, op: Op) -> Verdict:
        """What becomes of an op; of one with bodies the worst of it and of what they hold."""
        own = TAKEN if is_call(op) else self._alone(op)
        for body in op.bodies:
            own = _worse(own, self._inside(body))
        return own

    def _inside(self, outer: Body) -> Verdict:
        """The worst of a body and of the bodies in it, each looked at once: calls of one function share theirs."""
        if id(outer) in self._bodies:
            return self._bodies[id(outer)]
        worst, seen, pending = TAKEN, {id(outer)}, [outer]
        while pending:
            for op in pending.pop().ops:
                found = TAKEN if is_call(op) else self._alone(op)
                if found.status != "taken":
                    reason = say("reason.inside", {"operator": op_label(op), "reason": reason_of([found])})
                    found = replace(found, reason=reason, misses=())
                worst = _worse(worst, found)
                pending += [body for body in op.bodies if id(body) not in seen]
                seen |= {id(body) for body in op.bodies}
        self._bodies[id(outer)] = worst
        return worst

    def _alone(self, op: Op) -> Verdict:
        verdict = self._by_entry(op)
        for rule in self._target.common:
            if op.type not in rule.exempt and verdict.status in ("taken", "fallback"):
                verdict = _worse(verdict, _against((rule.limits,), rule, op))
        return verdict

    def _by_entry(self, op: Op) -> Verdict:
        target, verdict = self._target, TAKEN
        if op.type not in self._entries:
            if target.complete:
                return Verdict(_STATUS_OUTSIDE[target.outside], say("reason.absent"), source=target.sources[0])
            return Verdict("not_listed", say("reason.unknown"))
        for entry in self._entries[op.type]:
            if entry.support == "partial":
                verdict = _worse(verdict, _against(entry.alternatives, entry, op))
            elif entry.support != "yes":
                verdict = _refusal(entry, target.beside)
            if verdict.status == "taken" and entry.condition:
                verdict = replace(verdict, condition=entry.condition)
        return verdict


def _against(alternatives: Sequence[LimitSet], rule: Entry | CommonRule, op: Op) -> Verdict:
    """Hold an op against limits; where no alternative holds, the one that it misses least gives the reason."""
    tried = [_missed(limits, op) for limits in alternatives]
    for missed, unchecked in tried:
        if not missed:
            return Verdict("taken", unchecked=unchecked)
    missed, _ = min(tried, key=lambda each: len(each[0]))
    return Verdict(
        _STATUS_OUTSIDE[rule.outside], misses=tuple(missed), note=rule.note, help=rule.help, source=rule.source
    )


def _missed(limits: LimitSet, op: Op) -> tuple[list[Miss], bool]:
    """Every limit that an op does not keep, and whether any could not be checked."""
    found: list[Miss] = []
    unchecked = False
    for name, value in limits.limits:
        limit = LIMITS[name]
        try:
            wrong = misses(limit, value, limit.measure(op))
        except (UnresolvedShape, ValueError, IndexError, ArithmeticError):
            unchecked = True
            continue
        if wrong:
            found.append(Miss(f"reason.{limit.relation}", limit.what, _listed(_many(value)), wrong))
    for name, choices in limits.attributes:
        actual = _attribute(op, name)
        if actual is None:
            unchecked = True
        elif not any(_equal(actual, choice) for choice in choices):
            found.append(Miss("reason.attribute", name, _listed(choices), (actual,)))
    return found, unchecked


_DEFAULTS: Mapping[str, AttributeChoice] = MappingProxyType(
    {
        "auto_pad": "NOTSET", "ceil_mode": 0, "count_include_pad": 0, "keepdims": 1, "storage_order": 0,
        "select_last_index": 0, "exclusive": 0, "reverse": 0, "transA": 0, "transB": 0, "training_mode": 0,
        "batch_dims": 0, "noop_with_empty_axes": 0, "align_corners": 0, "padding_mode": "zeros", "direction": "forward",
        "layout": 0, "input_forget": 0, "coordinate_transformation_mode": "half_pixel", "alpha": 1.0, "beta": 1.0,
        "nearest_mode": "round_prefer_floor", "approximate": "none", "p": 2, "largest": 1, "sampling_ratio": 0,
        "Resize.mode": "nearest", "Upsample.mode": "nearest", "DepthToSpace.mode": "DCR", "Pad.mode": "constant",
        "GridSample.mode": "linear", "RoiAlign.mode": "avg",
    }
)  # fmt: skip
"""What an attribute is where the file does not set it. Source: onnx, docs/Operators.md, each operator's attributes."""


def _attribute(op: Op, name: str) -> "AttributeValue | None":
    given = op.attribute(name)
    return given if given is not None else _DEFAULTS.get(f"{op.kind}.{name}", _DEFAULTS.get(name))


def _equal(actual: AttributeValue, choice: AttributeChoice) -> bool:
    return isinstance(actual, str) == isinstance(choice, str) and actual == choice


def _many(value: LimitValue) -> tuple[int | str, ...]:
    return value if isinstance(value, tuple) else (value,)


def _listed(values: Iterable[object]) -> str:
    """Choices, for a sentence."""
    return ", ".join(map(_shown, values))


def _shown(value: object) -> str:
    """A value, for a sentence: lists as ``3x3``, numbers without a tail of zeros, texts of the file cleaned."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return "x".join(map(_shown, cast("tuple[object, ...]", value)))
    return short_name(str(value))


def pattern_verdict(entry: PatternEntry, beside: str) -> Verdict:
    """What becomes of ops that do one thing together."""
    return TAKEN if entry.support == "yes" else _refusal(entry, beside)


def _refusal(entry: Entry | PatternEntry, beside: str) -> Verdict:
    status: Status = "refused" if entry.support == "no" else "fallback"
    reason = say("reason.no") if status == "refused" else say("reason.fallback", {"beside": beside})
    return Verdict(status, reason, note=entry.note, help=entry.help, source=entry.source)


def _worse(first: Verdict, second: Verdict) -> Verdict:
    chosen, other = (second, first) if SEVERITY[second.status] > SEVERITY[first.status] else (first, second)
    if chosen.status != "taken":
        return chosen
    return replace(
        chosen, unchecked=first.unchecked or second.unchecked, condition=chosen.condition or other.condition
    )  # fmt: skip
