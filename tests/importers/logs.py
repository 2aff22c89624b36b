"""Small logs in each format, written from the format's documentation."""

import json

from attainable.importers.content import Content, content_of


def content(text: str) -> Content:
    """A log in memory."""
    return content_of(text.encode(), where="log")


def event(name: str, start: float, duration: float, kind: str = "", category: str = "Node") -> dict[str, object]:
    """A trace event of ONNX Runtime's profiler, in microseconds."""
    arguments = {"op_name": kind, "provider": "CPUExecutionProvider"} if kind else {}
    return {"cat": category, "pid": 1, "tid": 1, "dur": duration, "ts": start, "ph": "X", "name": name,
            "args": arguments}  # fmt: skip


def onnxruntime_run(start: float, *kernels: tuple[str, str, float]) -> list[dict[str, object]]:
    """A run with these kernels one after the other; 10 microseconds pass before the first and behind the last."""
    events: list[dict[str, object]] = []
    now = start + 10
    for name, kind, duration in kernels:
        events.append(event(f"{name}_kernel_time", now, duration, kind))
        now += duration
    return [*events, event("model_run", start, now + 10 - start, category="Session")]


def onnxruntime_profile(*runs: list[dict[str, object]]) -> str:
    """A profile: 300 microseconds of loading, then the runs."""
    loading = [
        event("model_loading_uri", 0, 100, category="Session"),
        event("session_initialization", 100, 200, category="Session"),
    ]
    return json.dumps([*loading, *(each for run in runs for each in run)])


OPENVINO_REPORT = """Command line parameters
-m;/models/net.onnx
-nthreads;2

Configuration setup
topology;main_graph
target device;CPU
batch size;4
number of parallel infer requests;1

Execution results
read model time (ms);20.00
compile model time (ms);100.00
first inference time (ms);9.00
total number of iterations;50
latency (ms);7.50
avg latency;8.00
min latency;7.00
max latency;11.00
throughput;533.33

"""

OPENVINO_HEADER = "layerName;execStatus;layerType;execType;realTime (ms);cpuTime (ms)"
OPENVINO_COUNTERS = f"""{OPENVINO_HEADER}
x;Status.NOT_RUN;Parameter;unknown_f32;0.000;0.000
conv1;Status.EXECUTED;Convolution;brgconv_avx512_f32;2.000;2.000
relu1;Status.NOT_RUN;Relu;undef;0.000;0.000
conv1_abcd_acdb;Status.EXECUTED;Reorder;jit_uni_f32;0.500;0.500
Total;;;;2.500;2.500

"""

TRTEXEC_PROFILE = """[
  { "count" : 100 }
, { "name" : "conv1 + relu1", "timeMs" : 150, "averageMs" : 1.5, "medianMs" : 1.25, "percentage" : 75 }
, { "name" : "Reformatting CopyNode for Input Tensor 0 to fc", "timeMs" : 50, "averageMs" : 0.5, "medianMs" : 0.5,
 "percentage" : 25 }
]
"""

TRTEXEC_TIMES = """[
  { "startEnqMs" : 1, "endEnqMs" : 2, "h2dMs" : 0.5, "computeMs" : 2, "d2hMs" : 0.5, "latencyMs" : 3 }
, { "startEnqMs" : 4, "endEnqMs" : 5, "h2dMs" : 0.5, "computeMs" : 4, "d2hMs" : 0.5, "latencyMs" : 5 }
, { "startEnqMs" : 9, "endEnqMs" : 9, "h2dMs" : 0.5, "computeMs" : 3, "d2hMs" : 0.5, "latencyMs" : 4 }
]
"""

TRTEXEC_LAYERS = """{"Layers": [{"Name": "conv1 + relu1", "LayerType": "CaskConvolution"}, "fc"], "Bindings": ["x"]}"""

