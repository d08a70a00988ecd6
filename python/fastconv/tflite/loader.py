"""A model's bytes or path to a `Model` of plain Python values: where every ``.tflite`` file enters.

The ``tflite`` package holds the schema's generated readers, which trust the file. All reading of it happens here, and
whatever a reader trips over becomes one error that says so.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tflite

from fastconv._ort.errors import InvalidGraph, NoSuchFile, NotImplemented

Source = str | os.PathLike[str] | bytes | bytearray | memoryview
ABSENT = -1  # an optional input that is not there


def _names(table: type) -> dict[int, str]:
    """Return the names of an enumeration's values."""
    return {value: name for name, value in vars(table).items() if isinstance(value, int)}


_TYPES = {value: name.lower() for value, name in _names(tflite.TensorType).items()}
_ARRAYS = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "bool")
_OPERATORS = _names(tflite.BuiltinOperator)
_OPTIONS = _names(tflite.BuiltinOptions)


@dataclass(frozen=True)
class Tensor:
    """A value of the model: `shape` has -1 where an extent is free, `data` is an array where it is a constant."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    is_quantized: bool
    data: np.ndarray | None


@dataclass(frozen=True)
class Operator:
    """One operator: its builtin name, the tensors it reads (-1: absent) and makes, and its options by schema name."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any]


@dataclass(frozen=True)
class Model:
    """A model's first subgraph, the one that runs."""

    description: str
    name: str
    tensors: list[Tensor] = field(repr=False)
    operators: list[Operator] = field(repr=False)
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def load(source: Source) -> Model:
    """Read and check a model.

    Raises
    ------
    NoSuchFile, InvalidGraph, NotImplemented
        See `fastconv._ort.errors`; InvalidGraph is also a ``ValueError``.
    """
    data = read_bytes(source)
    if data[4:8] != b"TFL3":
        raise InvalidGraph.of(f"tflite: a model must have TFL3 as bytes 4 to 7, got {data[4:8]!r}")
    with _reading():
        model = tflite.Model.GetRootAs(data)
        if model.SubgraphsLength() == 0:
            raise InvalidGraph.of("tflite: a model must have a subgraph, got none")
        graph = model.Subgraphs(0)
        tensors = [_tensor(graph.Tensors(i), model, data) for i in range(graph.TensorsLength())]
        operators = [_operator(graph.Operators(i), model) for i in range(graph.OperatorsLength())]
        loaded = Model(
            _text(model.Description()),
            _text(graph.Name()),
            tensors,
            operators,
            _ints(graph.InputsAsNumpy()),
            _ints(graph.OutputsAsNumpy()),
        )
    _check(loaded)
    return loaded


def read_bytes(source: Source) -> bytes:
    """Return a whole model as bytes: what a pickled session carries."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    try:
        with open(source, "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise NoSuchFile.of(f"Load model from {source} failed. File doesn't exist") from error


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """Raise what readers make of a damaged file as one error."""
    try:
        yield
    except InvalidGraph:
        raise
    except Exception as error:  # struct's, NumPy's and flatbuffers' own, and any that a wrong offset leads to
        raise InvalidGraph.of(f"tflite: the file must be a whole model: {error}") from error


def _tensor(tensor: Any, model: Any, data: bytes) -> Tensor:
    name, dtype = _text(tensor.Name()), _TYPES.get(tensor.Type(), f"type {tensor.Type()}")
    shape = _ints(tensor.ShapeSignatureAsNumpy()) or _ints(tensor.ShapeAsNumpy())
    quantization = tensor.Quantization()
    is_quantized = quantization is not None and quantization.ScaleLength() > 0
    content = _content(model.Buffers(tensor.Buffer()), data)
    array = None
    if len(content) and dtype in _ARRAYS:
        if min(shape, default=0) < 0 or math.prod(shape) * np.dtype(dtype).itemsize != len(content):
            raise InvalidGraph.of(f"tflite: constant {name!r} must be {dtype}{list(shape)}, got {len(content)} bytes")
        array = np.frombuffer(content, dtype).reshape(shape)
        array.flags.writeable = False
    elif len(content):  # strings, or packed numbers such as int4: whoever reads it refuses the type
        array = np.frombuffer(content, np.uint8)
    return Tensor(name, dtype, shape, is_quantized or dtype == "int4", array)


def _content(buffer: Any, data: bytes) -> np.ndarray | memoryview:
    """Return a buffer's bytes, which in files of more than 2 GB lie behind the flatbuffer."""
    if buffer.Offset() > 1:
        return memoryview(data)[buffer.Offset() : buffer.Offset() + buffer.Size()]
    content: np.ndarray | memoryview = memoryview(b"") if buffer.DataIsNone() else buffer.DataAsNumpy()
    return content


def _operator(operator: Any, model: Any) -> Operator:
    code = model.OperatorCodes(operator.OpcodeIndex())
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())  # codes above 127 are in the newer field alone
    name = _OPERATORS.get(number, str(number))
    if name == "CUSTOM":
        name = f"CUSTOM {_text(code.CustomCode())}"
    table, options = operator.BuiltinOptions(), {}
    if table is not None:
        reader = getattr(tflite, _OPTIONS[operator.BuiltinOptionsType()])()
        reader.Init(table.Bytes, table.Pos)
        options = _fields(reader)
    return Operator(name, _ints(operator.InputsAsNumpy()), _ints(operator.OutputsAsNumpy()), options)


def _fields(table: Any) -> dict[str, Any]:
    """Return all fields of a table of options: numbers, and vectors as tuples of ints."""
    methods = [name for name in vars(type(table)) if name[0].isupper() and name != "Init"]
    vectors = [name[: -len("AsNumpy")] for name in methods if name.endswith("AsNumpy")]
    helpers = {f"{name}{what}" for name in vectors for what in ("", "AsNumpy", "Length", "IsNone")}
    plain = [n for n in methods if n not in helpers and not n.startswith("GetRootAs") and "HasIdentifier" not in n]
    numbers = {name: getattr(table, name)() for name in plain}
    return {**numbers, **{name: _ints(getattr(table, f"{name}AsNumpy")()) for name in vectors}}


def _ints(vector: Any) -> tuple[int, ...]:
    """Return a vector's numbers; readers say 0 for one that is not there."""
    return () if isinstance(vector, int) else tuple(int(number) for number in vector)


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")


def _check(model: Model) -> None:
    """Check that every index is one of a tensor's, and that all is made before it is read."""
    made = {index for index, tensor in enumerate(model.tensors) if tensor.data is not None}
    made.update(model.inputs)
    for position, operator in enumerate(model.operators):
        where = f"operator {position} ({operator.name})"
        _check_made([index for index in operator.inputs if index != ABSENT], made, len(model.tensors), where)
        for index in operator.outputs:
            if not 0 <= index < len(model.tensors) or index in made:
                raise InvalidGraph.of(f"tflite: {where}: outputs must be tensors not made before, got tensor {index}")
            made.add(index)
    _check_made(model.inputs, made, len(model.tensors), "the model's inputs")
    _check_made(model.outputs, made, len(model.tensors), "the model's outputs")
    for tensor in (model.tensors[index] for index in (*model.inputs, *model.outputs)):
        if tensor.dtype not in _ARRAYS:
            raise NotImplemented.of(f"tflite: {tensor.name!r}: inputs and outputs must be numbers, got {tensor.dtype}")


def _check_made(indices: Sequence[int], made: set[int], count: int, where: str) -> None:
    for index in indices:
        if not 0 <= index < count or index not in made:
            raise InvalidGraph.of(f"tflite: {where}: tensors must be made before they are read, got tensor {index}")
