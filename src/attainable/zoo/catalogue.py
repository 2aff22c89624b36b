"""The families of networks, in the order in which they are listed: their modules, sources and members."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Family:
    """Networks that one module defines.

    Attributes:
        module: has a function ``build(name, batch, seed)``, with ``sequence`` where the networks read text.
        source: the papers and the code that the networks follow.
        summaries: one line for each network, by name.
        sequence: tokens where the caller names no number; None where the networks read images.
    """

    module: str
    source: str
    summaries: dict[str, str]
    sequence: int | None = None


FAMILIES: Final = (
    Family(
        "resnet",
        "arXiv:1512.03385; torchvision/models/resnet.py",
        {
            "resnet18": "residual network of 18 layers, 3x3 convolutions",
            "resnet34": "residual network of 34 layers, 3x3 convolutions",
            "resnet50": "residual network of 50 layers, 1x1 and 3x3 convolutions (v1.5)",
            "resnet101": "residual network of 101 layers, 1x1 and 3x3 convolutions (v1.5)",
            "resnet152": "residual network of 152 layers, 1x1 and 3x3 convolutions (v1.5)",
        },
    ),
    Family(
        "regnet",
        "arXiv:2003.13678; torchvision/models/regnet.py",
        {
            "regnet_x_400mf": "residual network of grouped convolutions, widths on a line",
            "regnet_y_400mf": "the same with squeeze-and-excitation gates",
        },
    ),
    Family(
        "ghost_regnet",
        "arXiv:2201.03297; g_ghost_pytorch/g_ghost_regnet.py of huawei-noah/Efficient-AI-Backbones",
        {"g_ghost_regnet_x_400mf": "half of each long stage skips its middle blocks"},
    ),
    Family(
        "repvgg",
        "arXiv:2101.03697; DingXiaoH/RepVGG, repvgg.py",
        {
            "repvgg_a0": "three branches a layer, the form of training",
            "repvgg_a0_deploy": "one 3x3 convolution a layer, the form of deployment",
            "repvgg_b0": "three branches a layer, the form of training; deeper",
            "repvgg_b0_deploy": "one 3x3 convolution a layer, the form of deployment; deeper",
        },
    ),
    Family(
        "vgg",
        "arXiv:1409.1556; torchvision/models/vgg.py",
        {
            "vgg11": "plain network of 3x3 convolutions and large linear layers, 531 MB",
            "vgg13": "plain network of 3x3 convolutions and large linear layers, 532 MB",
            "vgg16": "plain network of 3x3 convolutions and large linear layers, 553 MB",
            "vgg19": "plain network of 3x3 convolutions and large linear layers, 575 MB",
        },
    ),
    Family(
        "alexnet",
        "arXiv:1404.5997; torchvision/models/alexnet.py",
        {"alexnet": "five convolutions and large linear layers, 244 MB"},
    ),
    Family(
        "inception",
        "arXiv:1512.00567; torchvision/models/inception.py",
        {"inception_v3": "branches of different windows side by side, 299 pixels"},
    ),
    Family(
        "xception",
        "arXiv:1610.02357; timm/models/xception.py",
        {"xception": "separable convolutions in residual blocks, 299 pixels"},
    ),
    Family(
        "densenet",
        "arXiv:1608.06993; torchvision/models/densenet.py",
        {"densenet121": "every layer reads all layers before it: many small concatenations"},
    ),
    Family(
        "vovnet",
        "arXiv:1904.09730; timm/models/vovnet.py",
        {
            "vovnet27_slim": "one concatenation a block, narrow",
            "vovnet39": "one concatenation a block",
        },
    ),
    Family(
        "darknet",
        "arXiv:1804.02767; arXiv:1911.11929; timm/models/cspnet.py",
        {
            "darknet53": "residual network of 53 layers, backbone of YOLOv3, 256 pixels",
            "cspdarknet53": "half of each stage goes around its blocks, backbone of YOLOv4, 256 pixels",
            "cspresnet50": "half of each stage goes around its bottlenecks, 256 pixels",
        },
    ),
    Family(
        "convnext",
        "arXiv:2201.03545; torchvision/models/convnext.py",
        {"convnext_tiny": "7x7 depthwise convolutions, layer normalisation and linear layers"},
    ),
    Family(
        "mobilenet",
        "arXiv:1704.04861; arXiv:1801.04381, torchvision/models/mobilenetv2.py",
        {
            "mobilenet_v1": "depthwise separable convolutions",
            "mobilenet_v2": "depthwise convolutions in inverted residuals, ReLU6",
        },
    ),
    Family(
        "mobilenet_v3",
        "arXiv:1905.02244; torchvision/models/mobilenetv3.py",
        {
            "mobilenet_v3_small": "inverted residuals with gates and hard swish, small",
            "mobilenet_v3_large": "inverted residuals with gates and hard swish, large",
        },
    ),
    Family(
        "efficientnet",
        "arXiv:1905.11946; torchvision/models/efficientnet.py",
        {
            "efficientnet_b0": "inverted residuals with gates and swish",
            "efficientnet_lite0": "the same without gates, ReLU6",
        },
    ),
    Family(
        "ghostnet",
        "arXiv:1911.11907; timm/models/ghostnet.py",
        {"ghostnet": "half of the channels made from the others by depthwise filters"},
    ),
    Family(
        "mobiledet",
        "arXiv:2004.14525; ssd_mobiledet_feature_extractor.py of tensorflow/models",
        {"mobiledet_dsp": "inverted bottlenecks, fused convolutions and Tucker blocks, a backbone, 320 pixels"},
    ),
    Family(
        "squeezenet",
        "arXiv:1602.07360; torchvision/models/squeezenet.py",
        {
            "squeezenet1_0": "few parameters: squeeze with 1x1, expand with 1x1 and 3x3 convolutions",
            "squeezenet1_1": "the same with less than half the work",
        },
    ),
    Family(
        "shufflenet_v1",
        "arXiv:1707.01083",
        {
            "shufflenet_v1_g1": "1x1 convolutions without groups",
            **{f"shufflenet_v1_g{groups}": f"1x1 convolutions in {groups} groups, shuffled" for groups in (2, 3, 4, 8)},
        },
    ),
    Family(
        "shufflenet",
        "arXiv:1807.11164; torchvision/models/shufflenetv2.py",
        {
            "shufflenet_v2_x0_5": "channel split and shuffle, half the width",
            "shufflenet_v2_x1_0": "channel split and shuffle: much data movement for little work",
            "shufflenet_v2_x1_5": "channel split and shuffle, 1.5 times the width",
            "shufflenet_v2_x2_0": "channel split and shuffle, twice the width",
        },
    ),
    Family(
        "yolo",
        "arXiv:1804.02767; arXiv:2011.08036; cfg/ of AlexeyAB/darknet",
        {
            "yolov3_tiny": "detector of plain 3x3 convolutions, 416 pixels",
            "yolov4_tiny": "detector with partial stages, 416 pixels",
        },
    ),
    Family(
        "yolo_fastest",
        "ModelZoo/ of dog-qiuqiu/Yolo-Fastest, after arXiv:1801.04381",
        {
            "yolo_fastest": "detector of narrow inverted residuals, 320 pixels",
            "yolo_fastest_xl": "the same with twice the width",
            "yolo_fastest_1_1": "detector of narrow inverted residuals with a pyramid of pools, 320 pixels",
            "yolo_fastest_1_1_xl": "the same with twice the width",
        },
    ),
    Family(
        "vision_transformer",
        "arXiv:2010.11929; torchvision/models/vision_transformer.py",
        {"vit_b_16": "transformer encoder on patches of 16x16 pixels"},
    ),
    Family(
        "swin",
        "arXiv:2103.14030; torchvision/models/swin_transformer.py",
        {"swin_t": "attention inside windows that shift"},
    ),
    Family(
        "transformer",
        "arXiv:1810.04805; BertModel of Hugging Face transformers",
        {
            "transformer_encoder": "encoder of BERT's base size, 12 layers, attention spelled out",
            "bert_base": "the same with token types, attention mask and pooler",
        },
        sequence=128,
    ),
    Family(
        "gpt",
        "GPT2LMHeadModel of Hugging Face transformers; blocks of arXiv:1706.03762",
        {
            "gpt2_small_prefill": "decoder of 12 layers that reads a prompt",
            "gpt2_small_decode": "the same for one token more, keys and values of the others in a cache",
        },
        sequence=128,
    ),
)
