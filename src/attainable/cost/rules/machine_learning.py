"""Classical machine learning: linear models, support vector machines, features.

::

    linear:          y[n, e] = sum over f of  x[n, f] * coefficient[e, f] + intercept[e]
    support vectors: y[n, e] = sum over s of  kernel(x[n], vector[s]) * coefficient[e, s] + rho[e]

n row, f feature, e class or target, s support vector. Both sums are contractions; so is a kernel that is a product of
two vectors (linear, polynomial, sigmoid). What a model keeps in attributes is no initialiser and hence no parameter,
but the run reads it: 4 bytes a floating-point number, 8 an integer. Strings and maps have no width: a map moves as many
bytes as the tensor that it stands for. Looking up a category is selection.

Source: ONNX operator specification, ai.onnx.ml, the operators by name.
"""

from dataclasses import replace

from attainable.cost.work import Rule, Rules, Work, contraction, movement, scalar_results
from attainable.workload.graph import AttributeValue, Op, Tensor

_POST_TRANSFORM = {"NONE": (0, 0), "LOGISTIC": (1, 0), "PROBIT": (1, 0), "SOFTMAX": (5, 2), "SOFTMAX_ZERO": (6, 2)}
"""Operations per score, and fewer per row; SOFTMAX_ZERO compares each score with 0 before."""


def _after_scores(op: Op, *, rows: int, scores: int) -> int:
    """Operations that turn ``scores`` scores of each row into what the model returns.

    Raises:
        ValueError: a transform that the operators do not have.
    """
    kind = op.text("post_transform", "NONE").upper()
    if kind not in _POST_TRANSFORM:
        raise ValueError(f"{op.kind} has a post transform that is not in its table: {kind}")
    per_score, fewer = _POST_TRANSFORM[kind]
    return rows * max(per_score * scores - fewer, 0)


def _attribute_bytes(op: Op, *names: str) -> int:
    """Bytes of the attributes by name: 4 a floating-point number, 8 an integer, a tensor as stored."""
    return sum(_bytes(op.attribute(name)) for name in names)


def _bytes(value: "AttributeValue | None") -> int:
    if isinstance(value, Tensor):
        return value.bytes
    if not isinstance(value, tuple) or not value or isinstance(value[0], str):
        return 0
    return len(value) * (8 if isinstance(value[0], int) else 4)


def _length(op: Op, name: str) -> int:
    """Number of items of an attribute that is a list or a tensor; 0 where it is not set."""
    value = op.attribute(name)
    if isinstance(value, Tensor):
        return value.elements
    return len(value) if isinstance(value, tuple) else 0


def _model(op: Op, *, macs: int, operations: int, attributes: tuple[str, ...]) -> Work:
    """Contraction and scalar results; the model's numbers are read beside the inputs."""
    work = contraction(op, macs=macs, operations=operations)
    return replace(work, bytes_weight=work.bytes_weight + _attribute_bytes(op, *attributes))


def _rows(op: Op) -> tuple[int, int]:
    """Rows and features of the input; a vector is one row."""
    x = op.input(0)
    if x.rank == 1:
        return 1, x.elements
    rows, features = x.dims
    return rows, features


_LINEAR = ("coefficients", "intercepts")


def linear_regressor(op: Op) -> Work:
    """One MAC for every row, feature and target; the intercept is free."""
    rows, features = _rows(op)
    targets = op.integer("targets", 1)
    after = _after_scores(op, rows=rows, scores=targets)
    return _model(op, macs=rows * features * targets, operations=after, attributes=_LINEAR)


def linear_classifier(op: Op) -> Work:
    """One MAC for every row, feature and set of coefficients; finding the largest score takes one fewer than classes.

    Two classes may share one set of coefficients; its score is compared once.
    """
    rows, features = _rows(op)
    scores = _length(op, "coefficients") // features
    after = _after_scores(op, rows=rows, scores=scores) + rows * max(scores - 1, 1)
    return _model(op, macs=rows * features * scores, operations=after, attributes=_LINEAR)


_SUPPORT = ("support_vectors", "coefficients", "rho", "prob_a", "prob_b")

_AFTER_PRODUCT = {"LINEAR": 0, "POLY": 3, "SIGMOID": 3}
"""Operations per kernel that is a product: scale, shift, and a power or a tangent."""


def _kernels(op: Op, *, kernels: int, features: int) -> tuple[int, int]:
    """MACs and scalar results of ``kernels`` kernels.

    A radial basis function takes the difference and its square of each feature, their sum, a product with gamma and an
    exponential: 3 f + 1.

    Raises:
        ValueError: a kernel that the operators do not have.
    """
    kind = op.text("kernel_type", "LINEAR").upper()
    if kind == "RBF":
        return 0, kernels * (3 * features + 1)
    if kind not in _AFTER_PRODUCT:
        raise ValueError(f"{op.kind} has a kernel that is not in its table: {kind}")
    return kernels * features, kernels * _AFTER_PRODUCT[kind]


