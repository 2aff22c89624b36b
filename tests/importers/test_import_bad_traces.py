"""Traces that are cut off, wrong or hostile."""

import gzip
import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from attainable.errors import InputError
from attainable.importers import logs_of, read_log
from tests.importers import traces
from tests.importers.logs import content
from tests.importers.traces import kernel


def refused(text: str, format: str | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        logs_of(content(text), format)
    assert caught.value.help
    return caught.value


def test_a_profile_of_the_processor_alone_has_no_kernel() -> None:
    error = refused(traces.CPU_TRACE)
    assert error.what == "has no kernel of a GPU"
    assert "ProfilerActivity.CUDA" in error.help
    copies = "\n".join([traces.NSYS_HEADER, traces.nsys_row(0, 5, "[CUDA memset]")])
    assert refused(copies).what == "has no kernel of a GPU"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (traces.three_steps()[:-30], "ends before its JSON does"),
        ('{"traceEvents": 5}', "is not of its format"),
        ('{"schemaVersion": 1}', "is not of its format"),
        (traces.torch_trace(kernel("a", 0, 1)).replace('"dur": 1', '"dur": NaN'), "is no JSON that can be read"),
        (traces.torch_trace(kernel("a", 0, 1, stream=[])), "is not of its format"),  # type: ignore[arg-type]
        ('{"traceEvents": [' + "[" * 100_000, "is not of its format"),
        (traces.torch_trace(kernel("a", 0, 1)).replace('"grid": [8', '"grid": [' + "[" * 100_000), "JSON"),
    ],
)
def test_another_form(text: str, words: str) -> None:
    assert words in refused(text).what


@pytest.mark.parametrize(
    ("event", "fault"),
    [
        (kernel("a", 0, -1), "a duration in nanoseconds of '-1000.0' is negative @ event 0, dur"),
        (kernel("a", 0, 1e300), "is too large @ event 0, dur"),
        (kernel("a", 1e300, 1), "is no time @ event 0, ts"),
        ({**kernel("a", 0, 1), "ts": None}, "is no time @ event 0, ts"),
        ({**kernel("a", 0, 1), "dur": None}, "has no duration @ event 0"),
        (traces.step(1, 0, -5), "is negative @ event 0, dur"),
        (traces.processor("cudaLaunchKernel", "cuda_runtime", -1e200, 1, correlation=3), "is no time @ event 0, ts"),
    ],
)
def test_times_that_are_none(event: traces.Event, fault: str) -> None:
    faults = refused(traces.torch_trace(event, kernel("b", 5, 5))).faults
    assert len(faults) == 1
    assert fault in faults[0]


def test_a_row_of_nsys_that_is_none() -> None:
    rows = [traces.nsys_row("-5", "nan", "a"), traces.nsys_row(1, 1, "b"), "1,2"]
    assert refused("\n".join([traces.NSYS_HEADER, *rows])).faults == (
        "a time of '-5' is negative @ line 2, Start", "a time of 'nan' is no number @ line 2, Duration",
    )  # fmt: skip
    endless = f"{traces.NSYS_HEADER}\n" + "\n".join(['1,2,"' + "x" * 60_000, "y" * 60_000, "z" * 60_000])
    assert "is no table" in refused(endless).what
    assert "has no table" in refused("a,b\n1,2\n", "nsys").what


def test_the_table_may_have_its_columns_in_any_order() -> None:
    text = "Name,Start (ns),Duration (ns)\na,0,10\nshort\nb,5,10\n"
    (log,) = logs_of(content(text), "nsys")
    assert [each.name for each in log.kernels] == ["a"]


