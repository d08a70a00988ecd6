"""Reading a model without its large weights, and these from where they lie: the same model, in less memory."""

from __future__ import annotations

import contextlib
import io
import tracemalloc

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fastconv.onnx import load, wire

from .models import model, tensor


def many_weights():
    """Small and large weights, some of types without native arrays, between other fields."""
    rng = np.random.default_rng(0)
    arrays = {
        "a": rng.standard_normal((16, 3, 5, 5)).astype(np.float32),
        "small": np.arange(4, dtype=np.int64),
        "b": rng.standard_normal((64, 300)).astype(np.float32),
        "half": rng.standard_normal(3000).astype(np.float16),
        "c": rng.standard_normal((3000,)),
    }
    weights = {name: numpy_helper.from_array(array, name) for name, array in arrays.items()}
    weights["listed"] = TensorProto(name="listed", data_type=1, dims=[2000], float_data=np.arange(2000.0))
    return model([helper.make_node("Relu", ["x"], ["y"])], [tensor("x", (1, 3, 8, 8))], [tensor("y", None)], weights)


def lifted(proto):
    data = proto.SerializeToString()
    return wire.lift(io.BytesIO(data), len(data)), data


def test_large_weights_leave_the_model_and_nothing_else_does():
    proto = many_weights()
    (rest, blobs), data = lifted(proto)
    light = onnx.ModelProto.FromString(rest)
    names = [light.graph.initializer[index].name for index in blobs]
    assert names == ["a", "b", "half", "c"]
    for index, (offset, length) in blobs.items():
        assert not light.graph.initializer[index].HasField("raw_data")
        light.graph.initializer[index].raw_data = data[offset : offset + length]
    assert light == proto


@pytest.mark.parametrize("kind", ("path", "bytes"))
def test_the_same_weights_as_of_a_model_in_memory(kind, tmp_path):
    proto = many_weights()
    source = proto.SerializeToString()
    if kind == "path":
        source = tmp_path / "model.onnx"
        source.write_bytes(proto.SerializeToString())
    want, got = load(proto).constants, load(source).constants
    assert list(got) == list(want)
    for name, array in want.items():
        assert got[name].dtype == array.dtype
        np.testing.assert_array_equal(got[name], array)


def test_a_file_is_read_once(tmp_path):
    weights = {"w": numpy_helper.from_array(np.ones(10_000_000, np.float32), "w")}
    path = tmp_path / "model.onnx"
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    path.write_bytes(model(nodes, [tensor("x", (1, 3))], [tensor("y", None)], weights).SerializeToString())
    tracemalloc.start()
    try:
        load(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.2 * path.stat().st_size


def test_two_graphs_are_left_to_protobuf():
    """It merges them."""
    data = many_weights().SerializeToString()
    with pytest.raises(wire.WireError, match="graphs must be 1, got 2"):
        wire.lift(io.BytesIO(data + data), 2 * len(data))


def test_no_truncation_goes_unnoticed():
    data = many_weights().SerializeToString()
    whole = wire.lift(io.BytesIO(data), len(data))
    for size in (*range(60), *range(60, len(data), 997)):
        with contextlib.suppress(wire.WireError):
            assert wire.lift(io.BytesIO(data[:size]), size) != whole
