"""How much of their peak three NPUs use for two networks."""

from collections.abc import Sequence

from attainable.cost.count import Count
from attainable.devices import load_device
from attainable.prediction.roofline import roofline
from benchmarks.acceptance.claim import Check, Checks, Figure, Finding, Holds
from benchmarks.acceptance.counting import estimates, in_type, ncnn, network, toy

HI3519, X3, CV22 = 1.7e12, 2e12, 4e12
"""Operations per second in int8. That of the Hi3519AV100 is as commonly quoted, the others are in the claims."""

UNLIMITED = 1e30
"""Bytes per second: the claims are about computing alone."""


def used(result: Count, peak: float, rate: float) -> float:
    """Percent of the peak that a rate of images uses."""
    device = toy(UNLIMITED, matrix=peak, dtype="int8")
    return 100 * rate * sum(estimate.compute_seconds for estimate in estimates(in_type(result, "int8"), device))


def at_best(name: str, result: Count, published: int, meaning: str) -> Holds:
    """The frames per second of the fused roofline on a profile that ships, beside the published ones.

    The profiles state no shares of their roofs, so that the roofline is all there is to predict from: a ceiling.
    """
    seconds = roofline(in_type(result, "int8"), load_device(name)).seconds
    statement = f"{meaning}: at best {1 / seconds:.0f} frames/s on {name}, {published} published"
    return Holds(statement, published < 1 / seconds)


def t101() -> Sequence[Finding]:
    """Torchvision's network, then that of the ncnn file."""
    figures = [used(result, HI3519, 243) for result in (network("mobilenet_v2"), ncnn("mobilenet_v2"))]
    return [
        Figure("8.6", figures[0], meaning="% zoo"),
        Figure("9.0", figures[1], meaning="% ncnn file"),
        at_best("hi3519av100-nnie", network("mobilenet_v2"), 243, "MobileNetV2"),
    ]


def t102() -> Sequence[Finding]:
    """MobileNetV2 in two forms, ResNet-50 with the stride in its 1x1."""
    figures = [used(result, X3, 458) for result in (network("mobilenet_v2"), ncnn("mobilenet_v2"))]
    return [
        Figure("13.7", figures[0], meaning="% MobileNetV2 zoo"),
        Figure("14.4", figures[1], meaning="% MobileNetV2 ncnn file"),
        Figure("21.6", used(ncnn("resnet50"), X3, 56), meaning="% ResNet-50 ncnn file"),
        at_best("horizon-x3", network("mobilenet_v2"), 458, "MobileNetV2"),
        at_best("horizon-x3", ncnn("resnet50"), 56, "ResNet-50"),
    ]


def t103() -> Sequence[Finding]:
    """Both networks in two forms."""
    light = [used(result, CV22, 345) for result in (network("mobilenet_v2"), ncnn("mobilenet_v2"))]
    heavy = [used(result, CV22, 53) for result in (ncnn("resnet50"), network("resnet50"))]
    return [
        Figure("5.2", light[0], meaning="% MobileNetV2 zoo"),
        Figure("5.4", light[1], meaning="% MobileNetV2 ncnn file"),
        Figure("10.2", heavy[0], meaning="% ResNet-50 ncnn file"),
        Figure("10.8", heavy[1], meaning="% ResNet-50 zoo"),
        at_best("ambarella-cv22", network("mobilenet_v2"), 345, "MobileNetV2"),
        at_best("ambarella-cv22", ncnn("resnet50"), 53, "ResNet-50"),
    ]


def t104() -> Sequence[Finding]:
    """The rates are those of T102 and T103."""
    ratio = ncnn("resnet50").totals.macs / ncnn("mobilenet_v2").totals.macs
    rates = {"CV22": 345 / 53, "X3": 458 / 56}
    return [
        Figure("12.3", ratio, meaning="times the MACs"),
        Figure("6.51", rates["CV22"], meaning="times the rate on CV22"),
        Figure("8.18", rates["X3"], meaning="times the rate on X3"),
        Holds("both far from the MACs", max(rates.values()) < ratio),
    ]


CHECKS: Checks = {
    "T101": Check("1 pt", t101, "convolutions in int8 over 1.7 TOPS, which the file does not say"),
    "T102": Check("1.5 pt", t102, "convolutions in int8"),
    "T103": Check("1 pt", t103, "convolutions in int8 over 4 TOPS"),
    "T104": Check("1%", t104, "consistent; the rate of ResNet-50 on the Hi3519AV100 is not in the file"),
}
