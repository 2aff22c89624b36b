"""Single operators on rooflines: the reference set of A2, and separable against full convolutions."""

from collections.abc import Sequence

from attainable.cost.count import Count
from attainable.cost.presets import PRESETS, preset_count
from attainable.cost.work import Work
from attainable.prediction.estimate import Estimate, estimate
from benchmarks.acceptance.claim import Check, Checks, Figure, Finding, Holds
from benchmarks.acceptance.counting import conv, depthwise, in_type, toy

CPU48 = toy(96e9, vector=48 * 96e9)
V100 = toy(0.9e12, vector=173.6 * 0.9e12)
"""The V100 of A2: its ridge point is all that the claims say."""

NPU = toy(6.4e9, matrix=3e12, dtype="int8")


def on(device_result: Count, *, gpu: bool = False) -> Estimate:
    """The roofline of an operator on the CPU of A2, or on its GPU."""
    return estimate(device_result.totals.work, V100 if gpu else CPU48, threads=None)


def on_npu(*results: Count) -> float:
    """The roofline in int8 of operators one after another."""
    return sum(estimate(in_type(result, "int8").totals.work, NPU, threads=None).seconds for result in results)


def _figures(work: Work, mega: str, kilo: str, intensity: str) -> list[Finding]:
    return [
        Figure(mega, work.total_operations / 1e6, meaning="Mop"),
        Figure(kilo, work.bytes_moved / 1e3, meaning="kB"),
        Figure(intensity, work.operational_intensity or 0, meaning="op/B"),
    ]


def op1() -> Count:
    """3x3 64->64 @56."""
    return conv(64, 64, 56)


def op3() -> Count:
    """3x3 16->16 @112."""
    return conv(16, 16, 112)


def op4() -> Count:
    """3x3 depthwise 128 @28."""
    return depthwise(128, 28)


def op5() -> Count:
    """3x3 8->8 @224."""
    return conv(8, 8, 224)


def t039() -> Sequence[Finding]:
    """Share of the peak that work of this intensity can reach."""
    work = Work(operations=(("vector", "float32", 2346),), bytes_activation_out=1000)
    limits = estimate(work, CPU48, threads=None)
    return [Figure("4.89", 100 * limits.compute_seconds / limits.seconds, "0.05 pt", "% of the peak")]


def _mega_a_mebi(operations: int, result: Count) -> float:
    return operations / 1e6 / (result.totals.work.bytes_moved / 2**20)


def t041() -> Sequence[Finding]:
    """Decimal prefix above, binary prefix below."""
    return [Figure("2.34583", _mega_a_mebi(op4().totals.operations, op4()))]


def t042() -> Sequence[Finding]:
    """A counter that adds one operation an output for the bias."""
    result = conv(128, 128, 20, groups=128, bias=True)
    operations = preset_count(result, "deepspeed", PRESETS["deepspeed"]).theirs
    return [Figure("2.34568", operations / result.totals.work.bytes_moved)]


def t043() -> Sequence[Finding]:
    """Operator 1."""
    return [
        *_figures(op1().totals.work, "231.211", "1753.1", "131.89"),
        Holds("compute-bound on the CPU", on(op1()).bound_by == "compute"),
        Holds("memory-bound on the V100", on(op1(), gpu=True).bound_by == "memory"),
    ]


def t045() -> Sequence[Finding]:
    """Operator 3."""
    return [
        *_figures(op3().totals.work, "57.803", "1614.8", "35.80"),
        Holds("memory-bound at 48", on(op3()).bound_by == "memory"),
    ]


def t046() -> Sequence[Finding]:
    """Operator 4."""
    return [
        *_figures(op4().totals.work, "1.806", "807.4", "2.237"),
        Figure("2.346", _mega_a_mebi(op4().totals.operations, op4()), meaning="Mop/MiB"),
        Figure("128", op1().totals.operations / op4().totals.operations, meaning="F1/F4"),
        Figure("5.97", on(op1()).seconds / on(op4()).seconds, meaning="t1/t4"),
    ]


def t047() -> Sequence[Finding]:
    """Operator 5 beside operator 3."""
    return [
        *_figures(op5().totals.work, "57.803", "3213.6", "17.99"),
        Holds("operations equal", op5().totals.operations == op3().totals.operations),
        Holds("both memory-bound", {on(op3()).bound_by, on(op5()).bound_by} == {"memory"}),
        Figure("1.99", on(op5()).seconds / on(op3()).seconds, meaning="t5/t3"),
    ]


def t049() -> Sequence[Finding]:
    """The row gives no shapes for operators 2 and 6."""
    bound = {number: on(op(), gpu=True).bound_by for number, op in ((1, op1), (3, op3), (4, op4), (5, op5))}
    own = conv(128, 128, 56)
    return [
        Holds("OP1,3,4,5 memory", set(bound.values()) == {"memory"}),
        Holds("3x3 128->128 @56 compute", on(own, gpu=True).bound_by == "compute"),
        Holds("and has the most operations", own.totals.operations > op1().totals.operations),
    ]


def t050() -> Sequence[Finding]:
    """Few channels: moving decides."""
    normal, separable = op3(), (depthwise(16, 112), conv(16, 16, 112, kernel=1))
    return [
        Figure("1.99", on_npu(*separable) / on_npu(normal), meaning="times the time"),
        Figure("5.76", normal.totals.macs / sum(part.totals.macs for part in separable), meaning="times fewer MACs"),
    ]


def t051() -> Sequence[Finding]:
    """Many channels: the weights decide."""
    normal = on_npu(conv(256, 256, 14))
    separable = on_npu(depthwise(256, 14), conv(256, 256, 14, kernel=1))
    return [
        Figure("107.8", normal * 1e6, meaning="us normal"),
        Figure("42.0", separable * 1e6, meaning="us separable"),
        Figure("2.57", normal / separable, meaning="times faster"),
    ]


CHECKS: Checks = {
    "T039": Check("0.05%", t039, "the tolerance as points"),
    "T041": Check("0.0005", t041, "Mop per MiB"),
    "T042": Check("0.0005", t042, "operations of the preset deepspeed: bias one an output"),
    "T043": Check("0.1%", t043),
    "T045": Check("0.1%", t045),
    "T046": Check("0.5%", t046),
    "T047": Check("1%", t047),
    "T049": Check("exact class", t049, "the file has no shapes of OP2 and OP6: OP2 is our own, OP6 left out"),
    "T050": Check("1%", t050, "all tensors int8"),
    "T051": Check("1%", t051, "all tensors int8"),
}
