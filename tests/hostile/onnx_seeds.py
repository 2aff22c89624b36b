"""Small valid ONNX models, one for each kind of content that a reader has to follow: what mutations start from."""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from tests.models import constant, model, value

_node = helper.make_node
_FLOAT, _INT64, _STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING


def _whole(name: str, *elements: int) -> TensorProto:
    return numpy_helper.from_array(np.array(elements, np.int64), name)


def _scalar(name: str, element: float | int | bool) -> TensorProto:
    return numpy_helper.from_array(np.array(element), name)


def _chain(*nodes: NodeProto, inputs: Sequence[onnx.ValueInfoProto], constants: Sequence[TensorProto] = (),
           opset: int = 20) -> onnx.ModelProto:  # fmt: skip
    return model(nodes, inputs, [nodes[-1].output[0]], constants, opset=opset)


def _image() -> onnx.ModelProto:
    return _chain(
        _node("Conv", ["x", "w"], ["c"], "/stem/conv", pads=[1, 1, 1, 1], strides=[2, 2]),
        _node("BatchNormalization", ["c", "s", "s", "s", "s"], ["b"]),
        _node("Relu", ["b"], ["r"]),
        _node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        _node("ConvTranspose", ["p", "v"], ["t"], group=2, output_padding=[1, 1], strides=[2, 2]),
        _node("Resize", ["t", "", "scales"], ["z"], mode="linear"),
        _node("GlobalAveragePool", ["z"], ["g"]),
        _node("Flatten", ["g"], ["f"]),
        _node("Gemm", ["f", "m"], ["y"], transB=1),
        inputs=[value("x", ["N", 3, 16, 16])],
        constants=[
            constant("w", 4, 3, 3, 3), constant("s", 4), constant("v", 4, 2, 3, 3), constant("m", 5, 4),
            numpy_helper.from_array(np.array([1, 1, 1.5, 2], np.float32), "scales"),
        ],
    )  # fmt: skip


def _shapes() -> onnx.ModelProto:
    return _chain(
        _node("Shape", ["x"], ["s"]),
        _node("Gather", ["s", "zero"], ["n"], axis=0),
        _node("Concat", ["n", "rest"], ["target"], axis=0),
        _node("Reshape", ["x", "target"], ["r"]),
        _node("Slice", ["r", "zero", "two", "one"], ["c"]),
        _node("Expand", ["c", "stretch"], ["e"]),
        _node("Tile", ["e", "three"], ["t"]),
        _node("Pad", ["t", "pads"], ["p"]),
        _node("Split", ["p"], ["a", "b"], axis=1, num_outputs=2),
        _node("Squeeze", ["n"], ["count"]),
        _node("Range", ["start", "count", "step"], ["i"]),
        _node("OneHot", ["i", "count", "values"], ["h"]),
        _node("ConstantOfShape", ["three"], ["k"]),
        _node("NonZero", ["k"], ["nz"]),
        _node("TopK", ["a", "one"], ["top", "where"]),
        _node("Unsqueeze", ["top", "zero"], ["y"]),
        inputs=[value("x", [2, 3, 4])],
        constants=[
            _whole("zero", 0), _whole("one", 1), _whole("two", 2), _whole("rest", 3, -1), _whole("three", 1, 3, 4),
            _whole("stretch", 2, 2, 4),
            _whole("pads", 0, 1, 0, 0, 0, 2), _scalar("start", 0), _scalar("step", 1), constant("values", 2),
        ],
    )  # fmt: skip


