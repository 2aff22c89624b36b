"""The catalogue of servers, desktops, laptops and cloud instances: every number has a document, and the sums hold."""

import re
from collections.abc import Iterator

import pytest

from attainable import devices
from attainable.devices import Device, Engine, Sourced
from attainable.devices.profile import format_profile, parse_profile

NVIDIA = (
    "gtx-1080-ti", "v100-sxm2-16gb", "v100-pcie", "t4", "rtx-a4000", "rtx-3090", "rtx-4090", "rtx-5090",
    "a100-sxm4-40gb", "a100-sxm4-80gb", "l4", "l40s", "h100-sxm5", "h200-sxm", "b200",
)  # fmt: skip
OTHER_GPUS = ("mi300x", "radeon-rx-7900-xtx", "arc-a770", "apple-m1-gpu")
NPUS = ("tpu-v5e", "gaudi-3", "apple-m1-ane")
X86 = (
    "i9-10980xe", "i9-10940x", "i7-12700h", "core-i9-13900k", "core-ultra-7-155h", "xeon-gold-6148",
    "xeon-platinum-8280", "xeon-platinum-8480plus", "xeon-6980p", "ryzen-7-5800x", "ryzen-9-7950x",
    "ryzen-ai-9-hx-370", "epyc-7763", "epyc-9654",
)  # fmt: skip
APPLE = ("apple-m1", "apple-m2", "apple-m4")
X86_CLOUD = (
    "aws-c5-xlarge", "aws-c6i-xlarge", "aws-c7i-xlarge", "gcp-n2-standard-4", "gcp-c3-standard-4", "azure-d4-v5",
)  # fmt: skip
GRAVITON = ("aws-c7g-xlarge", "aws-c8g-xlarge")
CPUS = (*X86, *APPLE, *X86_CLOUD, *GRAVITON)
CATEGORIES = {
    **dict.fromkeys((*NVIDIA, *OTHER_GPUS), "gpu"),
    **dict.fromkeys(NPUS, "npu"),
    **dict.fromkeys(CPUS, "cpu"),
}
NAMES = tuple(CATEGORIES)

DOCUMENT = re.compile(
    r"data sheet|white paper|technical brief|product page|product brief|instances page|instance type specifications|"
    r"documentation|newsroom|introduction|launch table|specification slide|Specification Update|Programming Guide|"
    r"Reference Manual|Optimization Guide|Technical Guide|developer blog|GPUOpen|How to Scale Your Model|arXiv|"
    r"Intel ARK|WikiChip|TechPowerUp|AnandTech|uops\.info|Chips and Cheese|Eclectic Light|Apple Microarchitecture|"
    r"philipturner/metal-benchmarks|tzakharko/m4-sme-exploration|article A2"
)
WITHOUT_DOCUMENT = "no public figure found"
"""What the source of an assumption says that follows from nothing public."""


def numbers(device: Device) -> Iterator[Sourced]:
    yield from (roof.operations_per_second for roof in device.roofs)
    for memory in device.memories:
        yield from (bandwidth.bytes_per_second for bandwidth in memory.bandwidths)
        yield from (number for number in (memory.capacity_bytes, memory.latency_seconds) if number is not None)
    yield from (alignment.multiple for alignment in device.alignments)
    overheads = (device.launch_seconds, device.run_seconds, device.power_watts)
    yield from (number for number in overheads if number is not None)


def peak(name: str, engine: Engine, dtype: str, threads: int | None = None) -> float:
    roof = devices.load_device(name).roof(engine, dtype, threads, basis="specified")
    assert roof is not None
    assert roof.engine == engine
    return roof.operations_per_second.value


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_parses_says_what_it_is_and_survives_writing(name: str):
    device = devices.load_device(name)
    assert device.name == name
    assert device.vendor
    assert device.category == CATEGORIES[name]
    assert device.toolchains
    assert device.interfaces
    assert device.memories
    assert device.bytes_per_second(basis="specified") is not None
    assert parse_profile(format_profile(device), name) == device


