"""Analysis and its parts: the JSON contract, field by field.

What is here is what a saved analysis holds, and all that a report needs. Fields are only added from one schema version
to the next, never renamed. Units are in the names; every number is in SI base units.
"""

import json
import re
from dataclasses import dataclass, field

import msgspec

from attainable.analysis.run_records import RunRow
from attainable.errors import ModelFileError

SCHEMA_VERSION = 2

LARGEST_SAVED_BYTES = 512 * 2**20
"""A saved analysis beyond this is refused; one million ops take about 400 MiB."""


@dataclass(frozen=True, slots=True)
class Model:
    """The file and what is stored in it. ``bindings`` made the shapes concrete: a number or a shape by name."""

    name: str
    path: str
    format: str
    opset: int
    sha256: str
    bindings: dict[str, int | list[int]]
    parameters: int
    parameter_bytes: int
    buffer_bytes: int
    file_bytes: int
    external_bytes: int
    inputs: list["Port"]
    outputs: list["Port"]
    compressed_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of the graph; the shape is null where it is not known."""

    name: str
    dtype: str
    shape: list[int] | None


@dataclass(frozen=True, slots=True)
class EngineOperations:
    """Operations of one engine (matrix, vector) on one element type."""

    engine: str
    dtype: str
    operations: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Counted, over the whole network; every figure is "at least" where ``at_least`` is true.

    ``least_*`` are the same figures when the cheaper branch of every If is taken and loops end as early as they can.
    ``planned_arena_bytes`` is what a planned run allocates, weights and inputs apart; null for a very large network.
    """

    macs: int
    operations: int
    operations_by: list[EngineOperations]
    parameters: int
    parameter_bytes: int
    bytes_read: int
    bytes_written: int
    bytes_moved: int
    unavoidable_bytes: int
    operational_intensity: float | None
    peak_activation_bytes: int
    peak_activation_bytes_inputs_kept: int
    peak_activation_bytes_in_place: int
    all_activation_bytes: int
    mean_activation_bytes: float
    swing_activation_bytes: int
    at_least: bool
    least_macs: int
    least_operations: int
    least_bytes_moved: int
    planned_arena_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class StageRow:
    """Ops in a row that make images of one resolution, and the most channels that one of them makes."""

    resolution: list[int]
    ops: int
    channels: int
    operations: int


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """Counted: the shape of the graph, views and folded constants left out.

    ``depth`` and ``layers`` are the most ops, and contractions with parameters, on a path; ``widest_level`` the most
    ops at one distance from the inputs; ``fragments`` the chains between forks and joins; ``parallelism`` all
    operations over those of the critical path.
    """

    ops: int
    depth: int
    layers: int
    widest_level: int
    fragments: int
    critical_path_operations: int
    parallelism: float | None
    stages: list[StageRow]


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """Counted: the memory of a training step. ``assumed`` lists operators of which all inputs are taken as kept."""

    optimiser: str
    weight_bytes: int
    buffer_bytes: int
    gradient_bytes: int
    optimiser_bytes: int
    input_bytes: int
    saved_bytes: int
    activation_gradient_bytes: int
    peak_bytes: int
    peak_phase: str
    assumed: list[str]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much was counted, ops in bodies included.

    ``unresolved`` lists ids of ops with a rule but without usable shapes, ``unknown_trips`` those of loops of which
    nobody said how often they run.
    """

    ops: int
    ops_with_rule: int
    kinds_without_rule: list[str]
    unresolved: list[str]
    unknown_trips: list[str]


@dataclass(frozen=True, slots=True)
class OpRow:
    """Counted, for one op. ``state`` is counted, folded, or why the op could not be counted.

    The figures of an op with ``bodies`` (a branch, a loop, a call of a function) are those of its bodies together.
    """

    id: str
    name: str
    kind: str
    scope: str
    dtype: str
    label: str
    macs: int
    operations: int
    bytes_read: int
    bytes_written: int
    parameters: int
    shared: bool
    state: str
    input_shapes: list[list[int] | None]
    output_shapes: list[list[int] | None]
    bodies: list["BodyRow"] = field(default_factory=list["BodyRow"])


@dataclass(frozen=True, slots=True)
class BodyRow:
    """The ops of a branch, a loop or a function, for one run of it, and how often it runs at most."""

    name: str
    repeats: int
    ops: list[OpRow]


@dataclass(frozen=True, slots=True)
class RoofRow:
    """A roof that was used, with its source and whether it is specified, measured or assumed."""

    engine: str
    dtype: str
    operations_per_second: float
    source: str
    kind: str


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """A memory that stands beside the one that counts: another level, or the same with a figure of another kind."""

    name: str
    bytes_per_second: float
    kind: str


@dataclass(frozen=True, slots=True)
class DeviceOp:
    """The roofline of one op; 0 seconds and ``fused_into`` for an op that another one's kernel contains.

    ``bound_by`` is ``compute``, ``memory``, ``overhead`` or ``nothing``, ``fused`` for such an op, and ``left out`` for
    one that the accounting does not count. ``memory`` names the memory that its bytes come from.
    """

    id: str
    roofline_seconds: float
    bound_by: str
    fused_into: str | None = None
    compute_seconds: float = 0.0
    memory_seconds: float = 0.0
    overhead_seconds: float = 0.0
    memory: str = ""


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """Bound and roofline on one device, on ``threads`` cores (null: the whole device).

    ``predicted_seconds`` is what a device predicts that was fitted to measured latencies, with the interval that holds
    it nine times in ten; null for any other device. ``other_roofs`` and ``other_memories`` do not count under this
    accounting: specified figures beside measured ones, caches.
    """

    name: str
    title: str
    threads: int | None
    bound_seconds: float
    bound_by: str
    bound_compute_seconds: float
    bound_memory_seconds: float
    roofline_seconds: float
    accounting: str
    roofs: list[RoofRow]
    bytes_per_second: float | None
    bytes_per_second_source: str
    bytes_per_second_kind: str
    without_roof: list[EngineOperations]
    conditions: dict[str, str]
    ops: list[DeviceOp]
    predicted_seconds: float | None = None
    predicted_low_seconds: float | None = None
    predicted_high_seconds: float | None = None
    other_roofs: list[RoofRow] = field(default_factory=list[RoofRow])
    other_memories: list[MemoryRow] = field(default_factory=list[MemoryRow])


@dataclass(frozen=True, slots=True)
class Prediction:
    """Predicted, with its interval. No predictor is calibrated yet, so an analysis holds null."""

    seconds: float
    low_seconds: float
    high_seconds: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that fired, with its evidence and the seconds that the change would save."""

    code: str
    title: str
    ops: list[str]
    observation: str
    action: str
    saves_low_seconds: float
    saves_high_seconds: float
    confidence: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A rule that looked and found no gain here, with its numbers. A result as good as a finding."""

    code: str
    title: str
    ops: list[str]
    observation: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A part of the analysis that failed: the stage, what happened, what to do."""

    stage: str
    what: str
    where: str
    help: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """One workload under one binding: counted, bounded, predicted, measured, explained."""

    model: Model
    totals: Totals
    coverage: Coverage
    conventions: dict[str, str]
    ops: list[OpRow]
    devices: list[DeviceRow] = field(default_factory=list[DeviceRow])
    predicted: Prediction | None = None
    runs: list[RunRow] = field(default_factory=list[RunRow])
    findings: list[Finding] = field(default_factory=list[Finding])
    checked: list[Checked] = field(default_factory=list[Checked])
    warnings: list[str] = field(default_factory=list[str])
    errors: list[Fault] = field(default_factory=list[Fault])
    environment: dict[str, str] = field(default_factory=dict[str, str])
    network: NetworkShape | None = None
    training: TrainingStep | None = None
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """The analysis as indented JSON; ``analysis.schema.json`` in this package describes it."""
        return as_json(self)

    @classmethod
    def from_json(cls, text: str | bytes, *, where: str = "saved analysis") -> "Analysis":
        """Read what ``to_json`` wrote.

        Raises:
            ModelFileError: it is not JSON, of a newer schema version, or a field is missing or of another type.
        """
        if len(text) > LARGEST_SAVED_BYTES:
            raise ModelFileError("is too large to be a saved analysis", where=where)
        help = "give a file that `attainable analyze MODEL --json --output FILE` wrote"
        try:
            analysis = msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ModelFileError(f"is not a saved analysis: {error}", where=where, help=help) from None
        if analysis.schema_version != SCHEMA_VERSION:
            raise ModelFileError(
                f"has schema version {analysis.schema_version}; this attainable reads {SCHEMA_VERSION}", where=where,
                help="render it with the attainable that wrote it",
            )  # fmt: skip
        return analysis


def as_json(record: object) -> str:
    """A frozen record as indented JSON with a final line break, as every command prints it.

    JSON escapes ASCII control characters only; the others that a terminal obeys are escaped here.
    """
    try:
        text = msgspec.json.format(msgspec.json.encode(record), indent=1).decode()
    except UnicodeEncodeError:
        # a file name that is no valid text holds lone surrogates
        text = json.dumps(msgspec.to_builtins(record), indent=1)
    harmless = text.isascii() and "\x7f" not in text
    return (text if harmless else _OBEYED.sub(lambda found: f"\\u{ord(found.group()):04x}", text)) + "\n"


_OBEYED = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""DEL, C1 controls, and what turns text around or hides in it."""


def json_schema() -> bytes:
    """The JSON Schema (2020-12) of an analysis, as shipped in ``analysis.schema.json``."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Analysis)}
    return as_json(schema).encode()
