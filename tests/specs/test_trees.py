"""Ensembles of trees: the longest path of each tree, its leaf, and what comes after."""

from dataclasses import dataclass, replace
from typing import TypeAlias

import pytest
from ops import Attributes, activation, constant, work_of

from attainable.cost.work import Work
from attainable.workload.graph import Op, Tensor

Shape: TypeAlias = "int | tuple[Shape, Shape]"
"""A leaf, or the two sides of a comparison."""

ROWS, FEATURES = 5, 4
X = activation(ROWS, FEATURES)


@dataclass
class Nodes:
    """The lists of the older operators, filled tree by tree."""

    trees: list[int]
    numbers: list[int]
    modes: list[str]
    left: list[int]
    right: list[int]

    def add(self, tree: int, shape: "Shape") -> int:
        """Add a tree of nested pairs; anything else is a leaf."""
        position, number = len(self.trees), self.trees.count(tree)
        self.trees.append(tree)
        self.numbers.append(number)
        self.modes.append("BRANCH_LEQ" if isinstance(shape, tuple) else "LEAF")
        self.left.append(0)
        self.right.append(0)
        if isinstance(shape, tuple):
            self.left[position] = self.add(tree, shape[0])
            self.right[position] = self.add(tree, shape[1])
        return number


BALANCED: Shape = ((0, 0), (0, 0))
"""Two comparisons to each of four leaves."""

LOPSIDED: Shape = (0, (0, (0, 0)))
"""One, two or three comparisons."""


def forest(*shapes: Shape) -> Nodes:
    nodes = Nodes([], [], [], [], [])
    for tree, shape in enumerate(shapes):
        nodes.add(tree, shape)
    return nodes


def by_nodes(kind: str, nodes: Nodes, votes: str, weights: int, attributes: Attributes) -> Op:
    count = len(nodes.trees)
    given: Attributes = {
        "nodes_treeids": tuple(nodes.trees), "nodes_nodeids": tuple(nodes.numbers), "nodes_modes": tuple(nodes.modes),
        "nodes_truenodeids": tuple(nodes.left), "nodes_falsenodeids": tuple(nodes.right),
        "nodes_featureids": (0,) * count, "nodes_values": (0.5,) * count, f"{votes}_weights": (0.5,) * weights,
        **attributes,
    }  # fmt: skip
    outputs = (Tensor("labels", (ROWS,), "int64"), Tensor("scores", (ROWS, 3), "float32"))
    return Op("0", "", kind, "ai.onnx.ml", 1, (X,), outputs, tuple(sorted(given.items())))


def regressor(*shapes: Shape, weights: int, **attributes: str | int | tuple[float, ...]) -> Work:
    return work_of(by_nodes("TreeEnsembleRegressor", forest(*shapes), "target", weights, attributes))


def test_paths() -> None:
    # 2 and 3 comparisons, a weight from the leaf of each tree
    assert regressor(BALANCED, LOPSIDED, weights=8).total_operations == ROWS * (2 + 3 + 2)
    assert regressor(0, weights=1).total_operations == ROWS  # a leaf alone


def test_several_targets() -> None:
    # each of 8 leaves has 3 weights; base values and means once a target
    work = regressor(BALANCED, LOPSIDED, weights=24, n_targets=3)
    assert work.total_operations == ROWS * (5 + 2 * 3)
    based = regressor(BALANCED, LOPSIDED, weights=24, n_targets=3, base_values=(1.0, 2.0, 3.0))
    assert based.total_operations == ROWS * (5 + 6 + 3)
    mean = regressor(BALANCED, LOPSIDED, weights=24, n_targets=3, aggregate_function="AVERAGE")
    assert mean.total_operations == ROWS * (5 + 6 + 3)
    logistic = regressor(BALANCED, LOPSIDED, weights=24, n_targets=3, post_transform="LOGISTIC")
    assert logistic.total_operations == ROWS * (5 + 6 + 3)


def test_classifier() -> None:
    # 3 classes; the largest of their scores takes 2 comparisons
    labels = {"classlabels_int64s": (0, 1, 2)}
    op = by_nodes("TreeEnsembleClassifier", forest(BALANCED, LOPSIDED), "class", 24, labels)
    assert work_of(op).total_operations == ROWS * (5 + 6 + 2)
    soft = by_nodes("TreeEnsembleClassifier", forest(BALANCED), "class", 12, {**labels, "post_transform": "SOFTMAX"})
    assert work_of(soft).total_operations == ROWS * (2 + 3 + (5 * 3 - 2) + 2)


