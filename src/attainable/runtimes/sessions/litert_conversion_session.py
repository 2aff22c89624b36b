"""The child's side of the conversion from ONNX to TFLite: onnx2torch, then litert-torch, loaded by path in the worker.

Standard library, numpy and these packages only. The model is made static first, for the shapes of the workload.

onnx2torch asks for torchvision, of which it uses what finds boxes in images. The wheels of torchvision do not fit the
PyTorch for processors alone, so it gets an empty module of that name instead.
"""

import importlib
import importlib.machinery
import math
import sys
import time
import types
from collections.abc import Callable
from typing import Any

_ABSENT = ("torchvision", "torchvision.ops")
_NEWER_ATTRIBUTES = {
    "AveragePool": ("dilations",), "LpPool": ("ceil_mode", "dilations"),
    "Resize": ("antialias", "axes", "keep_aspect_ratio_policy"), "ScatterElements": ("reduction",),
    "ScatterND": ("reduction",),
}  # fmt: skip
"""What newer versions of an operator have that onnx2torch would pass over."""
_MOST_INPUTS = {"Pad": 3}
_CHANGED_SINCE = {"GroupNormalization": 21}
"""The version since which an operator means something else. All others of version 14 and later only take more types,
or have more attributes and inputs. Source: ONNX, "Operator Changelog"."""
_NEAREST = (("asymmetric", "floor"), ("half_pixel", "round_prefer_floor"), ("pytorch_half_pixel", "round_prefer_floor"))
"""Ways to round that give the same for whole scales."""
_REDUCTIONS = {"ReduceMax": "amax", "ReduceMean": "mean", "ReduceMin": "amin", "ReduceSum": "sum"}


def open_session(arguments: dict[str, Any]) -> "tuple[object, dict[str, Any]]":
    """Convert the model at ``arguments["model"]`` into the file ``arguments["converted"]``.

    Args:
        arguments: also ``shapes``: the numbers of the dimensions of each input, by name.
    """
    for name in _ABSENT:
        sys.modules[name] = _empty(name)
    sys.modules["torchvision"].ops = sys.modules["torchvision.ops"]  # type: ignore[attr-defined]
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    onnx = importlib.import_module("onnx")
    onnx2torch = importlib.import_module("onnx2torch")
    start = time.perf_counter()
    model = onnx.load(arguments["model"])
    _make_static(model, arguments["shapes"])
    _part_outputs(onnx, model.graph)
    _add_converters(onnx, torch)
    module = onnx2torch.convert(model).eval()
    examples = tuple(_example(torch, onnx, value) for value in model.graph.input)
    importlib.import_module("litert_torch").convert(module, examples).export(arguments["converted"])
    version = importlib.import_module("importlib.metadata").version("litert-torch")
    return object(), {"version": version, "load_seconds": time.perf_counter() - start}


def _is_close(ratio: float, scale: float) -> bool:
    """Whether they differ by no more than the scale's 32 bits do."""
    return math.isclose(ratio, scale, rel_tol=1e-6)


def _empty(name: str) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    module.__path__ = []
    module.__version__ = "0"  # type: ignore[attr-defined]
    module.__getattr__ = lambda name: None  # type: ignore[method-assign]
    return module


def _make_static(model: Any, shapes: dict[str, list[int]]) -> None:
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in stored]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    # They have the names of the dimensions in them.
    del model.graph.value_info[:]
    for value in model.graph.input:
        if value.name not in shapes:
            raise ValueError(f"the converter needs the shape of input {value.name}")
        for dimension, extent in zip(value.type.tensor_type.shape.dim, shapes[value.name], strict=True):
            dimension.dim_value = extent
    for number, node in enumerate(model.graph.node):
        # Names become names of attributes in Python, and some are not fit for that.
        node.name = f"node{number}"


def _part_outputs(onnx: Any, graph: Any) -> None:
    """Give each output of the model a node of its own: of one that is one of several results onnx2torch makes all."""
    several = {name for node in graph.node if len(node.output) > 1 for name in node.output}
    for number, value in enumerate(graph.output):
        if value.name in several:
            target = f"\0output{number}"
            graph.node.append(onnx.helper.make_node("Identity", [value.name], [target], f"node{len(graph.node)}"))
            value.name = target


