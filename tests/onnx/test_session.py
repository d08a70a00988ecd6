"""InferenceSession and fastconv.onnxruntime: ONNX Runtime's names, argument order and errors; pickling, threads."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

import fastconv
import fastconv.onnxruntime as ort
from fastconv.onnxruntime.capi import onnxruntime_pybind11_state as state

from .models import convolution, model, relu, tensor

X = np.random.default_rng(3).standard_normal((1, 3, 12, 20), np.float32)


@pytest.fixture
def session():
    return ort.InferenceSession(convolution().SerializeToString(), providers=["CPUExecutionProvider"])


# --- errors: the classes and messages are those that ONNX Runtime 1.32 gives ---------------------------------------


@pytest.mark.parametrize(
    ("feed", "error", "message"),
    [
        ({}, ValueError, r"Required inputs \(\['x'\]\) are missing from input feed \(\[\]\)\."),
        ({"z": X}, ValueError, r"Required inputs \(\['x'\]\) are missing from input feed \(\['z'\]\)\."),
        ({"x": X, "z": X}, state.InvalidArgument, "INVALID_ARGUMENT : Invalid input name: z"),
        ({"x": X[0]}, state.InvalidArgument, "Invalid rank for input: x Got: 3 Expected: 4 Please fix either"),
        (
            {"x": X.astype(np.float64)},
            state.InvalidArgument,
            r"Unexpected input data type. Actual: \(tensor\(double\)\) , expected: \(tensor\(float\)\)",
        ),
        ({"x": X[:, :2]}, state.InvalidArgument, "for the following indices\n index: 1 Got: 2 Expected: 3\n"),
        ({"x": None}, state.InvalidArgument, "None"),
        ({"x": [["a"]]}, state.InvalidArgument, "convert"),
    ],
)
def test_feeds_that_do_not_fit(session, feed, error, message):
    with pytest.raises(error, match=message):
        session.run(None, feed)
    with pytest.raises(ValueError):
        session.run(None, feed)


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.float16])
def test_other_types_of_the_right_shape(dtype):
    parts = [tensor("x", (2, 3))], [tensor("y", (2, 3))]
    session = ort.InferenceSession(model([helper.make_node("Relu", ["x"], ["y"])], *parts).SerializeToString())
    session.run(None, {"x": np.ones((2, 3), np.float32)})
    with pytest.raises(state.InvalidArgument, match=r"expected: \(tensor\(float\)\)"):
        session.run(None, {"x": np.ones((2, 3), dtype)})


def test_what_no_input_could_run_is_refused_when_the_session_is_made():
    parts = [tensor("x", (2, 3))], [tensor("y", None)], {"shape": np.array([4, -1])}
    whole = model([helper.make_node("Reshape", ["x", "shape"], ["y"], name="r")], *parts)
    with pytest.raises(state.InvalidGraph, match="INVALID_GRAPH : reshape 'r': "):
        ort.InferenceSession(whole.SerializeToString())


def test_unknown_output(session):
    with pytest.raises(state.InvalidArgument, match="Invalid output name:q"):
        session.run(["q"], {"x": X})


def test_same_errors_as_onnxruntime(session):
    real = pytest.importorskip("onnxruntime")
    theirs = real.InferenceSession(convolution().SerializeToString(), providers=["CPUExecutionProvider"])
    for names, feed in [
        (None, {}),
        (None, {"z": X}),
        (None, {"x": X, "z": X}),
        (None, {"x": X[0]}),
        (None, {"x": X.astype(np.float64)}),
        (None, {"x": X.astype(np.int8)}),
        (None, {"x": X[:, :2]}),
        (["q"], {"x": X}),
    ]:
        with pytest.raises(Exception) as wanted:
            theirs.run(names, feed)
        with pytest.raises(Exception) as got:
            session.run(names, feed)
        assert str(got.value).strip() == str(wanted.value).strip()
        assert type(got.value).__name__ == type(wanted.value).__name__


def test_options_refuse_what_onnxruntime_refuses():
    options = ort.SessionOptions()
    with pytest.raises(AttributeError, match="foo"):
        options.foo = 1
    for name, value in [("intra_op_num_threads", "a"), ("graph_optimization_level", 1), ("enable_profiling", 1)]:
        with pytest.raises(TypeError, match=name):
            setattr(options, name, value)
    with pytest.raises(TypeError):
        options.add_session_config_entry("key", 1)
    with pytest.raises(RuntimeError, match="does not have configuration with key: key"):
        options.get_session_config_entry("key")
    with pytest.raises(TypeError, match="sess_options"):
        ort.InferenceSession(relu(), sess_options={"intra_op_num_threads": 1})
    with pytest.warns(UserWarning, match="TensorrtExecutionProvider"):
        session = ort.InferenceSession(relu(), providers=["TensorrtExecutionProvider", ("CPUExecutionProvider", {})])
    assert session.get_providers() == ["CPUExecutionProvider"]


# --- results -------------------------------------------------------------------------------------------------------


def test_argument_order_and_kinds_of_values(session):
    (all_outputs,) = session.run(None, {"x": X}, ort.RunOptions())
    for names, value in [
        (["y"], X),
        ([], X),
        (["y"], X.tolist()),
        (["y"], ort.OrtValue.ortvalue_from_numpy(X)),
        (["y"], np.asfortranarray(X)),
        (["y"], np.broadcast_to(X, X.shape)),
    ]:
        np.testing.assert_array_equal(session.run(names, {"x": value})[0], all_outputs)
    assert len(session.run(["y", "y"], {"x": X})) == 2


def test_inputs_are_neither_written_nor_shared():
    nodes = [helper.make_node("Identity", ["x"], ["y"]), helper.make_node("Relu", ["x"], ["z"])]
    whole = model(
        nodes,
        [tensor("x", (2,))],
        [tensor("y", (2,)), tensor("x", (2,)), tensor("z", (2,)), tensor("c", (1,))],
        {"c": np.array([5], np.float32)},
    )
    session = ort.InferenceSession(whole)
    x = np.array([-1, 2], np.float32)
    for _ in range(2):
        results = session.run(None, {"x": x})
        for result, wanted in zip(results, ([-1, 2], [-1, 2], [0, 2], [5])):
            np.testing.assert_array_equal(result, np.array(wanted, np.float32))
            result += 1  # must change neither the caller's array nor the session's constants
    np.testing.assert_array_equal(x, [-1, 2])


def test_new_shapes_are_planned_again(session):
    random = np.random.default_rng(0)
    for height, width in [(8, 8), (9, 5), (8, 8), (1, 1), (30, 17), *((n, 2 * n) for n in range(3, 25)), (8, 8)]:
        x = random.standard_normal((2, 3, height, width), np.float32)
        (y,) = session.run(None, {"x": x})
        fresh = ort.InferenceSession(convolution().SerializeToString()).run(None, {"x": x})[0]
        np.testing.assert_array_equal(y, fresh)
        assert y.shape == (2, 4, height, width)


def test_batch_of_none(session):
    assert session.run(None, {"x": X[:0]})[0].shape == (0, 4, 12, 20)


def test_precision_entry():
    options = ort.SessionOptions()
    options.add_session_config_entry("fastconv.precision", "exact")
    with pytest.raises(ValueError, match="'exact'"):
        ort.InferenceSession(convolution(), options)


def test_free_dimensions():
    options = ort.SessionOptions()
    options.add_free_dimension_override_by_name("height", 12)
    session = ort.InferenceSession(relu(), options)
    session.run(None, {"x": X})
    with pytest.raises(state.InvalidArgument, match="shape must be"):
        session.run(None, {"x": X[:, :, :5]})


# --- what a session says of itself ---------------------------------------------------------------------------------


def test_description():
    whole = relu()
    whole.producer_name, whole.doc_string = "someone", "words"
    whole.metadata_props.add(key="character", value="a\nb")
    session = ort.InferenceSession(whole.SerializeToString())
    (x,), (y,) = session.get_inputs(), session.get_outputs()
    assert (x.name, x.shape, x.type) == ("x", [1, 3, "height", None], "tensor(float)")
    assert str(y) == "NodeArg(name='y', type='tensor(float)', shape=[1, 3, 'height', None])"
    meta = session.get_modelmeta()
    assert meta.custom_metadata_map == {"character": "a\nb"}
    assert (meta.producer_name, meta.description, meta.graph_name) == ("someone", "words", "test")
    assert session.get_overridable_initializers() == []
    assert session.get_provider_options() == {"CPUExecutionProvider": {}}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("FLOAT", "float"),
        ("DOUBLE", "double"),
        ("FLOAT16", "float16"),
        ("INT64", "int64"),
        ("UINT8", "uint8"),
        ("BOOL", "bool"),
        ("STRING", "string"),
        ("BFLOAT16", "bfloat16"),
    ],
)
def test_type_names(kind, name):
    value = tensor("x", (1,), TensorProto.DataType.Value(kind))
    session = ort.InferenceSession(
        model(
            [helper.make_node("Identity", ["x"], ["y"])], [value], [tensor("y", (1,), value.type.tensor_type.elem_type)]
        )
    )
    assert session.get_inputs()[0].type == f"tensor({name})"


def test_module_has_what_programs_ask_for():
    assert ort.get_available_providers() == ["CPUExecutionProvider"]
    assert ort.get_device() == "CPU"
    assert ort.GraphOptimizationLevel.ORT_ENABLE_ALL == 99
    assert ort.get_version_string() == ort.__version__
    assert "fastconv" in ort.get_build_info()
    ort.set_default_logger_severity(3)
    ort.set_default_logger_severity(2)
    real = pytest.importorskip("onnxruntime")
    theirs = real.SessionOptions()
    ours = ort.SessionOptions()
    for name in ours._defaults:
        assert repr(getattr(ours, name)) == repr(getattr(theirs, name)), name


def test_stand_in_for_onnxruntime():
    code = """
