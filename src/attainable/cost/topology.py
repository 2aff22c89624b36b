"""The shape of a network: how deep, how wide stage by stage, how branched, and how parallel.

The graph has the ops as nodes, views and folded constants left out, and an edge from each op to every reader of what
it makes. Its *critical path* is the path with the largest sum of operations: what no number of processors shortens.
*Parallelism* is all operations over those of the critical path.

Source: Brent, The Parallel Evaluation of General Arithmetic Expressions (work and depth); Ma et al., ShuffleNet V2,
arXiv:1807.11164, guideline 3 (fragmentation reduces the degree of parallelism).
"""

from collections import Counter
from dataclasses import dataclass

from attainable.cost.count import Count, OpCount
from attainable.cost.rules import RULES
from attainable.cost.work import Work
from attainable.workload.graph import Op, captured_names


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


def topology(count: Count) -> Topology:
    """The shape of a counted network, in time proportional to its size.

    Args:
        count: of the network; an op that could not be counted has no operations. Bodies of If, Loop and Scan are part
            of the op that holds them.
    """
    graph = _Graph()
    for entry in count.ops:
        if entry.state != "folded":
            graph.add(entry)
    levels = Counter(graph.depths)
    starts = (only < 0 or graph.readers[only] > 1 for only in graph.only_sources)
    return Topology(
        ops=len(graph.depths),
        depth=max(levels, default=0),
        layers=max(graph.layers, default=0),
        widest_level=max(levels.values(), default=0),
        fragments=sum(starts),
        critical_path_operations=max(graph.paths, default=0),
        operations=sum(graph.operations),
        stages=tuple(Stage(*stage) for stage in graph.stages),
    )


class _Graph:
    """The ops so far, each by its position: how far it is from the inputs, and what reads what.

    Attributes:
        depths, layers, paths: of the longest way to each op and through it: ops, layers, operations.
        operations: of each op.
        readers: how many ops read what each op makes.
        only_sources: for each op the one op that it reads from; -1 where there is none or more than one.
        stages: resolution, ops, channels and operations of each stage.
    """

    def __init__(self) -> None:
        self.depths: list[int] = []
        self.layers: list[int] = []
        self.paths: list[int] = []
        self.operations: list[int] = []
        self.readers: list[int] = []
        self.only_sources: list[int] = []
        self.stages: list[tuple[tuple[int, ...], int, int, int]] = []
        self._makers: dict[str, int] = {}
        self._totals: dict[Work, int] = {}

    def add(self, entry: OpCount) -> None:
        op, makers = entry.op, self._makers
        if _is_view(op):
            viewed = op.optional_input(0)
            if viewed is not None and viewed.name in makers:
                makers |= {tensor.name: makers[viewed.name] for tensor in op.present_outputs}
            return
        sources = {makers[tensor.name] for tensor in op.inputs if tensor is not None and tensor.name in makers}
        if op.bodies:
            sources |= {makers[name] for name in captured_names(op) if name in makers}
        total = self._totals.get(entry.work)
        if total is None:
            total = self._totals[entry.work] = entry.work.total_operations
        depth = layers = path = 0
        for source in sources:
            depth, layers = max(depth, self.depths[source]), max(layers, self.layers[source])
            path = max(path, self.paths[source])
            self.readers[source] += 1
        for tensor in op.outputs:
            if tensor is not None:
                makers[tensor.name] = len(self.depths)
        self.depths.append(depth + 1)
        self.layers.append(layers + (entry.work.macs > 0 and (entry.parameters > 0 or entry.shared)))
        self.paths.append(path + total)
        self.operations.append(total)
        self.readers.append(0)
        self.only_sources.append(sources.pop() if len(sources) == 1 else -1)
        self._extend_stages(op, total)

    def _extend_stages(self, op: Op, operations: int) -> None:
        first = op.outputs[0] if op.outputs else None
        shape = first.shape if first is not None else None
        if shape is None or len(shape) < 4:
            return
        _, channels, *axes = shape
        resolution, ops = tuple(axes), 1
        if all(length == 1 for length in resolution):
            return
        if self.stages and self.stages[-1][0] == resolution:
            _, before, widest, so_far = self.stages.pop()
            ops, channels, operations = ops + before, max(channels, widest), operations + so_far
        self.stages.append((resolution, ops, channels, operations))


def _is_view(op: Op) -> bool:
    rule = RULES.get(op.type)
    return rule is not None and rule.storage == "view"