def _example(torch: Any, onnx: Any, value: Any) -> Any:
    tensor = value.type.tensor_type
    kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    if not hasattr(torch, kind):
        raise TypeError(f"the converter takes no {kind} for input {value.name}")
    return torch.zeros([dimension.dim_value for dimension in tensor.shape.dim], dtype=getattr(torch, kind))


def _add_converters(onnx: Any, torch: Any) -> None:
    """Teach onnx2torch what it lacks: newer versions of operators that it has, some operators, and known numbers.

    What it has as modules that look at the elements of a tensor, such as the shape that a Reshape reads, cannot be
    traced. Where these are stored in the model they become numbers of the module.
    """
    known: dict[Any, Any] = importlib.import_module("onnx2torch.node_converters.registry")._CONVERTER_REGISTRY
    ours = _Converters(torch)

    def converter(domain: str, operation_type: str, version: int) -> Any:
        if not onnx.defs.has(operation_type, domain):
            raise NotImplementedError(f"the converter has no {domain}:{operation_type}")
        since = onnx.defs.get_schema(operation_type, max_inclusive_version=version, domain=domain).since_version
        versions = [
            each for each in known
            if (each.operation_type, each.domain) == (operation_type, domain) and each.version <= since
        ]  # fmt: skip
        newest = max(versions, key=lambda each: each.version, default=None)
        if newest is not None and newest.version < _CHANGED_SINCE.get(operation_type, 0) <= since:
            newest = None
        theirs = None if newest is None else known[newest]
        newer, most = _NEWER_ATTRIBUTES.get(operation_type, ()), _MOST_INPUTS.get(operation_type)
        own = getattr(ours, f"convert_{operation_type.lower()}", None) if not domain else None
        if own is None and not domain and operation_type in _REDUCTIONS:
            own = ours.convert_reduction
        if own is None and theirs is None:
            raise NotImplementedError(f"the converter has no {operation_type} of version {since}")

        def convert(node: Any, graph: Any) -> Any:
            made = None if own is None else own(node, graph)
            if made is not None:
                return made
            beyond = any(name in node.attributes for name in newer)
            if theirs is None or beyond or (most is not None and len(node.input_values) > most):
                raise NotImplementedError(f"the converter has no {operation_type} of version {since} as it is used")
            return theirs(node, graph)

        return convert

    module: Any = importlib.import_module("onnx2torch.converter")
    module.get_converter = converter


