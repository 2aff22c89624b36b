"""A CUDA device measured on no CUDA device: with a clock of our own, and with torch on the processor."""

import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from attainable.calibration import cuda, cuda_bench
from attainable.calibration.cuda import calibrate_accelerator, calibrate_cuda, cuda_device
from attainable.calibration.cuda_accelerator import Accelerator, Call, Facts, Precision, Stream
from attainable.calibration.cuda_torch import TorchAccelerator, open_torch
from attainable.devices import Device, load_device
from attainable.devices.figures import Access
from attainable.devices.profile import format_profile, parse_profile
from attainable.errors import InputError, InvalidQuantity, RuntimeRefused

FACTS = Facts("Toy GPU", "Toys Inc.", "toy 1.0", 1 << 30, 1 << 20, "", ("toy 1.0", "CUDA 99"))

SECONDS: dict[str, float] = {"read": 4e-3, "copy": 2e-3, "triad": 6e-3, "smallest": 5e-6}
PER_OPERATION = {"float32": 1e-9, "float32 tf32": 2e-10, "float16": 1e-10, "bfloat16": 1e-10, "float64": 1e-6}


class Clock:
    """Time goes on only where a kernel runs; a synchronisation takes 1 us."""

    def __init__(self) -> None:
        self.now = 0.0
        self.queued = 0.0

    def perf_counter(self) -> float:
        return self.now

    def call(self, seconds: float) -> Call:
        def start() -> None:
            self.queued += seconds

        return start

    def synchronise(self) -> None:
        self.now += self.queued + 1e-6
        self.queued = 0.0


class Toy:
    """An accelerator whose kernels take the times above, and that has no integers."""

    def __init__(self, clock: Clock, facts: Facts = FACTS) -> None:
        self.clock = clock
        self.facts = facts
        self.asked: list[tuple[str, int]] = []
        self.vector_bytes = 0

    def synchronise(self) -> None:
        self.clock.synchronise()

    def streams(self, vector_bytes: int) -> Mapping[Access, Stream]:
        self.vector_bytes = vector_bytes
        return {
            "read": Stream(self.clock.call(SECONDS["read"]), vector_bytes),
            "copy": Stream(self.clock.call(SECONDS["copy"]), 2 * vector_bytes),
            "triad": Stream(self.clock.call(SECONDS["triad"]), 3 * vector_bytes),
        }

    def product(self, dtype: str, extent: int, precision: Precision) -> Call:
        key = f"{dtype} tf32" if precision == "tf32" else dtype
        self.asked.append((key, extent))
        if key not in PER_OPERATION:
            raise TypeError(f"no kernel for {dtype}\nand more lines")
        return self.clock.call(PER_OPERATION[key] * 2 * extent**3)

    def smallest(self) -> Call:
        return self.clock.call(SECONDS["smallest"])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(cuda_bench, "time", made)
    return made


def measured(toy: Accelerator, **arguments: Any) -> Device:
    given: dict[str, Any] = {"name": "cuda-0", "seconds": 5.0, "extents": (64, 128), "vector_bytes": 1 << 20}
    return calibrate_accelerator(toy, **given | arguments)


def speed(device: Device, dtype: str) -> float:
    return next(roof.operations_per_second.value for roof in device.roofs if roof.dtype == dtype)


def test_rates_are_work_over_time(clock: Clock) -> None:
    toy = Toy(clock)
    device = measured(toy)
    # a trial is a row of calls of 20 ms or one call that is longer, and 1 us of synchronisation
    assert speed(device, "float32") == pytest.approx(1e9, rel=1e-3)
    assert speed(device, "float16") == pytest.approx(1e10, rel=1e-3)
    bandwidths = {entry.access: entry.bytes_per_second for entry in device.memories[0].bandwidths}
    assert bandwidths["copy"].value == pytest.approx((2 << 20) / 2e-3, rel=1e-3)
    assert bandwidths["triad"].value == pytest.approx((3 << 20) / 6e-3, rel=1e-3)
    # the sum of a vector takes longer than its copy: memory that copies so fast could be read so fast
    assert bandwidths["read"] == bandwidths["copy"]
    assert bandwidths["read"].source.startswith("copy of float32 vectors of 1048576 bytes")
    assert device.launch_seconds is not None
    assert device.run_seconds is not None
    assert device.launch_seconds.value == pytest.approx(5e-6 + 1e-6 / 500)
    assert device.run_seconds.value == pytest.approx(6e-6)


