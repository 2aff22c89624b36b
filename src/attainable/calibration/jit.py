"""Compile kernel sources for the processor at hand.

llvmlite is imported on first use only: it takes 0.2 s, which only a calibration needs.
"""

import ctypes
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from attainable.calibration.instruction_sets import Architecture
from attainable.calibration.kernels import KernelSource

Entry = Callable[[int, int, int, int], int]
"""A compiled kernel: (gate address, memory address, count, repeats) to its result; releases Python's lock."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A compiled micro-benchmark.

    Attributes:
        name: of its source.
        work: operations, steps or bytes per unit of ``count``.
        call: runs it.
        engine: LLVM's execution engine, which owns the machine code and has to outlive ``call``.
    """

    name: str
    work: int
    call: Entry
    engine: object


_ARCHITECTURES: dict[str, Architecture] = {
    "x86_64": "x86",
    "amd64": "x86",
    "i386": "x86",
    "i686": "x86",
    "aarch64": "arm",
    "arm64": "arm",
}
"""By the first part of a target triple."""

_LINUX_FEATURES = {"asimdhp": "fullfp16", "asimddp": "dotprod", "i8mm": "i8mm", "bf16": "bf16"}
"""Flags of the Linux kernel on ARM to LLVM's names, which not every LLVM finds by itself.

Source: Linux ``Documentation/arch/arm64/elf_hwcaps.rst``; LLVM ``AArch64Features.td``.
"""


class Compiler:
    """Compiles for the host: its processor name and its instruction sets, optimised at the machine level only.

    Args:
        isa: flags of the processor as the Linux kernel prints them, to complete what LLVM finds.
    """

    def __init__(self, isa: Sequence[str] = ()) -> None:
        # llvmlite has no types; importing it by name keeps its unknowns out of the type checker.
        llvm: Any = importlib.import_module("llvmlite.binding")
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self._llvm = llvm
        features: Any = llvm.get_host_cpu_features()
        self.triple = str(llvm.get_process_triple())
        self.processor = str(llvm.get_host_cpu_name())
        self.architecture: Architecture | None = _ARCHITECTURES.get(self.triple.partition("-")[0])
        known = {str(name) for name, present in features.items() if present}
        added: set[str] = set()
        if self.architecture == "arm":
            # Every 64-bit ARM has NEON, named or not.
            added = {"neon", *(name for flag, name in _LINUX_FEATURES.items() if flag in isa)} - known
        self.features = frozenset(known | added)
        version = ".".join(str(part) for part in llvm.llvm_version_info)
        self.version = f"llvmlite {importlib.import_module('llvmlite').__version__}, LLVM {version}"
        self.flags = ",".join(filter(None, (str(features.flatten()), *(f"+{name}" for name in sorted(added)))))

    @property
    def width(self) -> int:
        """Lanes of the widest float32 vector."""
        if "avx512f" in self.features:
            return 16
        return 8 if "avx" in self.features else 4

    def compile(self, source: KernelSource) -> Kernel:
        """Compile one kernel; no pass runs over its IR, so that nothing is folded away."""
        llvm = self._llvm
        target = llvm.Target.from_triple(self.triple)
        machine = target.create_target_machine(cpu=self.processor, features=self.flags, opt=2, jit=True)
        module = llvm.parse_assembly(source.ir)
        module.verify()
        engine = llvm.create_mcjit_compiler(module, machine)
        engine.finalize_object()
        prototype = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        call: Entry = prototype(engine.get_function_address(source.name))
        return Kernel(source.name, source.work, call, engine)
