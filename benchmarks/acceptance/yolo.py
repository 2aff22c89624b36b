"""YOLO networks: a tall thin detector against a short fat one, on paper and on two devices."""

from collections.abc import Sequence

from attainable.cost.count import Count
from attainable.cost.presets.measures import window
from attainable.devices import load_device
from benchmarks.acceptance.claim import Check, Checks, Figure, Finding, Holds
from benchmarks.acceptance.counting import (
    bytes_moved,
    convolutions,
    darknet,
    folded_parameters,
    in_type,
    is_depthwise,
    memory_bound,
    ncnn,
    running_statistics,
    seconds,
    toy,
)

HEADER_BYTES = 20
"""Of a darknet weights file: version and images seen. Source: AlexeyAB/darknet, src/parser.c, save_weights_upto."""


def thin() -> Count:
    """yolo-fastest-xl at 320."""
    return darknet("yolo-fastest-xl")


def fat(extent: int = 416) -> Count:
    """yolov4-tiny."""
    return darknet("yolov4-tiny", extent)


def stored(result: Count) -> int:
    """Numbers in a weights file: four a normalised channel."""
    return result.totals.parameters + running_statistics(result)


def giga(result: Count) -> float:
    """BFLOPs of darknet: two a MAC of the convolutions."""
    return sum(entry.work.total_operations for entry in convolutions(result)) / 1e9


def mega_bytes(result: Count) -> float:
    """Weights, inputs and outputs of the convolutions, float32."""
    return bytes_moved(convolutions(result)) / 1e6


def t053() -> Sequence[Finding]:
    """Parameters by two conventions."""
    return [
        Figure("6062814", stored(fat()), "exact", "stored"),
        Figure("6.063", stored(fat()) / 1e6, "printed", "M"),
        Figure("6.0535", folded_parameters(fat()) / 1e6, "printed", "M folded"),
    ]


def t054() -> Sequence[Finding]:
    """Four bytes each and the header."""
    size = 4 * stored(fat()) + HEADER_BYTES
    return [
        Figure("24.25", size / 1e6, meaning="MB"),
        Figure("23.13", size / 2**20, meaning="MiB"),
        Figure("23.1", size / 2**20, "printed", "as published"),
    ]


def t055() -> Sequence[Finding]:
    """The published figure is rounded or of another head."""
    found = giga(thin())
    return [Figure("0.7198", found, "printed"), Figure("0.70", found, meaning="as published")]


def t057() -> Sequence[Finding]:
    """Yolo-Fastest 1.1."""
    result = darknet("yolo-fastest-1.1")
    return [
        Figure("0.2509", giga(result), "printed", "Gop"),
        Figure("0.252", giga(result), meaning="as published"),
        Figure("0.3461", stored(result) / 1e6, "printed", "M"),
        Figure("0.35", stored(result) / 1e6, meaning="as published"),
    ]


def t058() -> Sequence[Finding]:
    """Yolo-Fastest 1.0."""
    result = darknet("yolo-fastest")
    return [
        Figure("0.2556", giga(result), "printed", "Gop"),
        Figure("0.3564", stored(result) / 1e6, "printed", "M"),
        Figure("0.23", giga(result), "printed", "as published", mismatch=True),
    ]


def t059() -> Sequence[Finding]:
    """Yolo-FastestV2, folded in its file."""
    result = ncnn("yolo-fastestv2")
    return [
        Figure("0.2128", giga(result), "printed", "Gop"),
        Figure("0.212", giga(result), meaning="as published"),
        Figure("0.2458", result.totals.parameters / 1e6, "printed", "M"),
        Figure("0.25", result.totals.parameters / 1e6, "printed", "as published"),
    ]


def t061() -> Sequence[Finding]:
    """Fat over thin."""
    return [
        Figure("9.60", giga(fat()) / giga(thin()), meaning="times the operations"),
        Figure("6.64", stored(fat()) / stored(thin()), meaning="times the parameters"),
    ]


def t062() -> Sequence[Finding]:
    """Each at its own extent."""
    return [
        Figure("105.02", mega_bytes(thin()), meaning="MB XL"),
        Figure("74.82", mega_bytes(fat()), meaning="MB tiny"),
        Figure("1.40", mega_bytes(thin()) / mega_bytes(fat()), meaning="ratio"),
    ]


