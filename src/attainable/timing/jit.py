"""Compiles a function written in LLVM IR for the processor at hand: what times cores has no time for Python.

llvmlite is imported on first use only, because that takes 0.2 s.
"""

import ctypes
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled function.

    Attributes:
        call: takes and gives 64-bit integers or addresses; releases Python's lock meanwhile.
        engine: LLVM's execution engine, which owns the machine code and has to outlive ``call``.
    """

    call: Callable[..., int]
    engine: object


@cache
def compile_function(name: str, ir: str, arguments: int) -> Compiled:
    """Compile a module of LLVM IR and give one function of it, which takes so many 64-bit arguments and gives one.

    No pass runs over the IR, so that nothing is folded away.
    """
    # llvmlite has no types; importing it by name keeps its unknowns out of the type checker.
    llvm: Any = importlib.import_module("llvmlite.binding")
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    machine = target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2, jit=True
    )
    module = llvm.parse_assembly(ir)
    module.verify()
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    prototype = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * arguments)
    return Compiled(prototype(engine.get_function_address(name)), engine)