def support_vector_regressor(op: Op) -> Work:
    """A kernel for each support vector, one MAC each for its coefficient; one class is a comparison with 0.

    Without support vectors the coefficients are those of a linear model.
    """
    rows, features = _rows(op)
    supports = op.integer("n_supports", 0)
    after = _after_scores(op, rows=rows, scores=1) + (rows if op.integer("one_class", 0) else 0)
    if not supports:
        return _model(op, macs=rows * features, operations=after, attributes=_SUPPORT)
    macs, results = _kernels(op, kernels=rows * supports, features=features)
    return _model(op, macs=macs + rows * supports, operations=results + after, attributes=_SUPPORT)


def support_vector_classifier(op: Op) -> Work:
    """A kernel for each support vector, which decides between its class and every other one.

    C classes make C (C - 1) / 2 decisions, each a comparison and a vote; the most votes take C - 1 comparisons.
    Probabilities take a product, a sum and a sigmoid for each decision; coupling them is iterative and not counted.
    Without support vectors the coefficients are those of a linear model, a set for each class.
    """
    rows, features = _rows(op)
    supports = sum(op.integers("vectors_per_class"))
    classes = _length(op, "classlabels_ints") or _length(op, "classlabels_strings")
    after = _after_scores(op, rows=rows, scores=classes) + rows * max(classes - 1, 0)
    if not supports:
        return _model(op, macs=rows * features * classes, operations=after, attributes=_SUPPORT)
    macs, results = _kernels(op, kernels=rows * supports, features=features)
    per_decision = 2 + (3 if _length(op, "prob_a") else 0)
    results += after + rows * per_decision * (classes * (classes - 1) // 2)
    return _model(op, macs=macs + rows * supports * (classes - 1), operations=results, attributes=_SUPPORT)


def one_result(op: Op) -> Work:
    """One comparison per element, with the threshold or the value to replace."""
    return scalar_results(op, op.input(0).elements)


def scale(op: Op) -> Work:
    """Subtract the offset where there is one, multiply by the scale where there is one."""
    steps = bool(_length(op, "offset")) + bool(_length(op, "scale"))
    work = scalar_results(op, steps * op.input(0).elements)
    return replace(work, bytes_weight=work.bytes_weight + _attribute_bytes(op, "offset", "scale"))


_NORM = {"MAX": (2, 1), "L1": (3, 1), "L2": (4, 1)}
"""Operations per feature, and fewer per row: maximum, quotient; absolute value, sum, quotient; square, sum, quotient,
root."""


def normalize(op: Op) -> Work:
    """Divide each row by its largest element, its sum or, under a root, its sum of squares.

    Raises:
        ValueError: a norm that the operator does not have.
    """
    kind = op.text("norm", "MAX").upper()
    if kind not in _NORM:
        raise ValueError(f"{op.kind} has a norm that is not in its table: {kind}")
    rows, _ = _rows(op)
    per_feature, fewer = _NORM[kind]
    return scalar_results(op, max(per_feature * op.input(0).elements - fewer * rows, 0))


def from_map(op: Op) -> Work:
    """A map becomes a tensor of as many bytes."""
    return Work(bytes_activation_in=op.output.bytes, bytes_activation_out=op.output.bytes)


def to_maps(op: Op) -> Work:
    """A tensor becomes maps of as many bytes."""
    return Work(bytes_activation_in=op.input(0).bytes, bytes_activation_out=op.input(0).bytes)


_DOMAIN = "ai.onnx.ml"

RULES: Rules = {
    f"{_DOMAIN}:LinearRegressor": Rule(linear_regressor),
    f"{_DOMAIN}:LinearClassifier": Rule(linear_classifier),
    f"{_DOMAIN}:SVMRegressor": Rule(support_vector_regressor),
    f"{_DOMAIN}:SVMClassifier": Rule(support_vector_classifier),
    f"{_DOMAIN}:Binarizer": Rule(one_result, storage="in_place"),
    f"{_DOMAIN}:Imputer": Rule(one_result, storage="in_place"),
    f"{_DOMAIN}:Scaler": Rule(scale, storage="in_place"),
    f"{_DOMAIN}:Normalizer": Rule(normalize, storage="in_place"),
    f"{_DOMAIN}:CastMap": Rule(from_map),
    f"{_DOMAIN}:DictVectorizer": Rule(from_map),
    f"{_DOMAIN}:ZipMap": Rule(to_maps),
    **{
        f"{_DOMAIN}:{kind}": Rule(movement, parameters=())
        for kind in ("CategoryMapper", "FeatureVectorizer", "LabelEncoder", "OneHotEncoder")
    },
}
"""Classical machine learning by type."""
