"""Writes an ONNX model as bytes: the few messages of its protocol buffers that one graph needs.

The package onnx would do it, too, but costs 120 ms to import, which every start would pay, and 18 MB to
install. The wire format and the field numbers of these messages are fixed for ever
(https://protobuf.dev/programming-guides/encoding, onnx.proto); a runtime refuses what is malformed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

FLOAT, INT32 = 1, 6  # TensorProto.DataType
_IR_VERSION = 9
_FUSED = "com.microsoft"  # ONNX Runtime's own operators, among them all the fused ones
_OPSETS = (("", 17), (_FUSED, 1))
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT = 1, 2
_EXTERNAL = 1  # TensorProto.DataLocation: the values are handed to the session beside the graph


def node(
    op: str, inputs: Sequence[str], outputs: Sequence[str], attributes: Mapping[str, int | float]
) -> bytes:
    """One operator of ONNX Runtime's own domain; an input that is left out is ""."""
    return b"".join(
        [
            *(_field(1, name) for name in inputs),
            *(_field(2, name) for name in outputs),
            _field(4, op),
            *(_field(5, _attribute(name, value)) for name, value in attributes.items()),
            _field(7, _FUSED),
        ]
    )


def initializer(name: str, kind: int, shape: Iterable[int]) -> bytes:
    """A constant whose values are handed to the session, not written into the model."""
    place = _field(1, "location") + _field(2, "beside")
    dims = b"".join(_field(1, size) for size in shape)
    return dims + _field(2, kind) + _field(8, name) + _field(13, place) + _field(14, _EXTERNAL)


def value(name: str, kind: int, shape: Iterable[int | str]) -> bytes:
    """An input or output of the graph; a size that is a name may be any."""
    dims = b"".join(_field(1, _field(1 if isinstance(size, int) else 2, size)) for size in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, dims)))


def model(
    nodes: Iterable[bytes], constants: Iterable[bytes], inputs: Iterable[bytes], outputs: Iterable[bytes]
) -> bytes:
    """The whole model, as onnxruntime.InferenceSession takes it."""
    parts = [_field(1, one) for one in nodes]
    parts.append(_field(2, "graph"))
    parts += [_field(5, one) for one in constants]
    parts += [_field(11, one) for one in inputs]
    parts += [_field(12, one) for one in outputs]
    opsets = b"".join(_field(8, _field(1, domain) + _field(2, version)) for domain, version in _OPSETS)
    return _field(1, _IR_VERSION) + _field(7, b"".join(parts)) + opsets


def _attribute(name: str, given: int | float) -> bytes:
    if isinstance(given, int):
        return _field(1, name) + _field(3, given) + _field(20, _ATTRIBUTE_INT)
    return _field(1, name) + _field(2, given) + _field(20, _ATTRIBUTE_FLOAT)


def _field(number: int, content: int | float | str | bytes) -> bytes:
    """A field with its tag: a variable-length integer, a 32-bit float, or bytes after their length."""
    if isinstance(content, int):
        return _varint(number << 3) + _varint(content)
    if isinstance(content, float):
        return _varint(number << 3 | 5) + struct.pack("<f", content)
    data = content.encode() if isinstance(content, str) else content
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; every byte but the last has its top bit set."""
    if number < 0:
        raise ValueError("only sizes and numbers from 0 are written")
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
