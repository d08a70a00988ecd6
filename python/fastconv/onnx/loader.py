"""A model's bytes, path or ModelProto to a checked `Model`: where every ONNX file enters.

Weights leave the protobuf for NumPy arrays at once, so that the rest of the frontend (and onnx's type inference) only
handles structure. Errors are ONNX Runtime's classes and always name the node or value at fault.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import onnx
import onnx.inliner
import onnx.version_converter
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from fastconv._ort.errors import InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile
from fastconv.onnx import wire
from fastconv.onnx.checks import OLDEST_OPSET, check_node, check_opsets, check_text, check_types, sort_nodes
from fastconv.onnx.external_data import read_external
from fastconv.onnx.tensors import sparse_to_array, to_array
from fastconv.onnx.types import infer_types

Source = str | os.PathLike[str] | bytes | onnx.ModelProto


@dataclass
class Model:
    """A checked model. `constants` holds initializers and the values of Constant nodes, which `nodes` no longer has."""

    proto: onnx.ModelProto  # without weights
    nodes: list[onnx.NodeProto]  # in an order that runs
    constants: dict[str, np.ndarray]
    inputs: list[onnx.ValueInfoProto]  # without those that are initializers
    outputs: list[onnx.ValueInfoProto]
    opsets: dict[str, int]
    types: dict[str, onnx.TypeProto] = field(default_factory=dict)  # of every value whose type is known


def load(source: Source) -> Model:
    """Read and check a model.

    Parameters
    ----------
    source : str, path, bytes or onnx.ModelProto
        Only a model given by its path may keep weights in other files of its folder.

    Raises
    ------
    NoSuchFile, InvalidProtobuf, InvalidGraph, InvalidArgument
        See `fastconv._ort.errors`; all but the first are also ``ValueError``.
    """
    proto, folder, values = _parse_light(source)
    if not proto.HasField("graph"):
        raise InvalidArgument.of("No graph was found in the protobuf.")
    check_text(proto)
    opsets = check_opsets(proto)
    if proto.functions or opsets.get("", OLDEST_OPSET) < OLDEST_OPSET:  # onnx's tools want models whole
        (proto, folder), values = _parse(source), {}
    if opsets.get("", OLDEST_OPSET) < OLDEST_OPSET:
        proto = _modernized(proto)
        opsets = check_opsets(proto)
    if proto.functions:
        proto = onnx.inliner.inline_local_functions(proto)
    constants = _take_initializers(proto.graph, folder, values)
    # A message's memory lives as long as any part of it: what is kept moves to one that never held the weights.
    proto = onnx.ModelProto.FromString(proto.SerializeToString())
    graph = proto.graph
    nodes = []
    for node in graph.node:
        if node.op_type == "Constant" and node.domain in ("", "ai.onnx") and len(node.output) == 1:
            constants[node.output[0]] = _constant_value(node, folder)
        else:
            nodes.append(node)
    inputs = [value for value in graph.input if value.name not in constants]
    nodes = sort_nodes(nodes, [value.name for value in inputs], constants, [value.name for value in graph.output])
    del graph.node[:]
    graph.node.extend(nodes)
    model = Model(proto, list(graph.node), constants, inputs, list(graph.output), opsets)
    for node in model.nodes:
        check_node(node, opsets)
    model.types = infer_types(model)
    for node in model.nodes:
        check_types(node, opsets, model.types)
    return model


def _modernized(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model of an opset before NumPy's broadcasting in the oldest one that has translators."""
    try:
        return onnx.version_converter.convert_version(proto, OLDEST_OPSET)
    except Exception as error:  # the converter raises whatever its C++ throws
        raise InvalidGraph.of(f"model: opset must convert to {OLDEST_OPSET}: {error}") from error


