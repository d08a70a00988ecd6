"""What torch.export makes, as objects and as .pt2 files: whole networks in sessions, or an error that says why not."""

import pickle
import re
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import fastconv as fc  # noqa: E402
from fastconv.cli import main  # noqa: E402

from .architectures import ARCHITECTURES  # noqa: E402
from .check import hold, randomised  # noqa: E402

tree_flatten, tree_unflatten = torch.utils._pytree.tree_flatten, torch.utils._pytree.tree_unflatten


def exported(model, *inputs, **more):
    with torch.no_grad():
        return torch.export.export(model, inputs, **more)


def results(session, *inputs):
    feed = {entry.name: x.numpy() for entry, x in zip(session.get_inputs(), inputs, strict=True)}
    return [torch.from_numpy(array) for array in session.run(None, feed)]


class Net(nn.Module):
    """A resize by a factor, and a dict with a list in it."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.Linear(4, 5)

    def forward(self, image):
        y = F.interpolate(F.relu(self.norm(self.conv(image))), scale_factor=2.0, mode="bilinear")
        return {"scores": self.head(y.mean((2, 3))), "maps": [y, y[:, :1]]}


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return randomised(Net())


@pytest.fixture(scope="module")
def file(net, tmp_path_factory):
    """Of any batch and height."""
    path = tmp_path_factory.mktemp("pt2") / "net.pt2"
    free = {0: torch.export.Dim("n"), 2: torch.export.Dim("h", min=4, max=64)}
    torch.export.save(exported(net, torch.randn(2, 3, 10, 12), dynamic_shapes=({**free, 1: None, 3: None},)), path)
    return path


NAMES = ["mobilenet_v3", "shufflenet_v2", "pspnet", "feature_pyramid", "unet3d", "tcn", "srgan", "siamese"]


@pytest.mark.parametrize("name", NAMES)
def test_networks(name):
    """Of one step, in torch's structure."""
    make, shapes = ARCHITECTURES[name]
    torch.manual_seed(0)
    model, inputs = randomised(make()), [torch.randn(shape) for shape in shapes]
    got = results(fc.InferenceSession(exported(model, *inputs)), *inputs)
    with torch.no_grad():
        structure = tree_flatten(model(*inputs))[1]
    hold(tree_unflatten(got, structure), model, *inputs)


def test_names_and_free_extents(net, file):
    session = fc.InferenceSession(file)
    (image,) = session.get_inputs()
    assert (image.name, image.shape, image.type) == ("image", [None, 3, None, 12], "tensor(float)")
    assert [arg.name for arg in session.get_outputs()] == ["scores", "maps.0", "maps.1"]
    assert session.get_outputs()[0].shape == [None, 5]
    for shape in ((2, 3, 10, 12), (1, 3, 7, 12), (3, 3, 32, 12)):
        x = torch.randn(shape)
        scores, *maps = results(session, x)
        hold({"scores": scores, "maps": maps}, net, x)
    (only,) = session.run(["maps.1"], {"image": x.numpy()})
    np.testing.assert_array_equal(only, maps[1])


def test_a_plain_result_is_called_output():
    session = fc.InferenceSession(exported(nn.Conv2d(3, 4, 3).eval(), torch.randn(1, 3, 5, 5)))
    assert [arg.name for arg in session.get_outputs()] == ["output"]


def test_pickle_and_compile(net, file, tmp_path):
    x = torch.randn(2, 3, 10, 12)
    expected = results(fc.InferenceSession(file), x)
    program = torch.export.load(file)
    again = pickle.loads(pickle.dumps(fc.InferenceSession(file)))
    network = fc.compile(str(file), (2, 3, 10, 12))
    network.save(tmp_path / "net.npz")
    made = [results(again, x), results(fc.InferenceSession(program), x), network(x)]
    made += [results(pickle.loads(pickle.dumps(fc.InferenceSession(program))), x), fc.load(tmp_path / "net.npz")(x)]
    for got in made:
        for one, good in zip(got, expected, strict=True):
            assert torch.equal(one, good)


class Left(nn.Module):
    def forward(self, x):
        return F.conv2d(torch.special.bessel_j0(x).sort().values, torch.ones(1, 1, 1, 1))


class Counts(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x):
        self.calls += 1
        return x * 2


class Length(nn.Module):
    def forward(self, x):
        return x * 2, x.shape[0]


