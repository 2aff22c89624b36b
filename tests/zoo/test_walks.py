"""Work and parameters walked layer by layer from the papers, for what nobody publishes to the last digit."""

import pytest

from tests.zoo.graphs import macs, parameters
from tests.zoo.walk import Walk


def counted(name: str) -> tuple[int, int]:
    return macs(name), parameters(name)


def totals(walk: Walk) -> tuple[int, int]:
    return walk.totals.macs, walk.totals.parameters


def test_mobilenet_v1() -> None:
    walk = Walk(3, 224).conv(32, 3, 2)
    for channels, stride in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5):
        walk.depthwise(3, stride).conv(channels)
    walk.depthwise(3, 2).conv(1024).depthwise(3).conv(1024).linear(1000)
    assert counted("mobilenet_v1") == totals(walk)


@pytest.mark.parametrize("gated", [True, False])
def test_efficientnet(gated: bool) -> None:
    walk = Walk(3, 224).conv(32, 3, 2)
    table = (
        *((1, 3, 16, 1), (6, 3, 24, 2), (6, 3, 24, 1), (6, 5, 40, 2), (6, 5, 40, 1)),
        *((6, 3, 80, 2), (6, 3, 80, 1), (6, 3, 80, 1), (6, 5, 112, 1), (6, 5, 112, 1), (6, 5, 112, 1)),
        *((6, 5, 192, 2), (6, 5, 192, 1), (6, 5, 192, 1), (6, 5, 192, 1), (6, 3, 320, 1)),
    )
    for expansion, kernel, channels, stride in table:
        entering = walk.channels
        if expansion > 1:
            walk.conv(expansion * entering)
        walk.depthwise(kernel, stride)
        if gated:
            walk.gate(entering // 4)
        walk.conv(channels)
    walk.conv(1280).linear(1000)
    assert counted("efficientnet_b0" if gated else "efficientnet_lite0") == totals(walk)


def test_ghostnet() -> None:
    def ghost(walk: Walk, channels: int) -> None:
        walk.conv(channels // 2).depthwise(3)
        walk.channels = channels

    # kernel, hidden and output channels, gate (hidden / 4 to a multiple of 4), stride
    table = (
        *((3, 16, 16, 0, 1), (3, 48, 24, 0, 2), (3, 72, 24, 0, 1), (5, 72, 40, 20, 2), (5, 120, 40, 32, 1)),
        *((3, 240, 80, 0, 2), (3, 200, 80, 0, 1), (3, 184, 80, 0, 1), (3, 184, 80, 0, 1), (3, 480, 112, 120, 1)),
        *((3, 672, 112, 168, 1), (5, 672, 160, 168, 2), (5, 960, 160, 0, 1), (5, 960, 160, 240, 1)),
        *((5, 960, 160, 0, 1), (5, 960, 160, 240, 1)),
    )
    walk = Walk(3, 224).conv(16, 3, 2)
    for kernel, hidden, channels, squeezed, stride in table:
        if stride > 1 or walk.channels != channels:
            walk.fork().depthwise(kernel, stride).conv(channels)
        ghost(walk, hidden)
        if stride > 1:
            walk.depthwise(kernel, stride)
        if squeezed:
            walk.gate(squeezed)
        ghost(walk, channels)
    walk.conv(960).linear(1280).linear(1000)
    assert counted("ghostnet") == totals(walk)


def test_mobiledet() -> None:
    def fused(channels: int, expansion: int, stride: int = 1) -> None:
        walk.conv(walk.channels * expansion, 3, stride).conv(channels)

    def inverted(channels: int, expansion: int, stride: int = 1) -> None:
        walk.conv(walk.channels * expansion).depthwise(3, stride).conv(channels)

    walk = Walk(3, 320).conv(32, 3, 2).depthwise(3).conv(24)
    fused(32, 4, 2)
    fused(32, 4)
    inverted(32, 4)
    walk.conv(8).conv(24, 3).conv(32)  # Tucker: a quarter of the input's, three quarters of the output's
    fused(64, 8, 2)
    inverted(64, 4)
    fused(64, 4)
    fused(64, 4)
    fused(120, 8, 2)
    for expansion in (4, 8, 8):
        inverted(120, expansion)
    fused(144, 8)
    for _ in range(3):
        inverted(144, 8)
    inverted(160, 4, 2)
    inverted(160, 4)
    fused(160, 4)
    walk.conv(120).conv(120, 3).conv(160)  # Tucker: three quarters
    inverted(240, 8)
    assert counted("mobiledet_dsp") == totals(walk)


@pytest.mark.parametrize(
    ("name", "repeats", "widths"),
    [
        ("repvgg_a0", (2, 4, 14, 1), (48, 96, 192, 1280)),
        ("repvgg_b0", (4, 6, 16, 1), (64, 128, 256, 1280)),
    ],
)
@pytest.mark.parametrize("deployed", [False, True])
def test_repvgg(name: str, repeats: tuple[int, ...], widths: tuple[int, ...], deployed: bool) -> None:
    def layer(channels: int, stride: int) -> None:
        if deployed:
            walk.conv(channels, 3, stride, bias=True, norm=False)
            return
        if walk.channels == channels and stride == 1:
            walk.norm()
        walk.fork().conv(channels, 1, stride)
        walk.conv(channels, 3, stride)

    walk = Walk(3, 224)
    layer(widths[0], 2)
    for count, channels in zip(repeats, widths, strict=True):
        for index in range(count):
            layer(channels, 2 if index == 0 else 1)
    walk.linear(1000)
    assert counted(f"{name}_deploy" if deployed else name) == totals(walk)


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("vovnet27_slim", ((1, 64, 128), (1, 80, 256), (1, 96, 384), (1, 112, 512))),
        ("vovnet39", ((1, 128, 256), (1, 160, 512), (2, 192, 768), (2, 224, 1024))),
    ],
)
def test_vovnet(name: str, stages: tuple[tuple[int, int, int], ...]) -> None:
    walk = Walk(3, 224).conv(64, 3, 2).conv(64, 3).conv(128, 3, 2)
    for stage, (blocks, width, channels) in enumerate(stages):
        # 3x3 windows with stride 2, the last one over the edge: 56 -> 28 -> 14 -> 7
        walk.pool(1 if stage == 0 else 2)
        for _ in range(blocks):
            entering = walk.channels
            for _ in range(5):
                walk.conv(width, 3)
            walk.channels = entering + 5 * width
            walk.conv(channels)
    walk.linear(1000)
    assert counted(name) == totals(walk)


