"""Classical machine learning: linear models, support vectors, features."""

import pytest
from ops import Attributes, activation, work_of

from attainable.cost.rules import RULES
from attainable.cost.work import Work
from attainable.workload.graph import Op, Tensor

ROWS, FEATURES = 5, 4
X = activation(ROWS, FEATURES)
X_BYTES = 80


def op(kind: str, *outputs: tuple[tuple[int, ...], str], x: Tensor = X, attributes: Attributes | None = None) -> Op:
    made = tuple(Tensor(f"output_{index}", shape, dtype) for index, (shape, dtype) in enumerate(outputs))
    return Op("0", "", kind, "ai.onnx.ml", 3, (x,), made, tuple(sorted((attributes or {}).items())))


def scores(work: Work) -> int:
    """Operations beside the contractions."""
    return work.total_operations - 2 * work.macs


def numbers(count: int) -> tuple[float, ...]:
    return (0.5,) * count


def linear_classifier(classes: int, sets: int, transform: str = "NONE") -> Work:
    attributes: Attributes = {
        "coefficients": numbers(sets * FEATURES), "intercepts": numbers(sets), "post_transform": transform,
        "classlabels_ints": tuple(range(classes)),
    }  # fmt: skip
    return work_of(op("LinearClassifier", ((ROWS,), "int64"), ((ROWS, classes), "float32"), attributes=attributes))


def test_linear_classifier() -> None:
    work = linear_classifier(3, 3)
    assert work.macs == ROWS * FEATURES * 3
    assert scores(work) == ROWS * 2  # the largest of 3
    assert work.bytes_weight == 4 * (12 + 3)
    assert work.bytes_activation_in == X_BYTES
    assert work.bytes_activation_out == ROWS * 8 + ROWS * 3 * 4
    assert scores(linear_classifier(2, 1)) == ROWS  # one score, compared with 0


@pytest.mark.parametrize(
    ("transform", "per_row"),
    # softmax 5 n - 2, and a comparison with 0 each
    [("NONE", 0), ("LOGISTIC", 3), ("PROBIT", 3), ("SOFTMAX", 13), ("SOFTMAX_ZERO", 16)],
)
def test_post_transforms(transform: str, per_row: int) -> None:
    assert scores(linear_classifier(3, 3, transform)) == ROWS * (2 + per_row)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="LinearClassifier has a post transform that is not in its table: CUBE"):
        linear_classifier(3, 3, "CUBE")
    with pytest.raises(ValueError, match="SVMRegressor has a kernel that is not in its table: WAVE"):
        regressor("WAVE")
    with pytest.raises(ValueError, match="Normalizer has a norm that is not in its table: L7"):
        work_of(op("Normalizer", ((ROWS, FEATURES), "float32"), attributes={"norm": "L7"}))


def test_linear_regressor() -> None:
    attributes: Attributes = {"targets": 2, "coefficients": numbers(8), "intercepts": numbers(2)}
    work = work_of(op("LinearRegressor", ((ROWS, 2), "float32"), attributes=attributes))
    assert work == Work(
        macs=40, operations=(("matrix", "float32", 80),),
        bytes_activation_in=X_BYTES, bytes_weight=40, bytes_activation_out=40,
    )  # fmt: skip
    one_row = work_of(op("LinearRegressor", ((2,), "float32"), x=activation(FEATURES), attributes=attributes))
    assert one_row.macs == 8


def regressor(kernel: str, *, one_class: int = 0, supports: int = 7) -> Work:
    attributes: Attributes = {
        "kernel_type": kernel, "n_supports": supports, "support_vectors": numbers(supports * FEATURES),
        "coefficients": numbers(supports or FEATURES), "rho": numbers(1), "one_class": one_class,
    }  # fmt: skip
    return work_of(op("SVMRegressor", ((ROWS, 1), "float32"), attributes=attributes))


@pytest.mark.parametrize(
    ("kernel", "macs", "per_kernel"),
    [
        ("LINEAR", FEATURES, 0),
        ("POLY", FEATURES, 3),  # gamma, coef0, power
        ("SIGMOID", FEATURES, 3),  # gamma, coef0, tanh
        ("RBF", 0, 3 * FEATURES + 1),  # -, square, n - 1 additions; gamma, exp
    ],
)
def test_kernels(kernel: str, macs: int, per_kernel: int) -> None:
    work = regressor(kernel)
    assert work.macs == ROWS * 7 * (macs + 1)  # and one for the coefficient
    assert scores(work) == ROWS * 7 * per_kernel
    assert work.bytes_weight == 4 * (28 + 7 + 1)
    assert scores(regressor(kernel, one_class=1)) == ROWS * (7 * per_kernel + 1)


