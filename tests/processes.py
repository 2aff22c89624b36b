"""Whether processes are gone, on machines that may be slow to say so."""

import time
from collections.abc import Iterable
from pathlib import Path

PATIENCE_SECONDS = 30.0
"""On a loaded machine the last steps of a process that was killed wait for a processor."""


def is_alive(process: int) -> bool:
    """Whether a process runs; a dead one that nobody has waited for does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def wait_until_dead(processes: Iterable[int]) -> None:
    """Wait until none of these runs; fails if one stays."""
    end = time.monotonic() + PATIENCE_SECONDS
    for process in processes:
        while is_alive(process):
            assert time.monotonic() < end, f"process {process} is left"
            time.sleep(0.01)