BENCHNCNN = """$ ./benchncnn 20 4 2 -1 0
loop_count = 20
num_threads = 4
powersave = 2
gpu_device = -1
cooling_down = 0
          squeezenet  min =   10.00  max =   12.50  avg =   11.00
       resnet18_int8  min =   20.00  max =   21.00  avg =   20.25
loop_count = 8
num_threads = 1
gpu_device = 0
          squeezenet  min =    3.00  max =    5.00  avg =    4.00
"""


def tflite_row(kind: str, first: float, average: float, share: float, calls: int, name: str) -> str:
    """A row of the table of operators."""
    cells = (kind, f"{first:.3f}", f"{average:.3f}", f"{share:.3f}%", "100.000%", "0.000", str(calls), name)
    return "\t" + "\t".join(f"{cell:>9}" for cell in cells[:-1]) + f"\t{name}\n"


_COLUMNS = ("[node type]", "[first]", "[avg ms]", "[%]", "[cdf%]", "[mem KB]", "[times called]", "[Name]")
_RULE = "=" * 30
TFLITE_TABLE = f"{_RULE} Run Order {_RULE}\n\t" + "\t".join(_COLUMNS) + "\n"
TFLITE_BENCHMARK = (
    """STARTED!
Num threads: [4]
Graph: [/data/local/tmp/net.tflite]
#threads used for CPU inference: [4]
Initialized session in 12.5ms.
INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
INFO: count=30 first=20000 curr=16000 min=15000 max=20000 avg=16500 std=700

INFO: Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
INFO: count=60 first=16100 curr=16000 min=15900 max=17100 avg=16200 std=150 p5=15950 median=16150 p95=16800

Inference timings in us: Init: 12000, First inference: 20000, Warmup (avg): 16500, Inference (avg): 16200
Profiling Info for Benchmark Initialization:
"""
    + TFLITE_TABLE
    + tflite_row("AllocateTensors", 1.356, 1.356, 100, 1, "AllocateTensors/0")
    + """
Timings (microseconds): count=1 curr=1356
Memory (bytes): count=0

Operator-wise Profiling Info for Regular Benchmark Runs:
"""
    + TFLITE_TABLE
    + tflite_row("CONV_2D", 4.269, 10, 62.5, 1, "[net/relu1]:0")
    + tflite_row("Convolution (NHWC, F32) DWConv", 2.15, 1.5, 28.125, 3, "Delegate/Convolution:1")
    + tflite_row("SOFTMAX", 2.15, 2, 9.375, 0, "[net/softmax]:2")
    + "\n"
    + TFLITE_TABLE.replace("Run Order", "Top by Computation Time")
    + tflite_row("CONV_2D", 4.269, 10, 62.5, 1, "[net/relu1]:0")
    + """
Timings (microseconds): count=60 first=16000 curr=16000 min=15800 max=17000 avg=16000 std=100
Memory (bytes): count=0
3 nodes observed
"""
)

RKNN_HEADER = (
    "ID   OpType    DataType Target InputShape  OutputShape  Cycles(DDR/NPU/Total)  Time(us)  MacUsage(%)  FullName"
)
RKNN_PERF = f"""                Network Layer Information Table
-----------------------------------------------
{RKNN_HEADER}
-----------------------------------------------
1    InputOperator  UINT8    CPU    \\    (1,3,64,64)  0/0/0  4   \\   0.0%/0.0%/0.0%  0  InputOperator:x
2    ConvRelu  INT8  NPU  (1,3,64,64),(16,3,3,3),(16)  (1,16,64,64)  100/80/100  1600  2.4  100.0%  10  Conv:conv1
D RKNN: [05:07:06.566] 3    Pad  INT8  CPU  (1,16,64,64),(8)  (1,16,66,66)  0/0/0  396    0.0%/0.0%/0.0%  2  Pad:pad1
-----------------------------------------------
Total Operator Elapsed Per Frame Time(us): 2000
Total Memory Read/Write Per Frame Size(KB): 12
"""
