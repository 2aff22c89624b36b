"""Profiles for the tests of ``attainable devices``."""

from pathlib import Path

NPU = """
name = "{name}"
title = "{name}, a board"
vendor = "Toys Inc."
category = "npu"
interfaces = ["PCIe 3.0 x4"]
toolchains = ["ToyCompiler"]
power_watts = {{ value = 5, kind = "specified", source = "data sheet, page 1" }}
launch_seconds = {{ value = 5e-6, kind = "assumed", source = "a guess" }}
[[roofs]]
engine = "matrix"
dtype = "int8"
operations_per_second = {{ value = 4e12, kind = "specified", source = "data sheet, page 2" }}
[[roofs]]
engine = "matrix"
dtype = "int8"
operations_per_second = {{ value = 3e12, low = 2.7e12, kind = "measured", source = "a benchmark" }}
[[roofs]]
engine = "special"
dtype = "int8"
operations_per_second = {{ value = 1e9, kind = "measured", source = "a benchmark" }}
[[ceilings]]
practice = "gemm"
runtime = "toyrt 1"
dtype = "int8"
weight_dtype = "int8"
operations_per_second = {{ value = 1.5e12, kind = "measured", source = "a benchmark" }}
[[memories]]
name = "DRAM"
capacity_bytes = {{ value = 1073741824, kind = "specified", source = "data sheet, page 2" }}
latency_seconds = {{ value = 9e-8, kind = "measured", source = "a chain of loads" }}
[[memories.bandwidths]]
bytes_per_second = {{ value = 20e9, kind = "specified", source = "data sheet, page 2" }}
[[memories.bandwidths]]
access = "copy_nt"
bytes_per_second = {{ value = 12e9, kind = "measured", source = "a benchmark" }}
[[memories]]
name = "SRAM"
on_chip = true
capacity_bytes = {{ value = 2097152, kind = "specified", source = "data sheet, page 3" }}
[[efficiencies]]
op_class = "depthwise"
limit = "compute"
share = {{ value = 0.25, kind = "measured", source = "a benchmark" }}
[[alignments]]
axis = "output_channels"
dtype = "int8"
multiple = {{ value = 16, kind = "specified", source = "programming guide" }}
[conditions]
"clock" = "1 GHz"
"""
"""Everything that a profile can hold."""


def write_board(folder: Path, name: str, text: str = NPU) -> Path:
    """Write the profile of a board into ``devices`` of a folder."""
    path = folder / "devices" / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.format(name=name) if text is NPU else text)
    return path
