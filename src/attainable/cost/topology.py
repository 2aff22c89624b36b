"""The shape of a network: how deep, how wide stage by stage, how branched, and how parallel.

The graph has the ops as nodes, views and folded constants left out, and an edge from each op to every reader of what
it makes. Its *critical path* is the path with the largest sum of operations: what no number of processors shortens.
*Parallelism* is all operations over those of the critical path.

Source: Brent, The Parallel Evaluation of General Arithmetic Expressions (work and depth); Ma et al., ShuffleNet V2,
arXiv:1807.11164, guideline 3 (fragmentation reduces the degree of parallelism).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from attainable.cost.count import Count, OpCount
from attainable.cost.memory import read_by_bodies
from attainable.cost.rules import RULES
from attainable.workload.graph import Op


@dataclass(frozen=True, slots=True)
class Stage:
    """Ops in a row that make images of one resolution.

    Attributes:
        resolution: height and width, or as many axes as there are behind the channels.
        ops: how many.
        channels: most channels that one of them makes.
        operations: of all of them.
    """

    resolution: tuple[int, ...]
    ops: int
    channels: int
    operations: int


@dataclass(frozen=True, slots=True)
class Topology:
    """The shape of a network.

    Attributes:
        ops: that are no views and not folded.
        depth: most ops on a path.
        layers: most contractions with parameters on a path: what the 18 of ResNet-18 counts.
        widest_level: most ops at the same distance from the inputs, all of which can run at once.
        fragments: chains that the graph falls into when it is cut at every fork and join; 1 for a plain chain.
        critical_path_operations: operations on the critical path.
        operations: all of them.
        stages: in the order of the file, from the first image on; an op that makes no image, or one of a single
            pixel as squeeze-and-excitation does, belongs to none and ends none.
    """

    ops: int
    depth: int
    layers: int
    widest_level: int
    fragments: int
    critical_path_operations: int
    operations: int
    stages: tuple[Stage, ...]

    @property
    def parallelism(self) -> float | None:
        """Operations over those of the critical path, at least 1; None where nothing is computed."""
        return self.operations / self.critical_path_operations if self.critical_path_operations else None


@dataclass(frozen=True, slots=True)
class _Path:
    """The longest ways to a tensor, in ops, in layers and in operations."""

    depth: int = 0
    layers: int = 0
    operations: int = 0

    def longest(self, other: "_Path") -> "_Path":
        return _Path(
            max(self.depth, other.depth),
            max(self.layers, other.layers),
            max(self.operations, other.operations),
        )

    def through(self, entry: OpCount, operations: int) -> "_Path":
        layer = entry.work.macs > 0 and (entry.parameters > 0 or entry.shared)
        return _Path(self.depth + 1, self.layers + layer, self.operations + operations)


_START = _Path()


def topology(count: Count) -> Topology:
    """The shape of a counted network, in time proportional to its size.

    Args:
        count: of the network; an op that could not be counted has no operations. Bodies of If, Loop and Scan are part
            of the op that holds them.
    """
    walk = _Walk()
    readers = _readers(count)
    for entry in count.ops:
        walk.visit(entry, readers)
    return Topology(
        ops=walk.ops,
        depth=walk.longest.depth,
        layers=walk.longest.layers,
        widest_level=max(walk.levels.values(), default=0),
        fragments=walk.fragments,
        critical_path_operations=walk.longest.operations,
        operations=walk.operations,
        stages=tuple(walk.stages),
    )


@dataclass(slots=True)
class _Walk:
    """What is known after the ops so far."""

    ops: int = 0
    operations: int = 0
    fragments: int = 0
    longest: _Path = _START
    levels: Counter[int] = field(default_factory=Counter[int])
    stages: list[Stage] = field(default_factory=list[Stage])
    _paths: dict[str, _Path] = field(default_factory=dict[str, _Path])
    _makers: dict[str, str] = field(default_factory=dict[str, str])

    def visit(self, entry: OpCount, readers: "Counter[str]") -> None:
        if entry.state == "folded":
            return
        op = entry.op
        if _is_view(op):
            viewed = op.optional_input(0)
            if viewed is not None and viewed.name in self._paths:
                for tensor in op.present_outputs:
                    self._paths[tensor.name] = self._paths[viewed.name]
                    self._makers[tensor.name] = self._makers[viewed.name]
            return
        operations = entry.work.total_operations
        path, makers = _START, set[str]()
        for name in _read(op):
            if name in self._paths:
                path = path.longest(self._paths[name])
                makers.add(self._makers[name])
        path = path.through(entry, operations)
        self.ops += 1
        self.operations += operations
        self.levels[path.depth] += 1
        self.longest = self.longest.longest(path)
        (maker,) = makers if len(makers) == 1 else ("",)
        self.fragments += not maker or readers[maker] > 1
        for tensor in op.present_outputs:
            self._paths[tensor.name] = path
            self._makers[tensor.name] = op.id
        self._extend_stages(op, operations)

    def _extend_stages(self, op: Op, operations: int) -> None:
        made = op.present_outputs[0].shape if op.present_outputs else None
        if made is None or len(made) < 4 or set(made[2:]) <= {1}:
            return
        _, channels, *resolution = made
        stage = Stage(tuple(resolution), 1, channels, operations)
        if self.stages and self.stages[-1].resolution == stage.resolution:
            last = self.stages.pop()
            stage = Stage(
                last.resolution, last.ops + 1, max(last.channels, channels), last.operations + operations
            )  # fmt: skip
        self.stages.append(stage)


def _readers(count: Count) -> "Counter[str]":
    """How many ops read what an op makes, by the id of the op; reading a view is reading what it views."""
    makers: dict[str, str] = {}
    readers: Counter[str] = Counter()
    for entry in count.ops:
        op = entry.op
        viewed = op.optional_input(0) if _is_view(op) else None
        if viewed is not None and viewed.name in makers:
            makers |= {tensor.name: makers[viewed.name] for tensor in op.present_outputs}
            continue
        readers.update({makers[name] for name in _read(op) if name in makers})
        makers |= dict.fromkeys((tensor.name for tensor in op.present_outputs), op.id)
    return readers


def _is_view(op: Op) -> bool:
    rule = RULES.get(op.type)
    return rule is not None and rule.storage == "view"


def _read(op: Op) -> Iterable[str]:
    yield from (tensor.name for tensor in op.present_inputs if not tensor.is_constant)
    if op.bodies:
        yield from read_by_bodies(op)
