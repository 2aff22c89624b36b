"""Groups of layers that many image networks share: normalised convolutions, gates, shuffles, the classifier."""

import onnx

from attainable.zoo.builder import Extents, GraphBuilder
from attainable.zoo.elementwise import Activation
from attainable.zoo.graph import Value

BRANCH_SCALE = 0.5
"""Scale of the last normalisation in a residual branch, so that the sums do not grow with depth."""

GATE_MEAN = 0.5
"""What a sigmoid or hard sigmoid gives for 0: the layer after a gate makes up for it."""


def conv_norm(
    builder: GraphBuilder,
    name: str,
    x: Value,
    *,
    channels: int,
    kernel: Extents,
    stride: int = 1,
    padding: Extents | None = None,
    groups: int = 1,
    activation: Activation | None = None,
    scale: float = 1.0,
    after_relu: bool = True,
) -> Value:
    """A convolution without bias, its normalisation and an activation: ``<name>.conv``, ``.bn`` and the activation's.

    Args:
        builder: takes the nodes.
        name: of the group.
        x: [batch, channels, height, width].
        channels: of the output.
        kernel: extents of the window.
        stride: in both directions.
        padding: None keeps the extents at stride 1.
        groups: of channels.
        activation: None for none.
        scale: of the normalisation.
        after_relu: whether x comes from a ReLU or the like.
    """
    if padding is None:
        padding = kernel // 2 if isinstance(kernel, int) else (kernel[0] // 2, kernel[1] // 2)
    x = builder.conv(
        f"{name}.conv",
        x,
        channels=channels,
        kernel=kernel,
        stride=stride,
        padding=padding,
        groups=groups,
        after_relu=after_relu,
    )
    x = builder.batch_norm(f"{name}.bn", x, scale=scale)
    return x if activation is None else builder.activation(activation, f"{name}.{activation}", x)


def depthwise_norm(
    builder: GraphBuilder,
    name: str,
    x: Value,
    *,
    kernel: int,
    stride: int = 1,
    activation: Activation | None = None,
    after_relu: bool = True,
) -> Value:
    """``conv_norm`` with one filter a channel."""
    _, channels, *_ = x.shape
    return conv_norm(
        builder,
        name,
        x,
        channels=channels,
        kernel=kernel,
        stride=stride,
        groups=channels,
        activation=activation,
        after_relu=after_relu,
    )


def squeeze_excite(
    builder: GraphBuilder, name: str, x: Value, *, squeezed: int, activation: Activation, gate: Activation
) -> Value:
    """x times a factor a channel, which two 1x1 convolutions with bias make from the means of all channels.

    Source: Hu et al., Squeeze-and-Excitation Networks, arXiv:1709.01507, section 3.
    """
    _, channels, *_ = x.shape
    means = builder.global_average_pool(f"{name}.pool", x)
    hidden = builder.conv(f"{name}.reduce", means, channels=squeezed, kernel=1, bias=True)
    hidden = builder.activation(activation, f"{name}.{activation}", hidden)
    factors = builder.conv(f"{name}.expand", hidden, channels=channels, kernel=1, bias=True)
    return builder.multiply(f"{name}.scale", (x, builder.activation(gate, f"{name}.gate", factors)))


def inverted_residual(
    builder: GraphBuilder,
    name: str,
    x: Value,
    *,
    hidden: int,
    channels: int,
    kernel: int,
    stride: int,
    activation: Activation,
    squeezed: int | None = None,
    squeeze_activation: Activation = "relu",
    gate: Activation = "sigmoid",
) -> Value:
    """Expand by 1x1, filter each channel, gate if asked for, project by 1x1; around it a shortcut where x fits.

    Args:
        builder: takes the nodes.
        name: of the block.
        x: [batch, channels in, height, width].
        hidden: channels inside; where x has as many, the expansion is left out.
        channels: of the output.
        kernel: of the depthwise filter.
        stride: of the depthwise filter.
        activation: after the expansion and the filter; none follows the projection.
        squeezed: channels inside the gate; None for no gate.
        squeeze_activation: inside the gate.
        gate: at its end.

    Source: arXiv:1801.04381, figure 3; arXiv:1905.02244, figure 4 (with the gate).
    """
    _, channels_in, *_ = x.shape
    branch = x
    if hidden != channels_in:
        branch = conv_norm(
            builder, f"{name}.expand", x, channels=hidden, kernel=1, activation=activation, after_relu=False
        )
    branch = depthwise_norm(builder, f"{name}.depthwise", branch, kernel=kernel, stride=stride, activation=activation)
    residual = stride == 1 and channels == channels_in
    scale = BRANCH_SCALE if residual else 1.0
    if squeezed is not None:
        branch = squeeze_excite(
            builder, f"{name}.se", branch, squeezed=squeezed, activation=squeeze_activation, gate=gate
        )
        scale /= GATE_MEAN
    branch = conv_norm(builder, f"{name}.project", branch, channels=channels, kernel=1, scale=scale)
    return builder.add(f"{name}.add", (x, branch)) if residual else branch


def leaky(
    builder: GraphBuilder,
    name: str,
    x: Value,
    *,
    channels: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    scale: float = 1.0,
    after_relu: bool = True,
) -> Value:
    """A normalised convolution with leaky ReLU, the layer of darknet."""
    return conv_norm(
        builder,
        name,
        x,
        channels=channels,
        kernel=kernel,
        stride=stride,
        groups=groups,
        activation="leaky_relu",
        scale=scale,
        after_relu=after_relu,
    )


def channel_shuffle(builder: GraphBuilder, name: str, x: Value, *, groups: int) -> Value:
    """Channel i of group g becomes channel ``groups`` i + g, so that the next groups mix the former ones.

    Source: Zhang et al., ShuffleNet, arXiv:1707.01083, section 3.1.
    """
    batch, channels, height, width = x.shape
    grouped = builder.reshape(f"{name}.group", x, shape=(batch, groups, channels // groups, height, width))
    swapped = builder.transpose(f"{name}.swap", grouped, order=(0, 2, 1, 3, 4))
    return builder.reshape(f"{name}.ungroup", swapped, shape=x.shape)


def classify(builder: GraphBuilder, name: str, x: Value, *, classes: int = 1000) -> onnx.ModelProto:
    """The finished model: the mean of each channel and a linear layer called ``name`` -> ``logits``."""
    x = builder.flatten("flatten", builder.global_average_pool("avgpool", x))
    return builder.finish(builder.linear(name, x, features=classes), name="logits")
