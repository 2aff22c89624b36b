"""Rules about quantised networks."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from attainable.advice.messages import say, say_count
from attainable.advice.model import write_ops
from attainable.advice.quantized import CONVERSIONS, QuantizedConvolution, find_quantized_convolutions
from attainable.advice.regions import structure
from attainable.advice.rule import Candidate, Conclusion, Probed, Rule, Situation, Variant
from attainable.analysis.labels import op_label
from attainable.quantities import format_seconds
from attainable.workload.graph import Op

_CONTEXT = 0.1
"""A convolution alone is not the network: what it saves differs by up to this share, mostly by changes of layout."""


def pairs_left_unfused(situation: Situation) -> Sequence[Candidate | Conclusion]:
    """Q/DQ pairs left unfused.

    What it sees:
        A convolution stands between DequantizeLinear and QuantizeLinear, so that it is meant to run on integers, but
        among the kernels that really ran it is a floating-point one, with the conversions left around it.

    Why it costs time:
        onnxruntime replaces dequantise, convolve, quantise by one integer kernel only where it has such a kernel: on
        x86 for activations of one scale, weights of one scale per output channel at most, and nothing in between that
        the kernel cannot do. A ReLU disappears only where the zero point behind it is the least code (uint8 with zero
        point 0), because quantising then cuts off what is negative anyway. Everything else runs in floating point, and
        each tensor is converted there and back, which is often slower than before the network was quantised.

    What to do:
        Quantise again with uint8 activations per tensor and int8 weights per channel, in the QDQ format, and the range
        behind a ReLU starting at zero. Symmetric int8 activations are what GPUs and ARM want, not x86. Each such
        convolution is measured here both ways.

    Source:
        onnxruntime, core/optimizer/qdq_transformer: selectors_actions/qdq_selectors.cc (ConvNodeGroupSelector) and
        relu_quantizelinear.cc; issues 12487 and 1543. Measured with onnxruntime 1.31.1 on AMD Zen 3, Conv 3x3 64->64
        with ReLU on 28x28: int8 activations 0.81 ms, uint8 with zero point 0 0.34 ms.
    """
    reason = _unknown(situation)
    if reason:
        return [Conclusion(None, reason)]
    patterns = list(find_quantized_convolutions(situation.count.workload))
    integer, floating = _kernel_kinds(situation)
    unfused = [each for each in patterns if each.convolution.id in floating - integer]
    if not unfused:
        key = "quantized.fused" if patterns else "quantized.elsewhere"
        return [Conclusion(None, say_count(key, len(patterns), _conversions(situation)))]
    alike: defaultdict[tuple[object, ...], list[QuantizedConvolution]] = defaultdict(list)
    for pattern in unfused:
        alike[structure(pattern.as_found())].append(pattern)
    return [_candidate(situation, patterns) for patterns in alike.values()]


def _unknown(situation: Situation) -> str:
    """Why nothing can be said; empty where something can."""
    if not any(op.type in CONVERSIONS for op in situation.count.workload.ops):
        return say("quantized.none")
    if situation.run.runtime != "onnxruntime" or "avx2" not in situation.conditions.isa:
        return say("quantized.not_here", {"runtime": situation.run.runtime})
    return "" if situation.run.kernels else say("quantized.no_profile")


def _kernel_kinds(situation: Situation) -> tuple[set[str], set[str]]:
    """Ids of the ops that integer kernels compute, and of those that a floating-point convolution computes."""
    integer: set[str] = set()
    floating: set[str] = set()
    for kernel in situation.run.kernels:
        _, _, kind = kernel.kind.rpartition(":")
        if kind.startswith("QLinear"):
            integer.update(kernel.ops)
        elif kind.endswith("Conv"):
            floating.update(kernel.ops)
    return integer, floating


def _conversions(situation: Situation) -> dict[str, str]:
    run = situation.run
    seconds = sum(kernel.seconds for kernel in run.kernels if kernel.kind in CONVERSIONS)
    return {"conversions": format_seconds(seconds), "total": format_seconds(run.median_seconds)}


def _candidate(situation: Situation, patterns: Sequence[QuantizedConvolution]) -> Candidate:
    pattern, occurrences = patterns[0], len(patterns)
    ops = tuple(dict.fromkeys(id for each in patterns for id in each.ids))

    def conclude(probed: Probed) -> Conclusion:
        found, taken = (format_seconds(occurrences * probed.seconds(variant)) for variant in (0, 1))
        form = say("quantized.form")
        values = {
            "example": op_label(pattern.convolution), "found": pattern.form, "form": form,
            "as_found": found, "as_taken": taken, **_conversions(situation),
        }  # fmt: skip
        observation = say_count("quantized.seen", occurrences, values)
        saving = probed.saving(1, occurrences=occurrences)
        margin = _CONTEXT * abs(saving.median)
        saving = replace(saving, low=saving.low - margin, high=saving.high + margin)
        if saving.low <= 0:
            return Conclusion(None, observation)
        return Conclusion(
            saving, observation, say_count("quantized.headline", occurrences), say("quantized.action", values)
        )  # fmt: skip

    def variant(written: Sequence[Op]) -> Variant:
        return Variant(situation.run.threads, lambda folder: write_ops(written, folder / "probe.onnx"))

    return Candidate(
        ops=ops,
        at_stake_seconds=situation.seconds_of(ops),
        variants=(variant(pattern.as_found()), variant(pattern.as_taken())),
        conclude=conclude,
    )


RULES: dict[str, Rule] = {
    "QNT004": Rule("QNT004", "Q/DQ pairs left unfused", "quantization", pairs_left_unfused),
}
"""Rules about quantisation, by code."""
