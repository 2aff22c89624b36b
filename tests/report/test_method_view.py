from dataclasses import replace

from attainable.analysis.records import Analysis, Port
from attainable.report.views.method import method
from tests.report.analyses import convolutions, on_paper


def facts(analysis: Analysis, title: str) -> dict[str, str]:
    (found,) = (facts for facts in method(analysis) if facts.title == title)
    return dict(found.rows)


def test_every_roof_has_its_kind_and_source() -> None:
    roofs = facts(convolutions(), "Roofs of AMD EPYC, 1 thread")
    assert roofs["float32 vector"] == "100 Gop/s, measured: multiply-adds in registers"
    assert roofs["memory"] == "10.0 GB/s, measured: read bandwidth"
    assert "specified" in facts(convolutions(), "Roofs of Some Board, whole device")["memory"]


def test_conventions_conditions_and_environment_are_there() -> None:
    analysis = convolutions()
    assert facts(analysis, "Conventions of counting") == {"mac": "one multiply and one add"}
    assert facts(analysis, "Conditions of AMD EPYC, 1 thread") == {"clock": "3.00 GHz"}
    assert facts(analysis, "Environment")["attainable"] == "0.1.0"
    run = facts(analysis, "Conditions of the run")
    assert (run["runtime"], run["threads"], run["input"]) == ("onnxruntime 1.31.1", "1 thread", "x: normal numbers")


def test_the_model_is_told_with_its_bindings() -> None:
    model = facts(convolutions(), "Model")
    assert model["file"] == "models/net.onnx"
    assert model["sha256"] == "ab" * 32
    assert model["bindings"] == "N = 1"
    assert model["input"] == "x: float32 1x3x224x224"


def test_shapes_may_be_unknown_or_scalar() -> None:
    analysis = on_paper([])
    ports = [Port("a", "float32", None)], [Port("b", "int64", [])]
    model = replace(analysis.model, inputs=ports[0], outputs=ports[1], bindings={"x": [1, 3]}, external_bytes=2**20)
    told = facts(replace(analysis, model=model), "Model")
    assert (told["input"], told["output"]) == ("a: float32 unknown shape", "b: int64 scalar")
    assert told["bindings"] == "x = 1x3"
    assert told["size"] == "4.88 KiB, and 1.00 MiB of weights in other files"


def test_lists_without_a_row_are_left_out() -> None:
    titles = [facts.title for facts in method(on_paper([]))]
    assert titles == ["Kinds of numbers", "Model", "Conventions of counting", "Environment"]