import fastconv.onnxruntime
fastconv.onnxruntime.stand_in()
import onnxruntime
from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions, get_available_providers, get_device
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument, NoSuchFile
import fastconv, fastconv._ort.errors
assert InferenceSession is fastconv.InferenceSession
assert InvalidArgument is fastconv._ort.errors.InvalidArgument
assert onnxruntime.capi is not None
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_fastconv_does_not_import_onnx():
    code = "import sys, fastconv, fastconv.onnxruntime; sys.exit('onnx' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_first_run_of_known_extents_makes_no_plan(capfd, monkeypatch):
    monkeypatch.setenv("FASTCONV_VERBOSE", "1")
    options = ort.SessionOptions()
    options.intra_op_num_threads = 3  # a plan is for a number of threads
    fixed = convolution()
    for name, extent in (("n", 1), ("h", 12), ("w", 20)):
        for dim in fixed.graph.input[0].type.tensor_type.shape.dim:
            if dim.dim_param == name:
                dim.dim_value = extent
    free = ort.InferenceSession(convolution().SerializeToString(), options)
    assert "fastconv: plan" not in capfd.readouterr().err
    (wanted,) = free.run(None, {"x": X})
    assert capfd.readouterr().err.count("fastconv: plan") == 1
    session = ort.InferenceSession(fixed.SerializeToString(), options)
    assert capfd.readouterr().err.count("fastconv: plan") == 1
    np.testing.assert_array_equal(session.run(None, {"x": X})[0], wanted)
    assert "fastconv: plan" not in capfd.readouterr().err


