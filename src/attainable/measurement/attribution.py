"""Groups: the smallest units whose measured time can be compared with a roofline.

A runtime fuses several ops into a kernel and splits an op into several kernels. What is connected by either is one
group; its time is the sum of its kernels, and its work is the sum of its ops.
"""

from collections.abc import Sequence

from attainable.workload.kernel import Group, Kernel

_FOUND = ("exact", "name", "region")


def groups(kernels: Sequence[Kernel]) -> tuple[Group, ...]:
    """Connected components of kernels and ops, in the order of their first kernel; each kernel is in exactly one.

    A kernel without ops is a group of its own. Ops keep the order in which the kernels name them.
    """
    leader = list(range(len(kernels)))

    def find(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    owner: dict[str, int] = {}
    for index, kernel in enumerate(kernels):
        for op in kernel.ops:
            first, second = sorted((find(index), find(owner.setdefault(op, index))))
            # The smaller index leads, so that groups come in the order of their first kernel.
            leader[second] = first
    members: dict[int, list[int]] = {}
    for index in range(len(kernels)):
        members.setdefault(find(index), []).append(index)
    return tuple(
        Group(
            kernels=tuple(indices),
            ops=tuple(dict.fromkeys(op for index in indices for op in kernels[index].ops)),
            seconds=sum(kernels[index].seconds for index in indices),
        )
        for indices in members.values()
    )


def attributed_share(kernels: Sequence[Kernel]) -> float:
    """Share of the kernels' time that found the ops it was spent on, 0 to 1.

    Counted are kernels found by their tensors, by name or within a region, and a layout change that is linked to the
    op that it serves: without that op in that runtime there would be no such kernel, and its time is in the op's group.
    A layout change that serves nobody known does not count. Without any time the share is 0.
    """
    total = sum(kernel.seconds for kernel in kernels)
    found = sum(
        kernel.seconds for kernel in kernels
        if kernel.attribution in _FOUND or (kernel.attribution == "layout" and kernel.ops)
    )  # fmt: skip
    return found / total if total else 0.0