def test_float32_is_no_matter_of_tf32(clock: Clock) -> None:
    device = measured(Toy(clock))
    assert [roof.engine for roof in device.roofs if roof.dtype == "float32"] == ["vector"]
    ceilings = {ceiling.runtime: ceiling for ceiling in device.ceilings if ceiling.dtype == "float32"}
    assert ceilings["toy 1.0 with TF32"].operations_per_second.value == pytest.approx(5e9, rel=1e-3)
    assert ceilings["toy 1.0"].operations_per_second.value == pytest.approx(1e9, rel=1e-3)


def test_what_the_library_refuses_is_a_condition(clock: Clock) -> None:
    device = measured(Toy(clock))
    said = dict(device.conditions)
    assert said["no product of int8"] == "toy 1.0: no kernel for int8"
    assert {roof.dtype for roof in device.roofs} == {"float32", "float16", "bfloat16", "float64"}


def test_a_large_product_is_left_out_where_it_takes_too_long_or_too_much_memory(clock: Clock) -> None:
    toy = Toy(clock)
    measured(toy)
    # float64 takes 0.52 s at 64, so that 128 would take 4.2 s of the 0.25 s that it has
    assert [extent for key, extent in toy.asked if key == "float64"] == [64]
    assert [extent for key, extent in toy.asked if key == "float32"] == [64, 128]
    # 128 x 128 x 8 bytes are more than a sixteenth of 1 MiB
    small = Toy(clock, Facts("Toy", "", "toy 1.0", 1 << 20, None, "", ()))
    device = measured(small)
    assert {extent for _, extent in small.asked} == {64}
    assert small.vector_bytes == (1 << 20) // 16
    assert [memory.name for memory in device.memories] == ["DRAM"]


def test_a_memory_that_holds_no_matrix_is_said(clock: Clock) -> None:
    device = measured(Toy(clock, Facts("Toy", "", "toy 1.0", 1 << 10, None, "", ())))
    assert dict(device.conditions)["no product of float32"] == "toy 1.0: its memory is too small"


def test_progress_names_what_comes_next(clock: Clock) -> None:
    lines: list[str] = []
    measured(Toy(clock), progress=lines.append)
    assert lines[:4] == ["memory, read", "memory, copy", "memory, triad", "matrix product, float32"]
    assert lines[-1] == "starting kernels"


class Broken(Toy):
    """Its memory is taken."""

    def streams(self, vector_bytes: int) -> Mapping[Access, Stream]:
        raise RuntimeError("CUDA out of memory. Tried to allocate 1.00 GiB")


def test_a_device_that_fails_is_an_error_of_ours(clock: Clock) -> None:
    with pytest.raises(RuntimeRefused, match=r"Toy GPU: the accelerator failed: CUDA out of memory"):
        measured(Broken(clock))


def test_no_time(clock: Clock) -> None:
    with pytest.raises(InvalidQuantity, match="no time"):
        measured(Toy(clock), seconds=0)


def test_torch_on_the_processor(tmp_path: Path) -> None:
    facts = Facts("a processor", "", f"torch {torch.__version__}", 1 << 30, None, "", ())
    device = measured(
        TorchAccelerator(torch, torch.device("cpu"), lambda: None, facts, has_tf32=True), seconds=0.05, extents=(32,),
        vector_bytes=1 << 14,
    )  # fmt: skip
    assert {"float32", "float64"} <= {roof.dtype for roof in device.roofs}
    assert all(ceiling.operations_per_second.value > 0 for ceiling in device.ceilings)
    assert {entry.access for entry in device.memories[0].bandwidths} == {"read", "copy", "triad"}
    assert parse_profile(format_profile(device), "cuda-0") == device
    assert torch.get_float32_matmul_precision() == "highest"