@pytest.mark.parametrize("name", ["cspdarknet53", "cspresnet50"])
def test_cross_stage_partial_networks(name: str) -> None:
    if name == "cspdarknet53":
        walk = Walk(3, 256).conv(32, 3)
        stages = ((1, 64, 128, 32), (2, 128, 128, 64), (8, 256, 256, 128), (8, 512, 512, 256), (4, 1024, 1024, 512))
    else:
        walk = Walk(3, 256).conv(64, 7, 2).pool()
        stages = ((3, 128, 256, 64), (3, 256, 512, 128), (5, 512, 1024, 256), (2, 1024, 2048, 512))
    for index, (blocks, channels, expanded, hidden) in enumerate(stages):
        if name == "cspdarknet53":
            walk.conv(channels, 3, 2)
        elif index > 0:
            walk.conv(walk.channels, 3, 2)
        walk.conv(expanded)
        through = walk.fork(expanded // 2)
        for _ in range(blocks):
            if name == "cspdarknet53":
                through.conv(hidden).conv(expanded // 2, 3)
            else:
                through.conv(hidden).conv(hidden, 3).conv(expanded // 2)
        through.conv(expanded // 2)
        walk.conv(channels)
    walk.linear(1000)
    assert counted(name) == totals(walk)


def test_g_ghost_regnet() -> None:
    def bottleneck(walk: Walk, width: int, groups: int, stride: int = 1) -> None:
        if walk.channels != width or stride > 1:
            walk.fork().conv(width, 1, stride)
        walk.conv(width).conv(width, 3, stride, groups=groups).conv(width)

    walk = Walk(3, 224).conv(32, 3, 2)
    bottleneck(walk, 32, 2, 2)
    bottleneck(walk, 64, 4, 2)
    bottleneck(walk, 64, 4)
    # Half of 160 in whole groups of 12 is 72, half of 384 is 192: the rest is made cheaply.
    for blocks, width, raw in ((7, 160, 72), (12, 384, 192)):
        cheap = width - raw
        bottleneck(walk, width, width // 16, 2)
        through = walk.fork(raw)
        for _ in range(blocks - 2):
            bottleneck(through, raw, raw // 12)
        Walk(width + (blocks - 2) * raw, 1, walk.totals).conv(cheap).conv(cheap)
        walk.fork(cheap).conv(cheap)
        bottleneck(walk, width, width // 16)
    walk.linear(1000)
    assert counted("g_ghost_regnet_x_400mf") == totals(walk)


def test_xception() -> None:
    def separable(channels: int) -> None:
        walk.depthwise(3, norm=False).conv(channels)

    walk = Walk(3, 299).conv(32, 3, 2, padding=0).conv(64, 3, padding=0)
    for widths in ((128, 128), (256, 256), (728, 728), *[(728, 728, 728)] * 8, (728, 1024)):
        if len(widths) == 2:
            walk.fork().conv(widths[-1], 1, 2)
        for width in widths:
            separable(width)
        walk.pool(2 if len(widths) == 2 else 1)
    separable(1536)
    separable(2048)
    walk.linear(1000)
    assert counted("xception") == totals(walk)


@pytest.mark.parametrize(("groups", "channels"), [(1, 144), (2, 200), (3, 240), (4, 272), (8, 384)])
def test_shufflenet_v1(groups: int, channels: int) -> None:
    walk = Walk(3, 224).conv(24, 3, 2).pool()
    for units in (4, 8, 4):
        for index in range(units):
            entering = walk.channels
            # A unit with stride 2 joins its input, so that its branch gives the others.
            given = channels - entering if index == 0 else channels
            walk.conv(channels // 4, groups=1 if entering == 24 else groups)
            walk.depthwise(3, 2 if index == 0 else 1).conv(given, groups=groups)
            walk.channels = channels
        channels *= 2
    walk.linear(1000)
    assert counted(f"shufflenet_v1_g{groups}") == totals(walk)


def test_mobilenet_v3_small() -> None:
    # kernel, hidden, output, gate (hidden / 4 to a multiple of 8), stride
    table = (
        *((3, 16, 16, 8, 2), (3, 72, 24, 0, 2), (3, 88, 24, 0, 1), (5, 96, 40, 24, 2), (5, 240, 40, 64, 1)),
        *((5, 240, 40, 64, 1), (5, 120, 48, 32, 1), (5, 144, 48, 40, 1), (5, 288, 96, 72, 2)),
        *((5, 576, 96, 144, 1), (5, 576, 96, 144, 1)),
    )
    walk = Walk(3, 224).conv(16, 3, 2)
    for kernel, hidden, channels, squeezed, stride in table:
        if hidden != walk.channels:
            walk.conv(hidden)
        walk.depthwise(kernel, stride)
        if squeezed:
            walk.gate(squeezed)
        walk.conv(channels)
    walk.conv(576).linear(1024).linear(1000)
    assert counted("mobilenet_v3_small") == totals(walk)


def test_densenet121() -> None:
    walk = Walk(3, 224).conv(64, 7, 2).pool()
    for block, layers in enumerate((6, 12, 24, 16)):
        if block > 0:
            # The norm comes before the convolution and has its channels.
            walk.norm().conv(walk.channels // 2, norm=False).pool()
        for _ in range(layers):
            walk.norm().fork().conv(128).conv(32, 3, norm=False)
            walk.channels += 32
    walk.norm().linear(1000)
    assert counted("densenet121") == totals(walk)


def test_encoders() -> None:
    # 12 layers of query, key, value and output; scores and context; two feed-forward products
    products = 12 * (4 * 128 * 768 * 768 + 2 * 128 * 128 * 768 + 2 * 128 * 768 * 3072)
    # the tables and their norm; 12 layers of four square projections, two feed-forward ones and two norms
    learned = (30522 + 512 + 2) * 768
    learned += 12 * (4 * (768 * 768 + 768) + (768 * 3072 + 3072) + (3072 * 768 + 768) + 4 * 768)
    assert counted("transformer_encoder") == (products, learned)
    # and two token types and the pooler
    assert counted("bert_base") == (products + 768 * 768, learned + 2 * 768 + 768 * 768 + 768)


@pytest.mark.parametrize(("form", "tokens", "positions"), [("prefill", 128, 128), ("decode", 1, 129)])
def test_gpt2(form: str, tokens: int, positions: int) -> None:
    projections = 3 * 768 * 768 + 768 * 768 + 2 * 768 * 3072
    products = 12 * (tokens * projections + 2 * tokens * positions * 768) + tokens * 768 * 50257
    # biases of query, key, value, output and feed-forward; two norms a layer and one at the end; the head shares wte
    learned = 12 * (projections + 4 * 768 + 3072 + 768 + 4 * 768) + 2 * 768 + (50257 + 1024) * 768
    assert counted(f"gpt2_small_{form}") == (products, learned)


def test_vit_b_16() -> None:
    patches, tokens = 14 * 14, 14 * 14 + 1
    patch = 3 * 16 * 16 * 768
    projections = 4 * 768 * 768 + 2 * 768 * 3072
    products = patches * patch + 12 * (tokens * projections + 2 * tokens * tokens * 768) + 768 * 1000
    learned = patch + 768 + 768 + tokens * 768  # patches, class token, positions
    learned += 12 * (projections + 4 * 768 + 3072 + 768 + 4 * 768) + 2 * 768 + 768 * 1000 + 1000
    assert counted("vit_b_16") == (products, learned)


def test_swin_t() -> None:
    products = 56 * 56 * 48 * 96
    learned = 48 * 96 + 96 + 2 * 96  # patches of 4 x 4 x 3 and their norm
    for stage, (blocks, heads) in enumerate(((2, 3), (2, 6), (6, 12), (2, 24))):
        features, patches = 96 * 2**stage, (56 // 2**stage) ** 2
        if stage > 0:
            # four neighbours of half the features each, normed and reduced without bias
            products += patches * 2 * features * features
            learned += 2 * features * features + 2 * 2 * features
        layers = 12 * features * features
        # every patch meets the 49 of its window, in scores and in context
        products += blocks * (patches * layers + 2 * patches * 49 * features)
        learned += blocks * (layers + 9 * features + 4 * features + 13 * 13 * heads)
    products += 768 * 1000
    learned += 2 * 768 + 768 * 1000 + 1000
    assert counted("swin_t") == (products, learned)


def test_convnext_tiny() -> None:
    products = 56 * 56 * 48 * 96
    learned = 48 * 96 + 96 + 2 * 96
    for stage, (blocks, channels) in enumerate(((3, 96), (3, 192), (9, 384), (3, 768))):
        positions = (56 // 2**stage) ** 2
        if stage > 0:
            products += positions * channels * channels // 2 * 4
            learned += channels // 2 * channels * 4 + channels + channels  # 2x2, bias, norm of half the channels
        products += blocks * positions * (49 * channels + 8 * channels * channels)
        # 7x7 and bias, norm, two linear layers with bias, the scale
        learned += blocks * (49 * channels + channels + 2 * channels + 8 * channels**2 + 5 * channels + channels)
    products += 768 * 1000
    learned += 2 * 768 + 768 * 1000 + 1000
    assert counted("convnext_tiny") == (products, learned)


def test_inception_v3() -> None:
    # Kernel areas times channels, block by block: 35x35, 17x17 and 8x8 images after the stem.
    stem = Walk(3, 299).conv(32, 3, 2, padding=0).conv(32, 3, padding=0).conv(64, 3)
    stem.extent = (stem.extent - 3) // 2 + 1
    stem.conv(80).conv(192, 3, padding=0)
    stem.extent = (stem.extent - 3) // 2 + 1
    assert stem.extent == 35
    walk = stem
    for pooled in (32, 64, 64):
        walk.fork().conv(64)
        walk.fork().conv(48).conv(64, 5)
        walk.fork().conv(64).conv(96, 3).conv(96, 3)
        walk.fork().conv(pooled)
        walk.channels = 64 + 64 + 96 + pooled
    walk.fork().conv(384, 3, 2, padding=0)
    walk.fork().conv(64).conv(96, 3).conv(96, 3, 2, padding=0)
    walk.channels, walk.extent = 384 + 96 + walk.channels, 17
    for width in (128, 160, 160, 192):
        walk.fork().conv(192)
        walk.fork().conv(width).conv(width, (1, 7)).conv(192, (7, 1))
        walk.fork().conv(width).conv(width, (7, 1)).conv(width, (1, 7)).conv(width, (7, 1)).conv(192, (1, 7))
        walk.fork().conv(192)
        walk.channels = 4 * 192
    walk.fork().conv(192).conv(320, 3, 2, padding=0)
    walk.fork().conv(192).conv(192, (1, 7)).conv(192, (7, 1)).conv(192, 3, 2, padding=0)
    walk.channels, walk.extent = 320 + 192 + 768, 8
    for _ in range(2):
        walk.fork().conv(320)
        pair = walk.fork().conv(384)
        pair.fork().conv(384, (1, 3))
        pair.fork().conv(384, (3, 1))
        pair = walk.fork().conv(448).conv(384, 3)
        pair.fork().conv(384, (1, 3))
        pair.fork().conv(384, (3, 1))
        walk.fork().conv(192)
        walk.channels = 320 + 2 * 384 + 2 * 384 + 192
    walk.linear(1000)
    assert counted("inception_v3") == totals(walk)


def test_the_walk_itself() -> None:
    # 3 -> 8 channels, 3x3, 8x8 -> 4x4: 3 x 8 x 9 weights, each used 16 times; scale and shift of 8 channels
    walk = Walk(3, 8).conv(8, 3, 2)
    assert (walk.channels, walk.extent) == (8, 4)
    assert totals(walk) == (3 * 8 * 9 * 16, 3 * 8 * 9 + 16)
    # a fork leaves the walk where it is and adds to its totals
    walk.fork().depthwise(5)
    assert (walk.channels, walk.extent) == (8, 4)
    assert walk.totals.parameters == 3 * 8 * 9 + 16 + 8 * 25 + 16
    assert walk.totals.macs == 16 * (3 * 8 * 9 + 8 * 25)
