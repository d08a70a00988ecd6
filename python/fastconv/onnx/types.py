"""The element type and the rank of every value, by onnx's own type inference on a model without its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx

from fastconv._ort.errors import InvalidGraph
from fastconv.onnx.tensors import NATIVE_DTYPES, dtype_name

if TYPE_CHECKING:
    from fastconv.onnx.loader import Model

_SMALL = 64  # constants up to this many elements stay visible to inference: shape arguments are among them


def infer_types(model: Model) -> dict[str, onnx.TypeProto]:
    """Return the type of each value of the main graph that onnx can tell, inputs and constants included.

    It is told the extents of weights (a convolution's rank hangs on its kernel), but of inputs and outputs only the
    ranks: sizes are known when an input arrives, and it ends the process where they make an extent negative before a
    Slice (seen with onnx 1.23).
    """
    types = {value.name: value.type for value in (*model.inputs, *model.outputs) if value.HasField("type")}
    skeleton = onnx.ModelProto()
    skeleton.CopyFrom(model.proto)
    del skeleton.graph.input[:]
    skeleton.graph.input.extend(model.inputs)
    for value in (*skeleton.graph.input, *skeleton.graph.output, *skeleton.graph.value_info):
        for dim in value.type.tensor_type.shape.dim if value.type.tensor_type.HasField("shape") else ():
            dim.Clear()
    for name, array in model.constants.items():
        element = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
        info = onnx.helper.make_tensor_value_info(name, element, array.shape)
        types[name] = info.type
        if array.size <= _SMALL and str(array.dtype) in NATIVE_DTYPES:
            skeleton.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
        else:
            skeleton.graph.input.append(info)
    try:
        inferred = onnx.shape_inference.infer_shapes(skeleton, check_type=False, strict_mode=False)
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError) as error:
        raise InvalidGraph.of(f"graph: types must be consistent: {error}") from error
    for value in (*inferred.graph.value_info, *inferred.graph.output):
        types.setdefault(value.name, value.type)
        if not _element(types[value.name]) and _element(value.type):
            types[value.name] = value.type
    return types


def tensor_dtype(types: dict[str, onnx.TypeProto], name: str) -> str:
    """Return the NumPy name of a value's element type, "" where it is unknown or no tensor."""
    kind = types.get(name)
    if kind is None or kind.WhichOneof("value") != "tensor_type":
        return ""
    return dtype_name(kind.tensor_type.elem_type)


def tensor_rank(types: dict[str, onnx.TypeProto], name: str) -> int | None:
    """Return a value's rank, None where it is unknown."""
    kind = types.get(name)
    if kind is None or not kind.tensor_type.HasField("shape"):
        return None
    return len(kind.tensor_type.shape.dim)


def _element(kind: onnx.TypeProto) -> int:
    return kind.tensor_type.elem_type if kind.WhichOneof("value") == "tensor_type" else -1
