"""What is not native runs through onnx's reference implementation: correct, logged once an operator, counted."""

from __future__ import annotations

import logging
import pickle
import re

import numpy as np
import pytest
from onnx import TensorProto, helper

import fastconv.onnxruntime as ort
from fastconv import InferenceSession
from fastconv.onnx import load, make_plan
from fastconv.onnx.partition import FallbackStep, NativeStep
from fastconv.onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as OrtNotImplemented

from .models import convolution, model, relu, tensor

node = helper.make_node
X = np.random.default_rng(5).standard_normal((2, 3, 4, 5)).astype(np.float32)


def kinds(whole):
    """The steps of a model: "native" or the operator of a fallback node."""
    return ["native" if isinstance(s, NativeStep) else s.node.op_type for s in make_plan(load(whole)).steps]


def test_all_native_is_one_segment():
    session = InferenceSession(convolution())
    assert session.fallbacks == {}
    assert kinds(convolution()) == ["native"]


def test_between_native_nodes(caplog):
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("Hardmax", ["a"], ["b"]),
        node("Hardmax", ["b"], ["c"]),
        node("Neg", ["c"], ["y"]),
    ]
    whole = model(nodes, [tensor("x", (None,) * 4)], [tensor("y", None)])
    with caplog.at_level(logging.WARNING, "fastconv"):
        session = InferenceSession(whole)
    assert [record.getMessage().split()[0] for record in caplog.records] == ["Hardmax"]
    assert session.fallbacks == {"Hardmax": 2}
    assert kinds(whole) == ["native", "Hardmax", "Hardmax", "native"]
    wanted = -(np.arange(5) == np.maximum(X, 0).argmax(-1)[..., None]).astype(np.float32)
    for _ in range(2):
        np.testing.assert_array_equal(session.run(None, {"x": X})[0], wanted)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(session)).run(None, {"x": X})[0], wanted)


def test_verbose(capfd, monkeypatch):
    """FASTCONV_VERBOSE=1: a line when the node is made, one for each of its runs, as native plans have."""
    whole = model([node("Hardmax", ["x"], ["y"])], [tensor("x", (2, 2))], [tensor("y", None)])
    for value, told in (("1", True), ("0", False), ("", False)):
        monkeypatch.setenv("FASTCONV_VERBOSE", value)
        session = InferenceSession(whole)
        monkeypatch.setenv("FASTCONV_VERBOSE", "0")  # it was read when the plan was made
        for _ in range(2):
            session.run(None, {"x": X[0, 0, :2, :2]})
        lines = capfd.readouterr().err.splitlines()
        wanted = [r"fastconv: plan for Hardmax 'y': onnx\.reference: .+"]
        wanted += [r"fastconv: run of Hardmax 'y': \d+\.\d{3} ms"] * 2
        assert len(lines) == (len(wanted) if told else 0), lines
        assert all(re.fullmatch(pattern, line) for pattern, line in zip(wanted, lines)), lines


def test_quiet_where_asked(caplog):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    with caplog.at_level(logging.DEBUG, "fastconv"):
        InferenceSession(model([node("Hardmax", ["x"], ["y"])], [tensor("x", (2, 2))], [tensor("y", None)]), options)
    assert caplog.records == []


def test_a_branch_beside_it_stays_whole():
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("Hardmax", ["x"], ["h"]),
        node("Neg", ["a"], ["b"]),
        node("Add", ["b", "h"], ["y"]),
    ]
    assert kinds(model(nodes, [tensor("x", (2, 3))], [tensor("y", None)])) == ["Hardmax", "native"]


def test_what_nobody_reads_does_not_run():
    nodes = [node("Hardmax", ["x"], ["h"]), node("Relu", ["x"], ["y"])]
    assert kinds(model(nodes, [tensor("x", (2, 3))], [tensor("y", None)])) == ["native"]


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.uint8, np.int16, np.uint64])
def test_data_types_outside_the_native_list(dtype):
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [node("Add", ["x", "x"], ["a"]), node("Mul", ["a", "x"], ["y"])]
    whole = model(nodes, [tensor("x", (2, 3), kind)], [tensor("y", (2, 3), kind)])
    x = np.arange(6).astype(dtype).reshape(2, 3)
    session = InferenceSession(whole)
    (y,) = session.run(None, {"x": x})
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, (x + x) * x)
    assert session.fallbacks == {"Add": 1, "Mul": 1}


def test_strings():
    strings = tensor("s", (3,), TensorProto.STRING)
    whole = model(
        [node("StringConcat", ["s", "s"], ["y"])], [strings], [tensor("y", (3,), TensorProto.STRING)], opset=20
    )
    (y,) = InferenceSession(whole).run(None, {"s": np.array(["a", "b", "c"], object)})
    assert y.tolist() == ["aa", "bb", "cc"]


def test_constants_are_folded_whatever_runs_them():
    half = np.array([[1, 2, 3]], np.float16)
    nodes = [node("Cast", ["w"], ["v"], to=TensorProto.FLOAT), node("Mul", ["x", "v"], ["y"])]
    whole = model(nodes, [tensor("x", (2, 3))], [tensor("y", None)], {"w": half})
    session = InferenceSession(whole)
    assert session.fallbacks == {}
    x = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], x * half)


def branches():
    """if any element is above 0: x + outer, else x - outer; `outer` comes from outside the branches."""
    then = helper.make_graph([node("Add", ["x", "outer"], ["t"])], "then", [], [tensor("t", None)])
    other = helper.make_graph([node("Sub", ["x", "outer"], ["e"])], "else", [], [tensor("e", None)])
    nodes = [
        node("Relu", ["x"], ["outer"]),
        node("ReduceMax", ["x"], ["m"], keepdims=0),
        node("Greater", ["m", "zero"], ["c"]),
        node("If", ["c"], ["i"], then_branch=then, else_branch=other),
        node("Neg", ["i"], ["y"]),
    ]
    return model(nodes, [tensor("x", (None, 3))], [tensor("y", None)], {"zero": np.float32(0)})


