"""Machines made of the files in which their kernels would describe them."""

from pathlib import Path


def machine(root: Path, files: dict[str, str]) -> Path:
    """Write the files below a folder that stands in for ``/``."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def of_processors(texts: dict[str, dict[int, str]]) -> dict[str, str]:
    """The same file of several processors, each with a text of its own."""
    return {
        f"sys/devices/system/cpu/cpu{processor}/{name}": text
        for name, by_processor in texts.items()
        for processor, text in by_processor.items()
    }
