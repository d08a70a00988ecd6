"""What the command line means by a model: module:function of every kind, batches, and what is refused."""

import csv
import sys

import numpy as np
import onnx
import pytest

import fastconv as fc
from fastconv.bench.cases import ModelCase, relative_error
from fastconv.bench.engines import FastConv, OnnxRuntime, OpenVino
from fastconv.bench.sources import read
from fastconv.bench.torch_engines import Backend, Torch
from fastconv.cli import main
from tests.onnx.models import convolution

FUNCTIONS = """
import numpy as np
import fastconv as fc

def layers():
    return fc.nn.Sequential(fc.nn.Conv2d(3, 4, 3), fc.nn.ReLU())

def with_example():
    return layers(), np.full((2, 3, 5, 7), 0.5, np.float32)

def onnx():
    from fastconv.onnx import to_onnx
    return to_onnx(layers().eval(), (1, 3, 9, 9))

def onnx_bytes():
    return onnx().SerializeToString()

def onnx_file():
    with open("kept.onnx", "wb") as file:
        file.write(onnx_bytes())
    return "kept.onnx"

def number():
    return 5

class Zoo:
    @staticmethod
    def net():
        return layers()
"""
TORCH = """
import torch

class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x))) + x.mean()

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.head = Block(), torch.nn.Linear(8, 5)

    def forward(self, x):
        return {"scores": self.head(self.stem(x).mean((2, 3)))}

def net():
    torch.manual_seed(0)
    return Net(), torch.ones(2, 3, 12, 12)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "some_models.py").write_text(FUNCTIONS)
    (tmp_path / "torch_models.py").write_text(TORCH)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in ("some_models", "torch_models"):
        sys.modules.pop(name, None)


def case_of(text, shape=None, batch=None):
    return ModelCase.of(text, shape, 1, "highest", batch)


@pytest.mark.parametrize("function", ["onnx", "onnx_bytes", "onnx_file"])
def test_functions_that_make_onnx(function):
    case = case_of(f"some_models:{function}")
    assert case.name == function
    assert [array.shape for array in case.feed.values()] == [(1, 3, 9, 9)]
    assert FastConv().model(case).result().shape == (1, 4, 7, 7)


def test_weights_in_other_files(folder):
    whole = read("some_models:onnx").model
    parts = onnx.load_from_string(whole)
    onnx.save(parts, folder / "parted.onnx", save_as_external_data=True, location="weights", size_threshold=0)
    case = case_of("parted.onnx")
    (folder / "weights").unlink()
    expected = fc.InferenceSession(whole).run(None, case.feed)[0]
    np.testing.assert_array_equal(FastConv().model(case).result(), expected)


def test_functions_that_make_layers():
    shapes = {
        (None, None): (1, 3, 224, 224),
        ((1, 3, 8, 9), None): (1, 3, 8, 9),
        ((1, 3, 8, 9), 4): (4, 3, 8, 9),
    }
    for (shape, batch), wanted in shapes.items():
        (x,) = case_of("some_models:layers", shape, batch).feed.values()
        assert x.shape == wanted
    (x,) = case_of("some_models:Zoo.net", (1, 3, 6, 6)).feed.values()
    assert x.shape == (1, 3, 6, 6)


def test_examples_are_fed():
    (x,) = case_of("some_models:with_example").feed.values()
    np.testing.assert_array_equal(x, np.full((2, 3, 5, 7), 0.5, np.float32))
    (x,) = case_of("some_models:with_example", batch=3).feed.values()
    np.testing.assert_array_equal(x, np.full((3, 3, 5, 7), 0.5, np.float32))


def test_torch_modules_run_as_they_are(monkeypatch):
    pytest.importorskip("torch", reason="the module is torch's")
    pytest.importorskip("onnxscript", reason="torch's exporter needs it")
    case = case_of("torch_models:net")
    assert type(case.module).__name__ == "Net"
    (x,) = case.feed.values()
    assert x.shape == (2, 3, 12, 12) and (x == 1).all()
    exact = case.exact()
    assert exact.dtype == np.float64 and exact.shape == (2, 5)
    names = [node.name for node in case.graph().nodes]
    assert any(name.startswith("stem") for name in names), names
    monkeypatch.setattr(ModelCase, "graph", None)  # torch runs the module itself, not our record of it
    for engine in (FastConv(), Torch(), Torch(channels_last=True), Backend(), OnnxRuntime(), OpenVino()):
        if engine.available():
            assert relative_error(engine.model(case).result(), exact) < 2e-6, engine.name


def test_bench_takes_them(folder, capsys):
    options = ["--batch", "1,2", "--rounds", "1", "--engines", "onnxruntime", "--csv", "rows.csv", "--shape", "1x3x9x9"]
    assert main(["bench", "model", "some_models:layers", *options]) == 0
    rows = list(csv.DictReader((folder / "rows.csv").open()))
    ours = [(row["case"], row["batch"]) for row in rows if (row["engine"], row["layout"]) == ("fastconv", "NCHW")]
    assert ours == [("some_models:layers, batch 1", "1"), ("some_models:layers, batch 2", "2")]


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("some_models:number", TypeError, "must return a fastconv.nn.Module.* got builtins.int"),
        ("some_models:nothing", ValueError, "some_models must have 'nothing'"),
        ("no_models:nothing", ImportError, "no_models"),
        (
            "neither",
            ValueError,
            r"must be an ONNX, TensorFlow Lite or \.pt2 file, .* or module:function, got 'neither'",
        ),
    ],
)
def test_refused(text, error, said):
    with pytest.raises(error, match=said):
        read(text)


def test_a_free_batch_is_the_one_asked_for(folder):
    (folder / "free.onnx").write_bytes(convolution().SerializeToString())  # n, 3, h, w
    assert [case_of("free.onnx", batch=batch).batch for batch in (None, 5)] == [1, 5]
    assert case_of("free.onnx", (2, 3, 8, 9), batch=5).feed["x"].shape == (5, 3, 8, 9)


def test_a_batch_that_the_model_does_not_take_is_refused():
    with pytest.raises(ValueError, match="must have the batch asked for, 4, got 1"):
        case_of("some_models:onnx", batch=4)
