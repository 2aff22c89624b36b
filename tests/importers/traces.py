"""Small traces of GPU kernels, constructed from the documentation of their formats; no GPU ever wrote them."""

import json

Event = dict[str, object]

CPU_TRACE = """{
    "schemaVersion": 1,
    "deviceProperties": [],

      "trace_id": "11690FE5734943B681A334A1AE3D2000",
      "host_name": "vm",
    "displayTimeUnit": "ms",
    "baseTimeNanoseconds": 1790857026000000000,
    "traceEvents": [

  {
    "ph": "M",
    "name": "process_name",
    "ts": 4396041570173.105,
    "pid": 16515,
    "tid": 0,
    "args": {
      "name": "python"
    }
  },
  {
    "ph": "X",
    "cat": "Trace",
    "name": "PyTorch Profiler (0)",
    "pid": "Spans",
    "tid": "PyTorch Profiler",
    "ts": 4396041570082.516,
    "dur": 141.343
    ,
    "args": {
      "Op count": 0
    }
  },
  {
    "ph": "i",

    "s": "g",
    "name": "Record Window End",
    "pid": "",
    "tid": "",
    "ts": 4396041570350.376

  }
  ],"traceName": "/tmp/trace.json" }
"""
"""Written by PyTorch 2.13 on a processor, shortened: the envelope that events of a GPU stand in."""


def kernel(name: str, start: float, duration: float, *, stream: int = 7, **arguments: object) -> Event:
    """A kernel on GPU 0, in microseconds; arguments replace or add to those that PyTorch writes."""
    told = {
        "queued": 0, "device": 0, "context": 1, "stream": stream, "grid": [8, 12, 1], "block": [128, 1, 1],
        "blocks per SM": 0.7, **arguments,
    }  # fmt: skip
    return {
        "ph": "X", "cat": "kernel", "name": name, "pid": 0, "tid": stream, "ts": start, "dur": duration, "args": told,
    }  # fmt: skip


def copy(start: float, duration: float, *, stream: int = 7, **arguments: object) -> Event:
    """A copy from the host to GPU 0."""
    event = kernel("Memcpy HtoD (Pinned -> Device)", start, duration, stream=stream, bytes=4096, **arguments)
    return {**event, "cat": "gpu_memcpy"}


def processor(name: str, category: str, start: float, duration: float, **arguments: object) -> Event:
    """Something on the processor."""
    return {
        "ph": "X", "cat": category, "name": name, "pid": 1, "tid": 1, "ts": start, "dur": duration, "args": arguments,
    }  # fmt: skip


def step(number: int, start: float, duration: float) -> Event:
    """A marked run, on the processor."""
    return processor(f"ProfilerStep#{number}", "user_annotation", start, duration)


def torch_trace(*events: Event) -> str:
    """A trace of PyTorch's profiler."""
    return json.dumps({
        "schemaVersion": 1,
        "deviceProperties": [{"id": 0, "name": "NVIDIA H100 80GB HBM3", "numSms": 132}],
        "traceEvents": [{"ph": "M", "name": "process_name", "pid": 1, "tid": 0, "args": {"name": "python"}}, *events],
        "traceName": "trace.json",
    })  # fmt: skip


def three_steps() -> str:
    """Steps of 100 us; in each a kernel of 40 us and one of 10 us, 5 us apart, which run 20 us after the step began."""
    events: list[Event] = []
    for number in range(3):
        begin = 1000 + 100 * number
        events += [
            step(number, begin, 100),
            processor("aten::convolution", "cpu_op", begin + 1, 3, **{"External id": 10 + number}),
            processor("cudaLaunchKernel", "cuda_runtime", begin + 2, 1, correlation=20 + number),
            kernel("void conv(float*)", begin + 20, 40, correlation=20 + number, **{"External id": 10 + number}),
            kernel("relu", begin + 65, 10, correlation=99),
        ]
    return torch_trace(*events)


NSYS_HEADER = (
    "Start (ns),Duration (ns),CorrId,GrdX,GrdY,GrdZ,BlkX,BlkY,BlkZ,Reg/Trd,StcSMem (MB),DymSMem (MB),Bytes (MB),"
    "Throughput (MB/s),SrcMemKd,DstMemKd,Device,Ctx,GreenCtx,Strm,Name"
)


def nsys_row(start: object, duration: object, name: str, *, stream: int = 7, gpu: str = "NVIDIA H100 (0)") -> str:
    """A row of the report; a copy has no grid."""
    grid = ",,,,,,,,,0.004,100,Pageable,Device" if name.startswith("[") else "8,12,1,128,1,1,32,0.000,0.000,,,,"
    return f'{start},{duration},5,{grid},{gpu},1,,{stream},"{name}"'


NSYS_TRACE = "\n".join([
    "NOTICE: Existing SQLite export found: report.sqlite", "",
    "Processing [report.sqlite] with [/opt/nvidia/nsight-systems/host/reports/cuda_gpu_trace.py]... ",
    NSYS_HEADER,
    nsys_row(1000, 500, "[CUDA memcpy HtoD]"),
    nsys_row(2000, 3000, "void gemm<float, 4>(float*, int)"),
    nsys_row(4000, 2000, "relu", stream=13),
    nsys_row(8000, 2000, "relu"),
    "",
])  # fmt: skip
"""A copy of 0.5 us, then kernels from 2 to 5, 4 to 6 and 8 to 10 us."""


def example(kernel_microseconds: float, gap_microseconds: float, *, kernels: int = 50, runs: int = 11) -> str:
    """The trace of docs/learn/gpu-utilisation.md: equal runs of equal kernels, one behind the other."""
    events: list[Event] = []
    period = kernels * (kernel_microseconds + gap_microseconds)
    for run in range(runs):
        events.append(step(run, run * period, period))
        for number in range(kernels):
            start = run * period + number * (kernel_microseconds + gap_microseconds)
            events.append(kernel("conv", start, kernel_microseconds))
    return torch_trace(*events)