def test_visited_nodes_are_read() -> None:
    """5 rows visit all 3 comparisons; one row visits 2 of them, two thirds of the table."""
    # 7 nodes: tree, number, left, right and feature 8 bytes each, a value 4; 4 weights
    table = 7 * (5 * 8 + 4) + 4 * 4
    assert regressor(BALANCED, weights=4).bytes_weight == table
    op = by_nodes("TreeEnsembleRegressor", forest(BALANCED), "target", 4, {})
    assert work_of(replace(op, inputs=(activation(1, FEATURES),))).bytes_weight == table * 2 // 3


def ensemble(**attributes: int) -> Op:
    """The balanced tree and one of a single comparison: comparisons 0, 1, 2 and 3; leaves 0 to 5."""
    given: Attributes = {
        "tree_roots": (0, 3),
        "nodes_truenodeids": (1, 0, 2, 4), "nodes_trueleafs": (0, 1, 1, 1),
        "nodes_falsenodeids": (2, 1, 3, 5), "nodes_falseleafs": (0, 1, 1, 1),
        "nodes_featureids": (0, 1, 2, 3), "nodes_splits": constant(4), "nodes_modes": constant(4, dtype="uint8"),
        "leaf_targetids": (0, 1, 2, 0, 1, 2), "leaf_weights": constant(6), "n_targets": 3, **attributes,
    }  # fmt: skip
    outputs = (Tensor("scores", (ROWS, 3), "float32"),)
    return Op("0", "", "TreeEnsemble", "ai.onnx.ml", 5, (X,), outputs, tuple(sorted(given.items())))


def test_ensemble() -> None:
    # 2 and 1 comparisons, one weight a tree
    assert work_of(ensemble()).total_operations == ROWS * (3 + 2)
    assert work_of(ensemble(post_transform=1)).total_operations == ROWS * (3 + 2 + 5 * 3 - 2)
    assert work_of(ensemble(aggregate_function=0)).total_operations == ROWS * (3 + 2 + 3)
    # two roots, 4 nodes of 5 numbers, a split of 4 bytes and a mode of 1; 6 leaves of a target and a weight
    assert work_of(ensemble()).bytes_weight == 2 * 8 + 4 * (5 * 8 + 4 + 1) + 6 * (8 + 4)


def test_cycles_and_strangers_are_refused() -> None:
    with pytest.raises(ValueError, match="leads back to itself"):
        work_of(ensemble_with_cycle())
    nodes = forest(BALANCED)
    nodes.left[0] = 99
    with pytest.raises(ValueError, match="children are missing"):
        work_of(by_nodes("TreeEnsembleRegressor", nodes, "target", 4, {}))
    with pytest.raises(ValueError, match="post transform"):
        regressor(BALANCED, weights=4, post_transform="CUBE")


def ensemble_with_cycle() -> Op:
    op = ensemble()
    attributes = {**dict(op.attributes), "nodes_truenodeids": (0, 0, 2, 4)}
    return replace(op, attributes=tuple(sorted(attributes.items())))


def test_a_deep_tree_needs_no_recursion() -> None:
    depth = 5_000
    nodes = Nodes([], [], [], [], [])
    for position in range(depth):
        nodes.trees += [0, 0]
        nodes.numbers += [2 * position, 2 * position + 1]
        nodes.modes += ["BRANCH_LEQ", "LEAF"]
        nodes.left += [2 * position + 1, 0]
        nodes.right += [2 * position + 2, 0]
    nodes.trees.append(0)
    nodes.numbers.append(2 * depth)
    nodes.modes.append("LEAF")
    nodes.left.append(0)
    nodes.right.append(0)
    op = by_nodes("TreeEnsembleRegressor", nodes, "target", depth + 1, {})
    assert work_of(op).total_operations == ROWS * (depth + 1)


def test_trees_may_share_nodes() -> None:
    """Both roots lead into one chain: each of n trees takes the longest path from its root, and no more time."""
    length = 20_000
    given: Attributes = {
        "tree_roots": (0,) * length,
        "nodes_truenodeids": (*range(1, length), 0), "nodes_trueleafs": (*(0 for _ in range(length - 1)), 1),
        "nodes_falsenodeids": (0,) * length, "nodes_falseleafs": (1,) * length,
        "leaf_targetids": (0,), "n_targets": 1,
    }  # fmt: skip
    outputs = (Tensor("scores", (ROWS, 1), "float32"),)
    op = Op("0", "", "TreeEnsemble", "ai.onnx.ml", 5, (X,), outputs, tuple(sorted(given.items())))
    # a comparison for each node, and one weight a tree
    assert work_of(op).total_operations == ROWS * length * (length + 1)


def test_a_child_that_is_no_node_is_refused() -> None:
    op = ensemble()
    attributes = {**dict(op.attributes), "nodes_truenodeids": (-1, 0, 2, 4)}
    with pytest.raises(ValueError, match="no node -1"):
        work_of(replace(op, attributes=tuple(sorted(attributes.items()))))
