"""Models in sessions: their results against LiteRT's, and what else a session and `fc.compile` do with them."""

import importlib.util
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastconv as fc
import fastconv.tflite
from fastconv.tflite.registry import translated_operators
from tests.tflite.stored import compare, feeds, load

ROOT = Path(__file__).parents[2]
MODELS = load()
FLOAT = [name for name in MODELS if not name.startswith("quantised")]
KERAS, _ = MODELS["keras"]


@pytest.mark.parametrize("name", FLOAT)
def test_stored_results(name):
    model, expected = MODELS[name]
    compare(name, model, feeds(model), expected)


def test_every_translator_has_a_model():
    used = {operator.name for name in FLOAT for operator in fastconv.tflite.load(MODELS[name][0]).operators}
    assert used == set(translated_operators())


@pytest.mark.skipif(importlib.util.find_spec("ai_edge_litert") is None, reason="ai-edge-litert is not installed")
def test_live():
    command = [sys.executable, "-m", "tests.tflite.make_models", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_layers_take_in_what_follows_them():
    """Bias, activation and residual: the axes' two orders do not stand in between."""
    session = fc.InferenceSession(KERAS)
    rows = session.profile(named(session, KERAS), runs=1)
    ops = [row["op"] for row in rows]
    assert ops.count("conv") == 3
    assert [row["epilogue"] for row in rows if row["op"] == "conv"] == ["clamp", "relu", "add"]
    assert not {"relu", "clip", "add", "transpose", "pad"} & set(ops)


def test_zero_pads_go_into_the_convolution():
    model, _ = MODELS["conv_pads"]
    session = fc.InferenceSession(model)
    assert [row["op"] for row in session.profile(named(session, model), runs=1)] == ["conv"]


def test_dilation_by_blocks_is_one_convolution():
    """Pads included, but where they cut cells, which a convolution has no argument for."""
    model, _ = MODELS["dilated_by_blocks"]
    session = fc.InferenceSession(model)
    rows = session.profile(named(session, model), runs=1)
    assert [row["op"] for row in rows] == ["conv", "pad", "conv", "conv", "pad", "conv"]
    assert [row["epilogue"] for row in rows if row["op"] == "conv"] == ["relu", "relu", "", ""]
    model, _ = MODELS["keras_dilated"]  # whose pads are computed
    session = fc.InferenceSession(model)
    assert [row["op"] for row in session.profile(named(session, model), runs=1)] == ["pad", "conv"] * 3


# --- sessions -----------------------------------------------------------------------------------------------------


def named(session, model):
    return dict(zip([arg.name for arg in session.get_inputs()], feeds(model)))


def test_description():
    session = fc.InferenceSession(MODELS["keras_free_batch"][0])
    (x,), (image, scores) = session.get_inputs(), session.get_outputs()
    assert (x.shape, x.type) == ([None, 17, 15, 3], "tensor(float)")
    assert (image.shape, scores.shape) == ([None, 16, 16, 4], [None, 10])
    assert session.fallbacks == {}
    assert session.get_modelmeta().description == "MLIR Converted."


def test_outputs_by_name():
    session = fc.InferenceSession(KERAS)
    feed = named(session, KERAS)
    image, scores = (arg.name for arg in session.get_outputs())
    both = session.run(None, feed)
    for name, expected in ((image, both[0]), (scores, both[1])):
        (got,) = session.run([name], feed)
        np.testing.assert_array_equal(got, expected)


def test_path_and_bytes(tmp_path):
    expected = fc.InferenceSession(KERAS).run(None, named(fc.InferenceSession(KERAS), KERAS))
    for name in ("model.tflite", "model.bin"):
        (tmp_path / name).write_bytes(KERAS)
        session = fc.InferenceSession(tmp_path / name)
        for got, good in zip(session.run(None, named(session, KERAS)), expected, strict=True):
            np.testing.assert_array_equal(got, good)


def test_pickle(tmp_path):
    (tmp_path / "model.tflite").write_bytes(KERAS)
    session = fc.InferenceSession(tmp_path / "model.tflite")
    again = pickle.loads(pickle.dumps(session))
    feed = named(session, KERAS)
    for got, good in zip(again.run(None, feed), session.run(None, feed), strict=True):
        np.testing.assert_array_equal(got, good)


def test_trace(tmp_path):
    options = fc.SessionOptions()
    options.enable_profiling, options.profile_file_prefix = True, str(tmp_path / "trace")
    session = fc.InferenceSession(KERAS, options)
    session.run(None, named(session, KERAS))
    with open(session.end_profiling()) as file:
        events = json.load(file)
    assert {"conv", "conv_transpose", "resize"} <= {event["args"].get("op_name") for event in events}


def test_precision_of_the_session():
    options = fc.SessionOptions()
    options.add_session_config_entry("fastconv.precision", "lowest")
    with pytest.raises(ValueError, match="precision"):
        fc.InferenceSession(KERAS, options)


def test_wrong_inputs():
    session = fc.InferenceSession(KERAS)
    (name,) = named(session, KERAS)
    with pytest.raises(ValueError, match="Required inputs"):
        session.run(None, {})
    with pytest.raises(ValueError, match="Got invalid dimensions"):
        session.run(None, {name: np.zeros((1, 17, 16, 3), "f")})
    with pytest.raises(ValueError, match="Unexpected input data type"):
        session.run(None, {name: np.zeros((1, 17, 15, 3), "d")})


def test_compile(tmp_path):
    """A `Network`, which can be saved; a free batch may be fixed."""
    model, expected = MODELS["keras_free_batch"]
    network = fc.compile(model, (3, 17, 15, 3))
    network.save(tmp_path / "network.npz")
    for made in (network, fc.load(tmp_path / "network.npz")):
        for got, good in zip(made(*feeds(model)), expected, strict=True):
            np.testing.assert_allclose(got, good, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="compile: input"):
        fc.compile(model, (3, 17, 15, 4))


def test_commands(tmp_path):
    """`fastconv run` and `fastconv tune` take these files."""
    (tmp_path / "model.tflite").write_bytes(KERAS)
    np.save(tmp_path / "x.npy", feeds(KERAS)[0])
    for line in ("run model.tflite --input x.npy", "tune model.tflite --rounds 1"):
        command = [sys.executable, "-m", "fastconv", *line.split()]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert "measured 4 convolutions" in done.stdout


def test_without_the_tflite_package(tmp_path):
    """The error says what to install; ONNX models and all else do not need the package."""
    code = (
        "import sys; sys.modules['tflite'] = None\n"
        "import fastconv as fc\n"
        "try: fc.InferenceSession(b'....TFL3')\n"
        "except ImportError as error: assert 'pip install \"fastconv[tflite]\"' in str(error)\n"
        "else: raise AssertionError"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_guide_names_every_operator():
    guide = (ROOT / "docs" / "tensorflow.md").read_text()
    paragraph = guide[guide.index("An operator that fastconv does not have") :].split("\n\n")[0]
    assert set(re.findall(r"`([A-Z][A-Z0-9_]+)`", paragraph)) == set(translated_operators())