def test_if_with_values_from_outside():
    session = InferenceSession(branches())
    assert session.fallbacks == {"If": 1}
    for x in (np.array([[1, -2, 3]], np.float32), np.array([[-1, -2, -3]], np.float32)):
        wanted = -(x + np.maximum(x, 0)) if (x > 0).any() else -x
        np.testing.assert_array_equal(session.run(None, {"x": x})[0], wanted)


def test_loop():
    body = helper.make_graph(
        [node("Identity", ["c"], ["c2"]), node("Add", ["s", "x"], ["s2"])],
        "body",
        [tensor("i", (), TensorProto.INT64), tensor("c", (), TensorProto.BOOL), tensor("s", (2,))],
        [tensor("c2", (), TensorProto.BOOL), tensor("s2", (2,))],
    )
    nodes = [node("Loop", ["n", "", "x"], ["l"], body=body), node("Neg", ["l"], ["y"])]
    whole = model(nodes, [tensor("x", (2,))], [tensor("y", None)], {"n": np.int64(3)})
    x = np.array([1, 2], np.float32)
    np.testing.assert_array_equal(InferenceSession(whole).run(None, {"x": x})[0], -4 * x)


def test_shapes_from_data_begin_a_segment():
    nodes = [
        node("NonZero", ["x"], ["z"]),  # not native
        node("Shape", ["z"], ["s"]),
        node("ConstantOfShape", ["s"], ["o"]),
        node("ReduceMax", ["i"], ["p"], keepdims=0),
        node("Unsqueeze", ["p", "zero"], ["m"]),
        node("Mul", ["m", "two"], ["k"]),
        node("Expand", ["o3", "k"], ["y"]),  # its shape is computed from the big input's data
    ]
    whole = model(
        nodes,
        [tensor("x", (None, None)), tensor("i", (None, None), TensorProto.INT64)],
        [tensor("y", None), tensor("o", None)],
        {"two": np.array([2], np.int64), "o3": np.ones(1, np.float32), "zero": np.array([0])},
    )
    session = InferenceSession(whole)
    for peak in (3, 5):
        x = np.eye(peak, dtype=np.float32)
        i = np.zeros((40, 40), np.int64)
        i[3, 3] = peak
        y, o = session.run(None, {"x": x, "i": i})
        assert y.shape == (1, 2 * peak) or y.shape == (2 * peak,)
        assert o.shape == (2, peak)


def test_shape_argument_from_a_float_picture():
    nodes = [
        node("ReduceMax", ["x"], ["m"], keepdims=0),
        node("Cast", ["m"], ["c"], to=TensorProto.INT64),
        node("Unsqueeze", ["c", "zero"], ["k"]),
        node("Expand", ["one", "k"], ["y"]),
    ]
    whole = model(
        nodes, [tensor("x", (None, None))], [tensor("y", None)], {"one": np.ones(1, np.float32), "zero": np.array([0])}
    )
    assert kinds(whole) == ["native", "native"]
    session = InferenceSession(whole)
    assert session.fallbacks == {}
    for peak in (7, 9):
        x = np.zeros((64, 64), np.float32)
        x[5, 5] = peak
        assert session.run(None, {"x": x})[0].shape == (peak,)


def test_inputs_of_unknown_rank():
    whole = relu(None)
    session = InferenceSession(whole)
    for shape in [(3,), (2, 3), (), (1, 2, 3, 4), (2, 3)]:
        x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        np.testing.assert_array_equal(session.run(None, {"x": x})[0], np.maximum(x, 0))


def test_global_pool_of_unknown_rank():
    whole = model([node("GlobalAveragePool", ["x"], ["y"])], [tensor("x", None)], [tensor("y", None)])
    session = InferenceSession(whole)
    assert session.fallbacks == {}
    for shape in [(2, 3, 4), (2, 3, 4, 5), (1, 2, 3, 4, 5)]:
        x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        wanted = x.mean(axis=tuple(range(2, len(shape))), keepdims=True)
        np.testing.assert_allclose(session.run(None, {"x": x})[0], wanted, rtol=1e-5, atol=1e-6)


def test_no_implementation_anywhere(monkeypatch):
    def refuse(*_):
        raise NotImplementedError("not there")

    monkeypatch.setattr("onnx.reference.ReferenceEvaluator", refuse)
    with pytest.raises(OrtNotImplemented, match="Hardmax 'y': no implementation"):
        InferenceSession(model([node("Hardmax", ["x"], ["y"])], [tensor("x", (2, 2))], [tensor("y", None)]))


def test_errors_of_a_fallback_name_the_node():
    whole = model([node("Det", ["x"], ["y"], name="d")], [tensor("x", None)], [tensor("y", None)])
    with pytest.raises(ValueError, match="Det 'd'"):
        InferenceSession(whole).run(None, {"x": np.zeros((2, 3), np.float32)})


def test_fallback_step_names_a_reason():
    whole = model(
        [node("BatchNormalization", ["x", "s", "s", "s", "s"], ["y"], training_mode=1)],
        [tensor("x", (2, 3))],
        [tensor("y", None)],
        {"s": np.ones(3, np.float32)},
    )
    (step,) = make_plan(load(whole)).steps
    assert isinstance(step, FallbackStep)
    assert "training" in step.reason