def test_products_of_torch_are_products(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[torch.Tensor] = []
    for name in ("mm", "_int_mm"):
        monkeypatch.setattr(torch, name, keeping(made, getattr(torch, name)))
    accelerator = TorchAccelerator(torch, torch.device("cpu"), lambda: None, FACTS, has_tf32=False)
    for dtype in ("float32", "float16", "bfloat16", "float64", "int8"):
        accelerator.product(dtype, 32, "full")()
    assert [str(result.dtype) for result in made] == [
        "torch.float32", "torch.float16", "torch.bfloat16", "torch.float64", "torch.int32",
    ]  # fmt: skip
    assert all(result.shape == (32, 32) for result in made)


def keeping(made: list[torch.Tensor], function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def call(*operands: torch.Tensor, **options: torch.Tensor) -> torch.Tensor:
        made.append(function(*operands, **options))
        return made[-1]

    return call


def test_streams_of_torch_move_what_they_say() -> None:
    streams = TorchAccelerator(torch, torch.device("cpu"), lambda: None, FACTS, has_tf32=False).streams(4096)
    assert {access: stream.bytes for access, stream in streams.items()} == {
        "read": 4096, "copy": 2 * 4096, "triad": 3 * 4096,
    }  # fmt: skip
    total, copied, added = (streams[access].call() for access in ("read", "copy", "triad"))
    assert isinstance(total, torch.Tensor)
    assert isinstance(copied, torch.Tensor)
    assert isinstance(added, torch.Tensor)
    assert float(total) == 1024.0  # ones
    assert float(added.min()) == float(added.max()) == 4.0  # 1 + 3 x 1


def test_a_machine_without_torch_or_device_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="no CUDA device is visible to torch"):
        calibrate_cuda()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"torch is not installed\n  help: pip install torch"):
        calibrate_cuda()


def always(answer: object) -> Callable[[object], object]:
    """A function that gives the same whatever it is asked."""

    def give(question: object) -> object:
        del question
        return answer

    return give


def toy_torch(devices: int, capability: tuple[int, int] = (9, 0)) -> types.SimpleNamespace:
    properties = types.SimpleNamespace(name="Toy GPU", total_memory=1 << 34, L2_cache_size=1 << 22, uuid="12-34")
    return types.SimpleNamespace(
        __version__="9.9",
        version=types.SimpleNamespace(cuda="12.8", hip=None),
        device="{}:{}".format,
        cuda=types.SimpleNamespace(
            is_available=lambda: bool(devices),
            device_count=lambda: devices,
            get_device_capability=always(capability),
            get_device_properties=always(properties),
            synchronize=always(None),
        ),
    )


def test_the_facts_of_a_device_are_those_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", toy_torch(2))
    assert open_torch(1).facts == Facts(
        "Toy GPU", "NVIDIA", "torch 9.9", 1 << 34, 1 << 22, "GPU-12-34", ("torch 9.9", "CUDA 12.8")
    )


def test_a_device_older_than_tf32_does_not_pass_float32_off_as_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", toy_torch(1, capability=(7, 5)))
    with pytest.raises(TypeError, match="no TF32"):
        open_torch(0).product("float32", 32, "tf32")


@pytest.mark.parametrize("index", [-1, 2])
def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch, index: int) -> None:
    monkeypatch.setitem(sys.modules, "torch", toy_torch(2))
    with pytest.raises(InvalidQuantity, match=rf"no CUDA device {index}, torch sees 2"):
        calibrate_cuda(index)


def test_a_device_that_was_measured_has_a_name(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path))
    monkeypatch.setattr(cuda, "open_torch", always(Toy(clock)))
    device = cuda_device(seconds=1.0)
    assert device.name == "cuda-0"
    assert load_device("cuda-0") == device


def test_a_cache_that_cannot_be_written_is_said(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # a file where a folder should be
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(cuda, "open_torch", always(Toy(clock)))
    with pytest.raises(InputError, match="the profile cannot be written"):
        cuda_device(seconds=1.0)


def test_the_power_limit_is_the_driver_s(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "read_limits", always((("power limit", "700.00 W"),)))
    monkeypatch.setattr(cuda_bench, "read_under_load", always((("clock under load", "1980 MHz"),)))
    device = measured(Toy(clock, Facts("Toy", "", "toy", 1 << 30, None, "GPU-1", ())))
    assert device.power_watts is not None
    assert device.power_watts.value == 700.0
    assert dict(device.conditions)["clock under load"] == "1980 MHz"
