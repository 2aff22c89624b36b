"""Every zoo network, run on two random inputs: finite outputs of sane size that tell the inputs apart.

Claims: all outputs are finite; the first one has a standard deviation between 0.01 and 100; from one input to another
it changes by more than 10 % of that. Tests run the light networks, this runs all; the heaviest need 3 GB.
"""

import tempfile
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from attainable.zoo import names, write

ROWS = {"token_type_ids": 2, "attention_mask": 2}
"""Values that an input of integers may take, where it is no word."""

WORDS = 30522

Array = NDArray[np.float32] | NDArray[np.int64]


def random_inputs(session: Any, *, seed: int) -> dict[str, Array]:
    """Inputs for every input of the network: normally distributed numbers, words, types of words."""
    generator = np.random.default_rng(seed)
    made: dict[str, Array] = {}
    for value in session.get_inputs():
        if value.type == "tensor(int64)":
            made[value.name] = generator.integers(0, ROWS.get(value.name, WORDS), value.shape)
        else:
            made[value.name] = generator.standard_normal(value.shape, dtype=np.float32)
    return made


def outputs(session: Any, *, seed: int) -> list[NDArray[np.float32]]:
    """What the network answers to the inputs of this seed."""
    return [np.asarray(output) for output in session.run(None, random_inputs(session, seed=seed))]


def main() -> None:
    """Print the table and stop with an error if a claim fails."""
    failed: list[str] = []
    print(f"{'network':<26}{'deviation':>10}{'change':>9}{'seconds':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for name in names():
            start = time.perf_counter()
            path = Path(folder) / f"{name}.onnx"
            write(name, path)
            # Any, because onnxruntime has no types.
            session = cast("Any", onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]))
            first, second = (outputs(session, seed=seed) for seed in (1, 2))
            path.unlink()
            deviation = float(first[0].std())
            change = float((first[0] - second[0]).std()) / deviation
            finite = all(np.isfinite(output).all() for output in first)
            if not (finite and 0.01 < deviation < 100 and change > 0.1):
                failed.append(name)
            print(f"{name:<26}{deviation:>10.3g}{change:>9.1%}{time.perf_counter() - start:>9.1f}", flush=True)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
