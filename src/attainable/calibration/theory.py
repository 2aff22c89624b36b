"""What a processor core could do in a cycle, on paper: execution units times the width of their vectors.

By LLVM's name of the processor, so that an EPYC and a Ryzen of one generation are one row. A field that no source of
ours states with certainty is None, and then no theoretical roof stands beside the measured one.

Source: A. Abel, J. Reineke, uops.info; A. Fog, "Instruction tables" and "The microarchitecture of Intel, AMD and VIA
CPUs"; Intel, "64 and IA-32 Architectures Optimization Reference Manual"; AMD, "Software Optimization Guide" of families
17h, 19h and 1Ah; Arm, "Software Optimization Guide" of each Cortex-A and Neoverse core; D. Johnson, "Apple M1
Microarchitecture Research". Each row names those that it follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from attainable.calibration.instruction_sets import Family, Unit


@dataclass(frozen=True, slots=True)
class Core:
    """Bytes of vector registers that a core can take through its units in one cycle.

    Attributes:
        units: register bytes per cycle by unit: two units of 32-byte vectors are 64.
        load_bytes: read from the first-level cache; None where unsure.
        store_bytes: written to it; None where unsure.
        source: which of the module's sources the row follows, and what it holds for.
    """

    units: dict[Unit, int]
    load_bytes: int | None
    store_bytes: int | None
    source: str


_X86 = "uops.info, Agner Fog's instruction tables"
_AMD = f"{_X86}, AMD's software optimization guide"
_INTEL = f"{_X86}, Intel's optimization reference manual"
_ARM = "Arm's software optimization guide of the core"

_SKYLAKE = Core({"float": 64, "integer": 64}, 64, 32, _INTEL)
_SKYLAKE_X = Core(
    {"float": 128, "integer": 128}, 128, 64, f"{_INTEL}; two AVX-512 units, of which some models have only one"
)
_CASCADE = Core({"float": 128, "integer": 128, "dot": 128}, 128, 64, _SKYLAKE_X.source)
_ICE_CLIENT = Core({"float": 64, "integer": 64, "dot": 64}, 128, 64, f"{_INTEL}; one AVX-512 unit of two halves")
_SAPPHIRE = Core(
    {"float": 128, "half": 128, "integer": 128, "dot": 128}, 128, 64, f"{_INTEL}; two AVX-512 units"
)  # fmt: skip
_ALDER = Core({"float": 64, "integer": 64, "dot": 64}, 96, 64, f"{_INTEL}; performance cores")
_CORTEX_A76 = Core({"float": 32, "half": 32, "dot": 32}, 32, None, _ARM)

CORES: dict[str, Core] = {
    "sandybridge": Core({"float": 32}, 32, 16, f"{_INTEL}; a multiplier and an adder"),
    "ivybridge": Core({"float": 32}, 32, 16, f"{_INTEL}; a multiplier and an adder"),
    "haswell": Core({"float": 64, "integer": 32}, 64, 32, _INTEL),
    "broadwell": Core({"float": 64, "integer": 32}, 64, 32, _INTEL),
    "skylake": _SKYLAKE,
    "skylake-avx512": _SKYLAKE_X,
    "cascadelake": _CASCADE,
    "cooperlake": _CASCADE,
    "icelake-client": _ICE_CLIENT,
    "tigerlake": _ICE_CLIENT,
    "rocketlake": _ICE_CLIENT,
    "icelake-server": _CASCADE,
    "sapphirerapids": _SAPPHIRE,
    "emeraldrapids": _SAPPHIRE,
    "alderlake": _ALDER,
    "raptorlake": _ALDER,
    "znver1": Core({"float": 32}, 32, 16, _AMD),
    "znver2": Core({"float": 64}, 64, 32, _AMD),
    "znver3": Core({"float": 64, "integer": 64}, 64, 32, _AMD),
    "znver4": Core({"float": 64, "integer": 64, "dot": 64}, 64, 32, f"{_AMD}; 64-byte vectors in two halves"),
    "znver5": Core({"float": 128}, 128, 64, f"{_AMD}; mobile models have half of it"),
    "cortex-a53": Core({"float": 16}, None, None, _ARM),
    "cortex-a55": Core({"float": 16, "half": 16, "dot": 16}, None, None, _ARM),
    "cortex-a72": Core({"float": 16}, 16, None, _ARM),
    "cortex-a76": _CORTEX_A76,
    "cortex-a77": _CORTEX_A76,
    "cortex-a78": _CORTEX_A76,
    "neoverse-n1": _CORTEX_A76,
    "neoverse-n2": Core({"float": 32, "half": 32, "dot": 32}, None, None, _ARM),
    "neoverse-v1": Core({"float": 64, "half": 64, "dot": 64}, None, None, _ARM),
    "neoverse-v2": Core({"float": 64, "half": 64, "dot": 64}, None, None, _ARM),
    "apple-m1": Core({"float": 64, "half": 64, "dot": 64}, 48, 32, "D. Johnson, Apple M1 Microarchitecture Research"),
}  # fmt: skip
"""By LLVM's name of the processor."""


def operations_per_cycle(processor: str, families: Sequence[Family]) -> float | None:
    """The most operations per cycle of a core by any of the families; None where the table lacks a number for one."""
    core = CORES.get(processor)
    if core is None or not families:
        return None
    rates: list[float] = []
    for family in families:
        width = core.units.get(family.unit)
        if width is None:
            return None
        rates.append(width / family.register_bytes / family.issues * family.operations_per_step)
    return max(rates)
