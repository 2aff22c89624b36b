"""Counters of PyTorch modules: what they count of each operator.

They see modules, we see a graph. Read the module itself (``attainable.load(module, example)``), and their totals come
out; an exported ONNX file has its batch normalisations folded, and then these terms are missing. Some of them count a
module and its function differently, which a graph does not tell: the terms here are those of the modules.

Sources: the files named with each preset.
"""

from attainable.cost.count import OpCount
from attainable.cost.presets.measures import (
    CONVOLUTIONS,
    POOLS,
    PRODUCTS,
    bias,
    bias_of_layer,
    both,
    constant_operand,
    double_macs,
    each,
    elements_in,
    elements_out,
    macs,
)
from attainable.cost.presets.preset import Preset

_NORMALISATIONS = ("LayerNormalization", "GroupNormalization", "InstanceNormalization")
_CLASSES = "it looks at module classes, which a graph does not have: nn.MultiheadAttention counts otherwise"


def _mean_of_windows(entry: OpCount) -> int:
    """Additions of each window and one division, for each output."""
    return entry.op.input(0).elements + entry.op.output.elements


def _output_bytes_twice(entry: OpCount) -> int:
    return 2 * entry.op.output.bytes


FVCORE = Preset(
    counter="fvcore 0.1.5 FlopCountAnalysis",
    unit="multiply-adds, which it calls flops",
    quantity="macs",
    terms={
        **each((*CONVOLUTIONS, *PRODUCTS, "Einsum"), macs, "its MACs, bias left out"),
        **each(("BatchNormalization",), elements_in(2), "2 an element"),
        **each(_NORMALISATIONS, elements_in(5), "5 an element"),
        **each(("GlobalAveragePool",), elements_in(), "1 an element of its input"),
        **each(("GridSample",), elements_out(4), "4 an output"),
    },
    limits="it counts nothing of scaled_dot_product_attention",
    source="facebookresearch/fvcore, fvcore/nn/jit_handles.py and flop_count.py",
)

THOP = Preset(
    counter="thop 0.1.1",
    unit="MACs",
    quantity="macs",
    terms={
        **each(CONVOLUTIONS, macs, "its MACs, bias left out"),
        **each(PRODUCTS, constant_operand(macs), "its MACs where it is a layer; products of activations not counted"),
        **each(("BatchNormalization", "LayerNormalization", "InstanceNormalization"), elements_in(4), "4 an element"),
        **each(("PRelu",), elements_in(), "1 an element"),
        **each(("AveragePool",), elements_out(), "1 an output"),
        **each(("GlobalAveragePool",), _mean_of_windows, "1 an element of its input and 1 an output"),
    },
    limits=f"{_CLASSES}, and adaptive pooling written as a function counts nothing",
    source="Lyken17/pytorch-OpCounter, thop/vision/basic_hooks.py and calc_func.py",
)

PTFLOPS = Preset(
    counter="ptflops 0.7.5, pytorch backend",
    unit="MACs",
    quantity="macs",
    terms={
        **each(CONVOLUTIONS, both(macs, bias()), "its MACs and 1 an output for a bias"),
        **each(("Gemm",), both(macs, bias()), "its MACs and 1 an output for a bias"),
        **each(("MatMul",), macs, "its MACs"),
        **each(("Add",), bias_of_layer, "1 an output where it is the bias of a layer"),
        **each(("BatchNormalization",), elements_in(2), "2 an element"),
        **each(_NORMALISATIONS, elements_in(), "1 an element"),
        **each(("Relu", "PRelu", "Elu", "Gelu"), elements_out(2), "1 an element, twice: the module and its function"),
        **each(("LeakyRelu", "Clip", "Softmax"), elements_out(), "1 an element"),
        **each(POOLS, elements_in(2), "1 an element of its input, twice: the module and its function"),
        **each(("Resize",), elements_out(2), "1 an output, twice: the module and its function"),
    },
    limits=f"{_CLASSES}, activations written as functions count once, and torch.softmax and a @ b nothing",
    source="sovrasov/flops-counter.pytorch, ptflops/pytorch_ops.py",
)

FLOP_COUNTER_MODE = Preset(
    counter="torch 2.13 FlopCounterMode, on a CPU",
    unit="operations, two a MAC, which it calls flops",
    quantity="operations",
    terms=each((*CONVOLUTIONS, *PRODUCTS), double_macs, "2 a MAC, bias left out"),
    limits="the fused attention and the fused encoder layer of the CPU are not in its table and count nothing",
    source="pytorch/pytorch, torch/utils/flop_counter.py",
)

DEEPSPEED = Preset(
    counter="DeepSpeed 0.19 flops profiler",
    unit="operations, which it calls flops",
    quantity="operations",
    terms={
        **each(CONVOLUTIONS, both(double_macs, bias()), "2 a MAC and 1 an output for a bias"),
        **each((*PRODUCTS, "Attention"), double_macs, "2 a MAC, bias left out"),
        **each(("BatchNormalization",), elements_in(2), "2 an element"),
        **each(_NORMALISATIONS, elements_in(5), "5 an element"),
        **each(("Relu", "PRelu", "Elu", "LeakyRelu", "Gelu", "Swish", "Softmax"), elements_in(), "1 an element"),
        **each(POOLS, elements_in(), "1 an element of its input"),
    },
    limits="nn.ReLU6 counts nothing and functional.relu6 1 an element; a + b and torch.softmax are not seen by it",
    source="deepspeedai/DeepSpeed, deepspeed/profiling/flops_profiler/profiler.py",
)

TORCHINFO = Preset(
    counter="torchinfo 1.8 forward/backward pass size",
    unit="bytes, twice the outputs of layers with parameters",
    quantity="activation bytes",
    terms={
        **each(
            (*CONVOLUTIONS, "Gemm", "BatchNormalization", *_NORMALISATIONS, "PRelu"), _output_bytes_twice,
            "its output twice, once for a gradient, in evaluation too",
        ),
        **each(
            ("MatMul", "Gather"), constant_operand(_output_bytes_twice),
            "its output twice where it is a layer, once for a gradient, in evaluation too",
        ),
    },
    limits="it forgets what has no parameters, and no memory is ever freed",
    source="TylerYep/torchinfo, torchinfo/model_statistics.py",
)  # fmt: skip
