"""Formulas of one layer, and of rates and occupancy."""

from collections.abc import Sequence

from attainable.cost.work import Work
from attainable.prediction.estimate import estimate
from attainable.quantities import format_bytes
from attainable.workload import Tensor
from benchmarks.acceptance.claim import Check, Checks, Figure, Finding, Holds
from benchmarks.acceptance.counting import (
    bytes_moved,
    contractions,
    conv,
    depthwise,
    in_type,
    layers,
    ncnn,
    network,
    ridge_point,
    toy,
)
from benchmarks.acceptance.equivalence import winograd


def t001() -> Sequence[Finding]:
    """The bias is the first value of the accumulator."""
    return [Figure("462422016", conv(64, 128, 56, bias=True).totals.operations)]


def t002() -> Sequence[Finding]:
    """Without a bias the first product needs no addition: one less an output."""
    entry = conv(64, 128, 56).ops[0]
    return [Figure("462020608", entry.work.total_operations - entry.op.output.elements)]


def t003() -> Sequence[Finding]:
    """Each MAC has one addition."""
    entry = conv(64, 128, 56, bias=True).ops[0]
    return [Figure("576", entry.work.macs / entry.op.output.elements)]


def t005() -> Sequence[Finding]:
    """As for a convolution without a bias."""
    result = layers((1, 2048), lambda builder, x: builder.linear("linear", x, features=1000))
    entry = result.ops[0]
    return [
        Figure("4095000", entry.work.total_operations - entry.op.output.elements, meaning="operations"),
        Figure("2049000", result.totals.parameters, meaning="parameters"),
    ]


def t006() -> Sequence[Finding]:
    """Scale and shift; the running statistics are buffers."""
    return [Figure("128", layers((1, 64, 56, 56), lambda b, x: b.batch_norm("norm", x)).totals.parameters)]


def t007() -> Sequence[Finding]:
    """Compulsory traffic."""
    return [Figure("1753088", conv(64, 64, 56).totals.work.bytes_moved)]


def t009() -> Sequence[Finding]:
    """Contractions alone; normalisation and the like have no MACs."""
    entries = contractions(network("resnet50"))
    operations = sum(entry.work.total_operations for entry in entries)
    return [
        Figure("4.089", sum(entry.work.macs for entry in entries) / 1e9, meaning="GMACs"),
        Figure("8.178", operations / 1e9, meaning="Gop"),
    ]


def t010() -> Sequence[Finding]:
    """A layer on a device whose ridge point is the layer's intensity."""
    work = conv(64, 64, 56).totals.work
    device = toy(1e9, vector=1e9 * work.total_operations / work.bytes_moved)
    limits = estimate(work, device, threads=None)
    at_ridge = abs(limits.compute_seconds - limits.memory_seconds) <= 1e-12 * limits.seconds
    slower = estimate(work, toy(0.5e9, vector=ridge_point(device) * 1e9), threads=None)
    return [
        Holds("both limits equal at the ridge point", at_ridge),
        Holds("half the bandwidth, twice the time", slower.seconds == 2 * limits.memory_seconds),
    ]


def t011() -> Sequence[Finding]:
    """Each group reads its own channels only."""
    claimed = {1: "131.89", 2: "68.84", 4: "35.19", 8: "17.80", 16: "8.95", 32: "4.49", 64: "2.25"}
    return [
        Figure(text, conv(64, 64, 56, groups=groups).totals.work.operational_intensity or 0, meaning=f"at g={groups}")
        for groups, text in claimed.items()
    ]


def t013() -> Sequence[Finding]:
    """On an image so large that the weights vanish beside it."""
    return [
        Figure("2.25", depthwise(1, 2**24).totals.work.operational_intensity or 0, meaning="in the limit"),
        Figure("2.23716", depthwise(128, 28).totals.work.operational_intensity or 0, "printed", "at 28x28"),
    ]


def t014() -> Sequence[Finding]:
    """MACs of a depthwise and a pointwise convolution over those of a full one."""
    separable = depthwise(512, 14).totals.macs + conv(512, 512, 14, kernel=1).totals.macs
    return [Figure("0.11306", separable / conv(512, 512, 14).totals.macs)]


