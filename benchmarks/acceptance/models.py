"""Totals of well-known networks: from the zoo, and from the ncnn files."""

from collections.abc import Sequence

from attainable.cost.count import Count
from attainable.cost.training import training_memory
from benchmarks.acceptance.claim import Check, Checks, Figure, Finding
from benchmarks.acceptance.counting import (
    bytes_moved,
    bytes_with_activations_absorbed,
    contractions,
    convolutions,
    in_type,
    is_depthwise,
    ncnn,
    network,
)


def _totals(result: Count, macs: str, parameters: str) -> list[Finding]:
    return [
        Figure(macs, result.totals.macs, "exact", "MACs"),
        Figure(parameters, result.totals.parameters, "exact", "parameters"),
    ]


def t079() -> Sequence[Finding]:
    """The file, and the zoo's network."""
    return [*_totals(ncnn("vgg16"), "15470264320", "138357544"), *_totals(network("vgg16"), "15470264320", "138357544")]


def t081() -> Sequence[Finding]:
    """Biases are weights."""
    entries = contractions(ncnn("vgg16"))
    moved = bytes_moved(entries)
    return [
        Figure("644.12", moved / 1e6, meaning="MB"),
        Figure("48.04", sum(entry.work.total_operations for entry in entries) / moved, meaning="op/B"),
    ]


def t082() -> Sequence[Finding]:
    """The file has its normalisations folded, the zoo's network has them."""
    folded = ncnn("mobilenet")
    return [
        *_totals(network("mobilenet_v1"), "568740352", "4231976"),
        Figure("568740352", folded.totals.macs, "exact", "MACs in the file"),
        Figure("4.2210", folded.totals.parameters / 1e6, "printed", "M folded"),
    ]


def _weights_and_outputs(result: Count) -> int:
    return sum(entry.work.bytes_weight + entry.work.bytes_written for entry in contractions(result))


def t083() -> Sequence[Finding]:
    """Elements of 4 bytes, then of 8."""
    result = ncnn("mobilenet")
    single, double = (_weights_and_outputs(in_type(result, dtype)) for dtype in ("float32", "float64"))
    macs = result.totals.macs
    return [
        Figure("37.06", single / 1e6, meaning="MB"),
        Figure("15.35", macs / single, meaning="MAC/B"),
        Figure("74.1", double / 1e6, meaning="MB at 8 bytes"),
        Figure("7.67", macs / double, meaning="MAC/B"),
        Figure("74", single / 1e6, meaning="MB as published", mismatch=True),
        Figure("7", macs / single, meaning="MAC/B as published", mismatch=True),
    ]


def t085() -> Sequence[Finding]:
    """Shares by kind of layer."""
    result = network("mobilenet_v1")
    first, *others = convolutions(result)
    by_kind = {
        "94.857": ("1x1", [entry for entry in others if not is_depthwise(entry)]),
        "3.057": ("depthwise", [entry for entry in others if is_depthwise(entry)]),
        "0.180": ("fc", [entry for entry in contractions(result) if entry.op.kind == "Gemm"]),
        "1.906": ("first 3x3", [first]),
    }
    return [
        Figure(claimed, 100 * sum(entry.work.macs for entry in entries) / result.totals.macs, meaning=f"% {kind}")
        for claimed, (kind, entries) in by_kind.items()
    ]


def t086() -> Sequence[Finding]:
    """The zoo's."""
    return _totals(network("resnet50"), "4089184256", "25557032")


def t087() -> Sequence[Finding]:
    """The file."""
    return [Figure("3857973248", ncnn("resnet50").totals.macs)]


def t089() -> Sequence[Finding]:
    """The zoo's."""
    return _totals(network("resnet18"), "1814073344", "11689512")


def t090() -> Sequence[Finding]:
    """The zoo's."""
    return _totals(network("mobilenet_v2"), "300774272", "3504872")


def t091() -> Sequence[Finding]:
    """Our four widths, beside the paper's."""
    widths = {"x0_5": ("40.48", "41"), "x1_0": ("144.91", "146"), "x1_5": ("295.76", "299"), "x2_0": ("583.25", "591")}
    figures: list[Finding] = []
    for width, (claimed, published) in widths.items():
        macs = network(f"shufflenet_v2_{width}").totals.macs / 1e6
        figures += [Figure(claimed, macs, "printed", width), Figure(published, macs, meaning="as published")]
    return figures