def t063() -> Sequence[Finding]:
    """Both at 320."""
    return [
        Figure("105.02", mega_bytes(thin()), meaning="MB XL"),
        Figure("54.15", mega_bytes(fat(320)), meaning="MB tiny"),
        Figure("1.94", mega_bytes(thin()) / mega_bytes(fat(320)), meaning="ratio"),
    ]


def t065() -> Sequence[Finding]:
    """Convolutions."""
    return [
        Figure("85", len(convolutions(thin())), meaning="in XL"),
        Figure("28", sum(map(is_depthwise, convolutions(thin()))), meaning="depthwise"),
        Figure("21", len(convolutions(fat())), meaning="in tiny"),
    ]


def t066() -> Sequence[Finding]:
    """Shares of the depthwise convolutions."""
    every = convolutions(thin())
    some = [entry for entry in every if is_depthwise(entry)]
    share = sum(entry.work.macs for entry in some) / sum(entry.work.macs for entry in every)
    return [
        Figure("11.9", 100 * share, meaning="% of MACs"),
        Figure("41.1", 100 * bytes_moved(some) / bytes_moved(every), meaning="% of bytes"),
    ]


def t067() -> Sequence[Finding]:
    """Operations of the convolutions over their bytes."""
    return [
        Figure("6.85", 1e3 * giga(thin()) / mega_bytes(thin()), meaning="in XL"),
        Figure("92.33", 1e3 * giga(fat()) / mega_bytes(fat()), meaning="in tiny"),
    ]


def t068() -> Sequence[Finding]:
    """The roofline says the same order as the measurement."""
    phone = load_device("kirin990-cpu")
    return [
        Figure("0.273", 7.09 / 26.00, "printed", "measured, 4 cores"),
        Figure("0.273", 15.15 / 55.44, "printed", "measured, 1 core"),
        Holds("XL faster in the roofline", seconds(thin(), phone) < seconds(fat(), phone)),
    ]


def t069() -> Sequence[Finding]:
    """Four cores of the profile."""
    phone = load_device("kirin990-cpu")
    return [
        Figure("5.23", 1e3 * seconds(thin(), phone), "10%", "ms XL"),
        Figure("29", memory_bound(thin(), phone), "exact", "memory-bound"),
        Figure("85", len(convolutions(thin())), "exact", "convolutions"),
        Figure("41.4", 1e3 * seconds(fat(), phone), "10%", "ms tiny"),
        Figure("0", memory_bound(fat(), phone), "exact", "memory-bound"),
        Figure("21", len(convolutions(fat())), "exact", "convolutions"),
        Holds("XL first", seconds(thin(), phone) < seconds(fat(), phone)),
    ]


def npu_seconds(result: Count, bandwidth: float = 6.4e9) -> float:
    """The roofline in int8 at 3 TOPS."""
    return seconds(in_type(result, "int8"), toy(bandwidth, matrix=3e12, dtype="int8"))


def t070() -> Sequence[Finding]:
    """The order turns."""
    device = toy(6.4e9, matrix=3e12, dtype="int8")
    times = [npu_seconds(result) for result in (thin(), fat(), fat(320))]
    return [
        Figure("4.10", 1e3 * times[0], meaning="ms XL"),
        Figure("85", memory_bound(in_type(thin(), "int8"), device), "exact", "memory-bound"),
        Figure("3.46", 1e3 * times[1], meaning="ms tiny"),
        Figure("1.19", times[0] / times[1], meaning="ratio"),
        Figure("1.78", times[0] / times[2], meaning="ratio at 320"),
    ]


def flip(first: Count, second: Count) -> float:
    """GB/s at which both take the same time at 3 TOPS; the second is faster below, the first above."""
    low, high = 1e9, 1e12
    while high / low > 1 + 1e-6:
        middle = (low * high) ** 0.5
        is_above = npu_seconds(first, middle) < npu_seconds(second, middle)
        low, high = (low, middle) if is_above else (middle, high)
    return low / 1e9


def t071() -> Sequence[Finding]:
    """Where the two times are equal."""
    return [
        Figure("9.21", flip(thin(), fat()), meaning="GB/s"),
        Figure("18.09", flip(thin(), fat(320)), meaning="GB/s, both at 320"),
    ]


