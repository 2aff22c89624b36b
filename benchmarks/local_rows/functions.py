"""Rows on plain programs, without a network: loops, special functions, page faults."""

from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.local_rows.judging import Finding, Result, shown, within
from benchmarks.local_rows.rounds import Effort, measure_functions
from benchmarks.local_rows.row import Row, Rows

_SIDE = 96
_FLOATS = 400_000
_FILLED_FLOATS = 64_000_000 // 4


def _compared(
    functions: Mapping[str, Callable[[], object]], against: str, least: float, effort: Effort, note: str
) -> Result:
    """How many times longer the other functions take than one of them, each at least ``least`` times."""
    rounds = measure_functions(functions, effort)
    found: list[Finding] = []
    for name in functions:
        if name == against:
            continue
        ratios = rounds.ratios(name, against)
        verdict = within(ratios, least=least, noise=rounds.noise, others=rounds.others)
        found.append(Finding(f"{name} / {against} {shown(ratios)}", verdict))
    return Result(tuple(found), rounds.count, rounds.others, note)


def _loops(effort: Effort) -> Result:
    generator = np.random.default_rng(0)
    first, second = (generator.standard_normal((_SIDE, _SIDE), dtype=np.float32) for _ in range(2))
    rows: list[list[float]] = first.tolist()
    columns: list[list[float]] = second.T.tolist()

    def loops() -> None:
        for row in rows:
            for column in columns:
                total = 0.0
                for place in range(_SIDE):
                    total += row[place] * column[place]

    product = np.empty((_SIDE, _SIDE), np.float32)
    functions = {"numpy": lambda: np.matmul(first, second, out=product), "loops": loops}
    return _compared(functions, "numpy", 10.0, effort, f"{_SIDE} x {_SIDE}, numpy with as many threads as it takes")


def _special_functions(effort: Effort) -> Result:
    values = np.random.default_rng(0).standard_normal(_FLOATS, dtype=np.float32)
    result = np.empty_like(values)
    functions = {
        "mul": lambda: np.multiply(values, values, out=result),
        "exp": lambda: np.exp(values, out=result),
        "tanh": lambda: np.tanh(values, out=result),
    }
    return _compared(functions, "mul", 1.5, effort, f"numpy, {_FLOATS} float32, one thread")


def _page_faults(effort: Effort) -> Result:
    reused = np.zeros(_FILLED_FLOATS, np.float32)
    functions = {
        "reused": lambda: reused.fill(1.0),
        "first touch": lambda: np.empty(_FILLED_FLOATS, np.float32).fill(1.0),
    }
    return _compared(functions, "reused", 1.5, effort, "64 MB, memory from the system and back to it each time")


ROWS: Rows = {
    "T141": Row("Loops in Python against numpy on the same matrix product", ">= 10 times slower", _loops),
    "T142": Row("exp and tanh against as many multiplications", "> 1.5 times slower", _special_functions),
    "T143": Row("Filling memory for the first time against filling it again", "> 1.5 times slower", _page_faults),
}
