"""Counts against what others publish: torchvision, timm, the papers, darknet."""

import csv
import math
from collections import Counter
from pathlib import Path

import pytest

from attainable import zoo
from tests.zoo.graphs import graph_of, macs, parameters, shapes, statistics

SHARED = Path(__file__).parents[3] / "shared" / "data"

PARAMETERS = {
    # num_params of torchvision's model metadata
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "regnet_x_400mf": 5_495_976,
    "regnet_y_400mf": 4_344_144,
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "alexnet": 61_100_840,
    # less the auxiliary classifier: 1x1 and 5x5 convolutions with their norms, and a linear layer
    "inception_v3": 27_161_264 - (768 * 128 + 2 * 128 + 128 * 768 * 25 + 2 * 768 + (768 + 1) * 1000),
    "densenet121": 7_978_856,
    "convnext_tiny": 28_589_128,
    "mobilenet_v2": 3_504_872,
    "mobilenet_v3_small": 2_542_856,
    "mobilenet_v3_large": 5_483_032,
    "efficientnet_b0": 5_288_548,
    "squeezenet1_0": 1_248_424,
    "squeezenet1_1": 1_235_496,
    "shufflenet_v2_x0_5": 1_366_792,
    "shufflenet_v2_x1_0": 2_278_604,
    "shufflenet_v2_x1_5": 3_503_624,
    "shufflenet_v2_x2_0": 7_393_996,
    "vit_b_16": 86_567_656,
    "swin_t": 28_288_354,
    # timm
    "xception": 22_855_952,
    "vovnet39": 22_600_296,
    "darknet53": 41_609_928,
    "cspdarknet53": 27_642_184,
    "cspresnet50": 21_616_168,
    "efficientnet_lite0": 4_652_008,
    "repvgg_a0": 9_108_968,
    # the table of pretrained models of osmr/imgclsmob
    "shufflenet_v1_g1": 1_531_936,
    "shufflenet_v1_g2": 1_733_848,
    "shufflenet_v1_g3": 1_865_728,
    "shufflenet_v1_g4": 1_968_344,
    "shufflenet_v1_g8": 2_434_768,
    # Hugging Face transformers: BertModel of bert-base-uncased; GPT2LMHeadModel of gpt2, the head's weight shared
    "bert_base": 109_482_240,
    "gpt2_small_prefill": 124_439_808,
    "gpt2_small_decode": 124_439_808,
}

GIGA_MACS = {
    # _ops of torchvision's model metadata
    "resnet18": 1.814,
    "resnet34": 3.664,
    "resnet50": 4.089,
    "resnet101": 7.801,
    "resnet152": 11.514,
    "regnet_x_400mf": 0.414,
    "regnet_y_400mf": 0.402,
    "vgg11": 7.609,
    "vgg13": 11.308,
    "vgg16": 15.470,
    "vgg19": 19.632,
    "alexnet": 0.714,
    "inception_v3": 5.713,
    "densenet121": 2.834,
    "convnext_tiny": 4.456,
    "mobilenet_v2": 0.301,
    "mobilenet_v3_small": 0.057,
    "mobilenet_v3_large": 0.217,
    "efficientnet_b0": 0.386,
    "squeezenet1_0": 0.819,
    "squeezenet1_1": 0.349,
    "shufflenet_v2_x0_5": 0.040,
    "shufflenet_v2_x1_0": 0.145,
    "shufflenet_v2_x1_5": 0.296,
    "shufflenet_v2_x2_0": 0.583,
    "vit_b_16": 17.564,
    "swin_t": 4.491,
    # arXiv:1704.04861, table 4
    "mobilenet_v1": 0.569,
}

SHUFFLENET_V1_MEGA_MACS = {1: 143, 2: 140, 3: 137, 4: 133, 8: 137}
"""Complexity at width 1.0 without the classifier. Source: arXiv:1707.01083, table 1."""

TIMM = {
    **{name: name for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "repvgg_a0", "repvgg_b0")},
    **{name: name for name in ("vgg11", "vgg13", "vgg16", "vgg19", "inception_v3", "densenet121", "convnext_tiny")},
    **{name: name for name in ("darknet53", "cspdarknet53", "cspresnet50", "efficientnet_b0", "efficientnet_lite0")},
    "regnet_x_400mf": "regnetx_004_tv",
    "regnet_y_400mf": "regnety_004",
    "xception": "legacy_xception",
    "vovnet39": "vovnet39a",
    "mobilenet_v1": "mobilenetv1_100",
    "mobilenet_v2": "mobilenetv2_100",
    "mobilenet_v3_small": "mobilenetv3_small_100",
    "mobilenet_v3_large": "mobilenetv3_large_100",
    "ghostnet": "ghostnet_100",
    "vit_b_16": "vit_base_patch16_224",
    "swin_t": "swin_tiny_patch4_window7_224",
}

BILLION_OPERATIONS = {
    "yolo_fastest": 0.2556,
    "yolo_fastest_1_1": 0.2509,
    "yolo_fastest_xl": 0.7198,
}
"""BFLOPs that darknet prints for the convolutions, two a MAC."""

DARKNET_PARAMETERS = {"yolov4_tiny": 6_062_814, "yolo_fastest": 356_400, "yolo_fastest_1_1": 346_100}
"""With the running statistics; those of yolo-fastest to the hundred."""