# --- OrtValue and IOBinding ----------------------------------------------------------------------------------------


def test_values_and_binding(session):
    value = ort.OrtValue.ortvalue_from_numpy(X)
    assert (value.shape(), value.data_type(), value.device_name()) == ([1, 3, 12, 20], "tensor(float)", "cpu")
    assert value.is_tensor() and value.has_value() and value.element_type() == TensorProto.FLOAT
    (wanted,) = session.run(None, {"x": X})
    (got,) = session.run_with_ort_values(["y"], {"x": value})
    np.testing.assert_array_equal(got.numpy(), wanted)
    binding = session.io_binding()
    binding.bind_cpu_input("x", X)
    binding.bind_output("y")
    session.run_with_iobinding(binding)
    np.testing.assert_array_equal(binding.copy_outputs_to_cpu()[0], wanted)
    target = ort.OrtValue.ortvalue_from_shape_and_type(wanted.shape, np.float32)
    binding.clear_binding_outputs()
    binding.bind_ortvalue_output("y", target)
    session.run_with_iobinding(binding)
    np.testing.assert_array_equal(target.numpy(), wanted)


# --- pickling, threads, profiles -----------------------------------------------------------------------------------


def test_pickle(session):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    first = ort.InferenceSession(convolution(), options)
    copy = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(copy.run(None, {"x": X})[0], session.run(None, {"x": X})[0])
    assert copy.get_session_options().intra_op_num_threads == 1
    assert copy.get_session_options().graph_optimization_level == ort.GraphOptimizationLevel.ORT_ENABLE_BASIC


