"""An op for every version of an operator that no node test of ONNX covers."""

from collections.abc import Iterator, Sequence

from ops import Attributes, activation, constant, integers, scalar

from attainable.workload.graph import Op, Tensor

X = (2, 4, 3, 5)
SMALLER = (2, 4, 1, 1)


def samples() -> Iterator[Op]:
    """All of them."""
    yield from _of_attributes()
    yield from _reductions()
    yield from _of_regions()
    yield from _of_random_numbers()
    yield from _of_containers()
    yield from _of_machine_learning()


def _of_attributes() -> Iterator[Op]:
    """Operators that took as an attribute what is an input today."""
    x = activation(*X)
    full, image = [(X, "float32")], [((2, 4, 6, 10), "float32")]
    statistics = [constant(4) for _ in range(4)]
    yield _versioned("BatchNormalization", 1, [x, *statistics], full, {"is_test": 1, "consumed_inputs": (0,)})
    for version in (1, 6):
        yield _versioned("Clip", version, [x], full, {"min": 0.0, "max": 6.0})
    blocks = [((1, 2, 6, 6), "float32")]
    yield _versioned("DepthToSpace", 1, [activation(1, 8, 3, 3)], blocks, {"blocksize": 2})
    for version, power in ((1, 2.0), (2, 2), (22, 2)):
        yield _versioned("GlobalLpPool", version, [x], [(SMALLER, "float32")], {"p": power})
    pads = (0, 0, 1, 1, 0, 0, 1, 1)
    yield _versioned("Pad", 1, [x], [((2, 4, 5, 7), "float32")], {"paddings": pads})
    yield _versioned("Pad", 2, [x], [((2, 4, 5, 7), "float32")], {"pads": pads})
    yield _versioned("Reshape", 1, [x], [((2, 60), "float32")], {"shape": (2, 60)})
    yield _versioned("Resize", 10, [x, constant(4, value=(1.0, 1.0, 2.0, 2.0))], image, {"mode": "linear"})
    yield _versioned("Slice", 1, [x], [((2, 2, 3, 5), "float32")], {"starts": (1,), "ends": (3,), "axes": (1,)})
    for version in (1, 11):
        yield _versioned("Squeeze", version, [activation(2, 1, 3)], [((2, 3), "float32")], {"axes": (1,)})
        yield _versioned("Unsqueeze", version, [activation(2, 3)], [((2, 1, 3), "float32")], {"axes": (1,)})
    yield _versioned("Tile", 1, [x, scalar(2), scalar(1)], [((2, 8, 3, 5), "float32")], {})
    top = [((2, 4, 3, 2), "float32"), ((2, 4, 3, 2), "int64")]
    yield _versioned("TopK", 1, [x], top, {"k": 2})
    yield _versioned("Upsample", 1, [x], image, {"height_scale": 2.0, "width_scale": 2.0, "mode": "bilinear"})
    yield _versioned("Upsample", 7, [x], image, {"scales": (1.0, 1.0, 2.0, 2.0), "mode": "linear"})


def _reductions() -> Iterator[Op]:
    """Axes were an attribute before opset 18, before 13 for sums."""
    kinds = ("L1", "L2", "LogSum", "LogSumExp", "Mean", "Sum", "SumSquare")
    for kind in kinds:
        for version in (1, 11, 13):
            axes = [integers(2, 3)] if (kind, version) == ("Sum", 13) else []
            attributes: Attributes = {} if axes else {"axes": (2, 3)}
            yield _versioned(f"Reduce{kind}", version, [activation(*X), *axes], [(SMALLER, "float32")], attributes)


def _of_regions() -> Iterator[Op]:
    image, pooled = activation(1, 3, 9, 9), [((7, 3, 2, 4), "float32")]
    for version in (1, 22):
        yield _versioned("MaxRoiPool", version, [image, activation(7, 5)], pooled, {"pooled_shape": (2, 4)})
    inputs = [image, activation(7, 4), activation(7, dtype="int64")]
    yield _versioned("RoiAlign", 10, inputs, pooled, {"output_height": 2, "output_width": 4, "sampling_ratio": 2})


def _of_random_numbers() -> Iterator[Op]:
    drawn = [((3, 10), "float32")]
    for version in (1, 22):
        for kind in ("RandomNormal", "RandomUniform"):
            yield _versioned(kind, version, [], drawn, {"shape": (3, 10)})
            yield _versioned(f"{kind}Like", version, [activation(3, 10)], drawn, {})
    for version in (7, 22):
        yield _versioned("Multinomial", version, [activation(3, 10)], [((3, 7), "int32")], {"sample_size": 7})


