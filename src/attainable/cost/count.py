"""Counts a network: the work of each op, the parameters it carries, the memory of the run."""

from dataclasses import dataclass
from typing import Literal

from attainable.cost.memory import ActivationMemory, activation_memory
from attainable.cost.parameters import ParameterLedger
from attainable.cost.precision import LogicalTypes
from attainable.cost.rules import RULES
from attainable.cost.work import Rule, Work, free
from attainable.garbage import collector_paused
from attainable.workload.graph import Op, UnresolvedShape, Workload

State = Literal["counted", "folded", "no rule", "unresolved shape", "malformed"]

CONVENTIONS: tuple[tuple[str, str], ...] = (
    ("mac", "one multiply and one add of a contraction; two operations"),
    ("operations", "2 x MACs for contractions, bias included; one per scalar result for everything else"),
    ("padding", "padded taps are counted"),
    ("scope", "all ops"),
    ("quantised", "a contraction between DequantizeLinear and QuantizeLinear is one of integers"),
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
    """

    op: Op
    work: Work
    parameters: int
    shared: bool
    state: State

    @property
    def dtype(self) -> str:
        """Element type of a contraction, else of the first input that is no constant, else of the first output."""
        for engine, dtype, _ in self.work.operations:
            if engine == "matrix":
                return dtype
        tensors = (*(tensor for tensor in self.op.present_inputs if not tensor.is_constant), *self.op.present_outputs)
        return tensors[0].dtype if tensors else ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the network was counted.

    Attributes:
        ops: all of them.
        ops_with_rule: those whose operator has a rule.
        kinds_without_rule: operators without one, sorted.
        unresolved: ids of ops that have a rule but lack a shape, or whose shapes contradict their operator.
    """

    ops: int
    ops_with_rule: int
    kinds_without_rule: tuple[str, ...]
    unresolved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the network. Every figure is "at least" where ``at_least`` is true."""

    work: Work
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


def count(workload: Workload) -> Count:
    """Count operations, parameters, traffic and activation memory from the shapes alone.

    Args:
        workload: with every dimension bound.

    Returns:
        The cost of each op and in total. An op without a rule or without shapes costs nothing here, is listed in
        ``coverage`` and makes the totals "at least".
    """
    with collector_paused():
        return _count(workload)


def _count(workload: Workload) -> Count:
    ledger = ParameterLedger(workload)
    logical = LogicalTypes()
    memo: dict[tuple[object, ...], tuple[Work, State]] = {}
    counted: list[OpCount] = []
    for op in workload.ops:
        rule = RULES.get(op.type)
        logical.note(op, rule)
        if op.outputs and all(tensor is None or tensor.is_constant for tensor in op.outputs):
            ledger.fold(op)
            counted.append(OpCount(op, Work(), 0, False, "folded"))
            continue
        signature = op.signature
        known = memo.get(signature)
        if known is None:
            known = memo[signature] = _work(op, rule)
        work, state = known
        parameters, shared = ledger.charge(op, rule)
        counted.append(OpCount(op, logical.applied(op, work), parameters, shared, state))
    rules = tuple(RULES.get(entry.op.type, _WITHOUT_RULE) for entry in counted)
    coverage = _coverage(counted)
    totals = Totals(
        work=_sum(counted),
        parameters=sum(entry.parameters for entry in counted),
        parameter_bytes=ledger.parameter_bytes,
        buffer_bytes=ledger.buffer_bytes,
        memory=activation_memory(workload, (rule.storage for rule in rules)),
        at_least=any(entry.state not in ("counted", "folded") for entry in counted),
    )
    return Count(workload, tuple(counted), totals, coverage)


_WITHOUT_RULE = Rule(free)


def _work(op: Op, rule: Rule | None) -> tuple[Work, State]:
    if rule is None:
        return Work(), "no rule"
    try:
        return rule.work(op), "counted"
    except UnresolvedShape:
        return Work(), "unresolved shape"
    except (ValueError, IndexError, ZeroDivisionError):
        # The shapes have axes that the operator does not allow; shape inference lets some of those pass.
        return Work(), "malformed"


def _sum(counted: list[OpCount]) -> Work:
    """The sum of all work; equal works are multiplied first, because a large network repeats few of them."""
    times: dict[Work, int] = {}
    for entry in counted:
        times[entry.work] = times.get(entry.work, 0) + 1
    total = Work()
    for work, repeats in times.items():
        total += work.times(repeats)
    return total


def _coverage(counted: list[OpCount]) -> Coverage:
    without = {entry.op.type for entry in counted if entry.state == "no rule"}
    return Coverage(
        ops=len(counted),
        ops_with_rule=sum(entry.state != "no rule" for entry in counted),
        kinds_without_rule=tuple(sorted(without)),
        unresolved=tuple(entry.op.id for entry in counted if entry.state in ("unresolved shape", "malformed")),
    )
