"""Every error that a user can see, and the exit code it stands for.

The tree::

    AttainableError
    ├── InputError                  exit 2: what was asked cannot be done, nothing was written
    │   ├── ModelFileError          the bytes are not a model that we read
    │   ├── ModelGraphError         the file parses, its graph is broken
    │   ├── UnboundDimensions       a symbolic dimension has no number yet
    │   ├── UnknownName             no such network, device, runtime or format
    │   ├── InvalidQuantity         a number, unit, shape or flag cannot be read
    │   └── OutputExists            the output file is there and --force is not given
    └── RunError                    exit 3: count and bound stand, the run failed
        ├── RuntimeRefused          the runtime does not accept the model
        ├── InputsUnavailable       no valid inputs can be made for the model
        ├── WorkerCrashed           the worker process died (signal, memory limit)
        ├── WorkerTimedOut          the worker process did not answer in time
        └── HostUnusable            another machine cannot be reached, or lacks what a worker needs
"""

from collections.abc import Iterable, Sequence


class AttainableError(Exception):
    """Says what is wrong, where, and what to do.

    Args:
        what: the fault, one sentence without full stop.
        where: the file, op, tensor or flag.
        help: the next step for the user, an imperative.
        faults: further faults of the same kind, each ``what @ where``; all are listed at once.
    """

    exit_code = 2

    def __init__(self, what: str, *, where: str = "", help: str = "", faults: Sequence[str] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.help = help
        self.faults = tuple(faults)

    def __str__(self) -> str:
        first = f"{self.where}: {self.what}" if self.where else self.what
        lines = [first, *(f"  {fault}" for fault in self.faults)]
        if self.help:
            lines.append(f"  help: {self.help}")
        return "\n".join(lines)


class InputError(AttainableError):
    """What was asked cannot be done; nothing was written."""


class ModelFileError(InputError):
    """The bytes are not a model that we read."""


class ModelGraphError(InputError):
    """The file parses, but its graph is broken."""


class UnboundDimensions(InputError):
    """A symbolic dimension has no number yet; ``dimensions`` names those that have none."""

    def __init__(self, what: str, *, where: str = "", help: str = "", dimensions: Sequence[str] = ()) -> None:
        super().__init__(what, where=where, help=help)
        self.dimensions = tuple(dimensions)


class UnknownName(InputError):
    """No network, device, runtime or format has this name."""


_MOST_LISTED = 20
"""Names that a message lists; a longer table has a command of its own."""


def unknown_name(kind: str, name: str, known: Iterable[str], *, also: str = "") -> UnknownName:
    """The error for a name that is in no table.

    Args:
        kind: what was asked for, e.g. ``network``.
        name: as the user wrote it.
        known: the names in the table; the help lists them, the closest ones first as a question.
        also: what else could be given, or where all names are listed; appended to the list.
    """
    # difflib takes a millisecond to import, which only somebody who mistyped should pay.
    from difflib import get_close_matches

    names = {candidate.lower(): candidate for candidate in known}
    close = get_close_matches(name.strip().lower(), names, cutoff=0.5)
    guess = f"did you mean {' or '.join(names[match] for match in close)}? " if close else ""
    first = list(names.values())[:_MOST_LISTED]
    listed = ", ".join([*first, "..."] if len(names) > len(first) else first) or "none"
    return UnknownName(f"no {kind} is called {name!r}", help=f"{guess}known: {listed}{f'; {also}' if also else ''}")


class InvalidQuantity(InputError):
    """A number, unit, shape or flag cannot be read."""


class OutputExists(InputError):
    """The output file exists and may not be overwritten."""


class RunError(AttainableError):
    """The run failed; what was computed on paper stands."""

    exit_code = 3


class RuntimeRefused(RunError):
    """The runtime does not accept the model."""


class InputsUnavailable(RunError):
    """No valid inputs can be made for the model."""


class WorkerCrashed(RunError):
    """The worker process died before it answered."""


class WorkerTimedOut(RunError):
    """The worker process did not answer in time."""


class HostUnusable(RunError):
    """Another machine cannot be reached, or lacks what a worker needs."""
