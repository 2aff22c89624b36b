"""Which operators of a TFLite file each event of LiteRT's profiler is about.

LiteRT gives the operators that XNNPACK can run to it, in as few parts as their order allows. The events of all others
name their operator. Those of a part come in the order of its operators, and name only what XNNPACK runs: some operators
have no event, because they were fused with another one or move nothing, and some have a second one for the activation.
So both are lined up, in order, by their kinds.

Source: LiteRT, tflite/graph_info.cc (PartitionGraphIntoIndependentNodeSubsets), tflite/delegates/xnnpack
(VisitNode, in the order of the nodes); XNNPACK, src/operator-utils.c and src/runtime.c for the names of its operators.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from attainable.workload.graph import Op

__all__ = ["MOST_PAIRS", "Reported", "main_events", "owners", "xnnpack_kind"]

Reported = Mapping[str, Any]
"""An event as ``litert_session`` reports it: ``tag``, ``delegated``, ``index``, ``subgraph``, ``seconds``."""

MOST_PAIRS = 4_000_000
"""Events by operators that are lined up; each pair has a place in a table."""
_SHOWN_AS: dict[str, tuple[str, ...]] = {
    "ARG_MAX": ("Arg Max",),
    "AVERAGE_POOL_2D": ("Average Pooling", "Global Average Pooling", "Mean"),
    "BATCH_MATMUL": ("Batch Matrix Multiply", "Fully Connected"),
    "CAST": ("Convert", "Copy"),
    "CEIL": ("Ceiling",),
    "CONCATENATION": ("Concatenate", "Copy"),
    "CONV_2D": ("Convolution", "Fully Connected"),
    "DEPTHWISE_CONV_2D": ("Convolution", "Depthwise Convolution"),
    "DEQUANTIZE": ("Convert",),
    "DIV": ("Divide",),
    "EXPAND_DIMS": ("Static Reshape", "Reshape", "Copy", "Expand Dims", "Static Expand Dims"),
    "FULLY_CONNECTED": ("Fully Connected", "Batch Matrix Multiply", "Dynamic Fully Connected"),
    "LOGISTIC": ("Sigmoid",),
    "MAX_POOL_2D": ("Max Pooling",),
    "MEAN": ("Mean", "Global Average Pooling"),
    "MUL": ("Multiply",),
    "NEG": ("Negate",),
    "PAD": ("Constant Pad", "Static Constant Pad"),
    "PADV2": ("Constant Pad", "Static Constant Pad"),
    "QUANTIZE": ("Convert",),
    "REDUCE_MAX": ("Max", "Reduce Max"),
    "REDUCE_MIN": ("Min", "Reduce Min"),
    "RELU": ("Clamp",),
    "RELU6": ("Clamp",),
    "RELU_0_TO_1": ("Clamp",),
    "RELU_N1_TO_1": ("Clamp",),
    "RESHAPE": ("Static Reshape", "Reshape", "Copy"),
    "RESIZE_BILINEAR": ("Resize Bilinear", "Static Resize Bilinear"),
    "ROUND": ("Bankers Rounding",),
    "RSQRT": ("Reciprocal Square Root",),
    "SLICE": ("Slice", "Static Slice", "Copy"),
    "SPLIT": ("Even Split", "Split", "Slice", "Copy"),
    "SQRT": ("Square Root",),
    "SQUEEZE": ("Static Reshape", "Reshape", "Copy"),
    "STRIDED_SLICE": ("Slice", "Static Slice", "Strided Slice", "Copy"),
    "SUB": ("Subtract",),
    "TRANSPOSE_CONV": ("Deconvolution",),
}
"""How XNNPACK calls what it runs for an operator, where that is not the operator's own name."""
_SEVERAL = {"CONCATENATION", "SPLIT"}
"""Operators that may have several events of the same name, one for each piece."""
_ACTIVATION, _PREPARATION = "Clamp", "Convert"
"""A second event of an operator: behind it, and in front of it where it quantises what it reads by itself."""
_PADS = ("PAD", "PADV2")
_KIND = re.compile(r"^([^(]+?)\s*(?:\(|$)")
_EXTRA, _EXTRA_ACTIVATION, _EXTRA_PIECE, _SKIPPED, _STRANGE = 10, 2, 1, 4, 12


def xnnpack_kind(tag: str) -> str:
    """What an event of XNNPACK is of, without types and routines: ``Convolution (NHWC, F32) IGEMM`` is Convolution."""
    found = _KIND.match(tag)
    return found[1] if found else tag


def main_events(events: Sequence[Reported]) -> list[Reported]:
    """The events without those of operators inside others, such as the body of a loop, whose time has theirs."""
    return [event for event in events if not event["subgraph"] or event["delegated"]]


def owners(events: Sequence[Reported], ops: Sequence[Op]) -> list[tuple[int, ...]]:
    """Find the operators of each event.

    Args:
        events: ``main_events`` of one run, in order.
        ops: of the main subgraph, in the file's order.

    Returns:
        Positions of operators for each event, in order. Every operator is with one event at least, unless nothing that
        ran is connected with it. The second event of an operator has the same position. All empty where there are more
        than ``MOST_PAIRS`` of both.
    """
    if len(events) * len(ops) > MOST_PAIRS:
        return [()] * len(events)
    named = {int(event["index"]) for event in events if not event["delegated"] and int(event["index"]) < len(ops)}
    plan = _plan(ops, named)
    found = _aligned(events, [ops[position] for position in plan])
    of_event = [None if at is None else plan[at] for at in found]
    answer = [[] if position is None else [position] for position in of_event]
    first_event = {position: event for event, position in reversed(list(enumerate(of_event))) if position is not None}
    for position, event in _without_events(ops, first_event).items():
        answer[event].append(position)
    return [tuple(sorted(positions)) for positions in answer]


