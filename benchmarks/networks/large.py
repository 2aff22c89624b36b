"""Writes models that are large in one way each: many nodes, many bytes inside, many bytes outside."""

from pathlib import Path

from onnx import NodeProto, TensorProto, helper

OPSET = 20


def write_chain(path: Path, nodes: int) -> None:
    """A chain of Conv, Relu, Add with ``nodes`` nodes."""
    weight = helper.make_tensor("w", TensorProto.FLOAT, [8, 8, 3, 3], bytes(8 * 8 * 9 * 4), raw=True)
    chain: list[NodeProto] = []
    previous = "x"
    for index in range(nodes // 3):
        chain.append(helper.make_node("Conv", [previous, "w"], [f"c{index}"], f"conv{index}", pads=[1, 1, 1, 1]))
        chain.append(helper.make_node("Relu", [f"c{index}"], [f"r{index}"], f"relu{index}"))
        chain.append(helper.make_node("Add", [f"r{index}", previous], [f"a{index}"], f"add{index}"))
        previous = f"a{index}"
    _write(path, chain, ("x", [1, 8, 14, 14]), previous, [weight])


def write_external(path: Path) -> None:
    """40 matrix products with 4096 x 4096 weights, 2.5 GiB in a sparse file beside the model."""
    weights: list[TensorProto] = []
    for index in range(40):
        tensor = TensorProto(
            name=f"w{index}", data_type=TensorProto.FLOAT, dims=[4096, 4096], data_location=TensorProto.EXTERNAL
        )
        for key, value in (("location", "weights.bin"), ("offset", str(index << 26)), ("length", str(1 << 26))):
            tensor.external_data.add(key=key, value=value)
        weights.append(tensor)
    _write(path, _products(40), ("t0", [1, 4096]), "t40", weights)
    with (path.parent / "weights.bin").open("wb") as stream:
        stream.truncate(40 << 26)


def write_embedded(path: Path) -> None:
    """Matrix products with 85 million weights inside the file: 340 MB."""
    width, count = 2304, 16
    weights = [
        helper.make_tensor(f"w{index}", TensorProto.FLOAT, [width, width], bytes(width * width * 4), raw=True)
        for index in range(count)
    ]
    _write(path, _products(count), ("t0", [1, width]), f"t{count}", weights)


def _products(count: int) -> list[NodeProto]:
    return [helper.make_node("MatMul", [f"t{index}", f"w{index}"], [f"t{index + 1}"]) for index in range(count)]


def _write(
    path: Path, nodes: list[NodeProto], entry: tuple[str, list[int]], last: str, weights: list[TensorProto]
) -> None:
    name, shape = entry
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "large", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    path.write_bytes(model.SerializeToString())