def self_contained(source: Source) -> bytes:
    """Return a model as bytes, its external data taken in: what a pickled session carries."""
    proto, folder = _parse(source)
    for tensor in _tensors(proto.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            tensor.raw_data = read_external(tensor, folder)
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")
    return proto.SerializeToString()


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Every tensor that `load` may read from another file."""
    yield from graph.initializer
    for node in graph.node:
        if node.op_type == "Constant":
            yield from (attribute.t for attribute in node.attribute if attribute.type == onnx.AttributeProto.TENSOR)


def _parse(source: Source) -> tuple[onnx.ModelProto, Path | None]:
    """Return the model (a copy that may be changed) and its folder, None where it came without one."""
    proto = onnx.ModelProto()
    if isinstance(source, onnx.ModelProto):
        proto.CopyFrom(source)
        return proto, None
    with _open(source) as file:
        _parse_into(proto, file.read())
    return proto, _folder(source)


def _parse_light(source: Source) -> tuple[onnx.ModelProto, Path | None, dict[int, memoryview]]:
    """Return the same, but the values of large initializers, by position in their list, beside the model."""
    if isinstance(source, onnx.ModelProto):
        return *_parse(source), {}
    proto = onnx.ModelProto()
    with _open(source) as file:
        try:
            data, blobs = wire.lift(file, file.seek(0, os.SEEK_END))
        except wire.WireError:
            return *_parse(source), {}
        _parse_into(proto, data)
        return proto, _folder(source), {index: blob.read(file) for index, blob in blobs.items()}


def _parse_into(proto: onnx.ModelProto, data: bytes) -> None:
    try:
        proto.ParseFromString(data)
    except DecodeError as error:
        raise InvalidProtobuf.of("Failed to load model because protobuf parsing failed.") from error


def _folder(source: Source) -> Path | None:
    return Path(source).parent if isinstance(source, (str, os.PathLike)) else None


def _open(source: Source) -> BinaryIO:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return io.BytesIO(source)
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f"Unable to load from type '{type(source)}'")
    try:
        return open(source, "rb")
    except FileNotFoundError as error:
        raise NoSuchFile.of(
            f"Load model from {source} failed:Load model {source} failed. File doesn't exist"
        ) from error


def _take_initializers(
    graph: onnx.GraphProto, folder: Path | None, values: dict[int, memoryview]
) -> dict[str, np.ndarray]:
    """Move the initializers out of the graph into arrays; `values` holds the bytes of those that are not in it."""
    constants: dict[str, np.ndarray] = {}
    dense = [(tensor.name, tensor) for tensor in graph.initializer]
    sparse = [(tensor.values.name, tensor) for tensor in graph.sparse_initializer]
    for index, (name, tensor) in enumerate(dense + sparse):
        if not name or name in constants:
            raise InvalidGraph.of(f"initializer: names must be unique and not empty, got {name!r}")
        if isinstance(tensor, onnx.TensorProto):
            constants[name] = to_array(tensor, folder, values.get(index))
        else:
            constants[name] = sparse_to_array(tensor)
    del graph.initializer[:]
    del graph.sparse_initializer[:]
    return constants


def _constant_value(node: onnx.NodeProto, folder: Path | None) -> np.ndarray:
    """Return the value of a Constant node, whichever of its attributes holds it."""
    if len(node.attribute) != 1:
        raise InvalidGraph.of(f"Constant {node.output[0]!r}: needs one value attribute, got {len(node.attribute)}")
    attribute = node.attribute[0]
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return to_array(value, folder)
    if isinstance(value, onnx.SparseTensorProto):
        return sparse_to_array(value)
    kinds = {"value_int": np.int64, "value_ints": np.int64, "value_float": np.float32, "value_floats": np.float32}
    if attribute.name in kinds:
        return np.asarray(value, kinds[attribute.name])
    if attribute.name in ("value_string", "value_strings"):
        return np.asarray(value, object)
    raise InvalidGraph.of(f"Constant {node.output[0]!r}: needs a value attribute, got {attribute.name!r}")
