"""Attainable: why a neural network is slow on your hardware, how fast it could be, and what to change.

Five numbers, never mixed: counted (work on paper), bound (roofline), predicted, measured, and the findings that
explain the gaps::

    import attainable

    workload = attainable.load("resnet50.onnx")
    attainable.count(workload).totals.macs
    analysis = attainable.analyze("resnet50.onnx")
    attainable.write_html(analysis, "resnet50.html")

Names resolve on first use, so that ``import attainable`` loads neither onnx nor onnxruntime.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attainable.analysis.records import Analysis
    from attainable.cost.count import Count, count
    from attainable.errors import AttainableError
    from attainable.pipeline import analyze, bound, device, measure, sweep, symbolic
    from attainable.report import write_html
    from attainable.workload import Workload, load

__version__ = "0.1.0"

__all__ = [
    "Analysis",
    "AttainableError",
    "Count",
    "Workload",
    "analyze",
    "bound",
    "count",
    "device",
    "load",
    "measure",
    "sweep",
    "symbolic",
    "write_html",
]

_HOMES = {
    "Analysis": "attainable.analysis.records",
    "AttainableError": "attainable.errors",
    "Count": "attainable.cost.count",
    "Workload": "attainable.workload",
    "analyze": "attainable.pipeline",
    "bound": "attainable.pipeline",
    "count": "attainable.cost.count",
    "device": "attainable.pipeline",
    "load": "attainable.workload",
    "measure": "attainable.pipeline",
    "sweep": "attainable.pipeline",
    "symbolic": "attainable.pipeline",
    "write_html": "attainable.report",
}
"""The module in which each public name lives."""


def __getattr__(name: str) -> object:
    """Import a public name on first use.

    Raises:
        AttributeError: there is no such public name.
    """
    if name not in _HOMES:
        raise AttributeError(f"module 'attainable' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
