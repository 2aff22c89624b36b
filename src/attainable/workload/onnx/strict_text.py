"""Tells whether all text in an ONNX model is UTF-8.

ONNX is defined in proto2, for which protobuf hands out whatever bytes a string holds, as ``bytes``. The same messages
in proto3 refuse them while they are parsed, which takes no walk through the model.

Source: Protocol Buffers, proto3 language guide, scalar value types: a string must always contain UTF-8.
"""

from functools import cache

import onnx
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

_PACKAGE = "attainable_strict"


def is_text(content: bytes) -> bool:
    """Tell whether every string of a serialised ModelProto, which parses, is UTF-8."""
    try:
        _strict_model().FromString(content)
    except DecodeError:
        return False
    return True


@cache
def _strict_model() -> type[Message]:
    file = FileDescriptorProto()
    onnx.ModelProto.DESCRIPTOR.file.CopyToProto(file)
    package = file.package
    file.name, file.package, file.syntax = f"{_PACKAGE}.proto", _PACKAGE, "proto3"
    pending = list(file.message_type)
    while pending:
        message = pending.pop()
        pending.extend(message.nested_type)
        for field in message.field:
            if field.type_name:
                field.type_name = field.type_name.replace(f".{package}.", f".{_PACKAGE}.", 1)
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.ModelProto"))
