"""The words of an accounting, and what each changes, derived by hand on one convolution."""

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attainable.cost.count import Count, count
from attainable.devices.device import Device
from attainable.devices.figures import Bandwidth, Memory, Roof, Sourced
from attainable.devices.traits import Alignment, Efficiency
from attainable.errors import InvalidQuantity, UnknownName
from attainable.prediction.accounting import CONTRACTIONS, FUSED, WORDS, Accounting, accounting
from attainable.prediction.roofline import roofline
from attainable.workload.graph import Op, Tensor
from attainable.workload.line import described


def number(value: float, kind: str = "assumed") -> Sourced:
    return Sourced(value, "test", "measured" if kind == "measured" else "assumed")


def memory(name: str, speed: float, capacity: float | None = None, *, on_chip: bool = False) -> Memory:
    held = None if capacity is None else number(capacity)
    return Memory(name, held, (Bandwidth(None, number(speed)),), on_chip=on_chip)


DEVICE = Device(
    "toy", "Toy", None, (Roof("vector", "float32", None, number(1e9)),), (memory("DRAM", 1e6),)
)  # fmt: skip

CORRECTED = Accounting(efficiency=True, alignment=True, launch=True)

CONV = count(described("conv 3x3 12->20 @8"))
IN, WEIGHT, OUT = 12 * 64 * 4, 20 * 12 * 9 * 4, 20 * 64 * 4
OPERATIONS = 2 * 20 * 64 * 12 * 9


def seconds(device: Device, terms: Accounting, counted: Count = CONV) -> float:
    return roofline(counted, device, accounting=terms).seconds


def test_every_accounting_is_named_and_its_name_is_read_back() -> None:
    assert FUSED.name == "fused"
    assert CONTRACTIONS.name == "contractions"
    assert CORRECTED.name == "fused, efficiency, alignment, launch"
    for first in WORDS:
        for second in WORDS:
            try:
                found = accounting(f"{first}, {second}")
            except InvalidQuantity:
                assert WORDS[first][0] == WORDS[second][0]
                continue
            assert accounting(found.name) == found


def test_unknown_and_contradicting_words_are_refused() -> None:
    with pytest.raises(UnknownName, match="magic"):
        accounting("fused,magic")
    with pytest.raises(InvalidQuantity, match="says both fused and unfused"):
        accounting("fused,unfused")


def test_traffic_may_leave_out_what_is_read() -> None:
    assert seconds(DEVICE, FUSED) == pytest.approx((IN + WEIGHT + OUT) / 1e6)
    assert seconds(DEVICE, accounting("w+out")) == pytest.approx((WEIGHT + OUT) / 1e6)


def test_what_fits_a_cache_moves_at_its_speed() -> None:
    fits = replace(DEVICE, memories=(*DEVICE.memories, memory("L2", 4e6, IN + WEIGHT + OUT)))
    small = replace(DEVICE, memories=(*DEVICE.memories, memory("L2", 4e6, IN + WEIGHT + OUT - 1)))
    assert seconds(fits, FUSED) == seconds(DEVICE, FUSED)
    assert seconds(fits, accounting("caches")) == pytest.approx((IN + WEIGHT + OUT) / 4e6)
    assert seconds(small, accounting("caches")) == seconds(DEVICE, FUSED)


def test_activations_stay_on_the_chip_while_weights_come_from_outside() -> None:
    chip = replace(DEVICE, memories=(*DEVICE.memories, memory("SRAM", 1e6, IN + OUT, on_chip=True)))
    # both move at once: 8.2 kB on the chip, 8.6 kB of weights from outside
    assert seconds(chip, accounting("caches")) == pytest.approx(max(IN + OUT, WEIGHT) / 1e6)


def test_measured_figures_count_before_specified_ones_unless_told() -> None:
    both = replace(
        DEVICE,
        roofs=(*DEVICE.roofs, Roof("vector", "float32", None, number(5e8, "measured"))),
        memories=(memory("DRAM", 1e12),),
    )
    assert seconds(both, FUSED) == pytest.approx(OPERATIONS / 5e8)
    assert seconds(both, accounting("specified")) == pytest.approx(OPERATIONS / 1e9)


