"""The catalogue of accelerators, phones and boards: every number has a document, and the sums behind it hold."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from attainable import devices
from attainable.devices import Device, Sourced
from attainable.devices.figures import Engine
from attainable.devices.profile import format_profile, parse_profile

VENDORS = {
    "NVIDIA": ("jetson-nano", "jetson-xavier-nx", "jetson-agx-xavier", "jetson-orin-nano-8gb",
               "jetson-orin-nano-8gb-super", "jetson-orin-nx-16gb", "jetson-agx-orin-64gb"),
    "HiSilicon": ("hi3519av100-nnie", "hi3559av100-nnie", "hi3519dv500", "hi3403v100", "kirin990-cpu"),
    "Huawei": ("ascend-310", "ascend-310p", "ascend-910", "ascend-910b"),
    "Cambricon": ("mlu220-m2", "mlu370-s4", "mlu370-x8"),
    "Sophgo": ("bm1684", "bm1684x", "sg2002"),
    "Denglin": ("denglin-goldwasser-ul",),
    "Novatek": ("novatek-nt98690",),
    "Ambarella": ("ambarella-cv22", "ambarella-cv5s"),
    "Kneron": ("kneron-kl520", "kneron-kl720"),
    "Horizon Robotics": ("horizon-x3",),
    "Axera": ("ax620a", "ax630a", "ax630c", "ax650n"),
    "Rockchip": ("rk1808-npu", "rk3588-npu", "rk3588-cpu", "rk3568-npu", "rk3566-npu", "rv1126-npu"),
    "Raspberry Pi": ("raspberry-pi-4", "raspberry-pi-5"),
    "Qualcomm": ("snapdragon-855", "snapdragon-865", "snapdragon-888", "snapdragon-8-gen-1", "snapdragon-8-gen-2",
                 "snapdragon-8-gen-3", "snapdragon-8-elite", "qcs6490-npu", "snapdragon-x-elite-npu"),
    "MediaTek": ("dimensity-9300",),
    "Google": ("coral-edgetpu",),
    "Hailo": ("hailo-8", "hailo-8l"),
    "Intel": ("intel-movidius-myriad-x",),
    "Arm": ("arm-ethos-u55-256",),
    "STMicroelectronics": ("stm32n6",),
    "NXP": ("nxp-imx8mplus-npu",),
    "Texas Instruments": ("ti-tda4vm",),
}  # fmt: skip
NAMES = tuple(name for names in VENDORS.values() for name in names)

DOCUMENT = re.compile(
    r"data sheet|product brief|product page|fact sheet|technical specifications|documentation|user guide|"
    r"reference manual|Software Optimization Guide|announcement|press release|presentation|white paper|wiki|"
    r"brief of the|device tree|\.h\b|\.py\b|header|README|results/reviews|articles' table|published|users of|"
    r"makers of boards|article|AnandTech",
    re.IGNORECASE,
)
"""What a source has to name: a document, or the people who publish a figure."""


def numbers(device: Device) -> Iterator[Sourced]:
    """Every number of a profile."""
    yield from (roof.operations_per_second for roof in device.roofs)
    yield from (ceiling.operations_per_second for ceiling in device.ceilings)
    for memory in device.memories:
        yield from (bandwidth.bytes_per_second for bandwidth in memory.bandwidths)
        yield from (number for number in (memory.capacity_bytes, memory.latency_seconds) if number is not None)
    yield from (efficiency.share for efficiency in device.efficiencies)
    yield from (alignment.multiple for alignment in device.alignments)
    overheads = (device.launch_seconds, device.run_seconds, device.power_watts)
    yield from (number for number in overheads if number is not None)


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_parses_says_what_it_is_and_survives_writing(name: str):
    device = devices.load_device(name)
    assert device.name == name
    assert device.title
    assert device.category in ("npu", "soc", "gpu")
    assert device.toolchains, "what turns a model into something that it runs"
    assert parse_profile(format_profile(device), name) == device


@pytest.mark.parametrize(("vendor", "names"), VENDORS.items())
def test_every_vendor_has_its_parts(vendor: str, names: tuple[str, ...]):
    assert {devices.load_device(name).vendor for name in names} == {vendor}


@pytest.mark.parametrize("name", NAMES)
def test_every_number_names_a_document_and_says_when_it_is_assumed(name: str):
    for number in numbers(devices.load_device(name)):
        assert DOCUMENT.search(number.source), f"no document in {number.source!r}"
        assert number.kind == "assumed" or "assumed" not in number.source, f"assumed, not {number.kind}: {number}"
        if number.kind == "assumed":
            assert "assumed" in number.source, number
        if number.kind == "measured":
            assert "measured by" in number.source, number


def test_the_folder_holds_no_file_of_another_name():
    for name in NAMES:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    folder = Path(devices.__file__).parent / "profiles"
    assert {f"{name}.toml" for name in NAMES} <= {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"novatek-nt98690"}))
def test_a_device_with_cores_states_vector_roofs_and_an_accelerator_matrix_roofs(name: str):
    device = devices.load_device(name)
    engines = {roof.engine for roof in device.roofs}
    assert engines == {"vector"} if device.category == "soc" or name == "jetson-nano" else "matrix" in engines
    assert (device.cores is not None) == (device.category == "soc")


def test_where_the_maker_is_silent_the_profile_is_too():
    novatek = devices.load_device("novatek-nt98690")
    assert not novatek.roofs
    assert not novatek.memories
    assert "publishes neither" in dict(novatek.conditions)["no roof"]


def stated(name: str, engine: Engine, dtype: str, threads: int | None = None) -> float:
    """The roof by the maker's figures, a measured one left aside."""
    roof = devices.load_device(name).roof(engine, dtype, threads, basis="specified")
    assert roof is not None
    return roof.operations_per_second.value


