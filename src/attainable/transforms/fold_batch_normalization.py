"""Folds batch normalisation into the Conv, ConvTranspose or Gemm before it.

At inference y = scale (x - mean) / sqrt(variance + epsilon) + bias is the same line for all elements of a channel. A
linear operator before it can draw that line itself, with other weights: exact up to rounding, and one pass over the
activations less. onnxruntime does the same when it loads a model; other runtimes and the quantiser do not.

Source: ONNX operator BatchNormalization; B. Jacob et al., arXiv:1712.05877, section 3.2.
"""

from collections import Counter
from pathlib import Path

import onnx_ir

from attainable.transforms import Options, Transformed
from attainable.transforms.affine import Fold, plan_fold
from attainable.transforms.model_file import read_model, write_model


def apply(path: Path, options: Options) -> Transformed:
    """Fold what can be folded; see ``Transform.apply``.

    Raises:
        InputError: the model cannot be read, or would exceed 2 GiB with its weights inside.
    """
    del options
    model = read_model(path)
    folding = FoldBatchNormalization()
    folding(model)
    left = tuple(f"{count} BatchNormalization left: {reason}" for reason, count in folding.left.items())
    if not folding.folded:
        nothing = "no BatchNormalization can be folded" if left else "there is no BatchNormalization"
        return Transformed(None, nothing, details=left)
    kinds = ", ".join(f"{count} into {kind}" for kind, count in sorted(folding.folded.items()))
    total = sum(folding.folded.values())
    return Transformed(write_model(model, where=str(path)), f"{total} BatchNormalization folded: {kinds}", details=left)


class FoldBatchNormalization(onnx_ir.passes.InPlacePass):
    """Folds each BatchNormalization into the linear operator whose output only it reads.

    Requires that the weights are constants: initialisers that are no inputs. Ensures that the model's inputs and
    outputs keep their names, and that nothing is left that could be folded.

    Attributes:
        folded: how many were folded, by the operator that took them.
        left: how many were left, by reason.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folded: Counter[str] = Counter()
        self.left: Counter[str] = Counter()
        self._interface: tuple[list[str | None], list[str | None]] = ([], [])

    def requires(self, model: onnx_ir.Model) -> None:
        """The model has an operator set; its interface is noted for ``ensures``."""
        if "" not in model.opset_imports:
            raise onnx_ir.passes.PreconditionError("the model imports no default operator set")
        self._interface = _interface(model)

    def call(self, model: onnx_ir.Model) -> onnx_ir.passes.PassResult:
        """Fold in the order of the graph, so that one normalisation after another goes into the same weights."""
        opset = model.opset_imports[""]
        names = _names(model)
        for node in list(model.graph.all_nodes()):
            if _is_batch_normalization(node):
                plan = plan_fold(node, opset=opset)
                if isinstance(plan, Fold):
                    _fold(node, plan, names)
                    self.folded[plan.producer.op_type] += 1
                else:
                    self.left[plan.reason] += 1
        return onnx_ir.passes.PassResult(model, modified=bool(self.folded))

    def ensures(self, model: onnx_ir.Model) -> None:
        """The interface is the same, and no foldable BatchNormalization is left."""
        if _interface(model) != self._interface:
            raise onnx_ir.passes.PostconditionError("folding renamed an input or output")
        rest = [node for node in model.graph.all_nodes() if _is_batch_normalization(node)]
        if any(isinstance(plan_fold(node, opset=model.opset_imports[""]), Fold) for node in rest):
            raise onnx_ir.passes.PostconditionError("a BatchNormalization was overlooked")


def _is_batch_normalization(node: onnx_ir.Node) -> bool:
    return node.domain == "" and node.op_type == "BatchNormalization"


def _interface(model: onnx_ir.Model) -> tuple[list[str | None], list[str | None]]:
    return [value.name for value in model.graph.inputs], [value.name for value in model.graph.outputs]


def _names(model: onnx_ir.Model) -> set[str | None]:
    """The names of all tensors."""
    names = {value.name for node in model.graph.all_nodes() for value in node.outputs}
    for graph in model.graphs():
        names.update(graph.initializers)
        names.update(value.name for value in graph.inputs)
    return names


def _fold(normalization: onnx_ir.Node, fold: Fold, names: set[str | None]) -> None:
    """Give the producer its new weights and the output of the normalisation, which goes."""
    producer, graph = fold.producer, fold.producer.graph
    assert isinstance(graph, onnx_ir.Graph) and isinstance(normalization.graph, onnx_ir.Graph)
    replaced = [*producer.inputs[1:], *normalization.inputs[1:]]
    base = producer.outputs[0].name or producer.name or producer.op_type
    while len(producer.inputs) < 3:
        producer.resize_inputs(len(producer.inputs) + 1)
    for index, role, array in ((1, "weight", fold.weight), (2, "bias", fold.bias)):
        # New constants, never the old ones changed: another operator may share them.
        name = _free_name(f"{base}.folded.{role}", names)
        names.add(name)
        tensor = onnx_ir.tensor(array, name=name)
        value = onnx_ir.Value(
            name=name, const_value=tensor, shape=onnx_ir.Shape(array.shape), type=onnx_ir.TensorType(tensor.dtype)
        )  # fmt: skip
        graph.register_initializer(value)
        producer.replace_input_with(index, value)
    if producer.op_type == "Gemm":
        # The new bias has the factor in it.
        producer.attributes["beta"] = onnx_ir.AttrFloat32("beta", 1.0)
    old, new = normalization.outputs[0], producer.outputs[0]
    old.replace_all_uses_with(new, replace_graph_outputs=True)
    name, new.shape, new.type = old.name, old.shape or new.shape, old.type or new.type
    normalization.graph.remove(normalization, safe=True)
    new.name = name
    _drop_unread(replaced)


def _drop_unread(values: list[onnx_ir.Value | None]) -> None:
    """Remove constants that nothing reads any more."""
    for value in values:
        if value is None or value.uses() or value.is_graph_output() or value.is_graph_input():
            continue
        producer = value.producer()
        if producer is not None:
            if producer.op_type == "Constant" and isinstance(producer.graph, onnx_ir.Graph):
                producer.graph.remove(producer, safe=True)
        elif value.is_initializer() and value.graph is not None and value.name is not None:
            value.graph.initializers.pop(value.name, None)


def _free_name(name: str, taken: set[str | None]) -> str:
    candidates = (name if number == 1 else f"{name}.{number}" for number in range(1, 2 + len(taken)))
    return next(candidate for candidate in candidates if candidate not in taken)
