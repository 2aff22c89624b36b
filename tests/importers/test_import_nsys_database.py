"""The SQLite database of Nsight Systems, constructed from its documented tables; and databases that are a trap."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from attainable.errors import InputError
from attainable.importers import read_log

TABLES = """
CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE TARGET_INFO_GPU (id INTEGER PRIMARY KEY, name TEXT, smCount INTEGER);
CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (
    start INTEGER NOT NULL, end INTEGER NOT NULL, deviceId INTEGER, contextId INTEGER, streamId INTEGER,
    correlationId INTEGER, gridX INTEGER, demangledName INTEGER NOT NULL, shortName INTEGER NOT NULL);
CREATE TABLE CUPTI_ACTIVITY_KIND_MEMCPY (
    start INTEGER NOT NULL, end INTEGER NOT NULL, deviceId INTEGER, streamId INTEGER, bytes INTEGER, copyKind INTEGER);
INSERT INTO StringIds VALUES (1, 'void gemm<float>(float*)'), (2, 'gemm'), (3, 'relu'), (4, 'python train.py');
INSERT INTO TARGET_INFO_GPU VALUES (0, 'NVIDIA H100', 132);
"""
KERNEL = "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES"
GRAPHS = """
CREATE TABLE CUPTI_ACTIVITY_KIND_GRAPH_TRACE (
    start INTEGER NOT NULL, end INTEGER NOT NULL, deviceId INTEGER, contextId INTEGER, streamId INTEGER,
    correlationId INTEGER, graphId INTEGER NOT NULL, graphExecId INTEGER NOT NULL)"""
REPLAY = "INSERT INTO CUPTI_ACTIVITY_KIND_GRAPH_TRACE VALUES"


def database(folder: Path, *statements: str, tables: str = TABLES) -> Path:
    path = folder / "trace.sqlite"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as base:
        base.executescript(";\n".join([tables, *statements]))
    return path


def refused(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        read_log(path)
    assert caught.value.help
    return caught.value


def test_kernels_and_copies(tmp_path: Path) -> None:
    path = database(
        tmp_path,
        f"{KERNEL} (2000, 5000, 0, 1, 7, 11, 8, 1, 2), (4000, 6000, 0, 1, 13, 12, 8, 3, 3), "
        "(8000, 10000, 0, 1, 7, 13, 8, 3, 3)",
        "INSERT INTO CUPTI_ACTIVITY_KIND_MEMCPY VALUES (1000, 1500, 0, 7, 4096, 1)",
    )
    (log,) = read_log(path)
    assert log.trace is not None
    (gpu,) = log.trace.gpus
    # the same as the CSV report of tests/importers/traces.py: busy from 2 to 6 and from 8 to 10 of 1 to 10 us
    assert (gpu.name, gpu.kernels, gpu.busy_share) == ("NVIDIA H100", 3, pytest.approx(6 / 9))
    assert (gpu.copy_seconds, log.trace.span_seconds) == (pytest.approx(0.5e-6), pytest.approx(9e-6))
    assert {each.name: (each.calls, each.kind) for each in log.kernels} == {
        "void gemm<float>(float*)": (1, ""), "relu": (2, ""), "[CUDA memcpy]": (1, "copy"),
    }  # fmt: skip
    assert (log.sources[0].format, log.sources[0].bytes) == ("nsys", path.stat().st_size)


def test_nothing_is_written_beside_it(tmp_path: Path) -> None:
    path = database(tmp_path, "PRAGMA journal_mode = WAL", f"{KERNEL} (0, 5, 0, 1, 7, 11, 8, 1, 2)")
    read_log(path)
    assert [each.name for each in tmp_path.iterdir()] == ["trace.sqlite"]


def test_older_tables_have_fewer_columns(tmp_path: Path) -> None:
    tables = "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, end INTEGER)"
    (log,) = read_log(database(tmp_path, f"{KERNEL} (0, 5)", tables=tables))
    assert [(each.name, each.seconds) for each in log.kernels] == [("?", pytest.approx(5e-9))]


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        ((), "has no kernel of a GPU"),
        (("DROP TABLE CUPTI_ACTIVITY_KIND_KERNEL",), "has no kernel of a GPU"),
        (
            (
                "DROP TABLE CUPTI_ACTIVITY_KIND_KERNEL",
                "CREATE VIEW CUPTI_ACTIVITY_KIND_KERNEL AS WITH RECURSIVE endless(start) AS "
                "(SELECT 1 UNION ALL SELECT start + 1 FROM endless) SELECT start, start AS end FROM endless",
            ),
            "has no kernel of a GPU",
        ),
        (
            (
                "DROP TABLE CUPTI_ACTIVITY_KIND_KERNEL",
                "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL "
                "(start INTEGER, end INTEGER GENERATED ALWAYS AS (length(zeroblob(1000000000))) VIRTUAL)",
                f"{KERNEL} (1)",
            ),
            "is no database that can be read",
        ),
        ((f"{KERNEL} (0, 5, 0, 1, 7, 11, 8, 1, 2)", "UPDATE StringIds SET value = zeroblob(2000000)"), "too big"),
    ],
)
def test_traps(tmp_path: Path, statements: tuple[str, ...], words: str) -> None:
    assert words in refused(database(tmp_path, *statements)).what


def test_times_that_are_none(tmp_path: Path) -> None:
    tables = "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start, end)"
    path = database(tmp_path, f"{KERNEL} (10, 5), ('x', 5), (1.5, 3), (NULL, 1), (-9e18, 9e18)", tables=tables)
    assert refused(path).faults == (
        "a duration in nanoseconds of '-5.0' is negative @ kernel 1",
        "has no whole number as its time @ kernel 2",
        "has no whole number as its time @ kernel 3",
        "has no whole number as its time @ kernel 4",
        "has no whole number as its time @ kernel 5",
    )


def test_a_torn_database_is_refused(tmp_path: Path) -> None:
    path = database(tmp_path, *[f"{KERNEL} ({number}, {number + 5}, 0, 1, 7, 11, 8, 1, 2)" for number in range(500)])
    whole = path.read_bytes()
    for torn in (whole[:20], whole[:5000], whole[: len(whole) // 2], whole[:4096] + b"\xff" * 9000):
        path.write_bytes(torn)
        assert refused(path).what
    with pytest.raises(InputError, match="is no text"):
        path.write_bytes(whole)
        read_log(path, "torch")


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = database(
        tmp_path, *[f"{KERNEL} ({number}, {number + 5}, 0, 1, 7, 11, 8, {number}, 2)" for number in range(9)]
    )
    for name, limit, words in [
        ("MOST_EVENTS", 5, "more than 5 rows"), ("MOST_KERNELS", 5, "more than 5 names"),
        ("MOST_DATABASE_BYTES", 2**10, "is larger than"),
    ]:  # fmt: skip
        with monkeypatch.context() as patch:
            patch.setattr(f"attainable.importers.nsys_database.{name}", limit)
            assert words in refused(path).what
    with monkeypatch.context() as patch:
        patch.setattr("attainable.importers.nsys_database._INSTRUCTIONS", 10)
        patch.setattr("attainable.importers.nsys_database._MOST_STEPS", 1)
        assert "takes too much work" in refused(path).what
    with monkeypatch.context() as patch:
        patch.setattr("attainable.importers.nsys_database._INSTRUCTIONS", 10)
        patch.setattr("attainable.importers.nsys_database._MOST_SECONDS", -1.0)
        assert "takes too much work" in refused(path).what


@pytest.mark.parametrize("statements", [(), ("DROP TABLE CUPTI_ACTIVITY_KIND_KERNEL",)])
def test_replays_of_graphs_are_busy(tmp_path: Path, statements: tuple[str, ...]) -> None:
    # CUPTI writes 0 for both times where it does not know them
    replays = f"{REPLAY} (1000, 4000, 0, 1, 7, 11, 5, 6), (0, 0, 0, 1, 7, 12, 5, 6), (6000, 9000, 0, 1, 7, 13, 5, 6)"
    copies = "INSERT INTO CUPTI_ACTIVITY_KIND_MEMCPY VALUES (4000, 4500, 0, 7, 4096, 1)"
    (log,) = read_log(database(tmp_path, *statements, GRAPHS, replays, copies))
    assert log.trace is not None
    (gpu,) = log.trace.gpus
    # 3 and 3 of the 8 us from 1 to 9, and between them 2 us of which 0.5 are a copy
    assert (gpu.kernels, gpu.graphs, gpu.median_kernel_seconds) == (0, 2, None)
    assert (gpu.busy_share, gpu.gaps.seconds, gpu.copy_seconds) == pytest.approx((6 / 8, 2e-6, 0.5e-6))
    assert not gpu.launch_bound
    assert {each.name: (each.calls, each.kind, each.seconds) for each in log.kernels} == {
        "CUDA graph 5": (2, "graph", pytest.approx(6e-6)), "[CUDA memcpy]": (1, "copy", pytest.approx(0.5e-6)),
    }  # fmt: skip
    assert any("2 replays" in note and "--cuda-graph-trace=node" in note for note in log.notes)
    assert "replays of CUDA graphs without a time, which are left out: 1" in log.notes


def test_a_graph_ends_the_advice_about_the_start_of_kernels(tmp_path: Path) -> None:
    # kernels of 2 ns and gaps of 8 ns
    kernels = [f"{KERNEL} ({10 * number}, {10 * number + 2}, 0, 1, 7, 11, 8, 1, 2)" for number in range(20)]
    graph = [GRAPHS, f"{REPLAY} (200, 202, 0, 1, 7, 11, 5, 6)"]
    for statements, is_bound in ((kernels, True), ([*kernels, *graph], False)):
        (log,) = read_log(database(tmp_path, *statements))
        assert log.trace is not None
        assert log.trace.gpus[0].launch_bound == is_bound


def test_names_that_no_kernel_has_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = database(tmp_path, f"{KERNEL} (0, 5, 0, 1, 7, 11, 8, 1, 2)")
    # 4 names of 24, 4, 4 and 15 characters, of which the kernel has the first
    characters = len("void gemm<float>(float*)") + len("gemm") + len("relu") + len("python train.py")
    for name, enough in (("_MOST_CHARACTERS", characters), ("MOST_EVENTS", 4)):
        with monkeypatch.context() as patch:
            patch.setattr(f"attainable.importers.nsys_database.{name}", enough)
            assert read_log(path)[0].kernels[0].name == "void gemm<float>(float*)"
            patch.setattr(f"attainable.importers.nsys_database.{name}", enough - 1)
            assert refused(path).what == "has names without end"
