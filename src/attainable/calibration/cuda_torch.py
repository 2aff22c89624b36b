"""CUDA through PyTorch, which is imported here and only when an accelerator is asked for; it is an extra."""

import importlib
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attainable.calibration.cuda_accelerator import Call, Facts, Precision, Stream
from attainable.devices.figures import Access
from attainable.errors import InputError, InvalidQuantity

if TYPE_CHECKING:
    from collections.abc import Generator

_TYPES = {
    "float64": "float64", "float32": "float32", "float16": "float16", "bfloat16": "bfloat16", "int8": "int8",
    "float8e4m3fn": "float8_e4m3fn",
}  # fmt: skip
"""Our names of element types, and PyTorch's."""

_MATMUL_PRECISION: dict[Precision, str] = {"full": "highest", "tf32": "high"}
_FLOAT32_BYTES = 4

_TF32_SINCE = (8, 0)
"""Compute capability. Source: NVIDIA CUDA C++ Programming Guide, compute capability 8.x, tensor cores."""


def open_torch(index: int) -> "TorchAccelerator":
    """The CUDA device of this number.

    Raises:
        InputError: PyTorch is not installed, or sees no CUDA device.
        InvalidQuantity: there are not so many.
    """
    torch = import_torch()
    if not torch.cuda.is_available():
        cause = (
            "install a build of torch for CUDA: this one has none"
            if torch.version.cuda is None
            else "see whether `nvidia-smi` lists one, and what CUDA_VISIBLE_DEVICES says"
        )
        raise InputError("no CUDA device is visible to torch", where=f"torch {torch.__version__}", help=cause)
    count = int(torch.cuda.device_count())
    if not 0 <= index < count:
        raise InvalidQuantity(
            f"there is no CUDA device {index}, torch sees {count}", where="device",
            help=f"give a number from 0 to {count - 1}",
        )  # fmt: skip
    device = torch.device("cuda", index)
    has_tf32 = torch.version.cuda is not None and torch.cuda.get_device_capability(index) >= _TF32_SINCE
    return TorchAccelerator(
        torch, device, lambda: torch.cuda.synchronize(device), _cuda_facts(torch, index), has_tf32=has_tf32
    )


def import_torch() -> Any:
    """The module ``torch``.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module("torch")
    except ImportError:
        raise InputError("torch is not installed", help="pip install torch, in a build for CUDA") from None


def _cuda_facts(torch: Any, index: int) -> Facts:
    properties = torch.cuda.get_device_properties(index)
    platform = f"CUDA {torch.version.cuda}" if torch.version.cuda else f"ROCm {torch.version.hip}"
    identifier = getattr(properties, "uuid", None)
    return Facts(
        title=str(properties.name),
        vendor="NVIDIA" if torch.version.cuda else "AMD",
        library=f"torch {torch.__version__}",
        memory_bytes=int(properties.total_memory),
        cache_bytes=int(getattr(properties, "L2_cache_size", 0)) or None,
        identity=_identity(identifier, index) if torch.version.cuda else "",
        toolchains=(f"torch {torch.__version__}", platform),
    )


def _identity(identifier: object, index: int) -> str:
    """What nvidia-smi calls the device; its numbers differ from those of CUDA, hence the unique identifier."""
    text = "" if identifier is None else str(identifier)
    return str(index) if not text else text if text.startswith(("GPU-", "MIG-")) else f"GPU-{text}"


class TorchAccelerator:
    """A device of PyTorch; the processor is one too, which is what tests use.

    Args:
        torch: the module.
        device: a ``torch.device``.
        synchronise: waits for its kernels.
        facts: what is known of it.
        has_tf32: whether float32 products can be made of rounded operands; elsewhere PyTorch makes full ones instead.
    """

    def __init__(
        self, torch: Any, device: Any, synchronise: Callable[[], None], facts: Facts, *, has_tf32: bool
    ) -> None:
        self._torch = torch
        self._has_tf32 = has_tf32
        self._device = device
        self.synchronise = synchronise
        self.facts = facts

    def streams(self, vector_bytes: int) -> Mapping[Access, Stream]:
        """Kernels that only move memory; see ``Accelerator.streams``."""
        torch = self._torch
        elements = vector_bytes // _FLOAT32_BYTES
        a, b, c = (torch.ones(elements, dtype=torch.float32, device=self._device) for _ in range(3))
        size = elements * _FLOAT32_BYTES
        return {
            "read": Stream(lambda: torch.sum(b), size),
            "copy": Stream(lambda: a.copy_(b), 2 * size),
            "triad": Stream(lambda: torch.add(b, c, alpha=3.0, out=a), 3 * size),
        }

    def product(self, dtype: str, extent: int, precision: Precision) -> Call:
        """A matrix product; see ``Accelerator.product``."""
        if precision == "tf32" and not self._has_tf32:
            raise TypeError("the device has no TF32")
        torch, element = self._torch, getattr(self._torch, _TYPES[dtype])
        shape = (extent, extent)
        if dtype == "int8":
            left, right = (torch.randint(-128, 128, shape, dtype=element, device=self._device) for _ in range(2))
            # The fast kernels want the columns of the second matrix in a row.
            columns = right.t()
            return lambda: torch._int_mm(left, columns)
        left, right = (torch.randn(shape, dtype=torch.float32, device=self._device).to(element) for _ in range(2))
        if dtype.startswith("float8"):
            columns, one = right.t(), torch.ones((), dtype=torch.float32, device=self._device)
            return lambda: torch._scaled_mm(left, columns, scale_a=one, scale_b=one, out_dtype=torch.bfloat16)
        result = torch.empty(shape, dtype=element, device=self._device)
        if dtype != "float32":
            return lambda: torch.mm(left, right, out=result)

        def float32_product() -> None:
            with self._float32(precision):
                torch.mm(left, right, out=result)

        return float32_product

    def smallest(self) -> Call:
        """A kernel on one element."""
        one = self._torch.ones(1, dtype=self._torch.float32, device=self._device)
        return lambda: one.add_(1.0)

    @contextmanager
    def _float32(self, precision: Precision) -> "Generator[None]":
        before = self._torch.get_float32_matmul_precision()
        self._torch.set_float32_matmul_precision(_MATMUL_PRECISION[precision])
        try:
            yield
        finally:
            self._torch.set_float32_matmul_precision(before)
