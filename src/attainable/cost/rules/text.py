"""Text.

::

    y[i] = f(x[i])

i a string. Strings have no width and count as 0 bytes, and handling characters is no arithmetic: what remains are the
numbers that an operator writes. Counting n-grams is arithmetic:

::

    y[r, g] = weight[g] * (occurrences of the n-gram g in row r)

r row, g n-gram, n its length, s the words it skips between two of its own; a row of L words has L - (n - 1)(s + 1)
places for it.

Source: ONNX operator specification, the operators by name.
"""

from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.graph import Op


def handle_strings(op: Op) -> Work:
    """No operations; the outputs that are no strings are written."""
    return Work(bytes_activation_out=sum(tensor.bytes for tensor in op.present_outputs if tensor.dtype != "string"))


def count_n_grams(op: Op) -> Work:
    """One look-up for every place of every n-gram length and skip; a weighted mode multiplies each output.

    Skips make no difference to single words, which are looked up once. The pool holds the n-grams of each length, and
    nothing is looked up that is longer than those.
    """
    length = op.input(0).dims[-1]
    rows = op.input(0).elements // length if length else 0
    places = 0
    longest = min(op.integer("max_gram_length", 1), len(op.integers("ngram_counts")), length)
    for words in range(max(op.integer("min_gram_length", 1), 1), longest + 1):
        last_skip = 0 if words == 1 else min(op.integer("max_skip_count", 0), length)
        # L - (n - 1)(s + 1) summed over the skips that leave a place at all
        skips = last_skip + 1 if words == 1 else min(last_skip + 1, (length - 1) // (words - 1))
        places += skips * length - (words - 1) * skips * (skips + 1) // 2
    weighted = op.output.elements if op.text("mode", "TF") != "TF" else 0
    return scalar_results(op, rows * places + weighted, dtype=op.output.dtype)


RULES: Rules = {
    **{
        kind: Rule(handle_strings, parameters=())
        for kind in ("StringConcat", "StringNormalizer", "StringSplit", "RegexFullMatch")
    },
    "TfIdfVectorizer": Rule(count_n_grams, parameters=()),
}
"""Text by operator."""