PEAKS: list[tuple[str, Engine, str, int | None, float]] = [
    # 128 cores x multiply and add x pairs of float16 x 921.6 MHz; NVIDIA rounds to 472
    ("jetson-nano", "vector", "float16", None, 128 * 2 * 2 * 921.6e6),
    # 170 sparse TOPS of the GPU (NVIDIA) are 85 dense ones
    ("jetson-agx-orin-64gb", "matrix", "int8", None, 170e12 / 2),
    ("jetson-orin-nx-16gb", "matrix", "int8", None, 60e12 / 2),
    ("jetson-orin-nano-8gb", "matrix", "int8", None, 40e12 / 2),
    ("jetson-agx-orin-64gb", "vector", "float32", None, 5.3e12),
    # 22.6 TOPS of the GPU of the AGX Xavier, 11.3 TFLOP/s in float16 (NVIDIA)
    ("jetson-agx-xavier", "matrix", "int8", None, 22.6e12),
    # 3 cores x 1024 multiply-adds x 2 x 1 GHz; Rockchip rounds to 6
    ("rk3588-npu", "matrix", "int8", None, 3 * 1024 * 2 * 1e9),
    # 1.5 GHz x 1 FMLA x 4 lanes x 2; 4 cores
    ("raspberry-pi-4", "vector", "float32", 4, 4 * 1.5e9 * 1 * 4 * 2),
    # 2.4 GHz x 2 FMLA x 4 lanes x 2; 4 cores; a dot product has 16 multiply-adds
    ("raspberry-pi-5", "vector", "float32", 4, 4 * 2.4e9 * 2 * 4 * 2),
    ("raspberry-pi-5", "vector", "int8", 4, 4 * 2.4e9 * 2 * 16 * 2),
    # one Cortex-X1 with 4 pipes, three Cortex-A78 with 2
    ("snapdragon-888", "vector", "float32", 4, 2.84e9 * 4 * 8 + 3 * 2.42e9 * 2 * 8),
    ("snapdragon-855", "vector", "float32", 1, 2.84e9 * 2 * 8),
    ("kirin990-cpu", "vector", "float16", 4, (2 * 2.86e9 + 2 * 2.36e9) * 2 * 8 * 2),
    # 32 cores x 4096 multiply-adds x 2 x 1 GHz; Huawei rounds to 256
    ("ascend-910", "matrix", "float16", None, 32 * 4096 * 2 * 1e9),
    ("arm-ethos-u55-256", "matrix", "int8", None, 256 * 2 * 1e9),
]


