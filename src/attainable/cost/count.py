"""Counts a network: the work of each op, the parameters it carries, the memory of the run."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from attainable.cost.control_flow import CONTROL_FLOW, EVERY_LOOP, TripCounts, Trips, branch_taken, is_call, trips
from attainable.cost.memory import ActivationMemory, activation_memory
from attainable.cost.parameters import ParameterLedger
from attainable.cost.precision import LogicalTypes
from attainable.cost.rules import RULES
from attainable.cost.work import Rule, Work, free
from attainable.errors import unknown_name
from attainable.garbage import collector_paused
from attainable.workload.graph import FUNCTION, Body, Op, UnresolvedShape, Workload

State = Literal["counted", "folded", "no rule", "unresolved shape", "malformed", "unknown trip count"]

CONVENTIONS: tuple[tuple[str, str], ...] = (
    ("mac", "one multiply and one add of a contraction; two operations"),
    ("operations", "2 x MACs for contractions, bias included; one per scalar result for everything else"),
    ("padding", "padded taps are counted"),
    ("scope", "all ops"),
    ("quantised", "a contraction between DequantizeLinear and QuantizeLinear is one of integers"),
    ("control_flow", "the branch of an If that works most; the body of a Loop times its trips"),
    ("traffic", "compulsory, per op, not fused: each distinct input read once, each output written once, views free"),
    ("parameters", "distinct floating or quantised constants used as weight, bias, scale or table; buffers are apart"),
    ("constants", "what is computed from constants alone is done before the run and costs nothing"),
    ("peak_activation", "liveness, no in-place reuse, graph inputs freed after their last use, weights apart"),
)
"""The conventions of every count, by name; printed with it."""


@dataclass(frozen=True, slots=True)
class OpCount:
    """One op and what it costs.

    Attributes:
        op: the op.
        work: its cost; zero where ``state`` says that it could not be counted.
        parameters: those that no earlier op carries.
        shared: it also uses parameters that an earlier op carries.
        state: ``counted``, ``folded`` into a constant, or why it could not be counted.
        least: its cost when the cheaper branch is taken and loops end as early as they can; None where that is
            ``work``.
        bodies: what its bodies cost, where it has some.
    """

    op: Op
    work: Work
    parameters: int
    shared: bool
    state: State
    least: Work | None = None
    bodies: "tuple[BodyCount, ...]" = ()

    @property
    def dtype(self) -> str:
        """Element type of a contraction, else of the first input that is no constant, else of the first output."""
        for engine, dtype, _ in self.work.operations:
            if engine == "matrix":
                return dtype
        tensors = (*(tensor for tensor in self.op.present_inputs if not tensor.is_constant), *self.op.present_outputs)
        return tensors[0].dtype if tensors else ""


@dataclass(frozen=True, slots=True)
class BodyCount:
    """A body of an op: what its ops cost in one run of it, and how often it runs at most."""

    name: str
    ops: tuple[OpCount, ...]
    repeats: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the network was counted, the ops in bodies among them.

    Attributes:
        ops: all of them.
        ops_with_rule: those whose operator has a rule.
        kinds_without_rule: operators without one, sorted.
        unresolved: ids of ops that have a rule but lack a shape, or whose shapes contradict their operator.
        unknown_trips: ids of loops of which nobody said how often they run; their bodies are counted once.
    """

    ops: int
    ops_with_rule: int
    kinds_without_rule: tuple[str, ...]
    unresolved: tuple[str, ...]
    unknown_trips: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the network. Every figure is "at least" where ``at_least`` is true.

    ``least`` is the work when the cheaper branches are taken and loops end as early as they can.
    """

    work: Work
    least: Work
    parameters: int
    parameter_bytes: int
    buffer_bytes: int
    memory: ActivationMemory
    at_least: bool

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all contractions."""
        return self.work.macs

    @property
    def operations(self) -> int:
        """Operations over all engines and dtypes."""
        return self.work.total_operations