def _control_flow() -> onnx.ModelProto:
    def graph(name: str, *nodes: NodeProto, inputs: Sequence[onnx.ValueInfoProto] = (), outputs: Sequence[str],
              constants: Sequence[TensorProto] = ()) -> onnx.GraphProto:  # fmt: skip
        results = [value(output, None, TensorProto.BOOL if output == "go" else _FLOAT) for output in outputs]
        return helper.make_graph(nodes, name, inputs, results, constants)

    then = graph("then", _node("MatMul", ["x", "w"], ["t"]), outputs=["t"], constants=[constant("w", 4, 4)])
    inner = graph("else", _node("Relu", ["x"], ["e"]), outputs=["e"])
    state = [value("i", [], _INT64), value("c", [], TensorProto.BOOL), value("v", [2, 4])]
    body = graph(
        "body",
        _node("Identity", ["c"], ["go"]),
        _node("If", ["c"], ["u"], then_branch=then, else_branch=inner),
        _node("Add", ["u", "v"], ["w2"]),
        _node("Neg", ["w2"], ["each"]),
        inputs=state,
        outputs=["go", "w2", "each"],
    )
    step = graph(
        "step",
        _node("Add", ["h", "row"], ["h2"]),
        _node("Exp", ["h2"], ["o"]),
        inputs=[value("h", [4]), value("row", [4])],
        outputs=["h2", "o"],
    )
    return _chain(
        _node("Loop", ["trips", "yes", "x"], ["last", "stacked"], "loop", body=body),
        _node("ReduceSum", ["last", "zero"], ["start"], keepdims=0),
        _node("Scan", ["start", "last"], ["end", "rows"], body=step, num_scan_inputs=1),
        _node("ReduceMax", ["rows"], ["y"]),
        inputs=[value("x", [2, 4])],
        constants=[_scalar("trips", 3), _scalar("yes", True), _whole("zero", 0)],
    )


def _functions() -> onnx.ModelProto:
    opset = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    leaf = helper.make_function(
        "own", "Leaf", ["a", "b"], ["y"], [_node("Selu", ["a"], ["s"]), _node("Add", ["s", "b"], ["y"])], opset
    )
    soft = _node("Softmax", ["m"], ["y"])
    soft.attribute.add(name="axis", ref_attr_name="axis", type=onnx.AttributeProto.INT)
    inner = [_node("Leaf", ["a", "a"], ["l"], domain="own"), _node("Leaf", ["l", "a"], ["m"], domain="own"), soft]
    block = helper.make_function("own", "Block", ["a"], ["y"], inner, opset, ["axis"])
    made = _chain(
        _node("Block", ["x"], ["u"], "first", domain="own", axis=-1),
        _node("Block", ["u"], ["y"], "second", domain="own", axis=0),
        inputs=[value("x", [2, 4])],
    )
    made.functions.extend([leaf, block])
    return made


def _quantised() -> onnx.ModelProto:
    eight = [constant(name, *shape, dtype="uint8") for name, shape in (("q", (4, 3, 3, 3)), ("zero", ()))]
    nibbles = helper.make_tensor("nibbles", TensorProto.INT4, [8, 4], [1] * 32)
    return _chain(
        _node("QuantizeLinear", ["x", "scale", "zero"], ["xq"]),
        _node("QLinearConv", ["xq", "scale", "zero", "q", "scale", "zero", "scale", "zero"], ["c"]),
        _node("DequantizeLinear", ["c", "scale", "zero"], ["d"]),
        _node("Reshape", ["d", "flat"], ["f"]),
        _node("DequantizeLinear", ["nibbles", "scales"], ["w"], axis=0, block_size=4),
        _node("MatMul", ["f", "w"], ["m"]),
        _node("DynamicQuantizeLinear", ["m"], ["mq", "ms", "mz"]),
        _node("MatMulInteger", ["mq", "bytes"], ["n"]),
        _node("Cast", ["n"], ["y"], to=_FLOAT),
        inputs=[value("x", [1, 3, 4, 4])],
        constants=[
            *eight, nibbles, constant("scale"), constant("scales", 2, 4), _whole("flat", -1, 8),
            constant("bytes", 4, 3, dtype="uint8"),
        ],
        opset=21,
    )  # fmt: skip


