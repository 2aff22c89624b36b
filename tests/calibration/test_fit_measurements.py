"""A user's table of latencies: what is read, and that all faults come at once."""

from pathlib import Path

import pytest

from attainable.calibration.fit.measurements import (
    MOST_BYTES,
    Measurement,
    NamedModel,
    named_model,
    observe,
    read_measurements,
)
from attainable.errors import InputError
from tests.models import chain, save


def table(folder: Path, text: str | bytes) -> Path:
    path = folder / "latencies.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("header", "cell", "seconds"),
    [
        ("latency", "12.5 ms", 0.0125),
        ("latency", "800us", 8e-4),
        ("latency", "1.5 s", 1.5),
        ("ms", "12.5", 0.0125),
        ("seconds", "1.25e-2", 0.0125),
    ],
)
def test_a_latency_is_a_quantity_or_a_number_in_the_unit_of_its_column(
    tmp_path: Path, header: str, cell: str, seconds: float
) -> None:
    (row,) = read_measurements(table(tmp_path, f"model,{header}\nnet.onnx,{cell}\n"))
    assert row.named == NamedModel("net.onnx", (), "row 2")
    assert row.seconds == pytest.approx(seconds)


def test_columns_have_any_order_and_case_and_empty_lines_do_not_count(tmp_path: Path) -> None:
    text = "\ufeffShape, Seconds ,Model\r\n\r\nx=1x3x8x8 N=2,3,a.onnx\r\n,4,a.onnx\r\n"
    rows = read_measurements(table(tmp_path, text))
    assert rows == (
        Measurement(NamedModel("a.onnx", ("x=1x3x8x8", "N=2"), "row 3"), 3.0),
        Measurement(NamedModel("a.onnx", (), "row 4"), 4.0),
    )
    assert rows[0].named.label == "a.onnx x=1x3x8x8 N=2"


def test_all_faulty_rows_are_listed_with_their_numbers(tmp_path: Path) -> None:
    text = (
        "model,latency,shape\n"
        "a.onnx,6.61,\n"
        "b.onnx,fast,\n"
        "c.onnx,0 ms,\n"
        ",3 ms,\n"
        "d.onnx,-3 ms,\n"
        "e.onnx,3 ms,x\n"
        "f.onnx,3 ms,\n"
        "f.onnx,4 ms,\n"
        "g.onnx\n"
    )
    with pytest.raises(InputError) as caught:
        read_measurements(table(tmp_path, text))
    assert caught.value.faults == (
        "a latency of '6.61' has no unit of time @ row 2",
        "cannot read 'fast' @ row 3",
        "a latency of '0 ms' is none @ row 4",
        "names no model @ row 5",
        "cannot read '-3 ms' @ row 6",
        "cannot read the shape @ row 7",
        "f.onnx is measured in row 8 already @ row 9",
        "a latency of '' has no unit of time @ row 10",
    )


@pytest.mark.parametrize("cell", ["nan", "inf", "-1", "1e999", "x"])
def test_a_number_that_is_no_latency_is_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(InputError, match="@ row 2"):
        read_measurements(table(tmp_path, f"model,ms\nnet.onnx,{cell}\n"))


@pytest.mark.parametrize("header", ["name,latency", "model", "model,ms,seconds", ""])
def test_a_table_without_the_columns_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(InputError, match="model,latency"):
        read_measurements(table(tmp_path, f"{header}\na,b,c\n" if header else ""))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b'model,ms\n"a,1\n', b"x" * (MOST_BYTES + 1)])
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match=r"latencies\.csv"):
        read_measurements(table(tmp_path, content))


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_measurements(tmp_path / "none.csv")


def test_models_are_files_beside_the_table_or_networks_of_the_zoo(tmp_path: Path) -> None:
    save(chain(2), tmp_path)
    rows = read_measurements(table(tmp_path, "model,ms,shape\nmodel.onnx,1,N=2\nsqueezenet1_1,2,\n"))
    small, large = observe(rows, folder=tmp_path)
    assert (small.model, small.seconds) == ("model.onnx N=2", pytest.approx(1e-3))
    assert sum(kernel.repeats for kernel in small.kernels) == 2
    assert large.model == "squeezenet1_1"
    assert any(kernel.op_class == "pointwise" for kernel in large.kernels)


def test_all_models_that_cannot_be_read_are_listed_with_their_rows(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"\x00\x01")
    save(chain(1), tmp_path)
    text = f"model,ms\nmissing.onnx,1\nbroken.onnx,1\nmodel.onnx,1\n{'n' * 300},1\nos:getcwd,1\n"
    with pytest.raises(InputError) as caught:
        observe(read_measurements(table(tmp_path, text)), folder=tmp_path)
    rows = [fault.partition(" @ ")[2].partition(",")[0] for fault in caught.value.faults]
    assert rows == ["row 2", "row 3", "row 5", "row 6"]
    assert caught.value.faults[0] == "is neither a file nor a network of the zoo @ row 2, missing.onnx"


def test_shapes_may_stand_behind_a_model_whose_name_has_spaces() -> None:
    assert named_model("my net.onnx x=1x3x8x8 N=2") == NamedModel("my net.onnx", ("x=1x3x8x8", "N=2"))
    assert named_model("a=b.onnx") == NamedModel("a=b.onnx")
