"""Bad inputs with hostile names or hostile weights: rows 33 to 46 of the table."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from tests.hostile.bad_input import BadInput
from tests.models import constant, model, save, value

_node = helper.make_node

Writer = Callable[[Path], Path]

TERMINAL = "a\x1b[2J\x1b]0;owned\x07\x9b31mb\u202ec\u2066d\x00e\nf\rg"
"""Clears the screen, sets the title, turns text around, ends lines."""
MARKUP = "<img src=x onerror=alert(1)></script><script>alert(1)</script>[x](javascript:1)|`$x$`\\input{y}&amp;"
FORMULA = '=HYPERLINK("http://x","y")'
PATHS = "../../" * 8 + "tmp/x" + "n" * 300
FORMATS = "{0.__class__}%s%n${jndi:ldap://x}$(touch owned)`touch owned`{{7*7}}{%x%}[bold]x[/bold]"


def _named(name: str) -> Writer:
    """The name wherever a model may have one."""

    def write(folder: Path) -> Path:
        made = model(
            [_node("Conv", [f"{name}x", f"{name}w"], [f"{name}c"], f"/{name}/conv"),
             _node(f"{name}Op", [f"{name}c"], [f"{name}y"], name, domain=f"{name}domain")],
            [value(f"{name}x", [1, 3, 8, 8])], [f"{name}y"], [constant(f"{name}w", 4, 3, 3, 3)],
        )  # fmt: skip
        made.producer_name = made.graph.name = made.doc_string = name
        return save(made, folder)

    return write


def _dimension(name: str) -> Writer:
    return lambda folder: save(model([_node("Relu", ["x"], ["y"])], [value("x", [name, f"{name}2"])], ["y"]), folder)


def _in_place_of(marker: bytes, content: bytes) -> Writer:
    """A model in which the bytes of a name are no UTF-8."""

    def write(folder: Path) -> Path:
        nodes = [_node("Relu", ["xxxx"], ["yyyy"], "nnnn"), _node("Neg", ["yyyy"], ["zzzz"], domain="dddd")]
        path = save(model(nodes, [value("xxxx", [2])], ["zzzz"]), folder)
        path.write_bytes(path.read_bytes().replace(marker, content))
        return path

    return write


def _outside(prepare: Callable[[Path], object] | None = None, **entries: str) -> Writer:
    """A matrix product whose weights are in another file."""

    def write(folder: Path) -> Path:
        if prepare is not None:
            prepare(folder)
        weight = TensorProto(name="w", data_type=1, dims=[4, 4], data_location=TensorProto.EXTERNAL)
        for key, text in entries.items():
            weight.external_data.add(key=key, value=text)
        return save(model([_node("MatMul", ["x", "w"], ["y"])], [value("x", [1, 4])], ["y"], [weight]), folder)

    return write


def _many_in_one_file(folder: Path) -> Path:
    weights: list[TensorProto] = []
    for index in range(20_000):
        weight = TensorProto(name=f"w{index}", data_type=1, dims=[4], data_location=TensorProto.EXTERNAL)
        weight.external_data.add(key="location", value="weights.bin")
        weights.append(weight)
    nodes = [_node("Sum", [weight.name for weight in weights] + ["x"], ["y"])]
    return save(model(nodes, [value("x", [4])], ["y"], weights), folder)


def _sparse(dims: Sequence[int], indices: Sequence[int], *, rows: int = 0) -> Writer:
    def write(folder: Path) -> Path:
        count = len(indices) // max(rows, 1)
        stored = helper.make_sparse_tensor(
            helper.make_tensor("w", 1, [count], [1.0] * count),
            helper.make_tensor("i", 7, [count, rows] if rows else [count], indices),
            [1],
        )
        del stored.dims[:]
        stored.dims.extend(dims)
        made = model([_node("MatMul", ["x", "w"], ["y"])], [value("x", [1, 4])], ["y"])
        made.graph.sparse_initializer.append(stored)
        return save(made, folder)

    return write


def _large(size: int) -> Writer:
    """One weight of that many bytes inside, which are a hole in the file."""

    def write(folder: Path) -> Path:
        columns = size // 16
        made = model([_node("MatMul", ["x", "w"], ["y"])], [value("x", [1, 4])], ["y"])
        weight = TensorProto(name="w", data_type=1, dims=[4, columns]).SerializeToString()
        tensor = weight + b"\x4a" + _varint(16 * columns)
        graph = made.graph.SerializeToString()
        made.ClearField("graph")
        length = len(tensor) + 16 * columns
        head = b"\x2a" + _varint(length) + tensor
        path = folder / "model.onnx"
        path.write_bytes(
            made.SerializeToString() + b"\x3a" + _varint(len(graph) + len(head) + 16 * columns) + graph + head
        )
        os.truncate(path, path.stat().st_size + 16 * columns)
        return path

    return write


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def _typed(type: onnx.TypeProto, kind: str = "Identity") -> Writer:
    def write(folder: Path) -> Path:
        made = model([_node(kind, ["x"], ["y"])], [helper.make_value_info("x", type)], ["y"])
        return save(made, folder)

    return write


_FLOATS = helper.make_tensor_type_proto(1, [2, 3])
_MAP = onnx.TypeProto(map_type=onnx.TypeProto.Map(key_type=8, value_type=_FLOATS))
_CLOSED = "counted without opening the file; no tensor outside is ever read"
_SYMBOLS = [f"axis_{number}" for number in range(40)]


def _in_formats(row: int, what: str, name: str, says: str, *formats: str) -> tuple[BadInput, ...]:
    return tuple(
        BadInput(row, f"{what} in {format}", _named(name), says, code=0, arguments=("--format", format))
        for format in formats
    )


BAD_NAMES_AND_WEIGHTS: tuple[BadInput, ...] = (
    *_in_formats(33, "terminal codes", TERMINAL, "operations", "table", "json", "csv", "markdown", "latex"),
    *_in_formats(33, "terminal codes", TERMINAL, r"[{\[]", "netron", "model-explorer"),
    BadInput(33, "terminal codes in an error", _dimension(TERMINAL), r"dimensions without a number: a\\x1b\[2J"),
    BadInput(33, "terminal codes by scope", _named(TERMINAL), "operations", code=0, arguments=("--by", "scope")),
    *_in_formats(34, "markup", MARKUP, r"(?m)\A(?!(.|\n)*^(?!warning).*<(img|script))", "markdown", "latex"),
    *_in_formats(35, "formulas", FORMULA, r"""^(?!(.|\n)*(^|,)"?=HYPER)""", "csv"),
    BadInput(36, "names that are paths", _named(PATHS), "operations", code=0),
    BadInput(37, "names that are templates", _named(FORMATS), r"\{0\.__class__\}%s", code=0),
    *_in_formats(37, "templates", FORMATS, r"\{0\.__class__\}%s", "json", "csv"),
    BadInput(38, "operator is no UTF-8", _in_place_of(b"Relu", b"\xff\xfe\xfd\xfc"), "not UTF-8"),
    BadInput(38, "node name is no UTF-8", _in_place_of(b"nnnn", b"n\xc3\x28n"), "not UTF-8"),
    BadInput(38, "tensor is no UTF-8", _in_place_of(b"yyyy", b"\xed\xa0\x80y"), "not UTF-8"),
    BadInput(38, "domain is no UTF-8", _in_place_of(b"dddd", b"\xff\xff\xff\xff"), "not UTF-8"),
    BadInput(39, "parent folder", _outside(location="../secret.bin"), "operations", code=0, otherwise=_CLOSED),
    BadInput(39, "absolute", _outside(location="/etc/passwd"), "operations", code=0, otherwise=_CLOSED),
    BadInput(
        39,
        "link",
        _outside(lambda folder: (folder / "w").symlink_to("/etc/passwd"), location="w"),
        "operations",
        code=0,
        otherwise=_CLOSED,
    ),
    BadInput(39, "missing", _outside(location="absent.bin"), "operations", code=0, otherwise=_CLOSED),
    BadInput(
        39,
        "folder",
        _outside(lambda folder: (folder / "w").mkdir(), location="w"),
        "operations",
        code=0,
        otherwise=_CLOSED,
    ),
    BadInput(
        39,
        "pipe",
        _outside(lambda folder: os.mkfifo(folder / "w"), location="w"),
        "operations",
        code=0,
        otherwise=_CLOSED,
    ),
    BadInput(39, "NUL", _outside(location="w\0/../../x"), "operations", code=0, otherwise=_CLOSED),
    BadInput(39, "empty location", _outside(location=""), "operations", code=0, otherwise=_CLOSED),
    BadInput(40, "negative offset", _outside(location="w", offset="-1"), "offset.*-1(.|\n)*w"),
    BadInput(40, "offset of 2^63", _outside(location="w", offset=str(2**63)), "offset(.|\n)*w"),
    BadInput(40, "negative length", _outside(location="w", length="-1"), "length.*-1(.|\n)*w"),
    BadInput(
        40,
        "length of 1 PB",
        _outside(location="w", length=str(10**15)),
        "1000000000000000 bytes(.|\n)*needs 64(.|\n)*w",
    ),
    BadInput(40, "length is text", _outside(location="w", length="many"), "length.*many(.|\n)*w"),
    BadInput(40, "length of 5000 digits", _outside(location="w", length="9" * 5000), "length(.|\n)*w"),
    BadInput(
        41, "dunder keys", _outside(location="w", __class__="x", __dict__="y"), "operations", code=0, otherwise=_CLOSED
    ),
    BadInput(
        41,
        "address marker",
        _outside(location="*/_ORT_MEM_ADDR_/*", offset="140737488355328", length="64"),
        "operations",
        code=0,
        otherwise=_CLOSED,
    ),
    BadInput(
        41,
        "our own marker",
        _outside(location="attainable-stripped:", length="7"),
        "has 7 bytes of data, its shape needs 64",
    ),
    BadInput(42, "20,000 tensors in one file", _many_in_one_file, "operations", code=0),
    BadInput(43, "sparse index beyond its shape", _sparse([4, 4], [0, 16]), "index 16(.|\n)*w"),
    BadInput(43, "negative sparse index", _sparse([4, 4], [-1, 3]), "index -1(.|\n)*w"),
    BadInput(43, "sparse index by axes", _sparse([4, 4], [0, 1, 4, 0], rows=2), "index.*4(.|\n)*w"),
    BadInput(43, "sparse of 2^60 elements", _sparse([4, 2**58], [0, 1]), "impossible shape(.|\n)*w"),
    BadInput(44, "400 MB of weights inside", _large(400 * 2**20), "operations", code=0),
    BadInput(45, "strings", _typed(helper.make_tensor_type_proto(TensorProto.STRING, [2])), "operations", code=0),
    BadInput(45, "sequence", _typed(helper.make_sequence_type_proto(_FLOATS)), "operations", code=0),
    BadInput(45, "optional", _typed(helper.make_optional_type_proto(_FLOATS)), "operations", code=0),
    BadInput(45, "map", _typed(_MAP), "operations", code=0),
    BadInput(45, "sparse tensor", _typed(helper.make_sparse_tensor_type_proto(1, [2, 3])), "operations", code=0),
    BadInput(45, "input without a type", _typed(onnx.TypeProto()), "operations|type", code=0),
    BadInput(
        46,
        "input without a shape",
        lambda folder: save(model([_node("Relu", ["x"], ["y"])], [value("x", None)], ["y"]), folder),
        r"without a number: x(.|\n)*--shape x=",
    ),
    BadInput(
        46,
        "40 free dimensions",
        lambda folder: save(model([_node("Relu", ["x"], ["y"])], [value("x", _SYMBOLS)], ["y"]), folder),
        r"axis_0, (.|\n)*axis_39(.|\n)*--shape axis_39=\?",
    ),
)
"""In the order of the table."""
