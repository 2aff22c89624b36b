"""The probe: its arithmetic, and that it really tells a wide network from a narrow one on this machine."""

from pathlib import Path

import pytest

from attainable.advice.find import find
from attainable.advice.probe import probe
from attainable.advice.rule import Variant
from attainable.advice.rules import design
from attainable.cost.count import count
from attainable.errors import RuntimeRefused
from attainable.measurement.measure import measure_workload
from attainable.timing.conditions import read_conditions
from attainable.workload import Workload, load
from tests.advice.situations import measured, network, pairs

RULE = design.RULES["DSG005"]
has_known_step = pytest.mark.skipif(
    not {"avx2", "avx512f"} & set(read_conditions().isa), reason="the step of this processor is not known"
)


def test_savings_are_differences_within_a_round() -> None:
    # the machine became twice as slow in the last rounds; the difference within each round is the evidence
    probed = measured(*[(3.0, 2.0)] * 4, *[(6.0, 4.0)] * 2)
    assert probed.seconds(0) == 3.0
    saving = probed.saving(1, occurrences=10)
    assert (saving.low, saving.median, saving.high, saving.count) == (10.0, 10.0, 20.0, 6)
    assert probed.typical_saving(1).median == 1.0


@has_known_step
def test_a_finding_with_what_the_whole_network_saves_and_none_on_the_twin(tmp_path: Path) -> None:
    """65 channels where 64 would do: about a quarter of the time on AVX2 and on AVX-512."""
    wide = network(tmp_path, pairs(65, times=2), extent=28, name="wide")
    narrow = network(tmp_path, pairs(64, times=2), extent=28, name="narrow")
    run = measure_workload(wide, time_budget_seconds=2.0)
    # once more where other programs hid the gain
    tries = (find(count(wide), run, rules=[RULE], time_budget_seconds=10.0).findings for _ in range(6))
    (finding,) = next(filter(None, tries))
    assert finding.title.startswith("4 convolutions have 65 channels")
    obtained = probe(
        [Variant(1, lambda folder: wide), Variant(1, lambda folder: narrow)], runtime="onnxruntime", budget_seconds=4.0
    ).saving(1)
    # generous: other programs share the machine; benchmarks/channel_step.py asks for the interval itself
    assert obtained.high > 0
    assert 0.5 * finding.saves_low_seconds < obtained.high
    assert obtained.low < 2.0 * finding.saves_high_seconds
    assert find(count(narrow), run, rules=[RULE]).findings == []


def test_a_model_that_the_runtime_refuses(tmp_path: Path) -> None:
    good = network(tmp_path, pairs(8, times=1), channels_in=8)

    def broken(folder: Path) -> Workload:
        workload = load(good.provenance.path)
        Path(workload.provenance.path).write_bytes(b"no model any more")
        return workload

    with pytest.raises(RuntimeRefused):
        probe([Variant(1, broken)], runtime="onnxruntime", budget_seconds=2.0)