def test_without_support_vectors_a_model_is_linear() -> None:
    assert regressor("LINEAR", supports=0).macs == ROWS * FEATURES
    attributes: Attributes = {"classlabels_ints": (0, 1, 2), "coefficients": numbers(12), "rho": numbers(1)}
    work = work_of(op("SVMClassifier", ((ROWS,), "int64"), ((ROWS, 3), "float32"), attributes=attributes))
    assert work.macs == ROWS * FEATURES * 3
    assert scores(work) == ROWS * 2


@pytest.mark.parametrize("probability", [False, True])
def test_support_vector_classifier(probability: bool) -> None:
    """3 classes of 2, 3 and 4 vectors: 3 decisions, each vector in the 2 of its class."""
    attributes: Attributes = {
        "classlabels_strings": ("a", "b", "c"), "vectors_per_class": (2, 3, 4), "kernel_type": "POLY",
        "support_vectors": numbers(9 * FEATURES), "coefficients": numbers(18), "rho": numbers(3),
        **({"prob_a": numbers(3), "prob_b": numbers(3)} if probability else {}),
    }  # fmt: skip
    work = work_of(op("SVMClassifier", ((ROWS,), "string"), ((ROWS, 3), "float32"), attributes=attributes))
    assert work.macs == ROWS * 9 * (FEATURES + 2)
    # a decision: a comparison, a vote, and a *, +, sigmoid for a probability; 2 comparisons for the most votes
    assert scores(work) == ROWS * (9 * 3 + 3 * (5 if probability else 2) + 2)


@pytest.mark.parametrize(("norm", "per_row"), [("MAX", 2 * 4 - 1), ("L1", 3 * 4 - 1), ("L2", 4 * 4 - 1)])
def test_normalizer(norm: str, per_row: int) -> None:
    # L2 as ONNX spells it, the root of x^2 / sum x^2: 4 squares, 3 additions, 4 quotients, 4 roots
    work = work_of(op("Normalizer", ((ROWS, FEATURES), "float32"), attributes={"norm": norm}))
    assert work.total_operations == ROWS * per_row


def test_features() -> None:
    full = ((ROWS, FEATURES), "float32")
    assert work_of(op("Binarizer", full)).total_operations == 20
    assert work_of(op("Imputer", full)).total_operations == 20
    scaler = work_of(op("Scaler", full, attributes={"offset": numbers(4), "scale": numbers(4)}))
    assert scaler.total_operations == 40
    assert scaler.bytes_weight == 32
    assert work_of(op("Scaler", full, attributes={"scale": numbers(1)})).total_operations == 20


def test_look_ups_move() -> None:
    codes = activation(ROWS, dtype="int64")
    encoded = work_of(op("LabelEncoder", ((ROWS,), "float32"), x=codes))
    assert encoded == Work(bytes_activation_in=40, bytes_activation_out=20)
    hot = work_of(op("OneHotEncoder", ((ROWS, 7), "float32"), x=codes))
    assert hot == Work(bytes_activation_in=40, bytes_activation_out=140)
    words = work_of(op("CategoryMapper", ((ROWS,), "int64"), x=activation(ROWS, dtype="string")))
    assert words == Work(bytes_activation_out=40)
    columns = Op("0", "", "ArrayFeatureExtractor", "ai.onnx.ml", 1, (X, activation(1, 2, dtype="int64")),
                 (Tensor("taken", (ROWS, 2), "float32"),))  # fmt: skip
    assert work_of(columns) == Work(bytes_activation_in=40 + 16, bytes_activation_out=40)


def test_maps_move_as_many_bytes_as_the_tensor() -> None:
    maps = Tensor("maps", None, "float32", container="sequence")
    table = Tensor("table", None, "float32", container="map")
    dense = Tensor("dense", (1, 6), "float32")
    zipped = Op("0", "", "ZipMap", "ai.onnx.ml", 1, (X,), (maps,))
    assert work_of(zipped) == Work(bytes_activation_in=X_BYTES, bytes_activation_out=X_BYTES)
    for kind in ("DictVectorizer", "CastMap"):
        made = Op("0", "", kind, "ai.onnx.ml", 1, (table,), (dense,))
        assert work_of(made) == Work(bytes_activation_in=24, bytes_activation_out=24)


def test_attributes_are_no_parameters() -> None:
    """Only initialisers are; a model in attributes is read all the same."""
    assert all(not rule.parameters for kind, rule in RULES.items() if kind.startswith("ai.onnx.ml:Linear"))
