"""Running the command line in this process, as a user would."""

from pathlib import Path

import pytest

from attainable.cli import main
from tests.cli.shown import Command, Shown


@pytest.fixture
def attainable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], machine_profile: Path
) -> Command:
    """Run a command line in an empty folder, on a machine whose roofs are known."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ATTAINABLE_CACHE", str(machine_profile))
    # pytest-xdist sets a width; a pipe has none
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*arguments: str | Path) -> Shown:
        monkeypatch.setattr("sys.argv", ["attainable", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return Shown(shown.out, shown.err, int(ended.value.code or 0))

    return run
