"""TensorProto to NumPy, with every size checked first; and the names of element types in each vocabulary."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from onnx import SparseTensorProto, TensorProto, TypeProto, helper, numpy_helper

from fastconv._ort.errors import InvalidGraph
from fastconv.onnx.external_data import read_external

NATIVE_DTYPES = ("float32", "float64", "int64", "int32", "uint8", "int8", "bool")


def dtype_name(element_type: int) -> str:
    """Return NumPy's name of an ONNX element type ("object" for strings), "" where there is none."""
    try:
        return str(np.dtype(helper.tensor_dtype_to_np_dtype(element_type)))
    except (KeyError, TypeError, ValueError):
        return ""


def tensor_type_name(element_type: int) -> str:
    """Return the name of a tensor type in ONNX's schemas and in ONNX Runtime: ``tensor(float)``."""
    known = element_type in TensorProto.DataType.values() and element_type != TensorProto.UNDEFINED
    return f"tensor({TensorProto.DataType.Name(element_type).lower() if known else ''})"


def type_name(kind: TypeProto) -> str:
    """Return ONNX Runtime's name of a value's type, sequences and optionals included."""
    which = kind.WhichOneof("value")
    if which == "tensor_type":
        return tensor_type_name(kind.tensor_type.elem_type)
    if which == "sequence_type":
        return f"seq({type_name(kind.sequence_type.elem_type)})"
    if which == "optional_type":
        return f"optional({type_name(kind.optional_type.elem_type)})"
    return which or ""


def to_array(tensor: TensorProto, folder: Path | None, raw: bytes | memoryview | None = None) -> np.ndarray:
    """Return a tensor's values; its bytes must be exactly what its type and dims say.

    `raw` takes the place of the tensor's raw data.
    """
    what = f"initializer {tensor.name!r}"
    count = element_count(tensor.dims, what)
    name = dtype_name(tensor.data_type)
    if not name:
        raise InvalidGraph.of(f"{what}: data type must be one of ONNX's, got {tensor.data_type}")
    if tensor.data_location == TensorProto.EXTERNAL:
        raw = read_external(tensor, folder)
    if raw is None and tensor.HasField("raw_data"):
        raw = tensor.raw_data  # each access is a copy
    if raw is not None and name in NATIVE_DTYPES and sys.byteorder == "little":
        needed = count * np.dtype(name).itemsize
        if len(raw) != needed:
            raise InvalidGraph.of(f"{what}: {name} of shape {list(tensor.dims)} needs {needed} bytes, got {len(raw)}")
        array = np.frombuffer(raw, name).reshape(tuple(tensor.dims))
        array.flags.writeable = False
        return array
    if raw is not None:
        tensor = TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims, raw_data=bytes(raw))
    try:
        return numpy_helper.to_array(tensor)
    except Exception as error:
        raise InvalidGraph.of(f"{what}: values must fit shape {list(tensor.dims)}: {error}") from error


def sparse_to_array(tensor: SparseTensorProto) -> np.ndarray:
    """Return a sparse tensor as a dense array (COO, flat or per-axis indices)."""
    what = f"sparse initializer {tensor.values.name!r}"
    values, indices = to_array(tensor.values, None), to_array(tensor.indices, None)
    dense = np.zeros(element_count(tensor.dims, what), values.dtype).reshape(tuple(tensor.dims))
    try:
        if indices.ndim == 2:
            dense[tuple(indices.T)] = values
        else:
            dense.reshape(-1)[indices] = values
    except (IndexError, ValueError) as error:
        raise InvalidGraph.of(f"{what}: indices must lie inside shape {list(tensor.dims)}: {error}") from error
    return dense


def element_count(dims: Sequence[int], what: str) -> int:
    """Return the number of elements, after checking that every extent is >= 0 and that the product fits."""
    count = 1
    for extent in dims:
        if extent < 0:
            raise InvalidGraph.of(f"{what}: dims must be >= 0, got {list(dims)}")
        count *= extent
    if count >= 2**48:
        raise InvalidGraph.of(f"{what}: dims must describe a tensor that fits memory, got {list(dims)}")
    return count
