"""All rows that are measured here, in the order in which they are printed."""

from benchmarks.local_rows import batches, deployed, functions, guidelines, layers, pipelining, precision, roofs
from benchmarks.local_rows.row import Rows

ROWS: Rows = {
    **guidelines.ROWS,
    **functions.ROWS,
    **roofs.ROWS,
    **layers.ROWS,
    **batches.ROWS,
    **deployed.ROWS,
    **pipelining.ROWS,
    **precision.ROWS,
}
