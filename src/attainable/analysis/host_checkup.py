"""The record of ``attainable doctor --host``: what another machine has, and what disturbs measuring there."""

import time
from dataclasses import replace

from attainable.analysis.checkup import WATCHED_SECONDS, Checkup, InstalledRuntime, judged
from attainable.analysis.checkup_messages import say
from attainable.errors import HostUnusable
from attainable.runtimes import runtime
from attainable.runtimes.remote import RemoteWorker
from attainable.runtimes.remote.builds import read_host_builds
from attainable.runtimes.remote.conditions import HostGate, read_host_conditions
from attainable.runtimes.remote.faults import OWN_PYTHON, install_command, toml_key
from attainable.runtimes.remote.hosts import Host
from attainable.timing.gate import spans
from attainable.timing.obstacles import obstacles


def host_checkup(host: Host, *, seconds: float = WATCHED_SECONDS) -> Checkup:
    """Look at another machine.

    Args:
        host: which.
        seconds: how long the others there are watched.

    Raises:
        HostUnusable: it cannot be reached, lacks what is needed, or does not tell what it is.
    """
    builds = read_host_builds(host)
    with RemoteWorker(host, host.python) as worker:
        conditions = read_host_conditions(worker)
        if conditions is None:
            raise HostUnusable("what it tells of itself is not understood", where=host.name)
        gate = HostGate(worker)
        before = gate.before()
        time.sleep(seconds)
        after = gate.after()
        found = obstacles(conditions, before, after, available_memory_bytes=worker.available_memory_bytes())
    versions = {build.runtime: build.version for build in builds if build.version}
    checkup = judged(builds, found, {**versions, **dict(conditions.as_pairs()), **dict(spans(before, after))})
    return replace(checkup, runtimes=[_advised(each, host) for each in checkup.runtimes])


def _advised(build: InstalledRuntime, host: Host) -> InstalledRuntime:
    """With what to do there in place of what to do here."""
    if build.state == "usable":
        return build
    key = toml_key(host.name)
    values = {
        "command": install_command(host.name, runtime(build.runtime).requirement.packages), "key": key,
        "runtime": build.runtime, "python": OWN_PYTHON,
        "table": f"{key}.runtimes.{build.runtime}" if build.runtime in host.pythons else key,
    }  # fmt: skip
    return replace(build, advice=say(f"runtime.host.{build.state}", values))