def _stored() -> onnx.ModelProto:
    outside = TensorProto(name="w", data_type=_FLOAT, dims=[4, 4], data_location=TensorProto.EXTERNAL)
    for key, text in (("location", "weights.bin"), ("offset", "0"), ("length", "64")):
        outside.external_data.add(key=key, value=text)
    sparse = helper.make_sparse_tensor(
        helper.make_tensor("s", _FLOAT, [2], [1.0, 2.0]), helper.make_tensor("si", _INT64, [2], [0, 5]), [4, 4]
    )
    inside = helper.make_sparse_tensor(
        helper.make_tensor("v", _FLOAT, [1], [3.0]), helper.make_tensor("vi", _INT64, [1, 2], [0, 1]), [4, 4]
    )
    made = _chain(
        _node("Constant", [], ["k"], sparse_value=inside),
        _node("MatMul", ["x", "w"], ["a"]),
        _node("MatMul", ["a", "s"], ["b"]),
        _node("Add", ["b", "half"], ["d"]),
        _node("MatMul", ["d", "k"], ["c"]),
        _node("Mul", ["c", "big"], ["y"]),
        inputs=[value("x", ["rows", 4])],
        constants=[outside, helper.make_tensor("half", _FLOAT, [1], [0.5]), constant("big", 512, 4)],
    )
    made.graph.sparse_initializer.append(sparse)
    return made


def _text() -> onnx.ModelProto:
    words = TensorProto(name="words", data_type=_STRING, dims=[3], string_data=[b"a b", b"c", b"\xc3\xa9"])
    one = TensorProto(name="one", data_type=_STRING, dims=[1], string_data=[b"!"])
    made = _chain(
        _node("StringNormalizer", ["t"], ["n"], case_change_action="LOWER", stopwords=["a"]),
        _node("StringConcat", ["n", "one"], ["k"]),
        _node("StringSplit", ["k"], ["parts", "counts"], delimiter=" "),
        _node("LabelEncoder", ["k"], ["ids"], domain="ai.onnx.ml", keys_strings=["a", "b"], values_int64s=[1, 2]),
        _node("TfIdfVectorizer", ["ids"], ["tf"], min_gram_length=1, max_gram_length=1, max_skip_count=0, mode="TF",
              ngram_counts=[0], ngram_indexes=[0, 1], pool_int64s=[1, 2]),
        _node("Constant", [], ["extra"], value_strings=["x", "y"]),
        _node("Equal", ["words", "words"], ["same"]),
        _node("RegexFullMatch", ["k"], ["matches"], pattern="a+"),
        _node("TreeEnsembleRegressor", ["z"], ["y"], domain="ai.onnx.ml", n_targets=1, nodes_treeids=[0, 0, 0],
              nodes_nodeids=[0, 1, 2], nodes_featureids=[0, 0, 0], nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
              nodes_values=[0.5, 0.0, 0.0], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
              target_treeids=[0, 0], target_nodeids=[1, 2], target_ids=[0, 0], target_weights=[1.0, 2.0]),
        inputs=[value("t", [3], _STRING), value("z", [2, 1])],
        constants=[words, one],
    )  # fmt: skip
    made.opset_import[1].version = 3
    return made


def _containers() -> onnx.ModelProto:
    step = helper.make_graph([_node("Exp", ["e"], ["o"])], "map", [value("e", None)], [value("o", None)])
    made = _chain(
        _node("SplitToSequence", ["x", "two"], ["s"], axis=0),
        _node("SequenceInsert", ["s", "x", "zero"], ["longer"]),
        _node("SequenceErase", ["longer", "zero"], ["shorter"]),
        _node("SequenceMap", ["shorter"], ["mapped"], body=step),
        _node("SequenceLength", ["mapped"], ["count"]),
        _node("SequenceAt", ["mapped", "zero"], ["first"]),
        _node("Optional", ["first"], ["maybe"]),
        _node("OptionalHasElement", ["maybe"], ["has"]),
        _node("OptionalGetElement", ["maybe"], ["got"]),
        _node("SequenceConstruct", ["got", "got"], ["pair"]),
        _node("ConcatFromSequence", ["pair"], ["y"], axis=0, new_axis=1),
        inputs=[value("x", [4, 3])],
        constants=[_scalar("two", 2), _scalar("zero", 0)],
    )
    made.graph.input.append(
        helper.make_value_info("given", helper.make_optional_type_proto(helper.make_sequence_type_proto(
            helper.make_tensor_type_proto(_FLOAT, [2, "n"]))))
    )  # fmt: skip
    return made


