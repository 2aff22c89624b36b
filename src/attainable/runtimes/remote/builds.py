"""Which runtimes a host has, and how they were built. Each is asked in a worker of its own there."""

from collections.abc import Iterable, Mapping
from typing import cast

from attainable.errors import HostUnusable, RunError
from attainable.names import short_sentence
from attainable.runtimes import RUNTIMES, runtime
from attainable.runtimes.builds import Build
from attainable.runtimes.process import SESSIONS
from attainable.runtimes.remote import RemoteWorker
from attainable.runtimes.remote.hosts import Host

__all__ = ["read_host_builds"]

_DEADLINE_SECONDS = 60.0
"""For one runtime: a board takes its time to import a large library."""
_NOT_THERE = ("ModuleNotFoundError: No module named {module!r}", "PackageNotFoundError: ")


def read_host_builds(host: Host, names: Iterable[str] | None = None) -> list[Build]:
    """Ask a host for all runtimes, one after another.

    Args:
        host: which.
        names: keys of ``RUNTIMES``; None for all.

    Raises:
        HostUnusable: it cannot be reached, or its interpreter cannot be used.
    """
    return [_asked(host, name) for name in (RUNTIMES if names is None else names)]


def _asked(host: Host, name: str) -> Build:
    requirement, python = runtime(name).requirement, host.python_for(name)
    try:
        with RemoteWorker(host, python) as worker:
            arguments = {
                "session_file": worker.place(SESSIONS / "describe_build.py"), "described": requirement.module,
                "distribution": requirement.distribution,
            }  # fmt: skip
            answer = worker.call("open", arguments, deadline_seconds=_DEADLINE_SECONDS)
    except HostUnusable as error:
        if name not in host.pythons:
            raise
        return Build(name, "broken", python=python, origin="configured", fault=short_sentence(error.what))
    except RunError as error:
        return Build(name, "broken", python=python, origin="configured", fault=short_sentence(error.what))
    fault = str(answer.get("fault") or "")
    if fault.startswith(tuple(each.format(module=requirement.module) for each in _NOT_THERE)):
        return Build(name, "missing")
    if fault:
        return Build(name, "broken", python=python, origin="configured", fault=short_sentence(fault))
    build = answer.get("build")
    said = cast("Mapping[str, object]", build) if isinstance(build, dict) else dict[str, object]()
    return Build(
        name, "usable", version=short_sentence(str(answer.get("version", ""))), python=python, origin="configured",
        build={short_sentence(str(key)): short_sentence(str(text)) for key, text in said.items()},
    )  # fmt: skip
