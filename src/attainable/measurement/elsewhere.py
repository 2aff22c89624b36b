"""A run on another machine: what cannot be asked of it, and what is not known of it."""

from collections.abc import Generator
from contextlib import contextmanager

from attainable.errors import InvalidQuantity, WorkerCrashed
from attainable.measurement.deployment import Deployment
from attainable.measurement.energy import Energy
from attainable.runtimes.faults import one_line
from attainable.runtimes.process import BROKEN
from attainable.runtimes.remote.hosts import Host

NO_ENERGY = Energy(None, None, "not available: the counters of another machine are not read")


def require_possible_at(host: Host | None, deployment: Deployment) -> None:
    """Check that a network can be run as deployed on a host, where nothing is started but the worker.

    Args:
        host: None for this machine.
        deployment: how it is to run.

    Raises:
        InvalidQuantity: it cannot; names the flags.
    """
    if host is None:
        return
    asked = {"--beside": deployment.beside, "--load": deployment.load, "--pin": deployment.pinned}
    flags = [flag for flag, wanted in asked.items() if wanted]
    if flags:
        raise InvalidQuantity(
            f"cannot be combined with {' and '.join(flags)}, which work on this machine alone", where="--host",
            help="measure on that machine itself: install attainable there",
        )  # fmt: skip


@contextmanager
def understood_of(host: Host | None) -> Generator[None]:
    """What a host tells of kernels is a stranger's: where it cannot be understood, that is an error of its worker.

    Raises:
        WorkerCrashed: it cannot be.
    """
    try:
        yield
    except BROKEN as error:
        if host is None:
            raise
        reason = one_line(str(error)) or type(error).__name__
        raise WorkerCrashed(f"what it tells is not understood ({reason})", where=f"worker on {host.name}") from None


def doubts_of_host(threads: int) -> tuple[str, ...]:
    """What to know of a run on another machine before trusting it."""
    if threads == 1:
        return ()
    return (
        "how quickly the cores of another machine hand over is not measured, so that badly placed threads do not show; "
        "compare with --threads 1",
    )
