"""compile, Network, save and load, explain."""

import json
import pickle
import zipfile

import numpy as np
import pytest

import fastconv as fc
from fastconv import nn
from fastconv.graph_builder import GraphBuilder
from fastconv.nn import functional as F


@pytest.fixture
def model():
    fc.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))


@pytest.fixture
def x():
    return np.random.default_rng(0).standard_normal((2, 3, 8, 6)).astype(np.float32)


class Heads(nn.Module):
    def forward(self, image, bias):
        return {"sum": image + bias, "mean": F.mean(image, (2, 3))}


def test_an_example_fixes_the_shape(model, x):
    net = fc.compile(model, x)
    assert net.inputs == [("x", "float32", (2, 3, 8, 6))]
    assert [(entry.name, entry.dtype) for entry in net.outputs] == [("output", "float32")]
    np.testing.assert_array_equal(net(x), model(x))
    np.testing.assert_array_equal(net.run({"x": x})[0], model(x))
    with pytest.raises(ValueError, match="8"):
        net(x[:, :, :4])


def test_known_extents_are_planned_at_once(model, x, capfd, monkeypatch):
    monkeypatch.setenv("FASTCONV_VERBOSE", "1")
    plans = []
    for example in (x, (None, 3, 8, 6)):
        net = fc.compile(model, example)
        plans.append(capfd.readouterr().err.count("fastconv: plan "))
        net(x)
        plans.append(capfd.readouterr().err.count("fastconv: plan "))
    assert plans == [1, 0, 0, 1]


def test_a_shape_may_be_open(model, x):
    net = fc.compile(model, (None, 3, None, None))
    assert net.inputs[0].shape == (-1, 3, -1, -1)
    for part in (x, x[:1], x[:, :, :5], x[:, :, :, :4], x):
        np.testing.assert_array_equal(net(part), model(part))
    with pytest.raises(ValueError, match="3"):
        net(x[:, :2])


def test_more_shapes_than_plans_are_kept(model, x):
    net = fc.compile(model, (None, 3, None, None))
    for height in [*range(2, 9), *range(2, 9)] * 2:
        np.testing.assert_array_equal(net(x[:, :, :height]), model(x[:, :, :height]))


def test_several_inputs_and_named_outputs(x):
    bias = np.ones((3, 1, 1), np.float32)
    for examples in ([x, bias], [(2, 3, 8, 6), (3, 1, 1)], ((None, 3, None, None), bias)):
        net = fc.compile(Heads(), examples)
        assert [entry.name for entry in net.inputs] == ["image", "bias"]
        results = net(x, bias)
        assert list(results) == ["sum", "mean"]
        np.testing.assert_array_equal(results["sum"], x + bias)
        np.testing.assert_array_equal(net.run({"bias": bias, "image": x})[0], x + bias)
    with pytest.raises(TypeError, match=r"it takes 2 inputs \['image', 'bias'\], got 1"):
        net(x)


def test_a_compiled_network_keeps_its_weights(model, x):
    net = fc.compile(model, x)
    before = net(x)
    model.load_state_dict({name: np.zeros_like(array) for name, array in model.state_dict().items()})
    np.testing.assert_array_equal(net(x), before)
    assert model(x).max() == 0


def test_precision(model, x):
    assert fc.compile(model, x, "high").precision == "high"
    with fc.precision("medium"):
        assert fc.compile(model, x).precision == "medium"
    with pytest.raises(ValueError, match="precision"):
        fc.compile(model, x, "exact")


@pytest.mark.parametrize("again", ["save", "pickle"])
def test_save_and_load(model, x, tmp_path, again):
    def through(net):
        if again == "pickle":
            return pickle.loads(pickle.dumps(net))
        net.save(tmp_path / "net.fc")
        return fc.load(tmp_path / "net.fc")

    net = fc.compile(model, (None, 3, None, None), "high")
    other = through(net)
    assert repr(other) == repr(net)
    assert other.precision == "high"
    np.testing.assert_array_equal(other(x), net(x))
    bias = np.ones((3, 1, 1), np.float32)
    assert list(through(fc.compile(Heads(), [x, bias]))(x, bias)) == ["sum", "mean"]


def rewrite(path, change):
    """Change the header of a saved network."""
    with np.load(path) as archive:
        arrays = dict(archive)
    header = json.loads(arrays.pop("header").tobytes())
    change(header, arrays)
    with open(path, "wb") as file:
        np.savez(file, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)


DAMAGE = [
    (lambda header, arrays: header.update(format="fastconv graph 99"), "format is 'fastconv graph 99'"),
    (lambda header, arrays: header.pop("nodes"), "nodes"),
    (lambda header, arrays: header["nodes"][0].update(inputs=[77]), "value 77 is used before it is made"),
    (lambda header, arrays: header["nodes"][0].update(op="system"), "system"),
    (lambda header, arrays: header["nodes"][0].update(command="rm"), "command"),
    (lambda header, arrays: header["outputs"][0].update(id=99), "value 99 is used before it is made"),
    (lambda header, arrays: header["extra"].update(returns="code"), "returns must be one of"),
    (lambda header, arrays: header["extra"].update(other=1), "other"),
    (lambda header, arrays: arrays.popitem(), "constant"),
]


@pytest.mark.parametrize(("change", "message"), DAMAGE, ids=[message for _, message in DAMAGE])
def test_damaged_files(model, x, tmp_path, change, message):
    path = tmp_path / "net.fc"
    fc.compile(model, x).save(path)
    rewrite(path, change)
    with pytest.raises(ValueError, match=message):
        fc.load(path)


