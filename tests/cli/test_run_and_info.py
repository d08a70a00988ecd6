"""``fastconv run`` on images and arrays, ``fastconv info``, and errors that end with a message and status 1."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fastconv
from fastconv.cli import main
from tests.onnx.models import convolution, model, node, relu, tensor

Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def picture(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 70, 3), dtype=np.uint8)
    path = tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    return path, pixels


def save(whole, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(whole.SerializeToString())
    return str(path)


def test_array(tmp_path, capsys):
    x = np.random.default_rng(0).standard_normal((1, 3, 8, 8)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    path = save(convolution(), tmp_path)
    assert main(["run", path, "--input", str(tmp_path / "x.npy"), "--output", str(tmp_path / "y.npy")]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), fastconv.InferenceSession(path).run(None, {"x": x})[0])
    assert "float32 [1, 4, 8, 8]" in capsys.readouterr().out


@pytest.mark.parametrize(("normalize", "scale", "shift"), [("unit", 255, 0), ("none", 1, 0), ("signed", 127.5, -1)])
def test_picture_of_the_models_size(tmp_path, picture, normalize, scale, shift):
    path, pixels = picture
    whole = model([node("Identity", ["x"], ["y"])], [tensor("x", (1, 3, 40, 70))], [tensor("y", None)])
    out = tmp_path / "y.npy"
    arguments = ["run", save(whole, tmp_path), "--input", f"x={path}", "--normalize", normalize, "--output", str(out)]
    assert main(arguments) == 0
    np.testing.assert_allclose(np.load(out)[0].transpose(1, 2, 0), pixels / scale + shift, atol=1e-4)


def test_picture_of_free_size_and_other_layouts(tmp_path, picture):
    out = tmp_path / "y.npy"
    for shape, wanted in [
        (("n", 3, "h", "w"), (1, 3, 32, 64)),
        ((None, None, None, 3), (1, 32, 64, 3)),
        ((1, 1, 24, None), (1, 1, 24, 64)),
    ]:
        assert main(["run", save(relu(shape), tmp_path), "--input", str(picture[0]), "--output", str(out)]) == 0
        assert np.load(out).shape == wanted


def test_imagenet_scores(tmp_path, picture, capsys):
    nodes = [node("GlobalAveragePool", ["x"], ["g"]), node("Flatten", ["g"], ["f"]), node("MatMul", ["f", "w"], ["y"])]
    weights = np.zeros((3, 20), np.float32)
    weights[:, 13] = 5
    whole = model(nodes, [tensor("x", (1, 3, 32, 32))], [tensor("y", (1, 20))], {"w": weights})
    assert main(["run", save(whole, tmp_path), "--input", str(picture[0]), "--normalize", "unit"]) == 0
    assert "best: 13 (" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("shape", "name", "text"),
    [((2, 2), "picture.png", "give a .npy file"), ((1, 3, 8, 8), "missing.png", "missing.png")],
)
def test_errors_are_messages(tmp_path, picture, capsys, shape, name, text):
    assert main(["run", save(relu(shape), tmp_path), "--input", str(tmp_path / name)]) == 1
    assert text in capsys.readouterr().err


def test_too_many_inputs(tmp_path, picture, capsys):
    assert main(["run", save(relu(), tmp_path), "--input", str(picture[0]), "--input", str(picture[0])]) == 1
    assert "inputs are ['x']" in capsys.readouterr().err


def test_info(capsys):
    assert main(["info"]) == 0
    printed = capsys.readouterr().out
    assert fastconv.cpu_info()["isa"] in printed
    assert "gemm" in printed
    fastconv.show_config()
    assert capsys.readouterr().out == printed
    assert main(["info", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["version"] == fastconv.__version__
    assert found["threads"] == fastconv.get_num_threads()


@pytest.mark.parametrize("command", ["run", "profile", "tune", "bench model"])
def test_help_names_the_files_that_are_taken(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([*command.split(), "--help"])
    printed = capsys.readouterr().out
    assert all(f".{kind}" in printed for kind in ("onnx", "tflite", "pt2"))
