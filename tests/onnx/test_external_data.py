"""Weights beside the model: read from its folder, and from nowhere else."""

from __future__ import annotations

import os
import pickle

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from fastconv import InferenceSession
from fastconv.onnxruntime.capi.onnxruntime_pybind11_state import InvalidGraph

from .models import model, tensor

WEIGHTS = np.arange(6, dtype=np.float32).reshape(2, 3)


def write(folder, location, **entries):
    """Write a model whose weights are said to lie at `location`, and return its path."""
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=WEIGHTS.shape)
    weights.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        weights.external_data.add(key=key, value=str(value))
    nodes = [helper.make_node("Add", ["x", "w"], ["y"])]
    whole = model(nodes, [tensor("x", (2, 3))], [tensor("y", (2, 3))], {"w": weights})
    path = folder / "model.onnx"
    path.write_bytes(whole.SerializeToString())
    return path


def run(path):
    return InferenceSession(path).run(None, {"x": np.zeros((2, 3), np.float32)})[0]


@pytest.fixture
def folder(tmp_path):
    """The model's folder, with the weights in it and a secret beside it."""
    inside = tmp_path / "model"
    inside.mkdir()
    (inside / "weights.bin").write_bytes(WEIGHTS.tobytes())
    (tmp_path / "secret.bin").write_bytes(WEIGHTS.tobytes())
    return inside


def test_weights_in_the_folder(folder, monkeypatch):
    np.testing.assert_array_equal(run(write(folder, "weights.bin")), WEIGHTS)
    (folder / "below").mkdir()
    (folder / "below" / "w.bin").write_bytes(b"skipped!" + WEIGHTS.tobytes() + b"more")
    np.testing.assert_array_equal(run(write(folder, "below/w.bin", offset=8, length=24)), WEIGHTS)
    monkeypatch.chdir(folder)
    assert run("model.onnx").shape == (2, 3)


def test_as_onnx_writes_them(folder):
    whole = model(
        [helper.make_node("Add", ["x", "w"], ["y"])], [tensor("x", (2, 3))], [tensor("y", (2, 3))], {"w": WEIGHTS}
    )
    path = folder / "saved.onnx"
    onnx.save(whole, path, save_as_external_data=True, location="saved.data", size_threshold=0)
    np.testing.assert_array_equal(run(path), WEIGHTS)


@pytest.mark.parametrize(
    "location",
    [
        "../secret.bin",
        "below/../../secret.bin",
        "./../secret.bin",
        "..\\secret.bin",
        "C:\\secret.bin",
        "",
        "a\0b",
        ".",
        "no.bin",
    ],
)
def test_paths_that_lead_out_or_nowhere(folder, location):
    (folder / "below").mkdir()
    with pytest.raises(InvalidGraph, match="external data"):
        run(write(folder, location))


def test_absolute_path(folder):
    for target in (folder.parent / "secret.bin", folder / "weights.bin"):
        with pytest.raises(InvalidGraph, match="inside the model's folder"):
            run(write(folder, str(target)))


def test_links_out(folder):
    (folder / "link.bin").symlink_to(folder.parent / "secret.bin")
    (folder / "link").symlink_to(folder.parent, target_is_directory=True)
    os.link(folder.parent / "secret.bin", folder / "hard.bin")
    for location in ("link.bin", "link/secret.bin", "hard.bin"):
        with pytest.raises(InvalidGraph, match="external data"):
            run(write(folder, location))


def test_link_inside(folder):
    (folder / "link.bin").symlink_to("weights.bin")
    np.testing.assert_array_equal(run(write(folder, "link.bin")), WEIGHTS)


def test_what_is_no_file(folder):
    os.mkfifo(folder / "pipe")
    for location in ("pipe",):
        with pytest.raises(InvalidGraph, match="regular file"):
            run(write(folder, location))


@pytest.mark.parametrize(
    "entries",
    [
        {"offset": 1},
        {"offset": 25},
        {"length": 25},
        {"offset": -8},
        {"length": -1},
        {"offset": "x"},
        {"length": 8},
        {"offset": 2**70},
    ],
)
def test_ranges_that_do_not_fit(folder, entries):
    with pytest.raises(InvalidGraph):
        run(write(folder, "weights.bin", **entries))


def test_bytes_have_no_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(InvalidGraph, match="path"):
        InferenceSession(write(folder, "weights.bin").read_bytes())


def test_pickle_takes_the_weights_in(folder):
    path = write(folder, "weights.bin")
    copy = pickle.dumps(InferenceSession(path))
    for file in (path, folder / "weights.bin"):
        file.unlink()
    np.testing.assert_array_equal(pickle.loads(copy).run(None, {"x": np.zeros((2, 3), np.float32)})[0], WEIGHTS)
