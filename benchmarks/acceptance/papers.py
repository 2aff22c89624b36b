"""Figures of papers on design and compression, and what our counts say of them."""

from collections.abc import Iterable, Sequence

from attainable.cost.count import Count
from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value
from benchmarks.acceptance.claim import Check, Checks, Figure, Finding, Holds
from benchmarks.acceptance.counting import contractions, conv, convolutions, layers
from benchmarks.acceptance.equivalence import filters_pruned, gemm_pruned, reparameterised

REPVGG_GIGA_MACS = {1: "420.9", 3: "3788.2", 5: "10522.7", 7: "20624.4"}


def repvgg_macs(kernel: int) -> int:
    """A convolution of 2048 channels at 56x56, batch 32."""
    return conv(2048, 2048, 56, kernel=kernel, batch=32).totals.macs


def t117() -> Sequence[Finding]:
    """By kernel."""
    return [
        Figure(text, repvgg_macs(kernel) / 1e9, meaning=f"GMACs {kernel}x{kernel}")
        for kernel, text in REPVGG_GIGA_MACS.items()
    ]


def t118() -> Sequence[Finding]:
    """Rate of operations from the quoted times."""
    dense, pointwise = 2 * repvgg_macs(3) / 198.8e-3 / 1e12, 2 * repvgg_macs(1) / 84.5e-3 / 1e12
    return [
        Figure("9.96", pointwise, meaning="Top/s 1x1"),
        Figure("38.1", dense, meaning="Top/s 3x3"),
        Figure("3.83", dense / pointwise, meaning="ratio"),
    ]


def _block(channels_in: int, *shape: tuple[int, int, int]) -> int:
    """MACs of convolutions in a row: channels, kernel and groups of each, at 14x14."""
    total = 0
    for channels, kernel, groups in shape:
        total += conv(channels_in, channels, 14, kernel=kernel, groups=groups).totals.macs
        channels_in = channels
    return total


def t121() -> Sequence[Finding]:
    """One more block in a stage, in full width and in the half that the partial stage leaves it.

    Source of the blocks: arXiv:2011.08036, section 3; ResNeXt has 32 groups.
    """
    full, half = 256, 128
    plain = {
        "23.5": (_block(full, (64, 1, 1), (64, 3, 1), (256, 1, 1)), _block(half, (64, 1, 1), (64, 3, 1), (128, 1, 1))),
        "46.7": (
            _block(full, (128, 1, 1), (128, 3, 32), (256, 1, 1)),
            _block(half, (128, 1, 1), (128, 3, 32), (128, 1, 1)),
        ),
        "50": (_block(full, (128, 1, 1), (256, 3, 1)), _block(half, (128, 1, 1), (128, 3, 1))),
    }
    return [Figure(text, 100 * (1 - partial / whole), meaning="% less") for text, (whole, partial) in plain.items()]


def _dense(base: int, growth: int, depth: int) -> int:
    """Channels that the convolutions of a dense block read and write, by our traffic of activations."""

    def add(builder: GraphBuilder, x: Value) -> Value:
        read = x
        for index in range(depth):
            made = builder.conv(f"layer{index}", read, channels=growth, kernel=1)
            read = builder.concat_channels(f"join{index}", (read, made))
        return read

    entries = convolutions(layers((1, base, 8, 8), add))
    moved = sum(entry.work.bytes_activation_in + entry.work.bytes_activation_out for entry in entries)
    return moved // (4 * 8 * 8)


