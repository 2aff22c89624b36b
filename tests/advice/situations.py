"""Networks, runs and probes for the tests of advice; nothing here runs a network."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from attainable.advice.probe import Prober
from attainable.advice.rule import Probed, Situation, Variant
from attainable.cost.count import count
from attainable.measurement.run import Run
from attainable.timing.conditions import Conditions
from attainable.timing.statistics import Summary
from attainable.workload import Workload, load
from attainable.workload.graph import Op
from attainable.workload.kernel import Group, Kernel
from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value

AVX2 = Conditions(
    cpu="a processor", processors=2, cores=2, cpu_quota=None, load_average=0.0, clock_hertz=None,
    isa=("avx", "fma", "avx2"), memory_bytes=None, memory_limit_bytes=None, system="Linux", python="3.11", virtual=None,
)  # fmt: skip
AVX512 = replace(AVX2, isa=(*AVX2.isa, "avx512f"))

RUN = Run(
    runtime="onnxruntime", version="1", threads=1, dtype="float32", samples=20, median_seconds=0.01, low_seconds=0.01,
    high_seconds=0.01, minimum_seconds=0.01, kernels=(), groups=(), attributed_share=None, kernels_seconds=None,
    profiled_seconds=None, unprofiled_seconds=None, profiler_seconds=None,
    load_seconds=0.1, peak_rss_bytes=0,
    inputs=(), warnings=(),
)  # fmt: skip

Body = Callable[[GraphBuilder, Value], Value]


def network(folder: Path, body: Body, *, channels_in: int = 64, extent: int = 8, name: str = "network") -> Workload:
    """A network of this body behind an input [1, channels in, extent, extent], and a classifier."""
    builder = GraphBuilder(name)
    x = body(builder, builder.input("x", (1, channels_in, extent, extent)))
    x = builder.flatten("flatten", builder.global_average_pool("pool", x))
    path = folder / f"{name}.onnx"
    path.write_bytes(builder.finish(builder.linear("classifier", x, features=10), name="y").SerializeToString())
    return load(path)


def conv_relu(builder: GraphBuilder, name: str, x: Value, channels: int, *, kernel: int = 3) -> Value:
    """A convolution that keeps the extent, and its activation."""
    x = builder.conv(name, x, channels=channels, kernel=kernel, padding=kernel // 2, bias=True)
    return builder.relu(f"{name}.relu", x)


def pairs(channels: int, *, times: int = 2, base: int = 64) -> Body:
    """``times`` two convolutions, base -> channels -> base."""

    def body(builder: GraphBuilder, x: Value) -> Value:
        x = conv_relu(builder, "stem", x, base)
        for index in range(times):
            x = conv_relu(builder, f"wide{index}", x, channels)
            x = conv_relu(builder, f"back{index}", x, base)
        return x

    return body


def situation(workload: Workload, *, conditions: Conditions = AVX2, run: Run = RUN) -> Situation:
    """A network that ran."""
    return Situation(count(workload), run, conditions)


def measured(*rounds: Sequence[float]) -> Probed:
    """What a probe says that measured these seconds: for each round one of each variant, all its runs alike."""
    return Probed(tuple(tuple(Summary(time, time, time, time, 9) for time in times) for times in rounds))


def always(*seconds: float) -> Prober:
    """A probe that measures the same times in six rounds, whatever it is given."""

    def prober(variants: Sequence[Variant], budget_seconds: float) -> Probed:
        del budget_seconds
        assert len(variants) == len(seconds), "the rule asked for another number of variants"
        return measured(*[seconds] * 6)

    return prober


def named(workload: Workload, name: str) -> Op:
    """The op of this name."""
    return next(op for op in workload.ops if op.name == name)


def with_kernels(workload: Workload, kinds: dict[str, tuple[str, float]]) -> Run:
    """A run with one kernel for each named op: its kind and seconds."""
    kernels = tuple(
        Kernel(name, kind, seconds, (named(workload, name).id,), "exact") for name, (kind, seconds) in kinds.items()
    )
    groups = tuple(Group((index,), kernel.ops, kernel.seconds) for index, kernel in enumerate(kernels))
    return replace(RUN, kernels=kernels, groups=groups)
