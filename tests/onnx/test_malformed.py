"""Files that break ONNX's rules: each a Python exception that names the value or node at fault, never a crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from fastconv import InferenceSession
from fastconv.onnxruntime.capi import onnxruntime_pybind11_state as ort

from .models import convolution, model, relu, tensor

ROOT = Path(__file__).parents[2]
X, Y = tensor("x", (1, 3, 8, 8)), tensor("y", None)
node = helper.make_node


def weight(**changes):
    """A Conv weight tensor with some fields wrong."""
    good = dict(name="w", data_type=TensorProto.FLOAT, dims=[4, 3, 3, 3], raw_data=bytes(4 * 4 * 3 * 3 * 3))
    return TensorProto(**{**good, **changes})


def with_weight(**changes):
    return model([node("Conv", ["x", "w"], ["y"])], [X], [Y], {"w": weight(**changes)})


def without_opset():
    broken = relu()
    del broken.opset_import[:]
    return broken


def with_opset(version):
    broken = relu()
    broken.opset_import[0].version = version
    return broken


CYCLE = [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["b"], ["y"])]
SELF_CYCLE = [node("Add", ["x", "y"], ["y"])]

CASES = {
    "cycle": (model(CYCLE, [X], [Y]), ort.InvalidGraph, "cycle"),
    "self cycle": (model(SELF_CYCLE, [X], [Y]), ort.InvalidGraph, "cycle"),
    "missing tensor": (model([node("Conv", ["x", "w"], ["y"])], [X], [Y]), ort.InvalidArgument, "'w'"),
    "missing input": (model([node("Relu", ["q"], ["y"])], [X], [Y]), ort.InvalidArgument, "'q'"),
    "missing output": (model([node("Relu", ["x"], ["z"])], [X], [Y]), ort.InvalidGraph, "'y'"),
    "value made twice": (
        model([node("Relu", ["x"], ["y"]), node("Neg", ["x"], ["y"])], [X], [Y]),
        ort.InvalidGraph,
        "'y' twice",
    ),
    "input made again": (model([node("Relu", ["x"], ["x"])], [X], [X]), ort.InvalidGraph, "'x' twice"),
    "negative dims": (with_weight(dims=[4, 3, -3, 3]), ort.InvalidGraph, "dims must be >= 0"),
    "huge dims": (with_weight(dims=[2**40, 2**40]), ort.InvalidGraph, "fits memory"),
    "short data": (with_weight(raw_data=bytes(10)), ort.InvalidGraph, "needs 432 bytes, got 10"),
    "long data": (with_weight(raw_data=bytes(433)), ort.InvalidGraph, "got 433"),
    "no data": (with_weight(raw_data=b""), ort.InvalidGraph, "got 0"),
    "unknown data type": (with_weight(data_type=99), ort.InvalidGraph, "data type"),
    "undefined data type": (with_weight(data_type=0), ort.InvalidGraph, "data type"),
    "nameless initializer": (with_weight(name=""), ort.InvalidGraph, "names must be unique and not empty"),
    "wrong weight type": (
        with_weight(data_type=TensorProto.INT64, raw_data=bytes(8 * 108)),
        ort.InvalidGraph,
        "Type Error",
    ),
    "types that differ": (
        model([node("Add", ["x", "i"], ["y"])], [X, tensor("i", (1,), TensorProto.INT64)], [Y]),
        ort.InvalidGraph,
        "bound to different types",
    ),
    "string for a number": (
        model([node("Relu", ["s"], ["y"])], [tensor("s", (1,), TensorProto.STRING)], [Y]),
        ort.InvalidGraph,
        "Type Error",
    ),
    "unknown operator": (model([node("Reluu", ["x"], ["y"])], [X], [Y]), ort.InvalidGraph, "No Op registered"),
    "unknown domain": (
        model([node("Relu", ["x"], ["y"], domain="com.example")], [X], [Y]),
        ort.InvalidGraph,
        "No Op registered",
    ),
    "operator of a newer opset": (model([node("Mish", ["x"], ["y"])], [X], [Y], opset=13), ort.InvalidGraph, "Mish"),
    "unknown attribute": (model([node("Relu", ["x"], ["y"], slope=1)], [X], [Y]), ort.InvalidGraph, "attribute: slope"),
    "attribute of a wrong type": (
        model([node("Softmax", ["x"], ["y"], axis=1.5)], [X], [Y]),
        ort.InvalidGraph,
        "axis must be of type INT, got FLOAT",
    ),
    "missing attribute": (model([node("Concat", ["x", "x"], ["y"])], [X], [Y]), ort.InvalidGraph, "axis is required"),
    "too many inputs": (model([node("Relu", ["x", "x"], ["y"])], [X], [Y]), ort.InvalidGraph, "1 to 1 inputs"),
    "too few inputs": (model([node("Conv", ["x"], ["y"])], [X], [Y]), ort.InvalidGraph, "2 to 3 inputs"),
    "absent input that is required": (
        model([node("Conv", ["x", ""], ["y"])], [X], [Y]),
        ort.InvalidGraph,
        "input 1 (W) is required",
    ),
    "kernel_shape against the weights": (
        model([node("Conv", ["x", "w"], ["y"], kernel_shape=[5, 5])], [X], [Y], {"w": weight()}),
        ort.InvalidGraph,
        "kernel_shape",
    ),
    "odd number of pads": (
        model([node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1])], [X], [Y], {"w": weight()}),
        ort.InvalidGraph,
        "pads",
    ),
    "unknown auto_pad": (
        model([node("Conv", ["x", "w"], ["y"], auto_pad="SAME")], [X], [Y], {"w": weight()}),
        ort.InvalidGraph,
        "auto_pad",
    ),
    "empty Constant": (model([node("Constant", [], ["y"])], [], [Y]), ort.InvalidGraph, "one value attribute"),
    "no opset": (without_opset(), ort.Fail, "opset_import"),
    "opset of the future": (with_opset(10_000), ort.Fail, "got 10000"),
    "opset 0": (with_opset(0), ort.Fail, "got 0"),
}


@pytest.mark.parametrize("name", CASES)
def test_broken_rule(name):
    broken, error, text = CASES[name]
    with pytest.raises(error, match=text.replace("(", r"\(").replace(")", r"\)")):
        InferenceSession(broken.SerializeToString())


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"strides": [0, 1]}, "stride"),
        ({"strides": [-1, 1]}, "stride"),
        ({"dilations": [0, 1]}, "dilation"),
        ({"dilations": [2**62, 1]}, "dilation must be <= "),
        ({"group": 2}, "group"),
        ({"group": 0}, "group"),
        ({"pads": [2**62] * 4}, "padding must be <= "),
        ({"strides": [1]}, "strides must have 2 values, got 1"),
    ],
)
def test_convolution_that_cannot_be(attributes, text):
    broken = model([node("Conv", ["x", "w"], ["y"], **attributes)], [X], [Y], {"w": weight()})
    with pytest.raises(ValueError, match=text):
        InferenceSession(broken.SerializeToString()).run(None, {"x": np.zeros((1, 3, 8, 8), np.float32)})


def test_every_truncation_is_an_error():
    whole = convolution().SerializeToString()
    for length in range(0, len(whole) - 1, 7):
        try:
            session = InferenceSession(whole[:length])
        except (ValueError, RuntimeError):
            continue
        # Cut between two fields after the graph, a file may still be a model; then it must be the same one.
        assert [arg.name for arg in session.get_inputs()] == ["x"]


def many_operators():
    """A small model whose every operator reads lists from the file: bytes to break."""
    nodes = [
        node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1], strides=[2, 1], group=1),
        node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2], pads=[0, 0, 1, 1]),
        node("ConvTranspose", ["b", "v"], ["c"], strides=[2, 2], output_padding=[1, 0]),
        node("Resize", ["c", "", "scales"], ["d"], mode="linear"),
        node("Slice", ["d", "starts", "ends", "axes"], ["e"]),
        node("Pad", ["e", "pads"], ["f"], mode="reflect"),
        node("Gather", ["f", "indices"], ["g"], axis=1),
        node("Reshape", ["g", "shape"], ["h"]),
        node("Split", ["h", "sizes"], ["i", "j"], axis=2),
        node("Concat", ["i", "j"], ["k"], axis=-1),
        node("TopK", ["k", "count"], ["l", "m"], axis=2),
        node("Expand", ["l", "target"], ["y"]),
    ]
    constants = {
        "w": np.ones((4, 3, 3, 3), np.float32),
        "v": np.ones((4, 2, 2, 2), np.float32),
        "scales": np.array([1, 1, 2, 1.5], np.float32),
        **{
            name: np.array(value, np.int64)
            for name, value in {
                "starts": [0, 1],
                "ends": [9, -1],
                "axes": [2, 3],
                "pads": [0, 0, 1, 1, 0, 0, 1, 0],
                "indices": [0, 1, -1],
                "shape": [1, 3, -1],
                "sizes": [10, 243],
                "count": [2],
                "target": [2, 3, 2],
            }.items()
        },
    }
    return model(nodes, [X], [Y], constants)


@pytest.mark.parametrize("whole", [convolution(), many_operators()], ids=["convolution", "many operators"])
def test_flipped_bits_are_survived(whole):
    """Each an exception or a result, and the process lives."""
    command = [sys.executable, "-m", "tests.onnx.fuzz_worker", "300", "x", *"1388"]
    done = subprocess.run(command, input=whole.SerializeToString(), cwd=ROOT, capture_output=True)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0, f"attempt {lines[-1:]}: {done.stderr.decode()[-2000:]}"
    errors, results = (int(word) for word in lines[-1].split() if word.isdigit())
    assert errors > 30 and results > 30


def test_no_model_at_all(tmp_path):
    with pytest.raises(ort.InvalidArgument, match="No graph"):
        InferenceSession(b"")
    with pytest.raises(ort.InvalidProtobuf):
        InferenceSession(b"this is no model")
    with pytest.raises(ort.NoSuchFile, match=r"missing\.onnx"):
        InferenceSession(str(tmp_path / "missing.onnx"))
    with pytest.raises(FileNotFoundError):
        InferenceSession(tmp_path / "missing.onnx")
    with pytest.raises(TypeError, match="NoneType"):
        InferenceSession(None)
    with pytest.raises(OSError, match="directory"):
        InferenceSession(tmp_path)


def test_nodes_in_any_order():
    shuffled = model([node("Relu", ["a"], ["y"]), node("Neg", ["x"], ["a"])], [X], [Y])
    x = np.random.default_rng(0).standard_normal((1, 3, 8, 8)).astype(np.float32)
    np.testing.assert_array_equal(InferenceSession(shuffled).run(None, {"x": x})[0], np.maximum(-x, 0))


def test_negative_extents_of_an_input_are_free():
    free = relu((-1, 3, -1, -1))
    assert InferenceSession(free).get_inputs()[0].shape == [None, 3, None, None]


def test_functions_are_inlined():
    body = helper.make_function(
        "local", "twice", ["a"], ["b"], [node("Add", ["a", "a"], ["b"])], [helper.make_opsetid("", 17)]
    )
    whole = model([node("twice", ["x"], ["y"], domain="local")], [X], [Y])
    whole.functions.append(body)
    whole.opset_import.append(helper.make_opsetid("local", 1))
    x = np.ones((1, 3, 8, 8), np.float32)
    session = InferenceSession(whole)
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], x + x)
    assert session.fallbacks == {}


def test_sparse_initializer():
    values = onnx.numpy_helper.from_array(np.array([5, 7], np.float32), "s")
    indices = onnx.numpy_helper.from_array(np.array([[0, 1], [2, 0]], np.int64), "i")
    sparse = helper.make_sparse_tensor(values, indices, [3, 2])
    whole = model([node("Add", ["x", "s"], ["y"])], [tensor("x", (3, 2))], [Y])
    whole.graph.sparse_initializer.append(sparse)
    result = InferenceSession(whole).run(None, {"x": np.zeros((3, 2), np.float32)})[0]
    np.testing.assert_array_equal(result, [[0, 5], [0, 0], [7, 0]])
    sparse.indices.CopyFrom(onnx.numpy_helper.from_array(np.array([[0, 1], [3, 0]], np.int64), "i"))
    del whole.graph.sparse_initializer[:]
    whole.graph.sparse_initializer.append(sparse)
    with pytest.raises(ort.InvalidGraph, match="inside shape"):
        InferenceSession(whole)


def test_slice_of_an_extent_that_is_negative():
    """Extents of -1, which some exporters write, ended the process in onnx's shape inference."""
    nodes = [node("Slice", ["x", "starts", "ends"], ["y"])]
    constants = {"starts": np.array([1]), "ends": np.array([3])}
    session = InferenceSession(model(nodes, [tensor("x", (-3,))], [tensor("y", (-2,))], constants))
    np.testing.assert_array_equal(session.run(None, {"x": np.arange(5, dtype=np.float32)})[0], [1, 2])
