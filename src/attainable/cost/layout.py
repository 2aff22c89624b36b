"""Blocked channels: which steps run on them, how large their tensors are then, and the copies at the borders.

A convolution of images in float32 with constant weights runs on blocks of channels when

* it is dense and has fewer input channels than a block (it reads the plain layout) or a multiple of 4,
* it is depthwise with a multiple of 4 channels, or it is grouped and each group has whole blocks on both sides.

Pooling follows with whole blocks, element-wise steps of equal shapes and Concat of whole blocks when all that they read
is blocked. The last block of a tensor is filled up.

Source: onnxruntime 1.31, the NCHWc transformer of its CPU provider, as its optimised graphs show it.
"""

from attainable.cost.steps import Form, Step, Steps
from attainable.workload.graph import Op

CHANNEL_BLOCK = 8
"""Channels in a block: float32 in a register of AVX2. With AVX-512 a block has 16."""

_ALIGNMENT = 4
_POOLING = frozenset({"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"})
_IN_ANY_LAYOUT = frozenset({"BatchNormalization", "Mul"})


def blocked_channels(steps: Steps, *, block: int = CHANNEL_BLOCK) -> Steps:
    """The steps with blocked channels where a runtime uses them, and the copies that change the layout.

    Args:
        steps: in the plain layout and in the order in which they run.
        block: channels in a block.
    """
    layout = _Layout(steps, block)
    for step in steps.steps:
        layout.place(step)
    outputs = {layout.plain(name) for name in steps.outputs}
    return Steps(layout.steps, layout.forms, steps.buffers, steps.inputs, outputs)


class _Layout:
    def __init__(self, steps: Steps, block: int) -> None:
        self._block = block
        self._logical = dict(steps.forms)
        self._blocked: set[str] = set()
        self._copies: dict[str, str] = {}
        self.forms = dict(steps.forms)
        self.steps: list[Step] = []

    def place(self, step: Step) -> None:
        """Adds a step in the layout that it runs in, behind the copies that it needs."""
        to_layout = self._layout_of(step)
        if to_layout is not None and step.kind == "Conv" and not self._blocked.issuperset(step.overwrites):
            self._place_apart(step)
            return
        if to_layout is None:
            step.reads = [self.plain(name) for name in step.reads]
            step.overwrites = [self._copies.get(name, name) for name in step.overwrites]
        else:
            image = step.reads[:1] if to_layout == "image" else []
            step.reads = image + [self._in_blocks(name) for name in step.reads[len(image) :]]
            # only a convolution accumulates; the planner does not know the shapes that a blocked sum reads
            step.overwrites = [self._in_blocks(name) for name in step.overwrites] if step.kind == "Conv" else []
            for name in step.makes:
                self._blocked.add(name)
                self.forms[name] = self._padded(self._logical[name])
        self.steps.append(step)

    def _place_apart(self, step: Step) -> None:
        """A convolution in blocks does not accumulate into a plain tensor: the sum stays a step of its own."""
        (other,), reads, makes = step.overwrites, step.reads[:-1], step.makes
        product = f"{makes[0]}\0product"
        self._logical[product] = self.forms[product] = self._logical[makes[0]]
        self.place(Step(step.kind, step.op, reads, [product]))
        self.place(Step("Add", step.op, [product, other], makes, [product, other]))

    def plain(self, name: str) -> str:
        """The tensor in the plain layout: itself or a copy."""
        return self._copy(name, self._logical[name]) if name in self._blocked else name

    def _in_blocks(self, name: str) -> str:
        return name if name in self._blocked else self._copy(name, self._padded(self._logical[name]))

    def _copy(self, name: str, form: Form) -> str:
        if name not in self._copies:
            # no tensor of a file has this name: names of one file cannot hold a NUL and differ from it
            copy = self._copies[name] = f"{name}\0layout"
            self.forms[copy] = form
            self.steps.append(Step("", None, [name], [copy]))
        return self._copies[name]

    def _padded(self, form: Form) -> Form:
        (batch, channels, *space), dtype = form
        return ((batch, -(-channels // self._block) * self._block, *space), dtype)

    def _layout_of(self, step: Step) -> str | None:
        """``image`` for blocks from a plain image, ``blocked`` for blocks from blocks, None for the plain layout."""
        shape, _ = self._logical[step.makes[0]]
        if step.op is None or not step.reads or len(shape) != 4 or len(step.makes) != 1:
            return None
        if step.kind == "Conv":
            return self._convolution(step.op)
        read = [self._logical[name][0] for name in step.reads]
        whole = all(len(each) == 4 and each[1] % self._block == 0 for each in read)
        if step.kind in _POOLING:
            return "blocked" if whole else None
        if not all(name in self._blocked for name in step.reads):
            return None
        if step.kind == "Concat":
            return "blocked" if whole and step.op.integer("axis", 1) == 1 else None
        follows = bool(step.overwrites) or step.kind in _IN_ANY_LAYOUT
        return "blocked" if follows and all(each == shape for each in read) else None

    def _convolution(self, op: Op) -> str | None:
        weight = op.optional_input(1)
        if weight is None or not weight.is_constant or weight.dtype != "float32":
            return None
        if weight.shape is None or len(weight.shape) != 4:
            return None
        channels_out, channels_in, *_ = weight.shape
        groups = op.integer("group", 1)
        if groups == 1:
            if channels_in < self._block:
                return "image"
            return "blocked" if channels_in % _ALIGNMENT == 0 else None
        if channels_in == 1 and channels_out == groups:
            return "blocked" if channels_out % _ALIGNMENT == 0 else None
        whole = channels_in % self._block == 0 and (channels_out // groups) % self._block == 0
        return "blocked" if whole else None
