"""TensorFlow Lite files beside LiteRT: every engine that reads them computes the same, the others say why not."""

import csv

import pytest

pytest.importorskip("tflite")

import numpy as np

import fastconv as fc
from fastconv.bench.cases import ConvCase, ModelCase, UnsupportedError, relative_error
from fastconv.bench.engine import Runner
from fastconv.bench.engines import FastConv, OpenVino, installed
from fastconv.bench.litert_engine import LiteRt
from fastconv.bench.run import run_case
from fastconv.bench.shapes import parse
from fastconv.bench.torch_engines import Torch
from fastconv.cli import main
from fastconv.graph_builder import GraphBuilder
from tests.tflite.stored import feeds, load

MODELS = load()


@pytest.fixture
def case(tmp_path):
    """With a free batch, and a transposed convolution that pads its ends unequally."""
    (tmp_path / "net.tflite").write_bytes(MODELS["keras_free_batch"][0])
    return ModelCase.of(str(tmp_path / "net.tflite"), None, 1, "highest", batch=2)


@pytest.mark.parametrize("engine", [FastConv(), Torch(), Torch(channels_last=True), OpenVino(), LiteRt()])
def test_engines_compute_the_same_network(engine, case):
    if not engine.available():
        pytest.skip(f"{engine.name} is not installed")
    pytest.importorskip("torch", reason="torch computes the network in float64")
    exact = case.exact()
    assert exact is not None and exact.shape == (2, 16, 16, 4)
    assert relative_error(engine.model(case).result(), exact) < 1e-6


@pytest.mark.parametrize("name", ["pools", "transposed_same", "transposed_gaps", "blocks"])
def test_float64(name):
    """Pads that torch has no argument for, and channels in blocks."""
    torch = pytest.importorskip("torch", reason="torch computes the network in float64")
    from fastconv.bench.torch_graph import TorchGraph

    model, expected = MODELS[name]
    graph = TorchGraph(ModelCase("net", model, {}).graph(), lambda array: torch.from_numpy(np.array(array)))
    names = [arg.name for arg in fc.InferenceSession(model).get_inputs()]
    results = graph.run({name: torch.from_numpy(x) for name, x in zip(names, feeds(model))})
    for result, good in zip(results, expected, strict=True):
        assert relative_error(result.numpy(), good) < 1e-6


def test_means_with_uneven_pads():
    """Which do not count."""
    torch = pytest.importorskip("torch", reason="torch computes the network in float64")
    from fastconv.bench.torch_graph import TorchGraph

    graph, x = GraphBuilder(), np.random.default_rng(0).standard_normal((2, 3, 7, 8)).astype(np.float32)
    window = {"kernel": [3, 2], "strides": [2, 3], "pads_begin": [0, 1], "pads_end": [2, 0]}
    graph.output(graph.add("avg_pool", [graph.input("x", "float32", x.shape)], window)[0], "y")
    (expected,) = fc.Network(graph).run({"x": x})
    (got,) = TorchGraph(graph, torch.from_numpy).run({"x": torch.from_numpy(x)})
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_engines_that_fail_in_their_first_run_have_a_row(monkeypatch):
    """Also where there is no float64 to compare with, which would have run them."""

    class Fails(Torch):
        name = "fails"

        def model(self, case):
            def run():
                raise RuntimeError("no such kernel\nat all")

            return Runner(run, run)

    case = ModelCase.of("lenet5", None, 1, "highest")
    monkeypatch.setattr(ModelCase, "exact", lambda self: None)
    ours, theirs = run_case("net", case, [FastConv(), Fails()], rounds=1)
    assert (ours.failed, ours.error) == (False, None)
    assert (theirs.failed, theirs.how) == (True, "no such kernel")


def test_the_table(case, tmp_path, capsys):
    assert (
        main(["bench", "model", str(tmp_path / "net.tflite"), "--rounds", "1", "--csv", str(tmp_path / "r.csv")]) == 0
    )
    rows = {row["engine"]: row for row in csv.DictReader((tmp_path / "r.csv").open()) if row["layout"] == "NCHW"}
    assert rows.keys() == {engine.name for engine in installed()}
    assert float(rows["fastconv"]["error"]) < 1e-6
    if "litert" in rows:
        assert float(rows["litert"]["ms"]) > 0 and float(rows["litert"]["error"]) < 1e-6
        assert rows["litert"]["precision"] == "float32"
    if "onnxruntime" in rows:
        assert (rows["onnxruntime"]["ms"], rows["onnxruntime"]["how"]) == ("", "reads no TensorFlow Lite models")
    assert "litert" not in rows or "litert " in capsys.readouterr().out


def test_other_cases(capsys):
    """LiteRT is in their tables where it is named, with the reason why it has no time."""
    if not LiteRt().available():
        pytest.skip("LiteRT is not installed")
    with pytest.raises(UnsupportedError, match="TensorFlow Lite models alone"):
        LiteRt().model(ModelCase.of("lenet5", None, 1, "highest"))
    with pytest.raises(UnsupportedError, match="whole networks"):
        LiteRt().conv(ConvCase(parse("1x4x6x6:4:3")))
    assert main(["bench", "model", "lenet5", "--rounds", "1", "--engines", "litert"]) == 0
    assert "litert NCHW: reads TensorFlow Lite models alone" in capsys.readouterr().out
    assert main(["bench", "model", "lenet5", "--rounds", "1"]) == 0
    assert "litert" not in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["session", "threads", "roofline"])
def test_other_kinds(kind, case, tmp_path, capsys):
    assert main(["bench", kind, str(tmp_path / "net.tflite"), "--rounds", "1"]) == 0
    printed = capsys.readouterr().out
    assert "net" in printed
    assert "onnxruntime " not in printed.split("error")[-1]
