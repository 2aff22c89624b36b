"""Claims: the rows of ``../shared/reference/claims.csv`` that only a measurement on this machine can tell of.

Printed whichever way they fall: passed, contradicted, or noisy, where the machine is too noisy to tell and nothing is
claimed. Rows without a T number are ours. Takes some five minutes; ``python -m benchmarks local_claims --only
T150,T151`` measures some, ``--quick`` the fewest rounds that give an interval. Exit code 1 only where a row could not
be measured.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version

from attainable.errors import AttainableError
from attainable.measurement.shelter import sheltered
from attainable.quantities import format_share
from attainable.timing.conditions import read_conditions
from attainable.timing.statistics import FEWEST_FOR_INTERVAL
from benchmarks.local_rows.judging import Result
from benchmarks.local_rows.rounds import Effort
from benchmarks.local_rows.row import Row
from benchmarks.local_rows.table import ROWS

QUICK = Effort(rounds=FEWEST_FOR_INTERVAL, seconds=0.06)


def asked(arguments: list[str]) -> tuple[list[str], Effort]:
    """The rows and the effort that the arguments ask for; ends the program where they make no sense."""
    parser = argparse.ArgumentParser(prog="local_claims")
    parser.add_argument("--only", default="", help="rows with commas between them, such as T114,T150")
    parser.add_argument("--rounds", type=int, help=f"of each row, at least {FEWEST_FOR_INTERVAL}")
    parser.add_argument("--quick", action="store_true", help="the fewest rounds that give an interval")
    options = parser.parse_args(arguments)
    names = [name.strip() for name in options.only.split(",") if name.strip()] or list(ROWS)
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    effort = QUICK if options.quick else Effort()
    if options.rounds is not None:
        if options.rounds < FEWEST_FOR_INTERVAL:
            parser.error(f"an interval needs {FEWEST_FOR_INTERVAL} rounds")
        effort = replace(effort, rounds=options.rounds)
    return names, effort


def main(arguments: list[str] | None = None) -> None:
    """Print the table.

    Raises:
        SystemExit: a row could not be measured, or the arguments make no sense.
    """
    names, effort = asked(arguments or [])
    conditions = read_conditions()
    print(f"{conditions.cpu}, {conditions.cores} cores, onnxruntime {version('onnxruntime')}")
    print(f"{effort.rounds} rounds of fresh processes in turns, 95 % intervals over rounds\n")
    print("| id | claim | expected | measured | rounds | others | verdict |\n|---|---|---|---|---|---|---|", flush=True)
    verdicts: Counter[str] = Counter()
    start = time.monotonic()
    with sheltered():
        for place, name in enumerate(names):
            cells, verdict = _line(
                name, ROWS[name], replace(effort, progress=_teller(f"{name}, {place + 1} of {len(names)}"))
            )
            print(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |", flush=True)
            verdicts[verdict] += 1
    counted = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.most_common())
    print(f"\n{len(names)} rows in {time.monotonic() - start:.0f} s: {counted}")
    if verdicts["failed"]:
        raise SystemExit(1)


def _line(name: str, row: Row, effort: Effort) -> tuple[tuple[str, ...], str]:
    try:
        result = row.measure(effort)
    except (AttainableError, ValueError) as error:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        return (name, row.statement, row.expected, str(error).splitlines()[0], "", "", "failed"), "failed"
    print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    verdict = "noisy (no claim)" if result.verdict == "noisy" else result.verdict
    rounds = str(result.rounds) if result.rounds else ""
    others = "" if result.others is None else format_share(result.others)
    return (name, row.statement, row.expected, _measured(result), rounds, others, verdict), result.verdict


def _measured(result: Result) -> str:
    several = len([each for each in result.findings if each.verdict != "printed"]) > 1
    parts = [
        f"{each.text} [{each.verdict}]" if several and each.verdict != "printed" else each.text
        for each in result.findings
    ]
    return "; ".join(part for part in (*parts, result.note) if part)


def _teller(what: str) -> Callable[[int, int], None]:
    def tell(done: int, rounds: int) -> None:
        print(f"\r\x1b[K{what}: round {done} of {rounds}", end="", file=sys.stderr, flush=True)

    return tell


if __name__ == "__main__":
    main(sys.argv[1:])
