"""Rows on one change of a convolution: normalisation folded or not, dilation, one channel more or less."""

from pathlib import Path

import onnx

from attainable.cost.count import count
from attainable.runtimes.onnxruntime import REFERENCE
from attainable.transforms import Options, transform
from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value
from benchmarks.local_rows.judging import Finding, Result, shown, within
from benchmarks.local_rows.rounds import Contender, Effort, measure_networks
from benchmarks.local_rows.row import Row, Rows, contenders, equal_macs, written

_CHANNELS, _LARGE_EXTENT, _LAYERS = 64, 56, 4
_ROUND_CHANNELS = 64
SMALL_EXTENT = 28


def normalised(*, seed: int | None = 0) -> onnx.ModelProto:
    """Conv-BN-ReLU, some in a row."""
    builder = GraphBuilder("normalised", seed=seed)
    x = builder.input("input", (1, _CHANNELS, _LARGE_EXTENT, _LARGE_EXTENT))
    for number in range(_LAYERS):
        x = builder.conv(f"conv{number}", x, channels=_CHANNELS, kernel=3, padding=1)
        x = builder.relu(f"relu{number}", builder.batch_norm(f"bn{number}", x))
    return builder.finish(x, name="output")


def dilated(dilation: int, *, seed: int | None = 0) -> onnx.ModelProto:
    """3x3 convolutions in a row whose taps lie ``dilation`` apart, with as much padding."""
    builder = GraphBuilder("dilated", seed=seed)
    x = builder.input("input", (1, _CHANNELS, _LARGE_EXTENT, _LARGE_EXTENT))
    for number in range(_LAYERS):
        x = _dilated_conv(builder, f"conv{number}", x, dilation)
    return builder.finish(x, name="output")


def _dilated_conv(builder: GraphBuilder, name: str, x: Value, dilation: int) -> Value:
    weight = builder.learned(name, (_CHANNELS, _CHANNELS, 3, 3), deviation=(9 * _CHANNELS) ** -0.5)
    attributes = {"kernel_shape": [3, 3], "dilations": [dilation] * 2, "pads": [dilation] * 4}
    return builder.node("Conv", name, inputs=(x, weight), shape=x.shape, attributes=attributes)


def convolutions(
    channels: int, *, groups: int = 1, extent: int = SMALL_EXTENT, seed: int | None = 0
) -> onnx.ModelProto:
    """Four 3x3 convolutions in a row that keep channels and extent."""
    builder = GraphBuilder("convolutions", seed=seed)
    x = builder.input("input", (1, channels, extent, extent))
    for number in range(_LAYERS):
        x = builder.conv(f"conv{number}", x, channels=channels, kernel=3, padding=1, groups=groups, after_relu=False)
    return builder.finish(x, name="output")


def _folding(effort: Effort) -> Result:
    with written({"unfused": normalised()}) as original:
        content = transform("bn-fold").apply(Path(original["unfused"].provenance.path), Options()).content
        if content is None:
            raise ValueError("bn-fold changed nothing")
        with written({"fused": onnx.load_model_from_string(content)}) as changed:
            workloads = original | changed
            as_they_are = {f"{name}, as it is": Contender(each, REFERENCE) for name, each in workloads.items()}
            rounds = measure_networks(as_they_are | contenders(workloads), effort)
    found: list[Finding] = []
    for suffix, where in ((", as it is", "nodes run as they are"), ("", "optimised by the runtime, which folds too")):
        ratios = rounds.ratios(f"fused{suffix}", f"unfused{suffix}")
        verdict = within(ratios, most=1.02, noise=rounds.noise, others=rounds.others)
        found.append(Finding(f"{where}: {shown(ratios, '.3f')}", verdict))
    return Result(tuple(found), rounds.count, rounds.others, "folded by bn-fold")


def _dilation(effort: Effort) -> Result:
    with written({"plain": dilated(1), "dilated": dilated(2)}) as workloads:
        equal = equal_macs(workloads.values())
        rounds = measure_networks(contenders(workloads), effort)
    ratios = rounds.ratios("dilated", "plain")
    verdict = within(ratios, least=0.98, noise=rounds.noise, others=rounds.others)
    return Result((Finding(shown(ratios, ".3f"), verdict),), rounds.count, rounds.others, equal)


def _channels(effort: Effort) -> Result:
    names = (_ROUND_CHANNELS, _ROUND_CHANNELS - 1, _ROUND_CHANNELS + 1)
    with written({str(channels): convolutions(channels) for channels in names}) as workloads:
        rounds = measure_networks(contenders(workloads), effort)
        operations = {name: count(workload).totals.operations for name, workload in workloads.items()}
    base, fewer, more = workloads
    work = operations[more] / operations[base]
    ratios = rounds.ratios(more, base)
    verdict = within(ratios, least=work, noise=rounds.noise, others=rounds.others)
    below = f"{fewer} channels {shown(rounds.ratios(fewer, base), '.3f')}, {operations[fewer] / operations[base]:.3f}"
    return Result(
        (
            Finding(f"{more} channels {shown(ratios, '.3f')} of the time, {work:.3f} of the operations", verdict),
            Finding(f"{below} of the operations", "printed"),
        ),
        rounds.count, rounds.others, f"3x3 convolutions at {SMALL_EXTENT} x {SMALL_EXTENT}, against {base} channels",
    )  # fmt: skip


def _depthwise(effort: Effort) -> Result:
    # OP1 and OP4 of the claims T043 and T046.
    models = {"dense": convolutions(_CHANNELS, extent=_LARGE_EXTENT), "depthwise": convolutions(128, groups=128)}
    with written(models) as workloads:
        rounds = measure_networks(contenders(workloads), effort)
        operations = {name: count(workload).totals.operations for name, workload in workloads.items()}
    factor = operations["depthwise"] / operations["dense"]
    ratios = [factor * ratio for ratio in rounds.ratios("dense", "depthwise")]
    rates = ", ".join(f"{name} {operations[name] / rounds.median(name) / 1e9:.1f} Gop/s" for name in models)
    verdict = within(ratios, most=1 / 3, noise=rounds.noise, others=rounds.others)
    return Result(
        (Finding(f"{rates}, ratio {shown(ratios, '.3f')}", verdict),), rounds.count, rounds.others,
        f"dense: {_CHANNELS} channels at {_LARGE_EXTENT} squared, depthwise: 128 at {SMALL_EXTENT} squared",
    )  # fmt: skip


ROWS: Rows = {
    "T147": Row("Rate of a depthwise 3x3 convolution against a dense one", "<= 1/3", _depthwise),
    "T149": Row("Conv-BN-ReLU folded against not folded", "ratio <= 1.02", _folding),
    "T150": Row("Dilated against plain 3x3 convolution at equal MACs", "ratio >= 0.98", _dilation),
    "T151": Row("65 channels against 64", "time ratio > ratio of operations", _channels),
}