def t122() -> Sequence[Finding]:
    """The formulas of the row against counted blocks; the partial one reads half of the base channels."""
    depth, growth = 4, 32
    exact = [
        _dense(base, growth, depth) == base * depth + (depth**2 + depth) * growth // 2
        and _dense(base // 2, growth, depth) == (base * depth + (depth**2 + depth) * growth) // 2
        for base in (64, 256)
    ]
    large = _dense(2**19, 1, depth) / _dense(2**20, 1, depth)
    return [
        Holds("both formulas equal our counts", all(exact)),
        Holds(f"{large:.5f} where c*m dominates: up to 1/2", abs(large - 0.5) < 1e-4),
    ]


def t123() -> Sequence[Finding]:
    """Giga-operations times images a second."""
    rows = {"398": (5.6, 71), "186": (5.3, 35), "42": (1.2, 35), "41": (1.1, 37)}
    return [Figure(text, work * rate) for text, (work, rate) in rows.items()]


def t124() -> Sequence[Finding]:
    """Changes in percent."""
    return [
        Figure("-18", 100 * (4.6 / 5.6 - 1), "printed", "% operations"),
        Figure("+29", 100 * (18 / 14 - 1), "printed", "% time"),
        Holds("memory grows from 825 to 895 MB", 895 > 825),
    ]


def _vgg16_cifar(pruned: bool) -> Count:
    """VGG-16 for 32x32 with linear layers 512-512-10."""
    half = {0, *range(7, 13)} if pruned else set[int]()
    widths = [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    pooled = {1, 3, 6, 9, 12}

    def add(builder: GraphBuilder, x: Value) -> Value:
        for index, width in enumerate(widths):
            channels = width // 2 if index in half else width
            x = builder.conv(f"conv{index}", x, channels=channels, kernel=3, padding=1)
            x = builder.relu(f"relu{index}", builder.batch_norm(f"norm{index}", x))
            x = builder.max_pool(f"pool{index}", x, kernel=2, stride=2) if index in pooled else x
        x = builder.relu("relu", builder.linear("fc1", builder.flatten("flatten", x), features=512))
        return builder.linear("fc2", x, features=10)

    return layers((1, 3, 32, 32), add)


def _weights(result: Count) -> int:
    """Elements of the weights of convolutions and products: neither biases nor normalisations."""
    return sum(entry.op.input(1).elements for entry in contractions(result))


def t126() -> Sequence[Finding]:
    """Half of the filters of convolutions 1 and 8 to 13 gone."""
    before, after = _vgg16_cifar(False), _vgg16_cifar(True)
    macs, weights = (before.totals.macs, after.totals.macs), (_weights(before), _weights(after))
    return [
        Figure("313463808", macs[0], meaning="MACs"),
        Figure("206279680", macs[1], meaning="MACs pruned"),
        Figure("34.2", 100 * (1 - macs[1] / macs[0]), "printed", "% less"),
        Figure("14977728", weights[0], meaning="weights"),
        Figure("5390176", weights[1], meaning="weights pruned"),
        Figure("64.0", 100 * (1 - weights[1] / weights[0]), "printed", "% less"),
    ]


def _resnet_cifar(blocks: int) -> Count:
    """6n + 2 layers for 32x32. Source: arXiv:1512.03385, section 4.2.

    A shortcut of option A that changes the shape pads with zeros; without MACs, it is left out.
    """

    def add(builder: GraphBuilder, x: Value) -> Value:
        x = builder.relu("relu", builder.conv("conv", x, channels=16, kernel=3, padding=1))
        for stage, width in enumerate((16, 32, 64)):
            for block in range(blocks):
                name, stride = f"stage{stage}.{block}", 2 if stage and not block else 1
                branch = builder.conv(f"{name}.conv1", x, channels=width, kernel=3, stride=stride, padding=1)
                branch = builder.relu(f"{name}.relu1", branch)
                branch = builder.conv(f"{name}.conv2", branch, channels=width, kernel=3, padding=1)
                x = builder.add(f"{name}.add", (x, branch)) if stride == 1 else branch
        x = builder.flatten("flatten", builder.global_average_pool("pool", x))
        return builder.linear("fc", x, features=10)

    return layers((1, 3, 32, 32), add)


def t127() -> Sequence[Finding]:
    """6n + 2 layers."""
    return [
        Figure("1.2549e8", _resnet_cifar(9).totals.macs, meaning="MACs ResNet-56"),
        Figure("2.5289e8", _resnet_cifar(18).totals.macs, meaning="MACs ResNet-110"),
    ]


def t131() -> Sequence[Finding]:
    """The difference of the two accuracies, which the README prints as another."""
    return [Figure("0.24", 93.77 - 93.53, "printed", "points")]


def _holds(statements: Iterable[tuple[str, bool]]) -> list[Finding]:
    return [Holds(statement, is_true) for statement, is_true in statements]


def t119() -> Sequence[Finding]:
    """The zoo's network in both forms, the weights of the second made from those of the first."""
    difference = reparameterised()
    return _holds([(f"largest difference of the logits {difference:.1e} < 1e-4", difference < 1e-4)])


def t128() -> Sequence[Finding]:
    """Two convolutions; the smaller half of the first one's filters gone, or zero."""
    difference = filters_pruned()
    return _holds([(f"largest difference {difference:.1e} < 1e-5", difference < 1e-5)])


def t130() -> Sequence[Finding]:
    """A quarter of the rows and half of the columns zero."""
    is_identical, share = gemm_pruned()
    return [
        Holds("result identical", is_identical),
        *_holds([(f"{share} of the MACs is (1-r)(1-c)", share == 0.75 * 0.5)]),
    ]


QUOTED = "a quotation of measured accuracies and speeds, of which no number follows from another or from shapes"
CHECKS: Checks = {
    "T117": Check("0.1%", t117),
    "T118": Check("2%", t118, "consistent; 2 x MACs over the quoted time, above the peak for a fast algorithm"),
    "T119": Check("as stated", t119, "zoo repvgg_a0 and repvgg_a0_deploy in onnxruntime"),
    "T120": Check("n/a", None, QUOTED),
    "T121": Check("0.1 pt", t121),
    "T122": Check("formula", t122, "channels: our activation traffic of the convolutions over 4 bytes and positions"),
    "T123": Check("3%", t123, "consistent"),
    "T124": Check("exact", t124, "consistent"),
    "T125": Check("n/a", None, QUOTED),
    "T126": Check("exact", t126, "weights alone, without biases and normalisations"),
    "T127": Check("0.5%", t127),
    "T128": Check("1e-5", t128, "our own pair of convolutions in onnxruntime"),
    "T129": Check("n/a", None, QUOTED),
    "T130": Check("exact", t130, "a product of integers, so that no order of sums matters, in onnxruntime"),
    "T131": Check("n/a", t131, "consistent; the README prints +0.38, as the file says"),
}