class _Converters:
    """Modules for operators; each method gives None where onnx2torch has to do it."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._common = importlib.import_module("onnx2torch.utils.common")

    def convert_gelu(self, node: Any, graph: Any) -> Any:
        del graph
        return self._converted(node, self._torch.nn.GELU(approximate=node.attributes.get("approximate", "none")))

    def convert_reshape(self, node: Any, graph: Any) -> Any:
        shape = self._numbers(node, graph, 1)
        if shape is None:
            return None
        keeps = not node.attributes.get("allowzero", 0)

        def compute(x: Any) -> Any:
            return x.reshape([x.shape[axis] if not n and keeps else n for axis, n in enumerate(shape)])

        return self._computed(node, compute)

    def convert_resize(self, node: Any, graph: Any) -> Any:
        scales, sizes = self._numbers(node, graph, 2), self._numbers(node, graph, 3)
        words = node.attributes
        way = words.get("coordinate_transformation_mode", "half_pixel")
        rounding = words.get("nearest_mode", "round_prefer_floor")
        if not (scales or sizes) or any(words.get(name) for name in _NEWER_ATTRIBUTES["Resize"] if name != "axes"):
            return None
        if "axes" in words or len(scales or sizes) != 4:
            return None
        mode = words.get("mode", "nearest")
        interpolate = self._torch.nn.functional.interpolate

        def compute(x: Any) -> Any:
            wanted = sizes or [int(extent * scale) for extent, scale in zip(x.shape, scales, strict=True)]
            ratios = [size / extent for size, extent in zip(wanted, x.shape, strict=True)]
            if not sizes and not all(map(_is_close, ratios, scales)):
                raise NotImplementedError("the converter has no Resize by a scale that does not give whole extents")
            whole = all(size % extent == 0 for size, extent in zip(wanted, x.shape, strict=True))
            if wanted[:2] != list(x.shape[:2]):
                raise NotImplementedError("the converter resizes heights and widths alone")
            if mode == "nearest" and whole and (way, rounding) in _NEAREST:
                return interpolate(x, size=wanted[2:], mode="nearest")
            if mode == "linear" and way in ("half_pixel", "pytorch_half_pixel", "align_corners"):
                return interpolate(x, size=wanted[2:], mode="bilinear", align_corners=way == "align_corners")
            raise NotImplementedError(f"the converter has no Resize of mode {mode}, {way}, {rounding}")

        return self._computed(node, compute)

    def convert_slice(self, node: Any, graph: Any) -> Any:
        starts, ends, axes, steps = (self._numbers(node, graph, index) for index in range(1, 5))
        if starts is None or ends is None:
            return None
        axes = list(range(len(starts))) if axes is None else axes
        steps = [1] * len(starts) if steps is None else steps
        if any(step < 1 for step in steps):
            return None

        def compute(x: Any) -> Any:
            index = [slice(None)] * x.dim()
            for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
                index[axis] = slice(max(start, -x.shape[axis]), end, step)
            return x[tuple(index)]

        return self._computed(node, compute)

    def convert_split(self, node: Any, graph: Any) -> Any:
        axis, count = node.attributes.get("axis", 0), len(node.output_values)
        lengths = node.attributes.get("split") or self._numbers(node, graph, 1)
        if lengths is None and len(node.input_values) > 1 and node.input_values[1]:
            return None

        def compute(x: Any) -> Any:
            return self._torch.split(x, lengths or -(-x.shape[axis] // count), dim=axis)

        return self._computed(node, compute)

    def convert_expand(self, node: Any, graph: Any) -> Any:
        shape = self._numbers(node, graph, 1)
        if shape is None:
            return None

        def compute(x: Any) -> Any:
            return x.expand(self._torch.broadcast_shapes(x.shape, shape))

        return self._computed(node, compute)

    def convert_tile(self, node: Any, graph: Any) -> Any:
        times = self._numbers(node, graph, 1)
        if times is None:
            return None

        def compute(x: Any) -> Any:
            return x.repeat(times)

        return self._computed(node, compute)

    def convert_reduction(self, node: Any, graph: Any) -> Any:
        axes = node.attributes.get("axes") or self._numbers(node, graph, 1)
        keeps = bool(node.attributes.get("keepdims", 1))
        given = len(node.input_values) > 1 and node.input_values[1]
        if (axes is None and given) or (not axes and node.attributes.get("noop_with_empty_axes", 0)):
            return None
        reduce = getattr(self._torch, _REDUCTIONS[node.operation_type])

        def compute(x: Any) -> Any:
            return reduce(x, dim=tuple(axes or range(x.dim())), keepdim=keeps)

        return self._computed(node, compute)

    def _numbers(self, node: Any, graph: Any, index: int) -> Any:
        """The elements of an input that is stored in the model, None where it is not or is left out."""
        if index >= len(node.input_values) or not node.input_values[index]:
            return None
        try:
            found = self._common.get_const_value(node.input_values[index], graph)
        except KeyError:
            return None
        return found.flatten().tolist() if hasattr(found, "flatten") else list(found)

    def _computed(self, node: Any, compute: Callable[[Any], Any]) -> Any:
        class Computing(self._torch.nn.Module):  # type: ignore[misc,name-defined]
            def forward(self, x: Any) -> Any:
                return compute(x)

        return self._converted(node, Computing())

    def _converted(self, node: Any, module: Any) -> Any:
        names = self._common.OnnxMapping(inputs=node.input_values[:1], outputs=node.output_values)
        return self._common.OperationConverterResult(torch_module=module, onnx_mapping=names)