@pytest.mark.parametrize("name", NAMES)
def test_every_number_names_a_document_and_says_when_it_is_assumed(name: str):
    for number in numbers(devices.load_device(name)):
        assert DOCUMENT.search(number.source) or WITHOUT_DOCUMENT in number.source, number
        assert "TODO" not in number.source
        if number.kind != "measured":
            assert ("assumed" in number.source) == (number.kind == "assumed"), number


@pytest.mark.parametrize("name", CPUS)
def test_cores_add_up(name: str):
    device = devices.load_device(name)
    assert device.cores is not None
    for roof in device.roofs:
        if roof.operations_per_second.kind == "measured":
            continue  # a matrix unit that cores share does not grow with them
        assert roof.threads is not None
        assert roof.threads <= device.cores
        alone = peak(name, roof.engine, roof.dtype, 1)
        assert alone <= roof.operations_per_second.value * (1 + 1e-12) <= roof.threads * alone * (1 + 1e-9)


@pytest.mark.parametrize(
    ("name", "engine", "dtype", "derived"),
    [
        # units x operations a cycle and unit x clock
        ("gtx-1080-ti", "vector", "float32", 28 * 128 * 2 * 1.582e9),  # 28 SMs of 128 lanes, multiply and add
        ("v100-sxm2-16gb", "vector", "float32", 80 * 64 * 2 * 1.53e9),  # 80 SMs of 64 lanes
        ("v100-sxm2-16gb", "vector", "float64", 80 * 32 * 2 * 1.53e9),  # half as many lanes of 64 bit
        ("v100-sxm2-16gb", "matrix", "float16", 80 * 8 * 4**3 * 2 * 1.53e9),  # 8 tensor cores, a 4x4x4 product a cycle
        ("t4", "matrix", "float16", 40 * 8 * 4**3 * 2 * 1.59e9),  # the same core as in the V100
        ("rtx-a4000", "matrix", "float16", 48 * 4 * 128 * 2 * 1.56e9),  # 4 tensor cores, 128 multiply-adds a cycle
        ("rtx-3090", "vector", "float32", 82 * 128 * 2 * 1.695e9),
        ("rtx-3090", "matrix", "float16", 82 * 4 * 128 * 2 * 1.695e9),
        ("rtx-4090", "matrix", "int8", 128 * 4 * 256 * 2 * 2.52e9),  # twice the multiply-adds of float16
        ("rtx-5090", "matrix", "float16", 170 * 4 * 128 * 2 * 2.407e9),
        ("a100-sxm4-80gb", "matrix", "float16", 108 * 4 * 256 * 2 * 1.41e9),  # 4 tensor cores, 8x4x8 a cycle
        ("l40s", "vector", "float32", 142 * 128 * 2 * 2.52e9),
        ("h100-sxm5", "vector", "float32", 132 * 128 * 2 * 1.98e9),
        ("h100-sxm5", "matrix", "float16", 132 * 4 * 512 * 2 * 1.83e9),  # twice the A100's core, at a lower clock
        ("mi300x", "vector", "float32", 304 * 4 * 16 * 4 * 2.1e9),  # 304 CUs, 4 SIMDs of 16 lanes, 2 packed FMAs
        ("tpu-v5e", "matrix", "bfloat16", 4 * 128 * 128 * 2 * 1.5e9),  # 4 arrays of 128 x 128 at 1.5 GHz
        ("xeon-gold-6148", "vector", "float32", 20 * 2 * 16 * 2 * 2.2e9),  # 2 units of 16 lanes
        ("xeon-platinum-8280", "vector", "int8", 28 * 2 * 64 * 2 * 2.4e9),  # 2 units of 64 lanes
        ("xeon-platinum-8480plus", "matrix", "int8", 56 * 16 * 16 * 64 / 16 * 2 * 3.0e9),  # 16x16x64 in 16 cycles
        ("epyc-9654", "vector", "float32", 96 * 2 * 8 * 2 * 3.55e9),  # 2 pipes of 8 lanes
        ("i7-12700h", "vector", "float32", (6 * 2 * 8 * 4.7e9 + 8 * 2 * 4 * 3.5e9) * 2),  # 256 and 128 bit pipes
        ("aws-c7g-xlarge", "vector", "float32", 4 * 4 * 4 * 2 * 2.6e9),  # 4 cores, 4 pipes of 4 lanes
    ],
)
def test_peaks_are_units_times_width_times_clock(name: str, engine: Engine, dtype: str, derived: float):
    """Within 1 %: makers round, and state a clock to two digits."""
    assert peak(name, engine, dtype) == pytest.approx(derived, rel=0.01)


