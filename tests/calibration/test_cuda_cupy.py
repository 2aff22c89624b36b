"""CuPy's side, with numpy in its place: the two have the same functions."""

import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from attainable.calibration.cuda import calibrate_accelerator, calibrate_cuda
from attainable.calibration.cuda_cupy import open_cupy
from attainable.errors import InputError, InvalidQuantity


def triad_kernel(inputs: str, outputs: str, operation: str, name: str) -> Callable[..., None]:
    """What CuPy would compile."""
    assert (inputs, outputs, operation) == ("float32 b, float32 c", "float32 a", "a = b + 3.0f * c")
    assert name == "triad"

    def call(b: Any, c: Any, a: Any) -> None:
        a[...] = b + np.float32(3) * c

    return call


class ToyDevice:
    """Remembers what was asked of it."""

    used: list[int] = []  # noqa: RUF012  (reset by the fixture)

    def __init__(self, index: int) -> None:
        self.index = index

    def use(self) -> None:
        self.used.append(self.index)

    def synchronize(self) -> None:
        pass


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    properties = {"name": b"Toy GPU", "totalGlobalMem": 1 << 30, "l2CacheSize": 1 << 20}
    runtime = types.SimpleNamespace(
        getDeviceCount=lambda: 2,
        getDeviceProperties={0: properties, 1: properties}.get,
        runtimeGetVersion=lambda: 12080,
    )
    module = types.SimpleNamespace(
        **{
            name: getattr(np, name)
            for name in ("ones", "empty", "sum", "copyto", "negative", "matmul", "float32", "random")
        },
        __version__="14.0",
        ElementwiseKernel=triad_kernel,
        cuda=types.SimpleNamespace(runtime=runtime, Device=ToyDevice),
    )
    ToyDevice.used.clear()
    monkeypatch.setitem(sys.modules, "cupy", module)  # pyright: ignore[reportArgumentType]
    return module


@pytest.mark.usefixtures("cupy")
def test_a_device_through_cupy() -> None:
    accelerator = open_cupy(1)
    assert accelerator is not None
    assert ToyDevice.used == [1]
    assert accelerator.facts.title == "Toy GPU"
    assert accelerator.facts.toolchains == ("CuPy 14.0", "CUDA 12")
    device = calibrate_accelerator(accelerator, name="cuda-1", seconds=0.02, extents=(16,), vector_bytes=1 << 12)
    assert {roof.dtype for roof in device.roofs} == {"float32", "float16", "float64"}
    assert "CuPy 14.0: it is not asked for products of bfloat16" in dict(device.conditions).values()
    assert {entry.access for entry in device.memories[0].bandwidths} == {"read", "copy", "triad"}


@pytest.mark.usefixtures("cupy")
def test_kernels_compute_what_they_are_called() -> None:
    accelerator = open_cupy(0)
    assert accelerator is not None
    streams = accelerator.streams(4096)
    assert streams["read"].call() == 1024.0
    assert [streams[access].bytes for access in ("read", "copy", "triad")] == [4096, 8192, 12288]
    streams["triad"].call()
    product = accelerator.product("float32", 8, "full")()
    assert isinstance(product, np.ndarray)
    assert product.shape == (8, 8)  # pyright: ignore[reportUnknownMemberType]
    one = accelerator.smallest()
    assert [np.asarray(one())[0] for _ in range(2)] == [-1.0, 1.0]


@pytest.mark.usefixtures("cupy")
def test_cupy_stands_in_where_torch_sees_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InvalidQuantity, match="CuPy sees 2"):
        calibrate_cuda(2)


def test_without_cupy_the_error_is_that_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert open_cupy(0) is None
    with pytest.raises(InputError, match="visible to torch"):
        calibrate_cuda()


def test_cupy_without_a_driver_is_no_device(cupy: types.SimpleNamespace) -> None:
    def fails() -> int:
        raise RuntimeError("cudaErrorNoDevice")

    cupy.cuda.runtime.getDeviceCount = fails
    assert open_cupy(0) is None
