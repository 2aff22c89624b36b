"""What ``attainable optimize mobilenet_v2.onnx`` gives here: speed-up over 20 interleaved pairs, and what it costs.

Claims: on a processor with VNNI the lower end of the 95 % interval of int8's speed-up >= 2.0 at equal threads; SQNR on
32 seeded inputs >= 15 dB everywhere; bn-fold's outputs equal within 1e-4 relative, kept or refused by its ratio.
"""

import tempfile
from pathlib import Path

from attainable.optimization import Outcome, Settings, optimize_model
from attainable.timing.conditions import read_conditions
from attainable.transforms.saturation import has_vnni, processor
from attainable.zoo import write

NETWORK = "mobilenet_v2"
THREADS = (1, 2)
PAIRS = 20


def row(what: str, seen: str, claim: str) -> None:
    """Print a line of the table."""
    print(f"{what:<44}{seen:>34}   {claim}", flush=True)


def ratio(outcome: Outcome) -> str:
    """The measured ratio with its interval, and the number of pairs."""
    found = outcome.comparison
    if found is None:
        return f"not measured: {outcome.reason}"
    return f"{found.ratio:.2f} ({found.low:.2f} to {found.high:.2f}), {len(found.ratios)} pairs"


def main() -> None:
    """Print the table."""
    conditions = read_conditions()
    print(f"{processor(conditions)}\n")
    row(f"{NETWORK}, ratio with 95 % interval", "seen", "claim")
    with tempfile.TemporaryDirectory() as temporary:
        model = Path(temporary) / f"{NETWORK}.onnx"
        write(NETWORK, model)
        for threads in THREADS:
            if threads > conditions.cores:
                continue
            settings = Settings(threads=threads, pairs=PAIRS)
            for change in ("int8", "bn-fold"):
                target = Path(temporary) / f"{change}-{threads}.onnx"
                (outcome,) = optimize_model(model, [change], output=target, settings=settings).outcomes
                fast = "low end >= 2.0 with VNNI" if has_vnni(conditions.isa) else "no claim without VNNI"
                verdict = "kept" if outcome.kept else "refused"
                label = f"{change}, {threads} thread{'s' * (threads > 1)}, {verdict}"
                row(label, ratio(outcome), fast if change == "int8" else "kept or refused by this")
                found = outcome.verification
                if found is None:
                    continue
                if change == "int8":
                    top1 = "-" if found.top1_agreement is None else f"{found.top1_agreement:.0%}"
                    row(
                        f"  SQNR on {found.inputs} inputs, top-1 agreement",
                        f"{found.sqnr_decibels:.1f} dB, {top1}",
                        ">= 15 dB",
                    )
                else:
                    row("  relative error of the outputs", f"{found.relative_error:.1e}", "<= 1e-4")


if __name__ == "__main__":
    main()