@pytest.mark.parametrize(("name", "engine", "dtype", "threads", "expected"), PEAKS)
def test_a_peak_is_what_its_parts_multiply_to(
    name: str, engine: Engine, dtype: str, threads: int | None, expected: float
):
    # makers round: 262 to 256, 20.5 to 20
    assert stated(name, engine, dtype, threads) == pytest.approx(expected, rel=0.026)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("jetson-nano", 64 / 8 * 3200e6),
        ("jetson-agx-orin-64gb", 256 / 8 * 6400e6),
        ("snapdragon-865", 4 * 16 / 8 * 2 * 2750e6),  # double data rate
        ("snapdragon-8-gen-3", 4 * 16 / 8 * 2 * 4800e6),
        ("raspberry-pi-5", 32 / 8 * 4267e6),
        ("ax630a", 2 * 32 / 8 * 4266e6),
        ("nxp-imx8mplus-npu", 32 / 8 * 4000e6),
        ("coral-edgetpu", 5e9 * 8 / 10 / 8),  # 5 Gbit/s, 8 of 10 bits are data
        ("snapdragon-x-elite-npu", 128 / 8 * 8448e6),
    ],
)
def test_a_bandwidth_is_width_times_rate(name: str, expected: float):
    found = devices.load_device(name).bytes_per_second()
    assert found is not None
    assert found.value == pytest.approx(expected, rel=0.002)  # 135.2 is stated as 135


@pytest.mark.parametrize("name", ["raspberry-pi-4", "raspberry-pi-5", "rk3588-cpu"])
@pytest.mark.parametrize("threads", [1, 4])
def test_a_measured_peak_is_just_below_the_stated_one(name: str, threads: int):
    device = devices.load_device(name)
    for dtype in {roof.dtype for roof in device.roofs}:
        measured = device.roof("vector", dtype, threads, basis="measured")
        assert measured is not None
        assert measured.operations_per_second.kind == "measured"
        # no clock is exact: cpufp saw 2.399 GHz on the Raspberry Pi 5, and less than 2.4 on the warm RK3588
        assert 0.97 < measured.operations_per_second.value / stated(name, "vector", dtype, threads) < 1.0


@pytest.mark.parametrize("name", ["raspberry-pi-4", "raspberry-pi-5", "rk3588-cpu"])
def test_a_measured_copy_stays_below_the_memory_of_the_board(name: str):
    device = devices.load_device(name)
    limit, copy = device.bytes_per_second(), device.bytes_per_second(1, access="copy")
    assert limit is not None
    assert copy is not None
    assert (limit.kind, copy.kind) == ("assumed", "measured")
    assert 0.3 < copy.value / limit.value < 0.8


def test_sparse_and_equivalent_figures_are_not_taken_for_dense_ones():
    # NVIDIA prints 40, 67, 100 and 275 TOPS, of which zeros are half
    for name, printed in (("jetson-orin-nano-8gb", 40e12), ("jetson-orin-nano-8gb-super", 67e12)):
        assert stated(name, "matrix", "int8") == pytest.approx(printed / 2, rel=0.03)
    for name in ("ambarella-cv22", "ambarella-cv5s"):
        roof = devices.load_device(name).roof("matrix", "int8")
        assert roof is not None
        assert roof.operations_per_second.kind == "assumed"
    assert "equivalent" in next(iter(numbers(devices.load_device("horizon-x3")))).source


def test_memory_on_the_chip_comes_after_the_one_where_weights_live():
    found: set[str] = set()
    for name in NAMES:
        flags = [memory.on_chip for memory in devices.load_device(name).memories]
        assert flags == sorted(flags), name
        found |= {name} if any(flags) else set()
    assert {"bm1684x", "coral-edgetpu", "rk3588-npu", "stm32n6", "ti-tda4vm"} <= found


def test_local_memory_of_the_sophgo_chips_is_lanes_times_bytes():
    sizes = {"bm1684": 64 << 19, "bm1684x": 64 << 18}  # lanes x 1 << 19 or 1 << 18 bytes, in the backend's headers
    for name, expected in sizes.items():
        local = devices.load_device(name).memories[1]
        assert local.on_chip
        assert local.capacity_bytes is not None
        assert local.capacity_bytes.value == expected


def test_channels_are_rounded_as_the_vendors_headers_say():
    rounding = {
        name: {(entry.axis, entry.dtype): entry.multiple.value for entry in devices.load_device(name).alignments}
        for name in ("rk3588-npu", "rk3568-npu", "arm-ethos-u55-256", "hailo-8")
    }
    assert rounding["rk3588-npu"][("output_channels", "int8")] == 32  # native layout (N / 32, K / 32, 32, 32)
    assert rounding["rk3568-npu"][("output_channels", "float16")] == 8  # native layout (N / 8, K / 16, 8, 16)
    assert rounding["arm-ethos-u55-256"] == {("input_channels", None): 8, ("output_channels", None): 8}
    assert rounding["hailo-8"] == {}