def test_shares_of_the_roof_channels_and_launches_count_when_asked() -> None:
    device = replace(
        DEVICE,
        memories=(memory("DRAM", 1e12),),
        efficiencies=(Efficiency("conv", "compute", number(0.5)),),
        alignments=(Alignment("input_channels", None, number(8)), Alignment("output_channels", "float32", number(16))),
        launch_seconds=number(1e-3),
        run_seconds=number(1e-2),
    )
    assert seconds(device, FUSED) == pytest.approx(OPERATIONS / 1e9)
    padded = (ceil(12 / 8) * 8 / 12) * (ceil(20 / 16) * 16 / 20)
    assert seconds(device, accounting("efficiency")) == pytest.approx(OPERATIONS / 1e9 / 0.5)
    assert seconds(device, accounting("alignment")) == pytest.approx(padded * OPERATIONS / 1e9)
    assert seconds(device, accounting("launch")) == pytest.approx(OPERATIONS / 1e9 + 1e-3 + 1e-2)
    assert seconds(device, CORRECTED) == pytest.approx(padded * OPERATIONS / 1e9 / 0.5 + 1e-3 + 1e-2)


def test_a_depthwise_convolution_is_rounded_by_its_channels_alone() -> None:
    device = replace(
        DEVICE,
        memories=(),
        alignments=tuple(Alignment(axis, None, number(16)) for axis in ("input_channels", "output_channels")),
    )
    depthwise = count(described("depthwise 3x3 24 @8"))
    own = seconds(device, FUSED, depthwise)
    assert seconds(device, accounting("alignment"), depthwise) == pytest.approx(32 / 24 * own)


def test_unsigned_channels_are_rounded_as_signed_ones() -> None:
    device = replace(
        DEVICE,
        roofs=(Roof("matrix", "int8", None, number(1e9)),),
        memories=(),
        alignments=(Alignment("output_channels", "int8", number(32)),),
    )
    for dtype in ("int8", "uint8"):
        counted = count(described(f"conv 3x3 12->20 @8 {dtype}"))
        assert seconds(device, accounting("alignment"), counted) == pytest.approx(32 / 20 * OPERATIONS / 1e9)


def test_channels_that_stand_last_are_the_ones_that_are_rounded() -> None:
    def tensor(name: str, *shape: int, is_constant: bool = False) -> Tensor:
        return Tensor(name, shape, "float32", is_constant)

    inputs = (tensor("x", 1, 8, 8, 12), tensor("w", 20, 3, 3, 12, is_constant=True))
    (output,) = (tensor("y", 1, 8, 8, 20),)
    attributes = (("kernel_shape", (3, 3)), ("pads", (1, 1, 1, 1)))
    op = Op("0", "", "NhwcFusedConv", "com.microsoft", 1, inputs, (output,), attributes)
    workload = replace(
        described("conv 3x3 12->20 @8"), ops=(op,), inputs=inputs[:1], outputs=(output,), constants=inputs[1:]
    )
    device = replace(DEVICE, memories=(), alignments=(Alignment("output_channels", None, number(32)),))
    nhwc = count(workload)
    assert nhwc.totals.macs == OPERATIONS // 2
    assert seconds(device, accounting("alignment"), nhwc) == pytest.approx(32 / 20 * OPERATIONS / 1e9)


terms = st.builds(
    Accounting,
    scope=st.sampled_from(["all", "contractions"]),
    kernels=st.sampled_from(["fused", "unfused"]),
    traffic=st.sampled_from(["in+w+out", "w+out"]),
    memory=st.sampled_from(["main", "caches"]),
    efficiency=st.booleans(),
    alignment=st.booleans(),
    launch=st.booleans(),
)
lines = st.sampled_from(
    ["conv 3x3 12->20 @8", "depthwise 3x3 24 @8", "linear 64->30 b3", "matmul 8x16x24", "add 16 @20", "softmax 4x64"]
)


@given(
    line=lines, terms=terms, peak=st.floats(1e6, 1e12), speed=st.floats(1e6, 1e12), slower=st.floats(0.05, 1.0),
    cache=st.floats(1.0, 100.0), share=st.floats(0.01, 2.0),
)  # fmt: skip
def test_time_never_falls_when_a_roof_falls_under_any_accounting(
    line: str, terms: Accounting, peak: float, speed: float, slower: float, cache: float, share: float
) -> None:
    counted = count(described(line))

    def made(peak: float, speed: float, cached: float, share: float) -> Device:
        return replace(
            DEVICE,
            roofs=(Roof("vector", "float32", None, number(peak)),),
            memories=(memory("DRAM", speed), memory("L2", cached, 5000.0)),
            efficiencies=(
                Efficiency("conv", "compute", number(share)),
                Efficiency("elementwise", "memory", number(share)),
            ),
            launch_seconds=number(1e-6),
        )

    fast = seconds(made(peak, speed, speed * cache, share), terms, counted)
    for slow in (
        made(peak * slower, speed, speed * cache, share),
        made(peak, speed * slower, speed * cache, share),
        made(peak, speed, speed * max(1.0, cache * slower), share),
        made(peak, speed, speed * cache, share * slower),
    ):
        assert seconds(slow, terms, counted) >= fast * (1 - 1e-12)
