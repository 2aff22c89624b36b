"""The ops that a viewer can find by name: attachments for viewers know no other key.

A name that is empty or that several ops carry points nowhere, or at the wrong op; such ops are left out and counted.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from attainable.analysis.grouping import COUNTED
from attainable.analysis.records import Analysis, OpRow
from attainable.export.messages import say_count


@dataclass(frozen=True, slots=True)
class NamedOps:
    """The counted ops with a name of their own, and how many ops have none."""

    ops: tuple[OpRow, ...]
    unnamed: int


def named_ops(ops: Sequence[OpRow]) -> NamedOps:
    """The ops that a viewer can find."""
    times = Counter(op.name for op in ops)
    # Netron ends a name at its first line break before it looks for it
    named = [op for op in ops if op.name and times[op.name] == 1 and "\n" not in op.name]
    return NamedOps(tuple(op for op in named if op.state in COUNTED), len(ops) - len(named))


def unnamed_warnings(analysis: Analysis) -> list[str]:
    """A sentence where ops cannot be found by name."""
    unnamed = named_ops(analysis.ops).unnamed
    return [say_count("attachment.unnamed", unnamed)] if unnamed else []
