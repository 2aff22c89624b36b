"""Losses.

::

    loss[n, d] = -weight[target[n, d]] * log_probability[n, target[n, d], d]

n batch, d position, N D = P targets; C classes. Looking a probability or a weight up is selection. A reduced loss adds
P terms and, for the mean, divides by their number or by the sum of their weights.

Source: ONNX operator specification, function bodies of NegativeLogLikelihoodLoss 12, 13, 22 and of
SoftmaxCrossEntropyLoss 12, 13.
"""

from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.graph import Op


def negative_log_likelihood(op: Op) -> Work:
    """Negate each target's probability, weigh it, reduce."""
    return scalar_results(op, _of_probabilities(op))


def softmax_cross_entropy(op: Op) -> Work:
    """Log-softmax over the classes, 5C - 1 a position, then the negative log likelihood."""
    scores = op.input(0)
    return scalar_results(op, 5 * scores.elements - op.input(1).elements + _of_probabilities(op))


def _of_probabilities(op: Op) -> int:
    """Operations once the log-probabilities are known.

    A class to ignore costs a comparison, and a difference that makes the zero it is replaced by; the weight that masks
    it is multiplied like any other.
    """
    targets = op.input(1).elements
    weighted = op.optional_input(2) is not None
    masked = op.attribute("ignore_index") is not None
    operations = targets * (1 + 2 * masked + (weighted or masked))
    match op.text("reduction", "mean"):
        case "none":
            return operations
        case "sum":
            return operations + max(targets - 1, 0)
        case _:
            return operations + (2 * targets - 1 if weighted or masked else targets)


RULES: Rules = {
    "NegativeLogLikelihoodLoss": Rule(negative_log_likelihood, parameters=(2,)),
    "SoftmaxCrossEntropyLoss": Rule(softmax_cross_entropy, parameters=(2,)),
}
"""Losses by operator."""