def _plan(ops: Sequence[Op], named: set[int]) -> list[int]:
    """The order in which LiteRT runs the operators: as many of one side as can run, then of the other, in turns."""
    made_by = {tensor.name: position for position, op in enumerate(ops) for tensor in op.present_outputs}
    needs = [{made_by[tensor.name] for tensor in op.present_inputs if tensor.name in made_by} for op in ops]
    left = list(range(len(ops)))
    done: set[int] = set()
    plan: list[int] = []
    side = 0 not in named
    turns_without = 0
    while left and turns_without < 2:
        taken = len(plan)
        waiting: list[int] = []
        for position in left:
            # Operators come after those that they read, so that one look at each is enough.
            if (position not in named) == side and needs[position] <= done:
                plan.append(position)
                done.add(position)
            else:
                waiting.append(position)
        turns_without = turns_without + 1 if len(plan) == taken else 0
        left, side = waiting, not side
    return plan + left


def _aligned(events: Sequence[Reported], ops: Sequence[Op]) -> list[int | None]:
    """Line events up with operators at the least cost; None for an event that none is near."""
    rows, columns = len(events), len(ops)
    kinds = [xnnpack_kind(str(event["tag"])) if event["delegated"] else "" for event in events]
    place: defaultdict[str, list[int]] = defaultdict(list)
    for column, op in enumerate(ops):
        place[op.kind].append(column)
    above = [_SKIPPED * column for column in range(columns + 1)]
    step = [bytearray(b"o" * (columns + 1)) for _ in range(rows + 1)]
    for row in range(1, rows + 1):
        event, kind = events[row - 1], kinds[row - 1]
        alike = row > 1 and bool(kind) and kinds[row - 2] == kind
        extras: list[int] = [_EXTRA] * columns
        fits: list[int | None] = [None] * columns
        if not event["delegated"]:
            fits = [0 if event["index"] == int(op.id) else None for op in ops]
        else:
            for each, at in place.items():
                extra, fit = _extra(kind, each, alike=alike), _fit(kind, each)
                for column in at:
                    extras[column], fits[column] = extra, fit
        here, taken = [above[0] + _EXTRA], step[row]
        taken[0] = ord("e")
        for column, (extra, fit) in enumerate(zip(extras, fits, strict=True)):
            least, which = here[column] + _SKIPPED, "o"
            if (more := above[column + 1] + extra) < least:
                least, which = more, "e"
            if fit is not None and above[column] + fit <= least:
                least, which = above[column] + fit, "m"
            here.append(least)
            taken[column + 1] = ord(which)
        above = here
    answer: list[int | None] = [None] * rows
    row, column = rows, columns
    extra_rows: list[int] = []
    while row:
        which = chr(step[row][column])
        if which == "o":
            column -= 1
            continue
        row -= 1
        if which == "e":
            extra_rows.append(row)
            continue
        column -= 1
        for each in (row, *extra_rows):
            answer[each] = column
        matched = row + 1 + len(extra_rows)
        # Extra events behind this one that prepare the next are that one's.
        for each in extra_rows:
            if matched < rows and kinds[each] == _PREPARATION:
                answer[each] = answer[matched]
        extra_rows.clear()
    for each in reversed(extra_rows):
        if each + 1 < rows and kinds[each] == _PREPARATION:
            answer[each] = answer[each + 1]
    return answer


def _extra(kind: str, operator: str, *, alike: bool) -> int:
    """Cost of one more event of XNNPACK for an operator that had one, or of an event that is nobody's."""
    if kind in (_ACTIVATION, _PREPARATION):
        return _EXTRA_ACTIVATION
    if operator not in _SEVERAL or kind not in _SHOWN_AS[operator]:
        return _EXTRA
    return _EXTRA_PIECE if alike else 2 * _EXTRA_PIECE


def _fit(kind: str, operator: str) -> int | None:
    """Cost of an event of XNNPACK being the operator's; None where it cannot be."""
    if kind in _SHOWN_AS.get(operator, ()) or _letters(kind) == _letters(operator):
        return 0
    return None if kind in _KNOWN else _STRANGE


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


_KNOWN = frozenset(name for names in _SHOWN_AS.values() for name in names)


def _without_events(ops: Sequence[Op], first_event: Mapping[int, int]) -> dict[int, int]:
    """The event to count each operator with that has none: what made its input, but padding with what reads it."""
    made_by = {tensor.name: position for position, op in enumerate(ops) for tensor in op.present_outputs}
    reader: dict[str, int] = {}
    for position, op in enumerate(ops):
        for tensor in op.present_inputs:
            reader.setdefault(tensor.name, position)
    before: dict[int, int] = {}
    after: dict[int, int] = {}
    for position, op in enumerate(ops):
        makers = [made_by[tensor.name] for tensor in op.present_inputs if tensor.name in made_by]
        known = [first_event.get(maker, before.get(maker, -1)) for maker in makers]
        if max(known, default=-1) >= 0:
            before[position] = max(known)
    for position in reversed(range(len(ops))):
        readers = [reader[tensor.name] for tensor in ops[position].present_outputs if tensor.name in reader]
        known = [first_event.get(each, after.get(each, -1)) for each in readers]
        if max(known, default=-1) >= 0:
            after[position] = min(event for event in known if event >= 0)
    answer: dict[int, int] = {}
    for position, op in enumerate(ops):
        if position not in first_event:
            order = (after, before) if op.kind in _PADS else (before, after)
            event = next((side[position] for side in order if position in side), None)
            if event is not None:
                answer[position] = event
    return answer
