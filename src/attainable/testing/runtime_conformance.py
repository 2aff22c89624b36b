"""The conformance suite of runtimes for pytest. A test file says which runtime is meant, and inherits the rest::

class TestImagined(RuntimeConformance):
    runtime = RUNTIME
"""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import pytest

from attainable.runtimes import Runtime
from attainable.testing.checks import Check
from attainable.testing.conformance import check_network, check_refusals, why_not_installed
from attainable.testing.networks import NETWORKS

__all__ = ["RuntimeConformance"]


class RuntimeConformance:
    """A test for each network of the suite, and one for what has to be refused; each says how many checks ran.

    Where the runtime is not installed they are skipped, and say how to install it.

    Attributes:
        runtime: what is checked.
    """

    runtime: ClassVar[Runtime]

    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        reason = why_not_installed(self.runtime)
        if reason:
            pytest.skip(reason)

    @pytest.mark.parametrize("network", NETWORKS)
    def test_a_network_runs_as_it_should(
        self, network: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Outputs, runs, threads, precision and profile of one network."""
        self._require(network, check_network(self.runtime, network, tmp_path), capsys)

    def test_what_it_cannot_run_is_refused(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Words of its own, and no worker left."""
        self._require("refusals", check_refusals(self.runtime, tmp_path), capsys)

    def _require(self, what: str, checks: Iterable[Check], capsys: pytest.CaptureFixture[str]) -> None:
        ran = list(checks)
        with capsys.disabled():
            print(f"\n{self.runtime.name}, {what}: {len(ran)} checks", end="")  # noqa: T201  (what the suite reports)
        failed = [f"{check.name}: {check.detail}" for check in ran if not check.passed]
        assert not failed, "\n".join(failed)
        assert ran, "no check ran"
