"""Fixtures of many tests."""

from pathlib import Path

import pytest
from hypothesis import settings

from attainable.calibration.local import local_device

# On a shared machine a slow example says nothing about the code. The same examples every time: what a change is refused
# for is its own. New ones are looked for with `--hypothesis-profile search`.
settings.register_profile("attainable", deadline=None, derandomize=True, database=None)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile("attainable")


@pytest.fixture(scope="session")
def machine_profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder in which this machine is calibrated, so that only one test session waits for it."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATTAINABLE_CACHE", str(folder))
        local_device()
    return folder
