"""Which ops of a model the kernels of a log ran, by their names.

A log has names and no graph. A kernel's name is that of an op, of a tensor that an op makes, or one of these with what
the runtime is known to add (``DECORATIONS``). From there the model's graph tells the rest: what leads to a named result
through element-wise ops and views, up to one contraction or pooling, ran in the same kernel, and so did what follows it
and has no kernel of its own. Contractions without a name of the model, which OpenVINO gives when it folds a
normalisation, are found between named ones, where both sides have the same number of them. A delegate or a compiled
region takes all that leads to its results and has no other kernel.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from attainable.importers.log import LoggedKernel
from attainable.workload.graph import Op, Workload
from attainable.workload.kernel import Attribution, Kernel

_TOKEN = re.compile(r"_token_[0-9]{1,9}$")
_FUSION = re.compile(r"/[A-Za-z]{1,40}Fusion/?$")
_ONNXRUNTIME_SUFFIXES = ("_bn_nchwc", "_nchwc", "_quant", "_nhwc", "_QuantizeLinear")
_ONNXRUNTIME_LAYOUT = ("ReorderInput", "ReorderOutput", "gemm_input_reshape", "gemm_output_reshape")
_TENSORRT_JOIN = re.compile(r" \+ | \|\| ")
_TENSORRT_WRAPPED = re.compile(r"(?:PWN|fused|reshape_before|reshape_after|squeeze_after|unsqueeze_node_after)"
                               r"[({_](.{1,4096}?)[)}]?")  # fmt: skip
_TENSORRT_RANGE = re.compile(r"\{ForeignNode\[(.{1,4096}?)\.\.\.(.{1,4096}?)\]\}")
_TENSORRT_LAYOUT = ("Reformatting CopyNode", "Reformat", "copied_squeeze_after_")
_TFLITE_NUMBER = re.compile(r"\](?::[0-9]{1,9}|:[A-Za-z]{1,8})?$")
_MOST_PARTS = 4096
_MOST_WORDS = 100


def _onnxruntime(name: str) -> Iterator[str]:
    plain = _TOKEN.sub("", name).removeprefix("fused ")
    yield plain
    yield _FUSION.sub("", plain)
    for suffix in _ONNXRUNTIME_SUFFIXES:
        if plain.endswith(suffix):
            yield plain.removesuffix(suffix)


def _tensorrt(name: str) -> Iterator[str]:
    for part in _TENSORRT_JOIN.split(name, maxsplit=_MOST_PARTS):
        yield part
        if (wrapped := _TENSORRT_WRAPPED.fullmatch(part)) is not None:
            yield wrapped[1]
        if (both := _TENSORRT_RANGE.fullmatch(part)) is not None:
            yield from both.groups()


def _openvino(name: str) -> Iterator[str]:
    yield name.removesuffix("/WithoutBiases").removesuffix("/sink_port_0")
    yield re.split(r"/fq_(?:input|weights)_[0-9]", name, maxsplit=1)[0]


def _tflite(name: str) -> Iterator[str]:
    if name.startswith("["):
        inner = _TFLITE_NUMBER.sub("", name)[1:]
        yield from inner.split(", ", _MOST_PARTS)


def _rknn(name: str) -> Iterator[str]:
    yield name.partition(":")[2]


DECORATIONS: Mapping[str, Callable[[str], Iterator[str]]] = {
    "ONNX Runtime": _onnxruntime,
    "TensorRT": _tensorrt,
    "OpenVINO": _openvino,
    "TensorFlow Lite": _tflite,
    "RKNN": _rknn,
}
"""What names of ops a runtime's own name may hold, by runtime.