REFUSED = {
    "the first operator is named": (Left(), "pt2: aten.special_bessel_j0 'special_bessel_j0': not translated"),
    "a type is named": (nn.Conv2d(1, 1, 1).double().eval(), "pt2: aten.convolution 'convolution': data type float64"),
    "writes": (Counts(), "pt2: a program must not write to 'calls': export the model in eval mode"),
    "training": (nn.BatchNorm2d(1).train(), "pt2: a program must not write to 'running_mean'"),
    "numbers": (Length(), "pt2: output '1': must be a tensor, got 2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    model, message = REFUSED[name]
    program = exported(model, torch.ones(2, 1, 4, 4, dtype=next(model.parameters(), torch.ones(1)).dtype))
    for use in (fc.InferenceSession, fc.compile):
        with pytest.raises(NotImplementedError, match=re.escape(message)):
            use(program)


def test_files_that_are_none(file, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no\.pt2"):
        fc.InferenceSession(tmp_path / "no.pt2")
    (tmp_path / "cut.pt2").write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"pt2: the file must be what torch\.export\.save writes"):
        fc.InferenceSession(tmp_path / "cut.pt2")


def test_bytes_of_nobody_in_particular_are_never_given_to_torch(file, monkeypatch):
    """They may hold code; only a file that is called .pt2 is one."""
    monkeypatch.setattr(torch.export, "load", None)
    with pytest.raises(ValueError, match="INVALID_PROTOBUF"):
        fc.InferenceSession(file.read_bytes())


def test_without_torch(file):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import fastconv as fc\n"
        f"try: fc.InferenceSession({str(file)!r})\n"
        "except ImportError as error: assert 'through PyTorch, which must be installed' in str(error)\n"
        "else: raise AssertionError"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_commands(file, tmp_path, capsys):
    """Every command that takes a model takes one of these, and the peers read what they can."""
    x = np.random.default_rng(0).standard_normal((1, 3, 10, 12)).astype("f")
    np.save(tmp_path / "x.npy", x)
    assert main(["run", str(file), "--input", str(tmp_path / "x.npy"), "--output", str(tmp_path / "y.npz")]) == 0
    expected = fc.InferenceSession(file).run(None, {"image": x})
    np.testing.assert_array_equal(np.load(tmp_path / "y.npz")["maps.0"], expected[1])
    shape = ["--shape", "1x3x10x12"]
    assert main(["profile", str(file), *shape, "--runs", "1"]) == 0
    assert "conv + relu" in capsys.readouterr().out
    assert main(["bench", "model", str(file), *shape, "--rounds", "1", "--engines", "torch"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"net +fastconv NCHW +\d+\.\d{3} .* 1\.00 .* \d\.\de-0[78]", printed), printed
    assert re.search(r" torch NCHW +\d+\.\d{3} ", printed), printed
    assert main(["tune", str(file), *shape, "--rounds", "1"]) == 0


def test_peers_read_what_torch_makes_of_it(file):
    pytest.importorskip("onnxscript", reason="torch's exporter needs it")
    from fastconv.bench.cases import ModelCase, relative_error
    from fastconv.bench.engines import installed

    case = ModelCase.of(str(file), (1, 3, 10, 12), 1, "highest")
    exact = case.exact()
    assert exact is not None
    for engine in installed(None):
        if engine.layout == "NCHW" and engine.concerns(case) and engine.name != "openvino-bf16":
            assert relative_error(engine.model(case).result(), exact) < 2e-6, engine.name


def test_compile_takes_modules(net):
    """By an example or a shape, of any batch and size."""
    torch.manual_seed(1)
    for given in (torch.randn(2, 3, 10, 12), (None, 3, None, 12), [(2, 3, 10, None)]):
        network = fc.compile(net, given)
        x = torch.randn(2, 3, 10, 12)
        scores, whole, part = network(x)
        hold({"scores": scores, "maps": [whole, part]}, net, x)
    network = fc.compile(net, (None, 3, None, None))
    for shape in ((1, 3, 16, 20), (3, 3, 9, 7)):
        x = torch.randn(shape)
        scores, whole, part = network(x)
        hold({"scores": scores, "maps": [whole, part]}, net, x)


def test_compile_takes_modules_of_several_inputs():
    class Two(nn.Module):
        def forward(self, a, b):
            return a * 2 + b

    a, b = torch.randn(2, 3), torch.randn(2, 3)
    hold(fc.compile(Two().eval(), [a, b])(a, b), Two(), a, b)


def test_explain_takes_modules(net):
    steps = fc.explain(net, torch.randn(1, 3, 10, 12), runs=1).steps
    assert any(step["op"] == "conv" and step["error"] < 1e-5 for step in steps)


def test_what_compile_refuses_of_modules(net):
    with pytest.raises(ValueError, match="must be in eval mode"):
        fc.compile(nn.Conv2d(1, 1, 1), torch.randn(1, 1, 2, 2))
    with pytest.raises(TypeError, match="an example tensor or a shape is needed"):
        fc.compile(net)

    class Sorts(nn.Module):
        def forward(self, x):
            return torch.linalg.qr(x)[0]

    with pytest.raises(NotImplementedError, match=r"NOT_IMPLEMENTED : pt2: aten\.linalg_qr"):
        fc.compile(Sorts().eval(), torch.randn(4, 4))
