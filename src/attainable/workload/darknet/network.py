"""Writes the network that a darknet .cfg file describes as ONNX.

Every section but ``[net]`` is one layer, which reads what the layer before it made unless it says otherwise. Batch
normalisation is a node of its own after the convolution: scale and bias are parameters, running mean and variance are
buffers, so that darknet's four numbers a channel are our two and two. The heads ``[yolo]`` and ``[region]`` are graph
outputs as they enter the head: the decoding of boxes and the suppression of double ones are not part of the network.
Dropout and cost do nothing in inference. ``[reorg]`` is written as SpaceToDepth, whose elements are the same in
another order.

Source: AlexeyAB/darknet @ 59596d78, src/parser.c and src/*_layer.c, for defaults and shapes.
"""

from attainable.errors import ModelGraphError
from attainable.workload.darknet.layers import LAYERS, Layers
from attainable.workload.darknet.sections import parse_sections
from attainable.workload.shapes import Bindings
from attainable.workload.weightless.bind import bind_inputs, described_input
from attainable.workload.weightless.read import Described
from attainable.workload.weightless.writer import LayerFault, NetworkWriter

INPUT = "input"
"""Name of the one input."""

_DEFAULT_CHANNELS = 3


def write_network(text: str, net: NetworkWriter, shapes: Bindings, batch: int | None, where: str) -> Described:
    """Write the network of a .cfg file.

    Args:
        text: of the file.
        net: the model being written.
        shapes: a shape for ``input``; its channels are the file's.
        batch: images a run; 1 unless given, as the file's own is that of training.
        where: the file, for messages.

    Raises:
        ModelFileError: the text is no darknet file.
        ModelGraphError: a layer is unknown or contradicts another.
        UnboundDimensions, InvalidQuantity: the input has no shape, or a wrong one.
    """
    head, *sections = parse_sections(text, where)
    place = f"[{head.name}] @ line {head.line}"
    try:
        extents = {f"{INPUT}[2]": head.integer("height", 0), f"{INPUT}[3]": head.integer("width", 0)}
        channels = head.integer("channels", _DEFAULT_CHANNELS)
        if channels < 1:
            raise LayerFault(f"channels={channels} is not positive")
        proto = described_input(INPUT, [channels, None, None])
        defaults = {axis: extent for axis, extent in extents.items() if extent > 0}
        binding = bind_inputs([proto], shapes, batch=batch, where=where, defaults=defaults)
        layers = Layers(net, net.input(proto))
        for index, section in enumerate(sections):
            place = f"[{section.name}], layer {index} @ line {section.line}"
            if section.name not in LAYERS:
                raise LayerFault("this layer is not known")
            layers.append(LAYERS[section.name](layers, section, f"{index}.{section.name}"))
    except LayerFault as fault:
        raise ModelGraphError(
            "the network cannot be built", where=where, faults=[f"{fault}: {place}"], help="check the .cfg file"
        ) from None
    if not layers.outputs:
        raise ModelGraphError("has no layers", where=where, help="give the .cfg file of a network")
    return Described(net.finish(layers.finished()), binding.pairs, binding.notes)
