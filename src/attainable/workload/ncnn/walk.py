"""The blobs of an ncnn network while it is written."""

from attainable.workload.ncnn.param import Layer
from attainable.workload.weightless.writer import LayerFault, NetworkWriter, Value

DOMAIN = "ncnn"
"""Domain of operators that ONNX does not have."""


class Walk:
    """Holds the blobs that were made, which of them were read, and the heads.

    Attributes:
        net: the model being written.
        heads: names of the layers that decode boxes.
        integers: values that the layer before has rounded to int8 already.
    """

    def __init__(self, net: NetworkWriter, inputs: dict[str, Value]) -> None:
        self.net = net
        self.heads: list[str] = []
        self.integers: set[str] = set()
        self._blobs = dict(inputs)
        self._read: set[str] = set()
        self._kept: list[str] = []
        self._inputs = list(inputs.values())

    @property
    def batch(self) -> int:
        """Images a run."""
        return self._inputs[0].shape[0] if self._inputs else 1

    @property
    def unread(self) -> dict[str, Value]:
        """The outputs of the network: blobs that no layer reads, and those that are kept."""
        ends = {name: value for name, value in self._blobs.items() if name not in self._read}
        return {**ends, **{name: self._blobs[name] for name in self._kept}}

    def read(self, name: str) -> Value:
        """The blob of this name. Raises LayerFault where no layer before makes it."""
        if name not in self._blobs:
            raise LayerFault(f"reads {name[:80]!r}, which no layer before it makes")
        self._read.add(name)
        return self._blobs[name]

    def make(self, name: str, value: Value) -> None:
        """Note a blob. Raises LayerFault where another layer makes it already."""
        if name in self._blobs:
            raise LayerFault(f"makes {name[:80]!r}, which a layer before it makes already")
        self._blobs[name] = value

    def keep(self, names: tuple[str, ...]) -> None:
        """Note that these blobs are outputs although a layer names them as its input."""
        self._kept.extend(names)

    def head(self, layer: Layer, inputs: list[Value]) -> None:
        """Add a layer that decodes boxes; where the model is to run, its inputs become the outputs instead."""
        self.heads.append(layer.name)
        if self.net.draws:
            self.keep(layer.inputs)
        else:
            self.net.head(layer.kind, layer.name, inputs, domain=DOMAIN)