def _of_containers() -> Iterator[Op]:
    x, position = activation(4, 6), scalar(0)
    pair = Tensor("pair", None, "float32", container="sequence", parts=(x, x))
    empty = Tensor("empty", None, "float32", container="sequence", parts=())
    plain: list[tuple[str, list[Tensor], Tensor]] = [
        ("SequenceConstruct", [x, x], pair),
        ("SequenceEmpty", [], empty),
        ("SequenceErase", [pair, position], Tensor("one", None, "float32", container="sequence", parts=(x,))),
        ("SequenceAt", [pair, position], x),
        ("SequenceLength", [pair], Tensor("length", (), "int64")),
    ]
    for kind, inputs, output in plain:
        yield Op("0", "", kind, "", 11, tuple(inputs), (output,))
    yield _versioned("ConcatFromSequence", 11, [pair], [((8, 6), "float32")], {"axis": 0})
    for version in (15, 28):
        wrapped = Tensor("wrapped", None, "float32", container="optional", parts=(x,))
        yield Op("0", "", "Optional", "", version, (x,), (wrapped,))


def _of_machine_learning() -> Iterator[Op]:
    x, codes = activation(5, 4), activation(5, dtype="int64")
    table = Tensor("table", None, "float32", container="map")
    maps = Tensor("maps", None, "float32", container="sequence")
    full, labelled = ((5, 4), "float32"), [((5,), "int64"), ((5, 2), "float32")]
    half = (0.5,) * 8
    domain = "ai.onnx.ml"
    yield Op("0", "", "ZipMap", domain, 1, (x,), (maps,), (("classlabels_int64s", (0, 1, 2, 3)),))
    for kind in ("CastMap", "DictVectorizer"):
        yield Op("0", "", kind, domain, 1, (table,), (Tensor("dense", (1, 6), "float32"),))
    plain: list[tuple[str, Tensor, tuple[tuple[int, ...], str], Attributes]] = [
        ("CategoryMapper", codes, ((5,), "string"), {"cats_int64s": (0, 1), "cats_strings": ("a", "b")}),
        ("FeatureVectorizer", x, full, {"inputdimensions": (4,)}),
        ("Imputer", x, full, {"imputed_value_floats": (0.0,)}),
        ("LabelEncoder", codes, ((5,), "string"), {"classes_strings": ("a", "b")}),
        ("LinearRegressor", x, ((5, 2), "float32"), {"coefficients": half, "targets": 2}),
        ("Normalizer", x, full, {"norm": "L2"}),
        ("OneHotEncoder", codes, ((5, 2), "float32"), {"cats_int64s": (0, 1)}),
        ("Scaler", x, full, {"offset": (0.0,), "scale": (2.0,)}),
        ("SVMRegressor", x, ((5, 1), "float32"), {"n_supports": 2, "support_vectors": half, "coefficients": half[:2]}),
    ]
    for kind, source, output, attributes in plain:
        yield _versioned(kind, 1, [source], [output], attributes, domain=domain)
    labels: Attributes = {"classlabels_ints": (0, 1), "coefficients": half}
    yield _versioned("LinearClassifier", 1, [x], labelled, labels, domain=domain)
    vectors: Attributes = {**labels, "vectors_per_class": (1, 1), "support_vectors": half}
    yield _versioned("SVMClassifier", 1, [x], labelled, vectors, domain=domain)
    nodes: Attributes = {
        "nodes_treeids": (0, 0, 0), "nodes_nodeids": (0, 1, 2), "nodes_modes": ("BRANCH_LEQ", "LEAF", "LEAF"),
        "nodes_truenodeids": (1, 0, 0), "nodes_falsenodeids": (2, 0, 0), "nodes_featureids": (0, 0, 0),
    }  # fmt: skip
    for version in (1, 3):
        values: Attributes = (
            {"nodes_values": (0.5, 0.0, 0.0)} if version == 1 else {"nodes_values_as_tensor": constant(3)}
        )
        votes: Attributes = {**nodes, **values, "class_ids": (0, 1), "classlabels_int64s": (0, 1)}
        yield _versioned("TreeEnsembleClassifier", version, [x], labelled, votes, domain=domain)
        targets: Attributes = {**nodes, **values, "target_ids": (0, 0), "target_weights": (0.5, 0.5)}
        yield _versioned("TreeEnsembleRegressor", version, [x], [((5, 1), "float32")], targets, domain=domain)


def _versioned(
    kind: str,
    version: int,
    inputs: list[Tensor],
    outputs: Sequence[tuple[tuple[int, ...], str]],
    attributes: Attributes,
    *,
    domain: str = "",
) -> Op:
    """An op with the outputs given: ONNX infers no shapes for many of the first versions."""
    made = tuple(Tensor(f"output_{index}", shape, dtype) for index, (shape, dtype) in enumerate(outputs))
    return Op("0", "", kind, domain, version, tuple(inputs), made, tuple(sorted(attributes.items())))