Source: onnxruntime/core/optimizer (nchwc_transformer.cc, matmul_add_fusion.cc, conv_activation_fusion.cc); the layer
names in samples of NVIDIA/TensorRT; openvino/src/plugins/intel_cpu; tensorflow/lite/profiling/profile_summarizer.cc;
outputs of RKNN-Toolkit2.
"""

ROUTINES = ("PyTorch", "CUDA")
"""Runtimes whose kernels have names of routines, such as ``sgemm_128x64``; one that an op has too is an accident."""

_LAYOUT_KINDS = ("reorder", "reorderinput", "reorderoutput", "reformat")

_CONTRACTIONS = frozenset((
    "Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "MatMul", "Gemm", "MatMulInteger", "QLinearMatMul", "Einsum",
    "FusedConv", "FusedMatMul", "FusedGemm", "LSTM", "GRU", "RNN", "Attention", "MultiHeadAttention",
    "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "BATCH_MATMUL",
))  # fmt: skip
_STARTS = _CONTRACTIONS | frozenset((
    "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceSum", "Softmax", "Concat",
    "Resize", "Gather", "LayerNormalization", "Split", "Slice", "Pad", "Transpose",
    "MAX_POOL_2D", "AVERAGE_POOL_2D", "MEAN", "SOFTMAX", "CONCATENATION", "RESIZE_BILINEAR", "GATHER",
))  # fmt: skip
"""Ops that a kernel begins with: what makes their inputs ran in kernels of its own."""

_FOLLOWERS = frozenset((
    "BatchNormalization", "Relu", "Clip", "Sigmoid", "HardSigmoid", "HardSwish", "LeakyRelu", "PRelu", "Tanh", "Elu",
    "Gelu", "Swish", "Mish", "Add", "Mul", "Sub", "Div", "Erf", "Identity", "Dropout", "Flatten", "Reshape", "Squeeze",
    "Unsqueeze", "QuantizeLinear", "DequantizeLinear", "Cast",
))  # fmt: skip
"""Ops that are fused into what makes their input, or cost nothing, where they have no kernel of their own."""

_CONTRACTING = re.compile(r"conv|gemm|matmul|fully.?connected|innerproduct", re.IGNORECASE)


@dataclass(slots=True)
class _Graph:
    """The ops of a model by what names them, and who makes what."""

    ops: Sequence[Op]
    named: dict[str, Op] = field(default_factory=dict[str, Op])
    maker: dict[str, Op] = field(default_factory=dict[str, Op])
    position: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        names: dict[str, Op | None] = {}
        for index, op in enumerate(self.ops):
            self.position[op.id] = index
            for tensor in op.present_outputs:
                self.maker[tensor.name] = op
            if op.name:
                # a name that several ops have tells nothing
                names[op.name] = None if op.name in names else op
        self.named = {name: op for name, op in names.items() if op is not None}

    def find(self, name: str) -> Op | None:
        """The op of a name, or the one that makes a tensor of that name."""
        return self.named.get(name) or self.maker.get(name)

    def makers(self, op: Op) -> Iterator[Op]:
        """The ops that make what an op reads."""
        return (self.maker[tensor.name] for tensor in op.present_inputs if tensor.name in self.maker)


def attribute(kernels: Sequence[LoggedKernel], runtime: str, workload: Workload) -> tuple[Kernel, ...]:
    """Find the ops of the kernels of a log.

    Args:
        kernels: in the order in which they ran.
        runtime: a key of ``DECORATIONS``; names of others have to be those of the model, or are no names of ops at
            all (``ROUTINES``).
        workload: whose ops these are.

    Returns:
        The kernels with their ops in the model's order. ``exact`` found a name of the model, ``name`` one inside of the
        runtime's, ``region`` a place between named kernels; a layout change has the ops of the kernel that it serves,
        where its name tells that.
    """
    if runtime in ROUTINES:
        return tuple(Kernel(kernel.name, kernel.kind, kernel.seconds, (), "none") for kernel in kernels)
    graph = _Graph(workload.ops)
    seeds = [_seeds(kernel, runtime, graph) for kernel in kernels]
    owner: dict[str, int] = {}
    kinds: list[Attribution] = []
    for index, (found, kind) in enumerate(seeds):
        # of two kernels of one name the first has the op; the other one shares it below
        for op in found:
            owner.setdefault(op.id, index)
        kinds.append(kind)
    own: list[set[str]] = [{op.id for op in found} for found, _ in seeds]
    closing = [(index, kernel) for index, kernel in enumerate(kernels) if not _takes_all(kernel)]
    for index, kernel in closing:
        _close(index, seeds[index][0], kernel, graph, owner, own)
    for index, op in _between(kernels, kinds, own, graph, owner):
        owner[op.id] = index
        own[index].add(op.id)
        kinds[index] = "region"
    _leave_only(seeds, graph, owner, own)
    # what follows a kernel is sure, what leads to one may belong to another that has no name
    _follow(graph, owner, own)
    for index, kernel in closing:
        _close(index, seeds[index][0], kernel, graph, owner, own)
    for index, kernel in enumerate(kernels):
        if _takes_all(kernel) and own[index]:
            _close_all(index, seeds[index][0], graph, owner, own)
            kinds[index] = "region"
    _follow(graph, owner, own)
    by_name = {kernel.name: index for index, kernel in enumerate(kernels) if kinds[index] != "layout"}
    for index, kernel in enumerate(kernels):
        if kinds[index] == "layout":
            served = next((by_name[name] for name in _served(kernel.name) if name in by_name), None)
            own[index] |= own[served] if served is not None else set[str]()
    return tuple(
        Kernel(kernel.name, kernel.kind, kernel.seconds, tuple(sorted(ops, key=graph.position.__getitem__)), kind)
        for kernel, ops, kind in zip(kernels, own, kinds, strict=True)
    )


def _seeds(kernel: LoggedKernel, runtime: str, graph: _Graph) -> tuple[tuple[Op, ...], Attribution]:
    if (exact := graph.find(kernel.name)) is not None:
        return (exact, *_found(kernel.fused, graph)), "exact"
    if _changes_layout(kernel):
        return (), "layout"
    decorated = DECORATIONS.get(runtime)
    names = (*(decorated(kernel.name) if decorated is not None else ()), *kernel.fused)
    found = _found(names, graph)
    return found, "name" if found else "none"


def _found(names: Sequence[str], graph: _Graph) -> tuple[Op, ...]:
    ops = (graph.find(name) for name in dict.fromkeys(names) if name)
    return tuple({op.id: op for op in ops if op is not None}.values())


def _changes_layout(kernel: LoggedKernel) -> bool:
    if kernel.kind.lower() in _LAYOUT_KINDS and " + " not in kernel.name:
        return True
    return kernel.name.startswith((*_TENSORRT_LAYOUT, *_ONNXRUNTIME_LAYOUT))


def _served(name: str) -> Iterator[str]:
    """What a layout change may serve: TensorRT's ``... Tensor 0 to X``, OpenVINO's ``W_abcd_acdb_X``."""
    yield name.partition(" to ")[2]
    rest = name
    for _ in range(_MOST_WORDS):
        rest = rest.partition("_")[2]
        if not rest:
            return
        yield rest


def _close(
    index: int, seeds: Sequence[Op], kernel: LoggedKernel, graph: _Graph, owner: dict[str, int], own: list[set[str]]
) -> None:
    """Take what leads to the results of a kernel and has no kernel of its own, up to what the kernel begins with."""
    started = any(graph.ops[graph.position[id]].kind in _STARTS for id in own[index])
    may_contract = not kernel.kind or _CONTRACTING.search(kernel.kind) is not None
    pending = [op for op in seeds if op.kind not in _STARTS]
    while pending:
        op = pending.pop()
        for maker in graph.makers(op):
            if maker.id in owner:
                continue
            begins = maker.kind in _STARTS
            if begins and (started or (maker.kind in _CONTRACTIONS and not may_contract)):
                continue
            if not begins and maker.kind not in _FOLLOWERS:
                continue
            owner[maker.id] = index
            own[index].add(maker.id)
            started = started or begins
            if not begins:
                pending.append(maker)


def _takes_all(kernel: LoggedKernel) -> bool:
    """Whether a kernel runs a whole part of the network: a delegate of TFLite, a region of TensorRT's compiler."""
    return "delegate" in kernel.kind.lower() or "{ForeignNode[" in kernel.name


