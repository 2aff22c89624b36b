"""Compile kernel sources for the processor at hand.

llvmlite is imported on first use only: it takes 0.2 s, which only a calibration needs.
"""

import ctypes
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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


class Compiler:
    """Compiles for the host: its processor name and its instruction sets, optimised at the machine level only."""

    def __init__(self) -> None:
        # llvmlite has no types; importing it by name keeps its unknowns out of the type checker.
        llvm: Any = importlib.import_module("llvmlite.binding")
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self._llvm = llvm
        features: Any = llvm.get_host_cpu_features()
        self.triple = str(llvm.get_process_triple())
        self.processor = str(llvm.get_host_cpu_name())
        self.features = frozenset(str(name) for name, present in features.items() if present)
        version = ".".join(str(part) for part in llvm.llvm_version_info)
        self.version = f"llvmlite {importlib.import_module('llvmlite').__version__}, LLVM {version}"
        self._flags = str(features.flatten())

    @property
    def widths(self) -> tuple[int, ...]:
        """Lanes of float32 vectors worth trying, the widest first."""
        if "avx512f" in self.features:
            return (16, 8)
        return (8,) if "avx" in self.features else (4,)

    @property
    def vector_registers(self) -> int:
        """Vector registers that the instruction set names: limits the accumulators that fit."""
        return 16 if self._is_x86 and "avx512f" not in self.features else 32

    @property
    def fused(self) -> bool:
        """Whether a fused multiply-add is one instruction; every 64-bit ARM has it."""
        return "fma" in self.features if self._is_x86 else True

    @property
    def _is_x86(self) -> bool:
        return self.triple.startswith(("x86_64", "i386", "i686"))

    def compile(self, source: KernelSource) -> Kernel:
        """Compile one kernel; no pass runs over its IR, so that nothing is folded away."""
        llvm = self._llvm
        target = llvm.Target.from_triple(self.triple)
        machine = target.create_target_machine(cpu=self.processor, features=self._flags, opt=2, jit=True)
        module = llvm.parse_assembly(source.ir)
        module.verify()
        engine = llvm.create_mcjit_compiler(module, machine)
        engine.finalize_object()
        prototype = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        call: Entry = prototype(engine.get_function_address(source.name))
        return Kernel(source.name, source.work, call, engine)
