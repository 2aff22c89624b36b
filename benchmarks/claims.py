"""Claim: the acceptance rows of ``../shared/reference/claims.csv`` hold.

Each row has a check that computes its numbers through the product (``benchmarks/acceptance``). A row passes, is
contradicted where its published number is marked as one that does not reproduce, is skipped with the reason, or fails.
Rows that only a measurement can tell of are measured apart, by ``python -m benchmarks local_claims``.
Then every darknet and ncnn file of ``../shared/data`` is read. Ends with exit code 1 where a row or a file fails.
"""

from collections import Counter
from pathlib import Path

from attainable.cost.count import count
from attainable.errors import AttainableError
from attainable.workload import load
from attainable.workload.shapes import Bindings
from benchmarks.acceptance.claim import outcomes, read_claims
from benchmarks.acceptance.counting import SHARED
from benchmarks.acceptance.table import TABLE

CLAIMS = SHARED / "reference" / "claims.csv"
FILES = {"darknet": ("darknet", "*.cfg"), "ncnn": ("ncnn-benchmark/models", "*.param")}
"""Folder and names of the network files of each format."""

SHAPES: dict[str, Bindings] = {
    "FastestDet": {"in0": (1, 3, 352, 352)},
    "vision_transformer": {"input": (1, 3, 384, 384)},
}
"""Of the files that do not tell. Source: ../shared/data/README.md."""


def main() -> None:
    """Print the table, and what came of the files.

    Raises:
        SystemExit: a row or a file fails.
    """
    claims = read_claims(CLAIMS)
    if not claims:
        print("../shared/reference/claims.csv is absent: the claimed numbers are those of the checks\n")
    found = outcomes(TABLE, claims)
    print("| id | group | status | expected | computed | note |\n|---|---|---|---|---|---|")
    for entry in found:
        cells = (entry.id, entry.group, entry.status, entry.expected, entry.computed, entry.note)
        print(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    statuses = Counter(entry.status for entry in found)
    print(f"\n{len(found)} rows: {', '.join(f'{number} {status}' for status, number in statuses.most_common())}")
    exact, figures = (sum(numbers) for numbers in zip(*((row.to_the_digit, row.figures) for row in found), strict=True))
    print(f"{exact} of {figures} figures agree in every printed digit, the others within the row's tolerance")
    faults = [fault for format in FILES for fault in read_files(format)]
    if statuses["failed"] or faults:
        raise SystemExit(1)


def read_files(format: str) -> list[str]:
    """Read every file of a format, print how many there are, and give what went wrong."""
    folder, names = FILES[format]
    paths = sorted((SHARED / "data" / folder).glob(names))
    faults: list[str] = []
    heads: list[str] = []
    for path in paths:
        fault, unknown = _read(path)
        faults += [f"{path.name}: {fault}"] if fault else []
        heads += [f"{path.stem} ({', '.join(unknown)})"] if unknown else []
    print(f"{format}: {len(paths) - len(faults)} of {len(paths)} files read and counted")
    if heads:
        print(f"  at least, because of detection heads without a rule: {'; '.join(heads)}")
    for fault in faults:
        print(f"  failed: {fault}")
    return faults


def _read(path: Path) -> tuple[str, tuple[str, ...]]:
    """What is wrong with a file, and the kinds of its ops that are not counted."""
    try:
        result = count(load(path, SHAPES.get(path.stem)))
    except AttainableError as error:
        return str(error).splitlines()[0], ()
    unknown = result.coverage.kinds_without_rule
    if result.coverage.unresolved or not result.totals.macs or any(not kind.endswith("Output") for kind in unknown):
        return "is not counted whole", unknown
    return "", unknown


if __name__ == "__main__":
    main()
