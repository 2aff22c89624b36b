"""How often the bodies of an op run: the branches of If, the iterations of Loop, Scan and SequenceMap.

::

    work(If) = work of one branch,   work(Loop) = trips * work(body),   work(call) = work(function body)

A body is counted once, for the shapes of one iteration, and multiplied; nothing is unrolled.

Source: ONNX operator specification, If, Loop, Scan, SequenceMap; ONNX IR specification, "Functions".
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from attainable.errors import InvalidQuantity
from attainable.workload.graph import FUNCTION, Body, Op, Tensor

TripCounts = Mapping[str, int]
"""Trips by id or name of a Loop; ``*`` stands for every Loop whose number of trips is not in the file."""

EVERY_LOOP = "*"


@dataclass(frozen=True, slots=True)
class Trips:
    """How often a body runs: ``most`` times, and ``least`` where a condition may end it earlier."""

    most: int
    least: int


def is_call(op: Op) -> bool:
    """Tell whether the op calls a local function."""
    return len(op.bodies) == 1 and op.bodies[0].name == FUNCTION


def trips(op: Op, given: TripCounts) -> Trips | None:
    """How often the body of a repeating op runs.

    Args:
        op: a Loop, Scan or SequenceMap, or the call of a local function.
        given: numbers that the user states.

    Returns:
        The trips; None where nobody knows them.
    """
    if is_call(op):
        return Trips(1, 1)
    return REPEATING[op.kind](op, given)


def _loop(op: Op, given: TripCounts) -> Trips | None:
    body = op.bodies[0]
    stated = given.get(op.id, given.get(op.name) if op.name else None)
    limit = _number(op.optional_input(0))
    if stated is not None:
        return Trips(stated, stated)
    if limit is None:
        every = given.get(EVERY_LOOP)
        return None if every is None else Trips(every, every)
    limit = max(limit, 0)
    starts = op.optional_input(1)
    first = True if starts is None else starts.value[0] if starts.value else None
    if first is False:
        return Trips(0, 0)
    if _goes_on(body):
        return Trips(limit, limit if first else 0)
    return Trips(limit, min(limit, 1) if first else 0)


def _goes_on(body: Body) -> bool:
    """Tell whether the body hands its condition on as it came, or sets it to true."""
    if len(body.inputs) < 2 or not body.outputs:
        return False
    condition, names = body.outputs[0], {body.inputs[1].name}
    for op in body.ops:
        if op.kind in ("Identity", "Cast") and op.input(0).name in names:
            names.add(op.output.name)
    return condition.name in names or bool(condition.value and condition.value[0])


def _scan(op: Op, given: TripCounts) -> Trips | None:
    del given
    scanned = op.integer("num_scan_inputs", 1)
    axes = op.integers("scan_input_axes")
    if op.opset < 9:
        # Scan 8: sequence lengths first, and a batch axis before the scanned one
        *_, last = op.inputs
        if last is None or last.shape is None:
            return None
        batch, length, *_ = last.shape
        return Trips(batch * length, 0 if op.optional_input(0) else batch * length)
    first = op.optional_input(len(op.inputs) - scanned)
    if first is None or not first.shape:
        return None
    length = first.shape[axes[0] if axes else 0]
    return Trips(length, length)


def _sequence_map(op: Op, given: TripCounts) -> Trips | None:
    del given
    parts = op.input(0).parts
    return None if parts is None else Trips(len(parts), len(parts))


REPEATING: dict[str, Callable[[Op, TripCounts], Trips | None]] = {
    "Loop": _loop,
    "Scan": _scan,
    "SequenceMap": _sequence_map,
}
"""Operators whose body is repeated."""

CONTROL_FLOW = frozenset({"If", *REPEATING})
"""Operators that cost what their bodies cost."""


def branch_taken(op: Op) -> str | None:
    """The branch that an If takes, where its condition is in the file."""
    condition = op.optional_input(0)
    if condition is None or not condition.value:
        return None
    return "then_branch" if condition.value[0] else "else_branch"


def _number(tensor: Tensor | None) -> int | None:
    return int(tensor.value[0]) if tensor is not None and tensor.value else None


def parse_trip_counts(texts: Iterable[str]) -> dict[str, int]:
    """Read ``--trip-count`` flags: ``10`` for every Loop without a number, ``NAME=10`` or ``ID=10`` for one.

    Raises:
        InvalidQuantity: lists every text that is neither.
    """
    found: dict[str, int] = {}
    faults: list[str] = []
    for text in texts:
        name, separator, number = text.rpartition("=")
        if not number.strip().isdecimal() or (separator and not name):
            faults.append(f"not N, NAME=N or ID=N @ --trip-count {text}")
            continue
        found[name if separator else EVERY_LOOP] = int(number)
    if faults:
        raise InvalidQuantity(
            "cannot read the trip count", where="--trip-count", faults=faults, help="write --trip-count 10"
        )
    return found
