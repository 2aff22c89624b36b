"""A model of one known kernel, many times: what the profiler reports beyond its time is the profiler's own."""

from pathlib import Path

PROBE_KERNELS = 64


def write_probe(path: Path) -> None:
    """Write a chain of element-wise kernels on one element, each a fraction of a microsecond. Input ``x``, float32."""
    from onnx import TensorProto, helper

    names = ["x", *(f"t{index}" for index in range(PROBE_KERNELS))]
    nodes = [
        # Alternating, because onnxruntime removes a Relu after a Relu.
        helper.make_node("Relu" if index % 2 else "Sigmoid", [names[index]], [names[index + 1]])
        for index in range(PROBE_KERNELS)
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in (names[0], names[-1])]
    graph = helper.make_graph(nodes, "probe", ends[:1], ends[1:])
    # Old versions, so that every installed onnxruntime reads it.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(model.SerializeToString())