@dataclass(frozen=True, slots=True)
class Count:
    """What a network costs on paper: op by op and in total."""

    workload: Workload
    ops: tuple[OpCount, ...]
    totals: Totals
    coverage: Coverage
    conventions: tuple[tuple[str, str], ...] = CONVENTIONS

    @property
    def unavoidable_bytes(self) -> int:
        """Bytes that any execution moves: the constants that are used, graph inputs and graph outputs, once each."""
        ends = {tensor.name: tensor for tensor in (*self.workload.inputs, *self.workload.outputs)}
        activations = sum(
            tensor.bytes for tensor in ends.values() if tensor.shape is not None and not tensor.is_constant
        )
        return self.totals.parameter_bytes + self.totals.buffer_bytes + activations


def count(workload: Workload, *, trip_counts: TripCounts | None = None) -> Count:
    """Count operations, parameters, traffic and activation memory from the shapes alone.

    Args:
        workload: with every dimension bound.
        trip_counts: how often loops run of which the file does not tell, by id or name, ``*`` for every one.

    Returns:
        The cost of each op and in total. An op without a rule or without shapes costs nothing here, is listed in
        ``coverage`` and makes the totals "at least".

    Raises:
        UnknownName: ``trip_counts`` names a loop that the network does not have.
    """
    with collector_paused():
        return _count(workload, trip_counts or {})


def _count(workload: Workload, trip_counts: TripCounts) -> Count:
    ledger = ParameterLedger(workload.constants)
    counter = _Counter(trip_counts)
    counted = counter.ops(workload.ops, ledger)
    for name in trip_counts:
        if name != EVERY_LOOP and name not in counter.loops:
            raise unknown_name("loop", name, sorted(counter.loops))
    coverage = _coverage(counted)
    work = _sum(_works(counted))
    totals = Totals(
        work=work,
        least=_sum(_least_works(counted)) if any(entry.bodies for entry in counted) else work,
        parameters=sum(entry.parameters for entry in counted),
        parameter_bytes=ledger.parameter_bytes,
        buffer_bytes=ledger.buffer_bytes,
        memory=activation_memory(workload, lambda op: RULES.get(op.type, _WITHOUT_RULE).storage),
        at_least=bool(coverage.kinds_without_rule or coverage.unresolved or coverage.unknown_trips),
    )
    return Count(workload, tuple(counted), totals, coverage)


class _Counter:
    """Counts ops and, through them, the bodies that they run; equal ops are worked out once."""

    def __init__(self, trip_counts: TripCounts) -> None:
        self._trip_counts = trip_counts
        self._memo: dict[tuple[object, ...], tuple[Work, State]] = {}
        self._called: set[tuple[object, ...]] = set()
        self._called_again: dict[tuple[object, ...], tuple[OpCount, ...]] = {}
        self.loops: set[str] = set()

    def ops(self, ops: Iterable[Op], ledger: ParameterLedger) -> list[OpCount]:
        """Each op, in order."""
        logical = LogicalTypes()
        counted: list[OpCount] = []
        for op in ops:
            rule = RULES.get(op.type)
            logical.note(op, rule)
            first = op.outputs[0] if op.outputs else None
            # most ops end here, before the generator is made
            if (first is None or first.is_constant) and _is_folded(op):
                ledger.fold(op)
                counted.append(OpCount(op, Work(), 0, False, "folded"))
                continue
            if op.bodies and (op.type in CONTROL_FLOW or is_call(op)):
                counted.append(self._with_bodies(op, ledger))
                continue
            # a tensor that is read twice is moved once: a square costs less than a product of equal shapes
            repeated = _repeated(op)
            key = (*op.signature, repeated) if repeated else op.signature
            known = self._memo.get(key)
            if known is None:
                known = self._memo[key] = _work(op, rule)
            work, state = known
            parameters, shared = ledger.charge(op, rule)
            counted.append(OpCount(op, logical.applied(op, work), parameters, shared, state))
        return counted

    def _inner(self, op: Op, body: Body, ledger: ParameterLedger) -> tuple[OpCount, ...]:
        """The ops of a body.

        From the second call on, a function that is handed the same constants carries no parameters any more, so that
        all further calls are equal; without that, functions that call functions twice would take exponential time.
        """
        inside, handed = ledger.inside(op, body)
        key = (id(body), handed)
        if (known := self._called_again.get(key)) is not None:
            return known
        counted = tuple(self.ops(body.ops, inside))
        if body.name == FUNCTION:
            if key in self._called:
                self._called_again[key] = counted
            self._called.add(key)
        return counted

    def _with_bodies(self, op: Op, ledger: ParameterLedger) -> OpCount:
        inner = [self._inner(op, body, ledger) for body in op.bodies]
        once = [(_sum(_works(ops)), _sum(_least_works(ops))) for ops in inner]
        state: State = "counted"
        if op.type == "If":
            taken = branch_taken(op)
            open_branches = [pair for body, pair in zip(op.bodies, once, strict=True) if taken in (None, body.name)]
            most = max((most for most, _ in open_branches), key=_effort, default=Work())
            least = min((least for _, least in open_branches), key=_effort, default=Work())
            repeats = [int(taken in (None, body.name)) for body in op.bodies]
        else:
            if op.type == "Loop":
                self.loops |= {op.id, *([op.name] if op.name else [])}
            runs = _trips(op, self._trip_counts)
            if runs is None:
                state = "unknown trip count"
                runs = Trips(1, 0)
            most, least = once[0][0].times(runs.most), once[0][1].times(runs.least)
            repeats = [runs.most, *(0 for _ in op.bodies[1:])]
        bodies = tuple(
            BodyCount(body.name, ops, times) for body, ops, times in zip(op.bodies, inner, repeats, strict=True)
        )
        every = [entry for ops in inner for entry in ops]
        return OpCount(
            op, most, sum(entry.parameters for entry in every), any(entry.shared for entry in every), state,
            None if least == most else least, bodies,
        )  # fmt: skip