def t093() -> Sequence[Finding]:
    """The zoo's."""
    return [
        *_totals(network("alexnet"), "714188480", "61100840"),
        *_totals(network("squeezenet1_1"), "349151936", "1235496"),
    ]


def t094() -> Sequence[Finding]:
    """GMACs and bytes of four files."""
    claimed = {
        "mobilenet_v2": ("0.314", "73.8"),
        "mnasnet": ("0.314", "65.2"),
        "proxylessnasnet": ("0.337", "65.6"),
        "shufflenet": ("0.127", "69.5"),
    }
    figures: list[Finding] = []
    for name, (macs, moved) in claimed.items():
        figures.append(Figure(macs, ncnn(name).totals.macs / 1e9, meaning=f"GMACs {name}"))
        figures.append(Figure(moved, bytes_with_activations_absorbed(ncnn(name)) / 1e6, meaning="MB"))
    return figures


def t095() -> Sequence[Finding]:
    """The passes of a normalisation and of an activation each read and write what a convolution made."""
    figures: list[Finding] = []
    for name, claimed in {"resnet50": ("176.7", "346.1", "49"), "mobilenet": ("53.5", "134.2", "60")}.items():
        entries = convolutions(ncnn(name))
        fused = bytes_moved(entries)
        unfused = fused + 4 * sum(entry.work.bytes_written for entry in entries)
        computed = (fused / 1e6, unfused / 1e6, 100 * (1 - fused / unfused))
        meanings = (f"MB {name}", "MB unfused", "% saved")
        rows = zip(claimed, computed, (None, None, "1 pt"), meanings, strict=True)
        figures += [Figure(*row) for row in rows]
    return figures


def t097() -> Sequence[Finding]:
    """Three figures of one network."""
    result = ncnn("vgg16")
    return [
        Figure("25.7", result.totals.memory.peak_bytes / 1e6, meaning="MB peak live"),
        Figure("553.4", result.totals.parameter_bytes / 1e6, meaning="MB weights"),
        Figure("674.7", bytes_with_activations_absorbed(result) / 1e6, meaning="MB access"),
    ]


def t098() -> Sequence[Finding]:
    """Both forms of the zoo."""
    return [
        Figure("8309384", network("repvgg_a0_deploy").totals.parameters, meaning="deployed"),
        Figure("9108968", network("repvgg_a0").totals.parameters, meaning="in training"),
    ]


def t099() -> Sequence[Finding]:
    """What the optimisers keep."""
    memory = {name: training_memory(network("resnet50"), optimiser=name) for name in ("sgd", "momentum", "adam")}
    kept = {name: each.weight_bytes + each.gradient_bytes + each.optimiser_bytes for name, each in memory.items()}
    return [
        Figure("102.2", memory["sgd"].weight_bytes / 1e6, meaning="MB weights"),
        Figure("204.5", kept["sgd"] / 1e6, meaning="and gradients"),
        Figure("306.7", kept["momentum"] / 1e6, meaning="with momentum"),
        Figure("408.9", kept["adam"] / 1e6, meaning="with Adam"),
    ]


CHECKS: Checks = {
    "T079": Check("exact", t079, "ncnn file and zoo vgg16"),
    "T081": Check("0.5%", t081, "convolutions and products, w+in+out"),
    "T082": Check("exact", t082, "zoo mobilenet_v1: 2 a normalised channel; ncnn file: folded"),
    "T083": Check("1%", t083, "ncnn file; convolutions and products, w+out; 8 bytes an element as float64"),
    "T085": Check("0.05 pt", t085, "zoo mobilenet_v1"),
    "T086": Check("exact", t086, "zoo resnet50"),
    "T087": Check("exact", t087, "ncnn file"),
    "T089": Check("exact", t089, "zoo resnet18"),
    "T090": Check("exact", t090, "zoo mobilenet_v2"),
    "T091": Check("1.5%", t091, "zoo, MMACs"),
    "T093": Check("exact", t093, "zoo alexnet and squeezenet1_1"),
    "T094": Check("1%", t094, "a Relu inside the contraction that it follows, all else for itself"),
    "T095": Check("1%", t095, "convolutions, w+in+out; 4 passes over each output"),
    "T097": Check("1%", t097, "access: a Relu inside the contraction that it follows"),
    "T098": Check("exact", t098, "zoo repvgg_a0_deploy and repvgg_a0"),
    "T099": Check("0.1%", t099, "zoo resnet50"),
}