def t015() -> Sequence[Finding]:
    """Four outputs of a 3x3 window against one product for each element of a 4x4 tile."""
    direct = conv(1, 1, 2)
    tile = layers(
        (1, 1, 4, 4),
        lambda builder, x: builder.multiply("products", (x, builder.learned("filter", (4, 4), deviation=1.0))),
    )
    return [Figure("2.25", direct.totals.macs / tile.totals.operations)]


def t017() -> Sequence[Finding]:
    """Tiles of 2 and of 4 outputs."""
    limits = {(2, "float32"): 1e-4, (4, "float32"): 1e-3, (2, "float64"): 1e-10, (4, "float64"): 1e-10}
    differences = {case: winograd(*case) for case in limits}
    return [
        Holds(f"F({tile},3) {dtype} {differences[tile, dtype]:.0e} < {limit:.0e}", differences[tile, dtype] < limit)
        for (tile, dtype), limit in limits.items()
    ]


def t018() -> Sequence[Finding]:
    """Storage prints in binary units."""
    tensor = Tensor("x", (32, 3, 128, 128), "float32")
    return [
        Figure("6.291456", tensor.bytes / 1e6, meaning="MB"),
        Holds("prints as 6.00 MiB", format_bytes(tensor.bytes) == "6.00 MiB"),
    ]


def t019() -> Sequence[Finding]:
    """The same network in three element types."""
    claimed = {"float32": "57.64", "float16": "28.82", "int8": "14.41"}
    result = ncnn("mobilenet")
    return [
        Figure(text, bytes_moved(contractions(in_type(result, dtype))) / 1e6, meaning=f"MB {dtype}")
        for dtype, text in claimed.items()
    ]


def t021() -> Sequence[Finding]:
    """Kernels of two streams in milliseconds; where both run, the time counts once."""
    kernels = ((0, 300), (250, 450), (500, 740))
    active = len({tick for start, end in kernels for tick in range(start, end)})
    return [Figure("0.69", active / 1000, meaning="s active of 1 s")]


def t022() -> Sequence[Finding]:
    """Making is computing, shipping is moving; a second stands for an hour."""
    goods = Work(operations=(("vector", "float32", 1000),), bytes_activation_out=1000)
    slow_shipping = estimate(goods, toy(10, vector=100), threads=None)
    slow_making = estimate(goods, toy(100, vector=20), threads=None)
    return [
        Figure("100", slow_shipping.seconds, meaning="h"),
        Figure("10", 100 * slow_shipping.compute_seconds / slow_shipping.seconds, meaning="% used"),
        Figure("50", slow_making.seconds, meaning="h"),
        Figure("100", 100 * slow_making.compute_seconds / slow_making.seconds, meaning="% used"),
    ]


def t023() -> Sequence[Finding]:
    """Time of computing for the batch that runs over that for the inputs that are real."""
    device = toy(1e9, vector=1e9)
    spent = {
        batch: estimate(conv(64, 64, 56, batch=batch).totals.work, device, threads=None).compute_seconds
        for batch in (2, 4, 6)
    }
    return [
        Figure("3.0", spent[6] / spent[2], meaning="for 2 of 6"),
        Figure("1.5", spent[6] / spent[4], meaning="for 4 of 6"),
    ]


CHECKS: Checks = {
    "T001": Check("exact", t001),
    "T002": Check("exact", t002, "our operations less one addition an output"),
    "T003": Check("exact", t003, "our MACs an output"),
    "T005": Check("exact", t005, "operations: ours less one addition an output"),
    "T006": Check("exact", t006),
    "T007": Check("exact", t007),
    "T009": Check("0.1%", t009, "zoo resnet50"),
    "T010": Check("exact", t010),
    "T011": Check("0.01", t011),
    "T013": Check("exact", t013),
    "T014": Check("1e-5", t014),
    "T015": Check("exact", t015, "the product counts direct convolutions; the tile is counted as a product by element"),
    "T017": Check("as stated", t017, "our own Winograd transforms against onnxruntime, and against numpy in float64"),
    "T018": Check("exact", t018),
    "T019": Check("0.1%", t019, "convolutions and products with w+in+out"),
    "T021": Check("exact", t021, "union of the intervals of a made-up trace"),
    "T022": Check("exact", t022),
    "T023": Check("exact", t023, "time of computing on a device description"),
}