def _trips(op: Op, trip_counts: TripCounts) -> Trips | None:
    try:
        return trips(op, trip_counts)
    except (UnresolvedShape, ValueError, IndexError):
        # the inputs do not have the axes that the operator wants
        return None


def _is_folded(op: Op) -> bool:
    return bool(op.outputs) and all(tensor is None or tensor.is_constant for tensor in op.outputs)


def _repeated(op: Op) -> tuple[int, ...]:
    """Which inputs are the same tensor: for each the position of the first such one; empty where all differ."""
    if len(op.inputs) < 2:
        return ()
    names = [tensor.name for tensor in op.inputs if tensor is not None]
    if len(set(names)) == len(names):
        return ()
    first: dict[str, int] = {}
    return tuple([first.setdefault(name, position) for position, name in enumerate(names)])


def _effort(work: Work) -> tuple[int, int]:
    return work.total_operations, work.bytes_moved


def _works(counted: Iterable[OpCount]) -> Iterator[Work]:
    return (entry.work for entry in counted)


def _least_works(counted: Iterable[OpCount]) -> Iterator[Work]:
    return (entry.work if entry.least is None else entry.least for entry in counted)


_WITHOUT_RULE = Rule(free)


def _work(op: Op, rule: Rule | None) -> tuple[Work, State]:
    if rule is None:
        return Work(), "no rule"
    try:
        return rule.work(op), "counted"
    except UnresolvedShape:
        return Work(), "unresolved shape"
    except (ValueError, IndexError, ArithmeticError):
        # The shapes have axes that the operator does not allow; shape inference lets some of those pass.
        return Work(), "malformed"


def _sum(works: Iterable[Work]) -> Work:
    """The sum of all work; equal works are multiplied first, because a large network repeats few of them."""
    # equal ops share one object, which is found faster than an equal one
    shared: dict[int, list[Work]] = {}
    for work in works:
        shared.setdefault(id(work), []).append(work)
    times: dict[Work, int] = {}
    for same in shared.values():
        times[same[0]] = times.get(same[0], 0) + len(same)
    total = Work()
    for work, repeats in times.items():
        total += work.times(repeats)
    return total


def _coverage(counted: list[OpCount]) -> Coverage:
    every = _with_inner(counted)
    without = {entry.op.type for entry in every if entry.state == "no rule"}
    return Coverage(
        ops=len(every),
        ops_with_rule=sum(entry.state != "no rule" for entry in every),
        kinds_without_rule=tuple(sorted(without)),
        unresolved=tuple(entry.op.id for entry in every if entry.state in ("unresolved shape", "malformed")),
        unknown_trips=tuple(entry.op.id for entry in every if entry.state == "unknown trip count"),
    )


def _with_inner(counted: Iterable[OpCount]) -> list[OpCount]:
    """The ops and all in their bodies, to any depth, one level after the other."""
    every = list(counted)
    for entry in every:  # which grows on the way
        for body in entry.bodies:
            every += body.ops
    return every
