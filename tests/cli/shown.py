"""What a command of the command line showed."""

from collections.abc import Callable
from typing import NamedTuple


class Shown(NamedTuple):
    """What a command printed, and its exit code."""

    out: str
    err: str
    code: int


Command = Callable[..., Shown]