def t073() -> Sequence[Finding]:
    """One phone, one network, two releases of a runtime; no count tells them apart."""
    return [
        Figure("0.159", 7.09 / 44.6, "printed", "earlier"),
        Figure("0.273", 7.09 / 26.0, "printed", "later"),
        Figure("1.7", 44.6 / 26.0, "printed", "by the runtime alone"),
    ]


def pooled(result: Count) -> int:
    """Elements in the windows of max pooling, which darknet adds to its BFLOPs."""
    return sum(window(entry) for entry in result.ops if entry.op.kind == "MaxPool")


def t074() -> Sequence[Finding]:
    """No described device has the order that was measured on an NPU."""
    prn, plain = darknet("yolov3-tiny-prn"), darknet("yolov3-tiny")
    phone = load_device("kirin990-cpu")
    return [
        Figure("3.46", giga(prn), "printed", "Gop prn"),
        Figure("5.57", giga(plain) + pooled(plain) / 1e9, "printed", "Gop tiny with pooling"),
        Figure("52.9", mega_bytes(prn), "printed", "MB prn"),
        Figure("70.9", mega_bytes(plain), "printed", "MB tiny"),
        Holds("prn faster on the CPU", seconds(prn, phone) < seconds(plain, phone)),
        Holds("prn faster on the NPU", npu_seconds(prn) < npu_seconds(plain)),
    ]


def t075() -> Sequence[Finding]:
    """Time shrinks less than the work."""
    ratio = 23.67 / 9.27
    newer = darknet("yolo-fastest-1.1-xl")
    return [
        Figure("2.55", ratio, "printed", "measured"),
        Figure("9.5", giga(fat()) / giga(newer), "printed", "operations"),
        Holds(
            "measured order is that of the operations", giga(darknet("yolo-fastest-1.1")) < giga(newer) < giga(fat())
        ),
    ]


def t076() -> Sequence[Finding]:
    """Time shrinks less than the work."""
    return [
        Figure("6.15", 26.00 / 4.23, "printed", "measured, 4 cores"),
        Figure("7.35", 55.44 / 7.54, "printed", "measured, 1 core"),
        Figure("27.5", giga(fat()) / giga(darknet("yolo-fastest-1.1")), "printed", "operations"),
    ]


def t077() -> Sequence[Finding]:
    """Time shrinks less than the work."""
    return [
        Figure("15.4", 962.78 / 62.70, "printed", "measured"),
        Figure("27.0", giga(fat()) / giga(darknet("yolo-fastest")), "printed", "operations"),
    ]


def t078() -> Sequence[Finding]:
    """The same network before and after: no count tells them apart."""
    return [Figure("10", 40 / 4, "exact", "measured")]


PRN = (
    "consistent; 3.46 is the convolutions alone, 5.57 is what darknet prints: the windows of max pooling with them; "
    "the roofline does not know which operators an NPU lacks"
)
CHECKS: Checks = {
    "T053": Check("0.1%", t053, "stored: 4 a normalised channel; folded: 1"),
    "T054": Check("0.5%", t054),
    "T055": Check("4%", t055),
    "T057": Check("1.5%", t057, "parameters stored: 4 a normalised channel"),
    "T058": Check("exact", t058, "parameters stored: 4 a normalised channel"),
    "T059": Check("1.5%", t059, "parameters folded, as in the file"),
    "T061": Check("1%", t061),
    "T062": Check("1%", t062, "convolutions, w+in+out, float32"),
    "T063": Check("1%", t063, "convolutions, w+in+out, float32"),
    "T065": Check("exact", t065),
    "T066": Check("0.5 pt", t066, "convolutions, w+in+out"),
    "T067": Check("1%", t067, "convolutions, w+in+out, float32"),
    "T068": Check("n/a", t068, "consistent"),
    "T069": Check("order exact; ms 10%", t069, "profile kirin990-cpu; convolutions, unfused"),
    "T070": Check("2%", t070, "3 TOPS and 6.4 GB/s, int8; convolutions, unfused"),
    "T071": Check("1%", t071, "bisection over the bandwidth"),
    "T073": Check("n/a", t073, "consistent"),
    "T074": Check("n/a", t074, PRN),
    "T075": Check("n/a", t075, "consistent; xl is the 1.1 one"),
    "T076": Check("n/a", t076, "consistent"),
    "T077": Check("n/a", t077, "consistent"),
    "T078": Check("n/a", t078, "consistent"),
}