def test_a_packed_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(traces.three_steps().encode())
    path = tmp_path / "trace.json.gz"
    path.write_bytes(packed)
    (log,) = read_log(path)
    assert log.times.samples == 2
    assert log.sources[0].sha256 == hashlib.sha256(packed).hexdigest()
    for broken in (packed[:-20], packed[:2], b"\x1f\x8bnothing", packed[:40] + b"x" * 40):
        path.write_bytes(broken)
        with pytest.raises(InputError, match="packed"):
            read_log(path)
    monkeypatch.setattr("attainable.importers.content.MOST_BYTES", 1000)
    path.write_bytes(gzip.compress(b" " * 10_000_000, 9)[:990])
    with pytest.raises(InputError, match="is larger than 0 MiB when unpacked"):
        read_log(path)


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    text = traces.torch_trace(*(kernel(f"k{number}", number, 1) for number in range(6)))
    monkeypatch.setattr("attainable.importers.traced_runs.MOST_KERNELS", 5)
    assert "kernels of more than 5 names" in refused(text).what
    monkeypatch.setattr("attainable.importers.torch_trace.MOST_EVENTS", 3)
    assert "more than 3 events" in refused(text).what
    monkeypatch.setattr("attainable.importers.nsys_trace.MOST_EVENTS", 3)
    assert "more than 3 rows" in refused(traces.NSYS_TRACE).what


def test_many_runs_of_many_kernels_take_no_time_squared() -> None:
    events: list[traces.Event] = []
    for number in range(4000):
        events += [traces.step(number, 10 * number, 5), kernel("a", 10 * number, 1)]
    events += [kernel(f"k{number}", 39_990, 1) for number in range(4000)]
    (log,) = logs_of(content(json.dumps({"traceEvents": events})))
    # kernels of the last run only are 0 in the typical one
    assert log.kernels_seconds == pytest.approx(1e-6)
    assert len(log.kernels) == 4001


def test_names_of_anything_are_kept_as_they_are() -> None:
    for device in (None, "x", 1e300, -1, 3.7):
        (log,) = logs_of(content(traces.torch_trace(kernel("\x1b[2J\u202e", 0, 1, device=device))))
        assert log.kernels[0].name == "\x1b[2J\u202e"


@pytest.mark.parametrize("piece", [7, 65_536])
def test_a_trace_packed_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr("attainable.importers.content._PIECE", piece)
    text = traces.three_steps().encode()
    parts = [gzip.compress(part) for part in (text[:900], b"", text[900:1700], text[1700:])]
    path = tmp_path / "trace.json.gz"
    # an archive on tape is filled up with zeros
    for end in (b"", bytes(100)):
        path.write_bytes(b"".join(parts) + end)
        assert read_log(path)[0].times.samples == 2
    for limit, enough, words in [
        ("MOST_BYTES", len(text), "MiB when unpacked"), ("_MOST_MEMBERS", len(parts), "more than 3 packed parts"),
    ]:  # fmt: skip
        with monkeypatch.context() as patch:
            patch.setattr(f"attainable.importers.content.{limit}", enough)
            assert read_log(path)[0].times.samples == 2
            patch.setattr(f"attainable.importers.content.{limit}", enough - 1)
            with pytest.raises(InputError, match=words):
                read_log(path)
    path.write_bytes(parts[0] + parts[2][:-9])
    with pytest.raises(InputError, match="ends before its packed content does"):
        read_log(path)


def test_a_name_is_searched_once_and_not_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    at_the_end = ["x" * 4092 + "tf32", "y" * 4093 + "tf32"]
    # 30 us of the one, 10 of the other, whose letters are behind the 4096 that are looked at
    events = [kernel(at_the_end[number % 4 == 3], 10 * number, 10) for number in range(4)]
    (log,) = logs_of(content(traces.torch_trace(*events)))
    assert any(note.startswith("kernels of 75 % of the time") for note in log.notes)
    searched: list[str] = []

    def search(name: str, *_: int) -> None:
        searched.append(name)

    monkeypatch.setattr("attainable.importers.traced_runs._NARROW", SimpleNamespace(search=search))
    logs_of(content(traces.torch_trace(*events)))
    assert sorted(searched) == at_the_end