CONFIGURATIONS = {
    "yolov3_tiny": "yolov3-tiny",
    "yolov4_tiny": "yolov4-tiny",
    "yolo_fastest": "yolo-fastest",
    "yolo_fastest_xl": "yolo-fastest-xl",
    "yolo_fastest_1_1": "yolo-fastest-1.1",
    "yolo_fastest_1_1_xl": "yolo-fastest-1.1-xl",
    "darknet53": "darknet53",
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_the_published_ones(name: str) -> None:
    assert parameters(name) == PARAMETERS[name]


@pytest.mark.parametrize("name", GIGA_MACS)
def test_macs_are_the_published_ones_to_their_digits(name: str) -> None:
    assert round(macs(name) / 1e9, 3) == GIGA_MACS[name]


@pytest.mark.parametrize("groups", SHUFFLENET_V1_MEGA_MACS)
def test_shufflenet_v1_does_the_work_of_the_paper(groups: int) -> None:
    name = f"shufflenet_v1_g{groups}"
    classifier = parameters(name) - 1000 - parameters_of_convolutions(name)
    assert abs((macs(name) - classifier) / 1e6 - SHUFFLENET_V1_MEGA_MACS[groups]) < 1


def parameters_of_convolutions(name: str) -> int:
    shape = shapes(name)
    nodes = graph_of(name).graph.node
    weights = [node.input[1] for node in nodes if node.op_type == "Conv"]
    factors = [tensor for node in nodes if node.op_type == "BatchNormalization" for tensor in node.input[1:3]]
    return sum(math.prod(shape[tensor]) for tensor in (*weights, *factors))


@pytest.mark.parametrize("name", TIMM)
def test_timm_prints_the_same_digits(name: str) -> None:
    """timm counts with fvcore, to which an element costs 2 in BatchNorm, 5 in LayerNorm and 1 in a global average.

    Source: fvcore/nn/jit_handles.py.
    """
    tables = sorted((SHARED / "timm").glob("*.csv"))
    if not tables:
        pytest.skip("../shared/data/timm is absent")
    graph = graph_of(name).graph
    size = str(graph.input[0].type.tensor_type.shape.dim[3].dim_value)
    rows = [
        row
        for table in tables
        for row in csv.DictReader(table.read_text().splitlines())
        if (row["model"], row["infer_img_size"]) == (TIMM[name], size) and row["infer_gmacs"]
    ]
    assert rows
    shape, elements = shapes(name), Counter[str]()
    for node in graph.node:
        elements[node.op_type] += math.prod(shape[node.input[0]])
    counted = macs(name) + 2 * elements["BatchNormalization"] + 5 * elements["LayerNormalization"]
    counted += elements["GlobalAveragePool"]
    for row in rows:
        assert (round(counted / 1e9, 2), round(parameters(name) / 1e6, 2)) == (
            float(row["infer_gmacs"]),
            float(row["param_count"]),
        )


@pytest.mark.parametrize("name", BILLION_OPERATIONS)
def test_darknet_prints_the_same_operations(name: str) -> None:
    assert round(2 * macs(name) / 1e9, 4) == BILLION_OPERATIONS[name]


@pytest.mark.parametrize("name", DARKNET_PARAMETERS)
def test_darknet_stores_as_many_numbers(name: str) -> None:
    stored = parameters(name) + statistics(name)
    assert round(stored, -2 if DARKNET_PARAMETERS[name] % 100 == 0 else None) == DARKNET_PARAMETERS[name]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_darknet_networks_are_those_of_the_cfg_files(name: str) -> None:
    path = SHARED / "darknet" / f"{CONFIGURATIONS[name]}.cfg"
    if not path.exists():
        pytest.skip("../shared/data/darknet is absent")
    assert (macs(name), parameters(name) + statistics(name)) == counted_from_cfg(path)


def counted_from_cfg(path: Path) -> tuple[int, int]:
    """MACs and stored numbers of the convolutions of a cfg file, by what its layers say about shapes."""
    network, *layers = sections(path)
    shape = int(network["channels"]), int(network["width"])
    assert network["width"] == network["height"]
    made: list[tuple[int, int]] = []
    products = stored = 0
    for index, layer in enumerate(layers):
        channels, extent = shape
        stride = int(layer.get("stride", "1"))
        match layer["kind"]:
            case "convolutional":
                filters, size = int(layer["filters"]), int(layer["size"])
                padding = size // 2 if layer.get("pad") == "1" else int(layer.get("padding", "0"))
                extent = (extent + 2 * padding - size) // stride + 1
                weights = channels // int(layer.get("groups", "1")) * filters * size**2
                products += weights * extent**2
                stored += weights + filters * (4 if layer.get("batch_normalize") == "1" else 1)
                shape = filters, extent
            case "maxpool":
                shape = channels, (extent - 1) // stride + 1
            case "upsample":
                shape = channels, extent * stride
            case "route":
                sources = [int(number) for number in layer["layers"].split(",")]
                read = [made[index + source if source < 0 else source] for source in sources]
                shape = sum(width for width, _ in read) // int(layer.get("groups", "1")), read[0][1]
            case "avgpool":
                shape = channels, 1
            case _:
                pass  # shortcut, dropout, yolo, softmax and cost keep the shape
        made.append(shape)
    return products, stored


def sections(path: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for line in path.read_text().splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("["):
            found.append({"kind": text.strip("[]")})
        elif text:
            key, _, value = text.partition("=")
            found[-1][key.strip()] = value.strip()
    return found


def test_every_network_is_held_to_a_number_from_outside() -> None:
    published = PARAMETERS.keys() | GIGA_MACS.keys() | TIMM.keys() | CONFIGURATIONS.keys()
    # Without one: derived in test_walks.py from the papers and the authors' code alone.
    derived = {"g_ghost_regnet_x_400mf", "mobiledet_dsp", "vovnet27_slim", "repvgg_a0_deploy", "repvgg_b0_deploy"}
    assert set(zoo.names()) - published == derived | {"transformer_encoder"}
