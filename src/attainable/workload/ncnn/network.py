"""Writes the network that an ncnn .param file describes as ONNX.

A blob has up to three axes, (channels, height, width); in front of them comes the batch, which ncnn does not have. The
weights are in another file, their sizes are in this one: a layer whose weight size contradicts its shapes is refused.
A layer with int8 weights is written between QuantizeLinear and DequantizeLinear, so that its MACs are those of the
float layer, counted in int8.

Layers that decode boxes (DetectionOutput and its kin) are kept as ``ncnn:DetectionOutput``, for which there is no rule
as their work depends on the image: the totals say "at least". A runnable model ends before them.

Source: Tencent/ncnn @ a4d2ea1d, docs/developer-guide/operators.md, for ids, defaults and shapes.
"""

from attainable.errors import ModelGraphError
from attainable.workload.ncnn.layers import LAYERS
from attainable.workload.ncnn.param import Layer, parse_layers
from attainable.workload.ncnn.walk import Walk
from attainable.workload.shapes import Bindings
from attainable.workload.weightless.bind import bind_inputs, described_input
from attainable.workload.weightless.read import Described
from attainable.workload.weightless.writer import LayerFault, NetworkWriter

HEADS = frozenset({"DetectionOutput", "YoloDetectionOutput", "Yolov3DetectionOutput", "Proposal"})
"""Layers whose output is as long as the image has objects."""


def write_network(text: str, net: NetworkWriter, shapes: Bindings, batch: int | None, where: str) -> Described:
    """Write the network of a .param file.

    Args:
        text: of the file.
        net: the model being written.
        shapes: shapes for its inputs, batch first; needed where the file does not tell them.
        batch: images a run, 1 unless given.
        where: the file, for messages.

    Raises:
        ModelFileError: the text is no .param file.
        ModelGraphError: a layer is unknown or contradicts another.
        UnboundDimensions, InvalidQuantity: an input has no shape, or a wrong one.
    """
    layers = parse_layers(text, where)
    place = ""
    try:
        inputs = {layer.outputs[0]: layer for layer in layers if layer.kind == "Input" and len(layer.outputs) == 1}
        protos = {name: described_input(name, _axes(layer)) for name, layer in inputs.items()}
        defaults = {axis: extent for name, layer in inputs.items() for axis, extent in _defaults(name, layer).items()}
        binding = bind_inputs(list(protos.values()), shapes, batch=batch, where=where, defaults=defaults)
        walk = Walk(net, {name: net.input(proto) for name, proto in protos.items()})
        for layer in layers:
            place = f"{layer.kind} {layer.name} @ line {layer.line}"
            if layer.kind != "Input" or len(layer.outputs) != 1:
                _add(walk, layer)
    except LayerFault as fault:
        raise ModelGraphError(
            "the network cannot be built", where=where, faults=[f"{fault}: {place}"], help="check the .param file"
        ) from None
    outputs = walk.unread
    if not inputs or not (outputs or walk.heads):
        raise ModelGraphError("has no input or no output", where=where, help="check the .param file")
    notes = [*binding.notes]
    if walk.heads and net.draws:
        notes.append(f"the model ends before {', '.join(walk.heads)}, which ONNX cannot express")
    return Described(net.finish(outputs), binding.pairs, tuple(notes))


def _axes(layer: Layer) -> list[int | None] | None:
    """The axes of an input after the batch: channels as the file says, height and width free."""
    width, height, channels = (layer.integer(id, 0) for id in (0, 1, 2))
    if channels > 0:
        return [channels, None, None]
    if height > 0:
        return [None, None]
    return [None] if width > 0 else None


def _defaults(name: str, layer: Layer) -> dict[str, int]:
    """The file's own numbers for the free axes; negative ones are to be given by the user."""
    width, height, channels = (layer.integer(id, 0) for id in (0, 1, 2))
    extents = {2: height, 3: width} if channels > 0 else {1: height, 2: width} if height > 0 else {1: width}
    return {f"{name}[{axis}]": extent for axis, extent in extents.items() if extent > 0}


def _add(walk: Walk, layer: Layer) -> None:
    inputs = [walk.read(name) for name in layer.inputs]
    if layer.kind in HEADS:
        walk.head(layer, inputs)
        return
    if layer.kind == "Noop":
        # it ends the network and keeps its inputs alive
        walk.keep(layer.inputs)
        return
    if layer.kind not in LAYERS:
        raise LayerFault("this layer is not known")
    if not layer.outputs or (layer.kind != "MemoryData" and not inputs):
        raise LayerFault("it lacks an input or an output")
    made = LAYERS[layer.kind](walk, layer, inputs)
    if len(made) < len(layer.outputs):
        raise LayerFault(f"it makes {len(made)} blobs, not {len(layer.outputs)}")
    for name, value in zip(layer.outputs, made, strict=False):
        walk.make(name, value)
