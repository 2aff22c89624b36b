"""How fast two devices ran the networks of timm, as timm's own benchmark measured it.

Source: ../shared/data/timm, the result tables of huggingface/pytorch-image-models (``results/``).
"""

import csv
from dataclasses import dataclass
from pathlib import Path

TABLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "timm"


@dataclass(frozen=True, slots=True)
class Network:
    """A network by its name in timm, on square images with ``side`` pixels an edge."""

    name: str
    side: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """A row of a table.

    Attributes:
        network: what ran.
        batch: images at once.
        seconds: of a batch.
        parameters: as the table has them.
        macs: of one image, as the table has them, None where it has a gap.
        activations: elements that convolutions and linear layers write for one image; None where the table has a gap.
    """

    network: Network
    batch: int
    seconds: float
    parameters: float
    macs: float | None
    activations: float | None


@dataclass(frozen=True, slots=True)
class Table:
    """The measurements of a device.

    Attributes:
        device: its name.
        file: in the folder of the tables.
        conditions: how it ran.
    """

    device: str
    file: str
    conditions: str

    def measurements(self) -> list[Measurement]:
        """Every row, in the order of the file."""
        with (TABLES / self.file).open(encoding="utf-8", newline="") as stream:
            return [_measurement(row) for row in csv.DictReader(stream)]


CPU = Table(
    "i7-12700H",
    "benchmark-infer-fp32-nchw-pt240-cpu-i7_12700h-dynamo.csv",
    "float32, batch 1, PyTorch 2.4 compiled by inductor",
)
GPU = Table(
    "RTX 3090",
    "benchmark-infer-amp-nchw-pt240-cu124-rtx3090.csv",
    "autocast to float16, NCHW, eager, batch up to 1024, PyTorch 2.4 with CUDA 12.4",
)


def networks() -> list[Network]:
    """The networks of both tables, sorted."""
    found = {row.network for table in (CPU, GPU) for row in table.measurements()}
    return sorted(found, key=lambda network: (network.name, network.side))


def _measurement(row: dict[str, str]) -> Measurement:
    return Measurement(
        network=Network(row["model"], int(row["infer_img_size"])),
        batch=int(row["infer_batch_size"]),
        seconds=float(row["infer_step_time"]) * 1e-3,
        parameters=float(row["param_count"]) * 1e6,
        macs=float(row["infer_gmacs"]) * 1e9 if row["infer_gmacs"] else None,
        activations=float(row["infer_macts"]) * 1e6 if row["infer_macts"] else None,
    )
