"""Writes models by the schema: what the converter makes of no function, and what it would refuse to make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import flatbuffers
import numpy as np
import tflite

CODES = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int64": 4, "string": 5, "int8": 9, "int4": 17}


class Tensor(NamedTuple):
    """A tensor: `data` makes it a constant, `scale` a quantised one."""

    name: str
    shape: Sequence[int]
    dtype: str = "float32"
    data: bytes | None = None
    scale: float | None = None


class Operator(NamedTuple):
    """An operator: its number, its tensors, and its table of options with some fields."""

    code: int
    inputs: Sequence[int]
    outputs: Sequence[int]
    table: str = ""
    fields: Mapping[str, Any] = {}


def constant(name: str, array: np.ndarray) -> Tensor:
    """A tensor of an array."""
    return Tensor(name, array.shape, str(array.dtype), array.tobytes())


def build(
    tensors: Sequence[Tensor], operators: Sequence[Operator], inputs: Sequence[int], outputs: Sequence[int]
) -> bytes:
    """A model's bytes."""
    b = flatbuffers.Builder()
    codes = sorted({operator.code for operator in operators})
    buffers = [b""] + [tensor.data or b"" for tensor in tensors]
    made_buffers = _vector(b, [_table(b, "Buffer", Data=b.CreateByteVector(data)) for data in buffers])
    made_tensors = _vector(b, [_tensor(b, tensor, index + 1) for index, tensor in enumerate(tensors)])
    made_operators = _vector(b, [_operator(b, operator, codes.index(operator.code)) for operator in operators])
    graph = _table(
        b,
        "SubGraph",
        Tensors=made_tensors,
        Inputs=_ints(b, inputs),
        Outputs=_ints(b, outputs),
        Operators=made_operators,
    )
    made_codes = [_table(b, "OperatorCode", DeprecatedBuiltinCode=min(code, 127), BuiltinCode=code) for code in codes]
    vectors = {"OperatorCodes": _vector(b, made_codes), "Subgraphs": _vector(b, [graph])}
    b.Finish(_table(b, "Model", Version=3, Buffers=made_buffers, **vectors), b"TFL3")
    return bytes(b.Output())


def _table(b: flatbuffers.Builder, table: str, **fields: Any) -> int:
    getattr(tflite, f"{table}Start")(b)
    for name, value in fields.items():
        getattr(tflite, f"{table}Add{name}")(b, value)
    offset: int = getattr(tflite, f"{table}End")(b)
    return offset


def _vector(b: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    end: int = b.EndVector()
    return end


def _ints(b: flatbuffers.Builder, numbers: Sequence[int]) -> int:
    offset: int = b.CreateNumpyVector(np.array(numbers, np.int32))
    return offset


def _tensor(b: flatbuffers.Builder, tensor: Tensor, buffer: int) -> int:
    fields = {"Name": b.CreateString(tensor.name), "Shape": _ints(b, tensor.shape), "Type": CODES[tensor.dtype]}
    if tensor.scale is not None:
        scale = b.CreateNumpyVector(np.array([tensor.scale], np.float32))
        fields["Quantization"] = _table(b, "QuantizationParameters", Scale=scale)
    return _table(b, "Tensor", Buffer=buffer, **fields)


def _operator(b: flatbuffers.Builder, operator: Operator, opcode: int) -> int:
    options = {}
    if operator.table:
        vectors = {k: _ints(b, v) for k, v in operator.fields.items() if not isinstance(v, (int, float))}
        table = _table(b, operator.table, **{**operator.fields, **vectors})
        kind = getattr(tflite.BuiltinOptions, operator.table)
        options = {"BuiltinOptionsType": kind, "BuiltinOptions": table}
    inputs, outputs = _ints(b, operator.inputs), _ints(b, operator.outputs)
    return _table(b, "Operator", OpcodeIndex=opcode, Inputs=inputs, Outputs=outputs, **options)
