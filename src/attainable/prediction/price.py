"""What one kernel costs on a device under an accounting."""

from attainable.cost.work import Work
from attainable.devices.device import Device
from attainable.devices.figures import Memory
from attainable.prediction.accounting import Accounting
from attainable.prediction.alignment import padded_share
from attainable.prediction.estimate import Estimate, compute_seconds, split_special
from attainable.prediction.kernels import PaperKernel


def priced(kernel: PaperKernel, device: Device, *, threads: int | None, accounting: Accounting) -> Estimate | None:
    """The estimate of a kernel; None where the accounting leaves it out."""
    work = kernel.work
    if accounting.scope == "contractions" and not work.macs:
        return None
    rows = split_special(work.operations, kernel.special)
    compute, without_roof = compute_seconds(rows, device, threads=threads, basis=accounting.basis)
    memory, level = _memory_seconds(work, device, threads, accounting)
    if accounting.alignment:
        compute *= padded_share(kernel.main, device)
    if accounting.efficiency:
        compute /= device.efficiency(kernel.op_class, "compute")
        memory /= device.efficiency(kernel.op_class, "memory")
    starts = accounting.launch and device.launch_seconds is not None and (work.operations or work.bytes_moved)
    overhead = device.launch_seconds.value if starts and device.launch_seconds else 0.0
    return Estimate(compute, memory, without_roof, overhead, level)


def _memory_seconds(work: Work, device: Device, threads: int | None, accounting: Accounting) -> tuple[float, str]:
    """Seconds of moving, and the memory that most bytes come from."""
    read = work.bytes_activation_in if accounting.traffic == "in+w+out" else 0
    activations, weights = read + work.bytes_activation_out, work.bytes_weight
    if accounting.memory == "main" or not device.memories:
        return _seconds(activations + weights, device, None, threads, accounting)
    on_chip = _holds([memory for memory in device.memories if memory.on_chip], activations)
    if on_chip is None:
        caches = [memory for memory in device.memories[1:] if memory.bandwidths and not memory.on_chip]
        return _seconds(activations + weights, device, _holds(caches, work.bytes_moved), threads, accounting)
    # weights come from the main memory while activations stay; both move at once
    kept, name = _seconds(activations, device, on_chip, threads, accounting)
    fetched, main = _seconds(weights, device, None, threads, accounting)
    return (kept, name) if kept >= fetched else (fetched, main)


def _holds(memories: list[Memory], size: int) -> Memory | None:
    """The fastest of the memories that is large enough."""
    for memory in reversed(memories):
        if memory.capacity_bytes is not None and size <= memory.capacity_bytes.value:
            return memory
    return None


def _seconds(
    size: int, device: Device, memory: Memory | None, threads: int | None, accounting: Accounting
) -> tuple[float, str]:
    """Seconds of ``size`` bytes from a memory (None: the main one); 0 from on-chip memory of unstated speed."""
    if memory is not None:
        bandwidth = device.bandwidth_of(memory, threads, basis=accounting.basis)
        if bandwidth is not None:
            return size / bandwidth.value, memory.name
        if memory.on_chip:
            return 0.0, memory.name
    main = device.bytes_per_second(threads, basis=accounting.basis)
    return (size / main.value if main else 0.0), device.memories[0].name if device.memories else ""