def test_pickle_from_a_path(tmp_path, session):
    path = tmp_path / "m.onnx"
    path.write_bytes(convolution().SerializeToString())
    data = pickle.dumps(ort.InferenceSession(str(path)))
    path.unlink()
    np.testing.assert_array_equal(pickle.loads(data).run(None, {"x": X})[0], session.run(None, {"x": X})[0])


def test_eight_threads_share_a_session(session):
    random = np.random.default_rng(1)
    inputs = [random.standard_normal((1, 3, 8 + i % 5, 9 + i % 3), np.float32) for i in range(16)]
    wanted = [session.run(None, {"x": x})[0] for x in inputs]
    failures = []

    def work(start):
        for i in range(40):
            k = (start + i) % len(inputs)
            if not np.array_equal(session.run(None, {"x": inputs[k]})[0], wanted[k]):
                failures.append(k)

    threads = [threading.Thread(target=work, args=(2 * i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_own_thread_count_gives_the_same_and_is_left_behind(session):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    before = fastconv.get_num_threads()
    one = ort.InferenceSession(convolution(), options).run(None, {"x": X})[0]
    np.testing.assert_array_equal(one, session.run(None, {"x": X})[0])
    assert fastconv.get_num_threads() == before


def test_terminate(session):
    options = ort.RunOptions()
    options.terminate = True
    with pytest.raises(state.Fail, match="terminate"):
        session.run(None, {"x": X}, options)


def test_chrome_trace(tmp_path):
    options = ort.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "trace")
    session = ort.InferenceSession(convolution(), options)
    session.run(None, {"x": X})
    path = session.end_profiling()
    events = json.loads(Path(path).read_text())
    assert {event["cat"] for event in events} == {"Session", "Node"}
    assert all({"cat", "pid", "tid", "dur", "ts", "ph", "name", "args"} <= event.keys() for event in events)
    assert any(event["args"].get("op_name") == "conv" for event in events)
    assert session.end_profiling() == ""


def test_profile_rows(session):
    rows = session.profile({"x": X}, runs=2)
    assert any(row["op"] == "conv" and row["ms"] > 0 and row["flops"] > 0 for row in rows)


def test_a_mean_over_pixels_reads_them_where_they_lie():
    """Between a convolution and a matrix product no conversion to plain layout is left, whether the axes stay or go."""
    random = np.random.default_rng(0)
    constants = {"w": random.standard_normal((8, 3, 3, 3), np.float32), "v": random.standard_normal((8, 5), np.float32)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("ReduceMean", ["a"], ["b"], axes=[2, 3], keepdims=0),
        helper.make_node("Gemm", ["b", "v"], ["y"]),
    ]
    session = ort.InferenceSession(model(nodes, [tensor("x", (1, 3, 12, 20))], [tensor("y", (1, 5))], constants))
    rows = session.profile({"x": X}, runs=1)
    assert [row["shape"] for row in rows if row["op"] == "reformat"] in ([], [[1, 3, 12, 20]])


def test_weights_stay_with_the_networks_alone():
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    outputs = [tensor("y", None), tensor("w", None)]
    weight = np.ones((30, 2000), np.float32)
    session = ort.InferenceSession(model(nodes, [tensor("x", (1, 30))], outputs[:1], {"w": weight}))
    assert not session._runner.plan.constants
    np.testing.assert_array_equal(session.run(None, {"x": np.ones((1, 30), np.float32)})[0], np.full((1, 2000), 30))
    session = ort.InferenceSession(model(nodes, [tensor("x", (1, 30))], outputs, {"w": weight}))
    np.testing.assert_array_equal(session.run(["w"], {"x": np.ones((1, 30), np.float32)})[0], weight)