def _microsoft() -> onnx.ModelProto:
    own = "com.microsoft"
    return _chain(
        _node("Attention", ["x", "qkv", "bias"], ["a"], domain=own, num_heads=2),
        _node("SkipLayerNormalization", ["a", "x", "s", "s"], ["n", "", "", "sum"], domain=own, epsilon=1e-5),
        _node("BiasGelu", ["n", "s"], ["g"], domain=own),
        _node("FusedMatMul", ["g", "x"], ["f"], domain=own, transB=1, alpha=0.5),
        _node("MatMulNBits", ["g", "packed", "scales"], ["b"], domain=own, K=8, N=4, bits=4, block_size=16),
        _node("MultiHeadAttention", ["x", "x", "x"], ["m"], domain=own, num_heads=2),
        _node("GroupQueryAttention", ["x", "k", "k", "", "", "lengths", "total"], ["o", "pk", "pv"], domain=own,
              num_heads=4, kv_num_heads=2),
        _node("QLinearAdd", ["q", "t", "z", "q", "t", "z", "t", "z"], ["qq"], domain=own),
        _node("FusedConv", ["i", "w"], ["c"], domain=own, activation="Relu", pads=[1, 1, 1, 1]),
        _node("Add", ["m", "o"], ["y"]),
        inputs=[value("x", [1, 3, 8]), value("k", [1, 3, 4]), value("i", [1, 2, 5, 5])],
        constants=[
            constant("qkv", 8, 24), constant("bias", 24), constant("s", 8), constant("packed", 4, 1, 8, dtype="uint8"),
            constant("scales", 4), constant("lengths", 1, dtype="int32"), constant("total", 1, dtype="int32"),
            constant("q", 2, 3, dtype="uint8"), constant("t"), constant("z", dtype="uint8"), constant("w", 4, 2, 3, 3),
        ],
    )  # fmt: skip


def _sequences_in_time() -> onnx.ModelProto:
    return _chain(
        _node("LSTM", ["x", "w", "r"], ["l", "h", "c"], hidden_size=5),
        _node("Squeeze", ["l", "one"], ["s"]),
        _node("GRU", ["s", "gw", "gr", "", "lengths"], ["g"], hidden_size=2, direction="bidirectional"),
        _node("Transpose", ["g"], ["t"], perm=[2, 0, 1, 3]),
        _node("Reshape", ["t", "flat"], ["f"]),
        _node("LayerNormalization", ["f", "four"], ["n"]),
        _node("Attention", ["n", "n", "n"], ["a"], q_num_heads=2, kv_num_heads=2),
        _node("Einsum", ["a", "n"], ["e"], equation="bij,bkj->bik"),
        _node("Softmax", ["e"], ["p"]),
        _node("DFT", ["p"], ["d"], inverse=0, onesided=0),
        _node("CumSum", ["p", "axis"], ["y"]),
        inputs=[value("x", [6, 1, 3])],
        constants=[
            constant("w", 1, 20, 3), constant("r", 1, 20, 5), _whole("one", 1), constant("gw", 2, 6, 5),
            constant("gr", 2, 6, 2), constant("lengths", 1, dtype="int32"), _whole("flat", 1, 6, 4),
            constant("four", 4), _scalar("axis", 1),
        ],
        opset=23,
    )  # fmt: skip


SEEDS: dict[str, onnx.ModelProto] = {
    "image": _image(),
    "shapes": _shapes(),
    "control flow": _control_flow(),
    "functions": _functions(),
    "quantised": _quantised(),
    "stored": _stored(),
    "text": _text(),
    "containers": _containers(),
    "microsoft": _microsoft(),
    "time": _sequences_in_time(),
}
"""By what they are about."""
