"""Networks recorded and exported: ``python -m benchmarks.timm_networks.agreement [NUMBER]``.

Claim: of 20 random networks of timm the way that ``recorded`` takes and the product's own, torch.export, count the same
multiply-adds, operations and parameters to the last one, and the same bytes within 0.1 %: below the functions a global
pooling is a mean with its axes, which are a constant.
"""

import sys
import warnings

from attainable.cost.count import count
from attainable.workload import load
from benchmarks.timm_networks.made import in_random_order, module_of, timm
from benchmarks.timm_networks.recorded import recorded

NETWORKS = 20
SAME_BYTES = 1e-3


def main() -> None:
    """Print a row a network and stop with an error where the two ways differ."""
    warnings.simplefilter("ignore")
    number = int(sys.argv[1]) if len(sys.argv) > 1 else NETWORKS
    library, different = timm(), 0
    print("| network | multiply-adds | operations | parameters | bytes moved | ops without rule |")
    print("|---|---:|---:|---:|---:|---|")
    for network in in_random_order()[:number]:
        # a module each, because some keep what they computed in the first run
        ways = [count(recorded(*module_of(library, network))), count(load(*module_of(library, network)))]
        first, second = (
            (way.totals.macs, way.totals.operations, way.totals.parameters, way.totals.work.bytes_moved) for way in ways
        )
        different += first[:3] != second[:3] or abs(first[3] / second[3] - 1.0) > SAME_BYTES
        shown = " | ".join(f"{a}" if a == b else f"{a} / {b}" for a, b in zip(first, second, strict=True))
        without = ", ".join(ways[0].coverage.kinds_without_rule)
        print(f"| {network.name} @ {network.side} | {shown} | {without} |", flush=True)
    if different:
        sys.exit(f"{different} of {number} networks differ")


if __name__ == "__main__":
    main()