@pytest.mark.parametrize(
    ("name", "bits", "rate"),
    [
        # bits of the bus, transfers per second on each of them
        ("gtx-1080-ti", 352, 11e9),
        ("v100-sxm2-16gb", 4096, 1.755e9),
        ("t4", 256, 10e9),
        ("rtx-a4000", 256, 14e9),
        ("rtx-3090", 384, 19.5e9),
        ("rtx-4090", 384, 21e9),
        ("rtx-5090", 512, 28e9),
        ("a100-sxm4-40gb", 5120, 2 * 1.215e9),
        ("a100-sxm4-80gb", 5120, 2 * 1.593e9),
        ("mi300x", 8192, 5.2e9),
        ("radeon-rx-7900-xtx", 384, 20e9),
        ("arc-a770", 256, 17.5e9),
        ("core-i9-13900k", 2 * 64, 5600e6),
        ("epyc-9654", 12 * 64, 4800e6),
    ],
)
def test_bandwidth_is_bus_width_times_rate(name: str, bits: int, rate: float):
    """Within 0.3 %: makers round."""
    found = devices.load_device(name).bytes_per_second(basis="specified")
    assert found is not None
    assert found.value == pytest.approx(bits / 8 * rate, rel=0.003)


@pytest.mark.parametrize(
    ("name", "engine", "dtype", "ridge"),
    [
        ("v100-sxm2-16gb", "vector", "float32", 17.44),  # 15.7 TFLOP/s over 900 GB/s
        ("v100-sxm2-16gb", "matrix", "float16", 138.9),  # 125 TFLOP/s over 900 GB/s
        ("rtx-a4000", "vector", "float32", 42.86),  # 19.2 TFLOP/s over 448 GB/s
        ("rtx-a4000", "matrix", "float16", 171.2),  # 76.7: half of 153.4, which the data sheet states with sparsity
        ("rtx-a4000", "matrix", "int8", 342.4),  # 153.4 TOPS over 448 GB/s, dense
    ],
)
def test_ridge_points(name: str, engine: Engine, dtype: str, ridge: float):
    assert devices.load_device(name).ridge_point(engine, dtype, basis="specified") == pytest.approx(ridge, rel=5e-4)


@pytest.mark.parametrize(
    "name", [name for name in NVIDIA if name not in ("gtx-1080-ti", "v100-sxm2-16gb", "v100-pcie")]
)
def test_int8_is_twice_float16_on_dense_tensor_cores(name: str):
    """A rate with sparsity left in by mistake would make it 1, or 4."""
    assert peak(name, "matrix", "int8") == pytest.approx(2 * peak(name, "matrix", "float16"), rel=0.005)


@pytest.mark.parametrize("name", X86_CLOUD)
def test_four_virtual_processors_of_x86_are_two_cores_of_an_assumed_clock(name: str):
    device = devices.load_device(name)
    assert device.cores == 2
    assert {roof.operations_per_second.kind for roof in device.roofs} == {"assumed"}
    bandwidth = device.bytes_per_second()
    assert bandwidth is not None
    assert bandwidth.high is not None, "a guest may draw more than its part, up to the whole socket"
    assert bandwidth.value < bandwidth.high