def _close_all(index: int, seeds: Sequence[Op], graph: _Graph, owner: dict[str, int], own: list[set[str]]) -> None:
    """Take everything that leads to the results of a kernel and has no kernel of its own."""
    pending = list(seeds)
    while pending:
        for maker in graph.makers(pending.pop()):
            if maker.id not in owner:
                owner[maker.id] = index
                own[index].add(maker.id)
                pending.append(maker)


def _between(
    kernels: Sequence[LoggedKernel], kinds: Sequence[Attribution], own: Sequence[set[str]], graph: _Graph,
    owner: Mapping[str, int],
) -> list[tuple[int, Op]]:  # fmt: skip
    """Pair contractions without a kernel with contracting kernels without ops, where order leaves no choice."""
    contracting = [index for index, kernel in enumerate(kernels) if _CONTRACTING.search(kernel.kind)]
    places: list[tuple[int, int]] = [(-1, -1)]
    for index in contracting:
        positions = [graph.position[id] for id in own[index] if graph.ops[graph.position[id]].kind in _CONTRACTIONS]
        if positions and min(positions) > places[-1][1]:
            places.append((index, max(positions)))
    places.append((len(kernels), len(graph.ops)))
    pairs: list[tuple[int, Op]] = []
    for (kernel_before, op_before), (kernel_after, op_after) in pairwise(places):
        nameless = [index for index in range(kernel_before + 1, kernel_after) if kinds[index] == "none"]
        nameless = [index for index in nameless if _CONTRACTING.search(kernels[index].kind)]
        ops = [op for op in graph.ops[op_before + 1 : op_after] if op.kind in _CONTRACTIONS and op.id not in owner]
        if len(nameless) == len(ops):
            pairs += zip(nameless, ops, strict=True)
    return pairs


def _leave_only(
    seeds: Sequence[tuple[tuple[Op, ...], Attribution]], graph: _Graph, owner: dict[str, int], own: list[set[str]]
) -> None:
    """Forget all but what is named and what kernels begin with."""
    for (found, _), ops, index in zip(seeds, own, range(len(own)), strict=True):
        named = {op.id for op in found}
        for id in [id for id in ops if id not in named and graph.ops[graph.position[id]].kind not in _STARTS]:
            ops.remove(id)
            if owner.get(id) == index:
                del owner[id]


def _follow(graph: _Graph, owner: dict[str, int], own: list[set[str]]) -> None:
    """Give ops without a kernel to the one of the kernels that they read which ran last."""
    for op in graph.ops:
        if op.id in owner or op.kind not in _FOLLOWERS:
            continue
        kernels = [owner[maker.id] for maker in graph.makers(op) if maker.id in owner]
        if kernels:
            owner[op.id] = max(kernels)
            own[owner[op.id]].add(op.id)
