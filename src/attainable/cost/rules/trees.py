"""Ensembles of decision trees.

::

    y[n, e] = base[e] + sum over t of  leaf(t, n)[e]

n row, t tree, e class or target; leaf(t, n) is where a row ends that goes left or right at each node by one comparison.
How far that is depends on the values: a row takes the longest path of each tree. Trees are attributes, no initialisers
and hence no parameters; a run reads the nodes that it visits, at most all of them.

Source: ONNX operator specification, ai.onnx.ml: TreeEnsembleClassifier and TreeEnsembleRegressor 1, 3, 5, TreeEnsemble
5.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.graph import Op, Tensor

_TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")
"""Post transforms by the number that TreeEnsemble gives them."""

_POST_TRANSFORM = {"NONE": (0, 0), "LOGISTIC": (1, 0), "PROBIT": (1, 0), "SOFTMAX": (5, 2), "SOFTMAX_ZERO": (6, 2)}
"""Operations per score, and fewer per row; as for linear models."""

_AGGREGATES = ("AVERAGE", "SUM", "MIN", "MAX")
"""Aggregate functions by the number that TreeEnsemble gives them."""


@dataclass(frozen=True, slots=True)
class _Forest:
    """An ensemble, its size alone.

    Attributes:
        trees: number of trees.
        comparisons: of one row: the longest paths of all trees together.
        nodes: comparisons of all trees.
        leaves: number of leaves.
        votes: weights of all leaves together.
        bytes: of the numbers that describe it.
    """

    trees: int
    comparisons: int
    nodes: int
    leaves: int
    votes: int
    bytes: int


def ensemble(op: Op) -> Work:
    """Walk, add up the leaves, finish: TreeEnsemble, whose leaves hold one weight each."""
    truth, false = op.integers("nodes_truenodeids"), op.integers("nodes_falsenodeids")
    truth_leaf, false_leaf = op.integers("nodes_trueleafs"), op.integers("nodes_falseleafs")
    children = [
        tuple(child for child, leaf in ((left, left_leaf), (right, right_leaf)) if not leaf)
        for left, right, left_leaf, right_leaf in zip(truth, false, truth_leaf, false_leaf, strict=True)
    ]
    roots = op.integers("tree_roots")
    leaves = len(op.integers("leaf_targetids"))
    longest = _longest_paths(children)
    depths = sum(longest[root] for root in roots)
    forest = _Forest(len(roots), depths, len(children), leaves, leaves, _numeric_bytes(op))
    transform = _named(_TRANSFORMS, op.integer("post_transform", 0))
    average = _named(_AGGREGATES, op.integer("aggregate_function", 1)) == "AVERAGE"
    return _walk(op, forest, scores=op.integer("n_targets", 1), transform=transform, average=average)


def regressor(op: Op) -> Work:
    """Walk, add up the leaves, finish: TreeEnsembleRegressor."""
    forest = _by_nodes(op, votes="target")
    average = op.text("aggregate_function", "SUM").upper() == "AVERAGE"
    transform = op.text("post_transform", "NONE").upper()
    return _walk(op, forest, scores=op.integer("n_targets", 1), transform=transform, average=average)


def classifier(op: Op) -> Work:
    """Walk, add up the leaves, finish, and find the class of the most: one comparison fewer than classes."""
    forest = _by_nodes(op, votes="class")
    labels = op.attribute("classlabels_int64s") or op.attribute("classlabels_strings")
    classes = len(labels) if isinstance(labels, tuple) else 0
    work = _walk(op, forest, scores=classes, transform=op.text("post_transform", "NONE").upper(), average=False)
    choice = scalar_results(op, op.input(0).elements // _features(op) * max(classes - 1, 0))
    return replace(work, operations=(work + Work(operations=choice.operations)).operations)


def _walk(op: Op, forest: _Forest, *, scores: int, transform: str, average: bool) -> Work:
    """Comparisons on the way, votes of the leaves, base values, quotients of a mean, and the transform.

    Raises:
        ValueError: a transform that the operators do not have.
    """
    if transform not in _POST_TRANSFORM:
        raise ValueError(f"{op.kind} has a post transform that is not in its table: {transform}")
    rows = op.input(0).elements // _features(op)
    per_score, fewer = _POST_TRANSFORM[transform]
    votes_per_leaf = -(-forest.votes // forest.leaves) if forest.leaves else 0
    based = scores if op.attribute("base_values") or op.attribute("base_values_as_tensor") else 0
    per_row = forest.comparisons + forest.trees * votes_per_leaf + based + (scores if average else 0)
    work = scalar_results(op, rows * (per_row + max(per_score * scores - fewer, 0)))
    visited = min(rows * forest.comparisons, forest.nodes)
    read = forest.bytes * visited // forest.nodes if forest.nodes else forest.bytes
    return replace(work, bytes_weight=work.bytes_weight + read)


def _features(op: Op) -> int:
    return max(op.input(0).dims[-1], 1)


def _by_nodes(op: Op, *, votes: str) -> _Forest:
    """The ensemble of the older operators: nodes and leaves in one list, named by tree and number.

    Raises:
        ValueError: the lists differ in length, or a node names one that its tree lacks.
    """
    trees, numbers = op.integers("nodes_treeids"), op.integers("nodes_nodeids")
    modes = op.attribute("nodes_modes")
    modes = modes if isinstance(modes, tuple) else ()
    positions = {key: position for position, key in enumerate(zip(trees, numbers, strict=True))}
    truth, false = op.integers("nodes_truenodeids"), op.integers("nodes_falsenodeids")
    children: list[tuple[int, ...]] = []
    roots: dict[int, int] = {}
    for position, (tree, mode, left, right) in enumerate(zip(trees, modes, truth, false, strict=True)):
        roots.setdefault(tree, position)
        if mode == "LEAF":
            children.append(())
        elif (tree, left) in positions and (tree, right) in positions:
            children.append((positions[tree, left], positions[tree, right]))
        else:
            raise ValueError(f"{op.kind} has a node whose children are missing")
    leaves = sum(not pair for pair in children)
    # a path of nodes to a leaf has one node more than comparisons
    longest = _longest_paths(children)
    comparisons = sum(longest[root] - 1 for root in roots.values())
    weights = op.attribute(f"{votes}_weights")
    count = len(weights) if isinstance(weights, tuple) else len(op.integers(f"{votes}_ids"))
    return _Forest(len(roots), comparisons, len(children) - leaves, leaves, count, _numeric_bytes(op))


def _longest_paths(children: Sequence[tuple[int, ...]]) -> list[int]:
    """For each node the nodes on the longest path down from it, itself among them.

    All trees at once and from the leaves up, so that trees which share nodes take no more time than they have nodes.

    Raises:
        ValueError: a child is no node, or a path leads back to where it came from.
    """
    parents: list[list[int]] = [[] for _ in children]
    waiting = [len(below) for below in children]
    for node, below in enumerate(children):
        for child in below:
            if not 0 <= child < len(children):
                raise ValueError(f"a tree has no node {child}")
            parents[child].append(node)
    longest = [1] * len(children)
    ready = [node for node, below in enumerate(children) if not below]
    for node in ready:  # which grows on the way
        for parent in parents[node]:
            longest[parent] = max(longest[parent], longest[node] + 1)
            waiting[parent] -= 1
            if not waiting[parent]:
                ready.append(parent)
    if len(ready) < len(children):
        raise ValueError("a path of a tree leads back to itself")
    return longest


def _numeric_bytes(op: Op) -> int:
    """Bytes of the numbers in the attributes: 4 a floating-point number, 8 an integer, a tensor as stored."""
    return sum(_sizes(op))


def _sizes(op: Op) -> Iterator[int]:
    for name, value in op.attributes:
        if name.startswith("classlabels") or "hitrates" in name:
            continue
        if isinstance(value, Tensor):
            yield value.bytes
        elif isinstance(value, tuple) and value and not isinstance(value[0], str):
            yield len(value) * (8 if isinstance(value[0], int) else 4)


def _named(names: tuple[str, ...], position: int) -> str:
    """The name that a number stands for. Raises IndexError where it stands for none."""
    return names[position]


RULES: Rules = {
    "ai.onnx.ml:TreeEnsemble": Rule(ensemble),
    "ai.onnx.ml:TreeEnsembleRegressor": Rule(regressor),
    "ai.onnx.ml:TreeEnsembleClassifier": Rule(classifier),
}
"""Ensembles of trees by type."""
