"""The profile of a network that PyTorch runs node by node; loaded in the worker by ``torch_session``."""

import time
from collections.abc import Callable
from typing import Any, Self, cast

_LAYOUTS = {4: ("NCHW", "NHWC"), 5: ("NCDHW", "NDHWC")}
_MARK = "step "


class Clocked:
    """The network as ``Network.forward`` runs it, with a reading of the clock before the first and after each step.

    Attributes:
        readings: in nanoseconds, one more than steps for each run.
    """

    def __init__(self, torch: Any, network: Any) -> None:
        self._torch, self._network = torch, network
        self.readings: list[int] = []

    def run(self, *inputs: Any) -> Any:
        """One run."""
        network, note, now = self._network, self.readings.append, time.perf_counter_ns
        values: list[Any] = [*inputs, *([None] * (network.places - len(inputs)))]
        note(now())
        for step, (reads, writes, last) in zip(network.steps, network.plan, strict=True):
            result = step(*[values[place] for place in reads])
            network.keep(values, writes, result)
            for place in last:
                values[place] = None
            note(now())
        return network.outputs(values)

    def describe(self, call: Callable[[], object]) -> list[dict[str, Any]]:
        """What each step runs, in torch's own words.

        One run under torch's profiler, which is slow and tells no times here: ``name`` is the operator that the step
        calls, ``implementation`` the one under it that takes longest by itself, ``layout`` that of its result.

        Args:
            call: runs once.
        """
        layouts: list[str] = []
        marks: list[Any] = []

        def note(step: Any, given: Any, result: Any) -> None:
            del step, given
            layouts.append(_layout(self._torch, result))
            marks.pop().__exit__(None, None, None)

        def begin(step: Any, given: Any) -> None:
            del step, given
            marks.append(profiler.record_function(f"{_MARK}{len(layouts)}"))
            marks[-1].__enter__()

        profiler, steps = self._torch.profiler, self._network.steps
        hooks = [step.register_forward_pre_hook(begin) for step in steps]
        hooks += [step.register_forward_hook(note) for step in steps]
        with profiler.profile(activities=[profiler.ProfilerActivity.CPU]) as trace:
            call()
        for hook in hooks:
            hook.remove()
        found: dict[str, tuple[str, str]] = {}
        for event in trace.events():
            if event.name.startswith(_MARK):
                inner = event.cpu_children
                longest = max(_within(inner), key=lambda each: each.self_cpu_time_total, default=None)
                found[event.name] = (inner[0].name if inner else "", "" if longest is None else longest.name)
        told = [found.get(f"{_MARK}{number}", ("", "")) for number in range(len(layouts))]
        return [
            {
                "name": kind,
                "steps": [number],
                "results": [number],
                "serves": [],
                "implementation": inner,
                "layout": layout,
            }
            for number, ((kind, inner), layout) in enumerate(zip(told, layouts, strict=True))
        ]

    def present(self) -> list[int]:
        """The steps that run: all."""
        return list(range(len(self._network.steps)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def _within(events: Any) -> list[Any]:
    """The events and all inside them."""
    found: list[Any] = []
    pending = list(events)
    while pending:
        event = pending.pop()
        found.append(event)
        pending += event.cpu_children
    return found


def _layout(torch: Any, result: Any) -> str:
    tensor = cast("tuple[Any, ...]", result)[0] if isinstance(result, tuple) else result
    names = _LAYOUTS.get(tensor.dim())
    if names is None:
        return ""
    if tensor.is_contiguous():
        return names[0]
    last = torch.channels_last if tensor.dim() == len("NCHW") else torch.channels_last_3d
    return names[1] if tensor.is_contiguous(memory_format=last) else ""