def test_other_files(model, x, tmp_path):
    path = tmp_path / "net.fc"
    fc.compile(model, x).save(path)
    whole = path.read_bytes()
    for content in (b"", b"no archive", whole[: len(whole) // 2], whole[:-30]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="not a fastconv network file"):
            fc.load(path)
    with open(path, "wb") as file:
        np.savez(file, header=np.array([{"format": "pickled"}], dtype=object))
    with pytest.raises(ValueError, match="not a fastconv network file"):
        fc.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.npy", b"nothing")
    with pytest.raises(ValueError, match="not a fastconv network file"):
        fc.load(path)
    with pytest.raises(FileNotFoundError):
        fc.load(tmp_path / "absent")


def test_other_models(x):
    class Other:
        pass

    with pytest.raises(TypeError, match=r"must be a fastconv.nn or torch module or a model file, got .*Other"):
        fc.compile(Other(), x)
    with pytest.raises(TypeError, match="an example array or a shape is needed"):
        fc.compile(nn.ReLU())
    with pytest.raises(ValueError, match="extents must be >= 0"):
        fc.compile(nn.ReLU(), (-1, 3))


def test_onnx(model, x, tmp_path):
    onnx = pytest.importorskip("onnx", reason="compiles ONNX models")
    from fastconv.onnx import to_onnx

    proto = to_onnx(model, (None, 3, None, None))
    onnx.checker.check_model(proto, full_check=True)
    path = tmp_path / "model.onnx"
    onnx.save(proto, path)
    expected = model(x)
    for source in (proto, proto.SerializeToString(), path, str(path)):
        net = fc.compile(source)
        assert net.inputs == [("x", "float32", (-1, 3, -1, -1))]
        np.testing.assert_array_equal(net(x), expected)
    for examples in (x, {"x": x}, (2, 3, None, 6), [(2, 3, 8, 6)]):
        net = fc.compile(proto, examples)
        np.testing.assert_array_equal(net(x), expected)
    assert net.inputs[0].shape == (2, 3, 8, 6)
    net.save(tmp_path / "net.fc")
    np.testing.assert_array_equal(fc.load(tmp_path / "net.fc")(x), expected)
    with pytest.raises(ValueError, match=r"the model's inputs are \['x'\], got \['y'\]"):
        fc.compile(proto, {"y": x})
    with pytest.raises(ValueError, match=r"input 'x' is float32\[-1, 3, -1, -1\], got float32\[2, 4, 8, 6\]"):
        fc.compile(proto, (2, 4, 8, 6))
    with pytest.raises(ValueError, match="got float64"):
        fc.compile(proto, x.astype(np.float64))


def test_explain(model, x):
    report = fc.explain(model, x, runs=2)
    assert any(step["name"] == "0" and step["op"] == "conv" for step in report.steps)
    text = str(report)
    lines = text.splitlines()
    assert lines[0].split() == ["layer", "op", "output", "algorithm", "ms", "share", "GF/s", "error"]
    assert len(lines) == len(report.steps) + 2
    assert "2x8x8x6" in text
    assert any("conv + relu" in line for line in lines)
    assert str(fc.explain(fc.compile(model, x), x, runs=1)).splitlines()[0] == lines[0]
    assert sum(step["share"] for step in report.steps) == pytest.approx(1)


def layers():
    """One of each layer that has an error, and some that have none."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(8),
        nn.ConvTranspose2d(8, 6, 3, stride=2, output_padding=1),
        nn.AvgPool2d(3, 1, 1),
        nn.AdaptiveAvgPool2d((2, None)),
        nn.Flatten(),
        nn.Linear(6 * 2 * 10, 5),
        nn.Softmax(-1),
    ).eval()


def test_explain_measures_errors():
    x = np.random.default_rng(1).standard_normal((2, 3, 16, 16), np.float32)
    errors = {step["op"]: step["error"] for step in fc.explain(layers(), x, runs=1).steps}
    assert errors["max_pool"] is None and errors["softmax"] is None
    for op in ("conv", "conv_transpose", "avg_pool", "adaptive_avg_pool", "gemm"):
        assert 0 < errors[op] < 3e-7, op


def test_an_explained_error_is_that_of_the_network():
    x = np.random.default_rng(1).standard_normal((1, 64, 32, 32), np.float32)
    network = fc.compile(nn.Conv2d(64, 64, 3, padding=1), x)
    weight, bias = (network.graph.constants[value] for value in network.graph.nodes[0].inputs[1:])
    exact = fc.reference.conv2d(x, weight, bias, padding=1)
    (error,) = (step["error"] for step in fc.explain(network, x, runs=1).steps if step["op"] == "conv")
    assert error == pytest.approx(np.linalg.norm(network(x) - exact) / np.linalg.norm(exact))


def test_types_are_never_converted_silently(model, x):
    for wrong in (x.astype(np.float64), x.astype(np.int64), x.tolist()):
        with pytest.raises(TypeError, match="float32"):
            fc.compile(model, x)(wrong)


def test_strided_and_read_only_arrays(model, x):
    expected = model(x)
    net = fc.compile(model, x)
    strided = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    strided.setflags(write=False)
    np.testing.assert_array_equal(net(strided), expected)
    unaligned = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(x.shape)
    np.testing.assert_array_equal(net(unaligned), expected)


def test_a_record_can_be_replayed_on_a_record(model, x):
    graph, other = fc.compile(model, x).graph, GraphBuilder()
    graph.replay(other)
    assert [node.op for node in other.nodes] == [node.op for node in graph.nodes]
    assert list(other.constant_names.values()) == list(graph.constant_names.values())
