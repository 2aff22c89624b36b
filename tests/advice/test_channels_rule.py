"""DSG005 with a probe that says what the test wants: what is proposed, and what becomes of the times."""

from dataclasses import replace
from pathlib import Path

import pytest

from attainable.advice.find import find
from attainable.advice.rule import Advice, Candidate, Conclusion
from attainable.advice.rules import design
from attainable.cost.count import count
from attainable.timing.conditions import Conditions
from attainable.workload import Workload
from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value
from tests.advice.situations import AVX2, AVX512, RUN, always, conv_relu, network, pairs, situation

RULE = design.RULES["DSG005"]


def advice(workload: Workload, *seconds: float) -> Advice:
    return find(count(workload), RUN, conditions=AVX2, prober=always(*seconds), rules=[RULE])


def looked(workload: Workload, conditions: Conditions = AVX2) -> list[Candidate | Conclusion]:
    return list(RULE.look(situation(workload, conditions=conditions)))


def test_the_finding_has_the_saving_that_the_probe_measured(tmp_path: Path) -> None:
    found = advice(network(tmp_path, pairs(65, times=4)), 6.0e-3, 4.5e-3, 5.9e-3)
    (finding,) = found.findings
    assert finding.title == "8 convolutions have 65 channels where 64 would do"
    # four occurrences of 1.5 ms, a tenth more and less because a region alone is not the network
    assert finding.saves_low_seconds == pytest.approx(4 * 1.5e-3 * 0.9)
    assert finding.saves_high_seconds == pytest.approx(4 * 1.5e-3 * 1.1)
    assert "65 channels 24.0 ms, 64 channels 18.0 ms, padded to 72 23.6 ms" in finding.observation
    assert "saves 25 % of the time with 2 % of the operations" in finding.observation
    assert finding.confidence.startswith("high")
    assert len(finding.ops) == 4 * len(["conv", "relu", "conv"])


def test_padding_that_pays_is_offered_beside(tmp_path: Path) -> None:
    (finding,) = advice(network(tmp_path, pairs(65, times=1)), 6.0e-3, 4.5e-3, 5.0e-3).findings
    assert finding.action == (
        "make them 64 channels wide and train again; "
        "or pad them to 72 channels with zeros, which changes no result (saves 1.00 ms)"
    )


def test_padding_alone_is_proposed_below_a_step(tmp_path: Path) -> None:
    (finding,) = advice(network(tmp_path, pairs(39, times=1)), 6.0e-3, 5.0e-3).findings
    assert finding.title == "2 convolutions have 39 channels; 40 take less time"
    assert finding.action == "pad them to 40 channels with zeros, which changes no result"


def test_the_twin_has_no_finding_and_needs_no_probe(tmp_path: Path) -> None:
    (conclusion,) = looked(network(tmp_path, pairs(64)))
    assert isinstance(conclusion, Conclusion)
    assert conclusion.saves is None
    assert "none lies just above a multiple of 8" in conclusion.observation


@pytest.mark.parametrize("seconds", [(6.0e-3, 6.0e-3, 6.0e-3), (6.0e-3, 7.0e-3, 7.0e-3), (6.0e-3, 5.9e-3, 6.1e-3)])
def test_no_gain_is_a_result(tmp_path: Path, seconds: tuple[float, float, float]) -> None:
    # the last saves 2 % of the time for 2 % of the operations: fewer channels, but no step
    found = advice(network(tmp_path, pairs(65)), *seconds)
    assert found.findings == []
    (checked,) = found.checked
    assert checked.code == "DSG005"
    assert "No gain that is certain" in checked.observation
    assert "65 channels 12.0 ms" in checked.observation


@pytest.mark.parametrize(
    ("channels", "avx2", "avx512"),
    [
        (64, 0, 0),
        (65, 3, 3),
        (66, 3, 3),
        (67, 3, 3),
        (68, 2, 2),
        (72, 0, 2),
        (76, 2, 0),
        (17, 3, 3),
        (20, 0, 0),
        (63, 3, 2),
    ],
)
def test_which_channels_are_just_above_a_step(tmp_path: Path, channels: int, avx2: int, avx512: int) -> None:
    """How many variants are probed: as found, the step below, padded."""
    workload = network(tmp_path, pairs(channels, times=1))
    for conditions, expected in ((AVX2, avx2), (AVX512, avx512)):
        (seen,) = looked(workload, conditions)
        assert (len(seen.variants) if isinstance(seen, Candidate) else 0) == expected


def test_a_step_that_is_slower_says_so(tmp_path: Path) -> None:
    (checked,) = advice(network(tmp_path, pairs(65)), 5.0e-3, 6.0e-3, 6.0e-3).checked
    assert "That takes 20 % longer." in checked.observation


def test_equal_regions_are_probed_once(tmp_path: Path) -> None:
    def body(builder: GraphBuilder, x: Value) -> Value:
        x = pairs(65, times=3)(builder, x)
        x = conv_relu(builder, "one", conv_relu(builder, "single", x, 33), 32)
        return conv_relu(builder, "other", x, 16)

    candidates = looked(network(tmp_path, body))
    assert sorted(len(seen.ops) for seen in candidates if isinstance(seen, Candidate)) == [3, 9]


def test_the_input_and_the_output_of_a_network_are_no_choice(tmp_path: Path) -> None:
    builder = GraphBuilder("ends")
    x = builder.input("x", (1, 65, 8, 8))
    path = tmp_path / "ends.onnx"
    model = builder.finish(builder.conv("a", x, channels=65, kernel=3), name="y")
    path.write_bytes(model.SerializeToString())
    from attainable.workload import load

    (conclusion,) = looked(load(path))
    assert isinstance(conclusion, Conclusion)
    assert conclusion.observation == "No convolution decides on a number of channels that could be another."


def test_an_unknown_processor_or_runtime(tmp_path: Path) -> None:
    workload = network(tmp_path, pairs(65))
    (conclusion,) = looked(workload, replace(AVX2, isa=("asimd",)))
    assert isinstance(conclusion, Conclusion)
    assert conclusion.observation == "The step of onnxruntime on this processor is not known."
    elsewhere = replace(situation(workload), run=replace(RUN, runtime="openvino"))
    (conclusion,) = RULE.look(elsewhere)
    assert isinstance(conclusion, Conclusion)
    assert "openvino" in conclusion.observation


def test_variants_can_be_written(tmp_path: Path) -> None:
    (candidate,) = looked(network(tmp_path, pairs(65)))
    assert isinstance(candidate, Candidate)
    widths: list[list[int]] = []
    for number, variant in enumerate(candidate.variants):
        folder = tmp_path / str(number)
        folder.mkdir()
        written = variant.write(folder)
        widths.append([op.output.dims[1] for op in written.ops if op.kind == "Conv"])
    assert widths == [[65, 64], [64, 64], [72, 64]]
