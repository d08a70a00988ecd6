"""A serialized model without its large weights, and where those lie in the file: so that they are read only once.

protobuf copies all bytes of a message when it parses, and again when a field is read. `lift` walks the message's outer
structure instead (https://protobuf.dev/programming-guides/encoding) and leaves the checks to protobuf: what it does not
understand it refuses, and `fastconv.onnx.loader` parses the model whole.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from fastconv import _core

# Field numbers of onnx.proto.
_GRAPH, _INITIALIZER, _RAW_DATA = 7, 5, 9
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LARGE = 4096  # initializers of fewer bytes stay in the model


class WireError(ValueError):
    """The bytes are not a model's, or one that only protobuf can put together."""


class Blob(NamedTuple):
    """Where an initializer's values lie."""

    offset: int
    length: int

    def read(self, file: BinaryIO) -> memoryview:
        """Return them, in memory that networks take as it is; fewer where the file has become shorter."""
        file.seek(self.offset)
        buffer = memoryview(_core.Buffer(self.length))
        return buffer[: file.readinto(buffer)]  # type: ignore[attr-defined]


def lift(file: BinaryIO, size: int) -> tuple[bytes, dict[int, Blob]]:
    """Return the model without the values of its large initializers, and where these are.

    Parameters
    ----------
    file : binary file
        A serialized ModelProto, at its beginning.
    size : int
        Its length.

    Returns
    -------
    bytes
        A serialized ModelProto.
    dict of int to Blob
        By position in the graph's list of initializers.

    Raises
    ------
    WireError
    """
    blobs: dict[int, Blob] = {}
    model = io.BytesIO()
    graphs = 0
    for field, start, head, end in _fields(file, 0, size):
        if field == _GRAPH:
            graphs += 1
            graph = _graph(file, head, end, blobs)
            model.write(_key(_GRAPH) + _varint(len(graph)) + graph)
        else:
            model.write(_read(file, start, end))
    if graphs != 1:
        raise WireError(f"model: graphs must be 1, got {graphs}")
    return model.getvalue(), blobs


def _graph(file: BinaryIO, begin: int, end: int, blobs: dict[int, Blob]) -> bytes:
    graph = io.BytesIO()
    initializers = 0
    for field, start, head, stop in _fields(file, begin, end):
        if field != _INITIALIZER:
            graph.write(_read(file, start, stop))
            continue
        tensor, blob = _tensor(file, head, stop) if stop - head > _LARGE else (_read(file, head, stop), None)
        if blob is not None:
            blobs[initializers] = blob
        graph.write(_key(_INITIALIZER) + _varint(len(tensor)) + tensor)
        initializers += 1
    return graph.getvalue()


def _tensor(file: BinaryIO, begin: int, end: int) -> tuple[bytes, Blob | None]:
    """Return the tensor without its raw data (the last, where there are several) and where these are."""
    rest, blob = b"", None
    for field, start, head, stop in _fields(file, begin, end):
        if field == _RAW_DATA:
            blob = Blob(head, stop - head)
        else:
            rest += _read(file, start, stop)
    return rest, blob


def _fields(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Each field of a message: its number, and where its key, its content and what follows it begin."""
    at = begin
    while at < end:
        file.seek(at)
        window = file.read(min(20, end - at))
        key, used = _take_varint(window, 0)
        kind = key & 7
        if kind == _BYTES:
            length, used = _take_varint(window, used)
        elif kind == _VARINT:
            length, used = 0, _take_varint(window, used)[1]
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise WireError(f"model: wire types must be 0, 1, 2 or 5, got {kind}")
        head, stop = at + used, at + used + length
        if stop > end:
            raise WireError(f"model: a field must end inside its message, at {end}, got {stop}")
        yield key >> 3 if kind == _BYTES else 0, at, head, stop  # the fields that matter here are messages or bytes
        at = stop


def _read(file: BinaryIO, begin: int, end: int) -> bytes:
    file.seek(begin)
    return file.read(end - begin)


def _take_varint(window: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(window):
            break
        value |= (window[at] & 0x7F) << shift
        at += 1
        if window[at - 1] < 0x80:
            return value, at
    raise WireError("model: a number must end inside its message")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _key(field: int) -> bytes:
    return _varint(field << 3 | _BYTES)
