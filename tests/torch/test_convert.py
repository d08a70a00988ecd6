"""A converted module is the module: names, results, pickles; only gradients it has none."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.utils import prune  # noqa: E402

import fastconv as fc  # noqa: E402
import fastconv.torch  # noqa: E402
from fastconv.torch import layers  # noqa: E402

from .architectures import ARCHITECTURES  # noqa: E402
from .check import copies_of, hold, randomised  # noqa: E402


class Branching(nn.Module):
    """Control flow on data around layers: torch.compile captures nothing of a loop that it cannot follow."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))

    def forward(self, x):
        taken = []
        for conv in self.convs:
            x = conv(x)
            if x.mean().item() > 0:
                taken.append(x.amax())
        return {"x": x, "taken": taken, "count": len(taken)}


@pytest.mark.parametrize("name", ["resnet18", "fcn", "siamese", "unet3d"])
def test_results_and_names(name):
    make, shapes = ARCHITECTURES[name]
    torch.manual_seed(0)
    model = randomised(make())
    converted = fastconv.torch.convert(model.train())
    model.eval()
    assert type(converted) is type(model)
    assert not converted.training
    assert list(converted.state_dict()) == list(model.state_dict())
    inputs = [torch.randn(shape) for shape in shapes]
    with torch.no_grad():
        hold(converted(*inputs), model, *inputs)
    assert not any(type(part).__module__.startswith("fastconv") for part in model.modules())


def test_every_layer():
    cases = {"Linear": (6, 5), "Conv": (6, 4, 3, 2, 1), "ConvTranspose": (6, 4, 3, 2, 1), "MaxPool": (2,)}
    cases |= {"AvgPool": (2,), "AdaptiveAvgPool": (3,), "AdaptiveMaxPool": (3,)}
    for name in layers.NAMES:
        axes = 0 if name == "Linear" else int(name[-2])
        theirs = getattr(nn, name)(*cases[name[:-2] if axes else name]).eval()
        ours = fastconv.torch.convert(nn.ModuleList([theirs]))[0]
        assert type(ours) is getattr(layers, name)
        x = torch.randn(2, 6, *[6] * axes)
        with torch.no_grad():
            hold(ours(x), theirs, x)
            if axes:
                hold(ours(x[0]), theirs, x[0])  # no batch axis: torch's
            ours.load_state_dict({key: value + 1 for key, value in ours.state_dict().items()})
            theirs.load_state_dict(ours.state_dict())
            hold(ours(x), theirs, x)
        assert "_fastconv" in ours.__dict__
        assert repr(ours) == repr(theirs)


def test_control_flow():
    torch.manual_seed(0)
    model = Branching().eval()
    converted = fastconv.torch.convert(model)
    x = torch.randn(1, 3, 8, 8)
    with torch.no_grad():
        hold(converted(x), model, x)
        with torch.compiler.set_stance("force_eager"):  # as where nothing can be captured
            hold(converted(x), model, x)
    assert all("_fastconv" in conv.__dict__ for conv in converted.convs)


@pytest.mark.parametrize("used", [False, True])
def test_copies(used):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2)).eval()
    converted = fastconv.torch.convert(model)
    x = torch.randn(2, 3, 9, 9)
    with torch.no_grad():
        if used:
            converted(x)
            converted[0](x)
        for other in copies_of(converted):
            hold(other(x), model, x)
            other[0].bias.add_(1)
            assert not torch.allclose(other(x), model(x))
        hold(converted(x), model, x)


@pytest.mark.parametrize(
    "examples", [None, (torch.zeros(1, 3, 6, 6, requires_grad=True),)], ids=["compiled", "exported"]
)
def test_gradients_are_refused(examples):
    converted = fastconv.torch.convert(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), examples)
    x = torch.randn(1, 3, 6, 6)
    with pytest.raises(RuntimeError, match=r"convert: Sequential must be called under torch.no_grad.*'0.weight' and 1"):
        converted(x)
    with pytest.raises(RuntimeError, match=r"convert: Conv2d must be called under torch.no_grad"):
        converted[0](x)
    converted.requires_grad_(False)
    assert converted(x).shape == (1, 4, 4, 4)
    with pytest.raises(RuntimeError, match="gradients of 'input 0'"):
        converted(x.requires_grad_())


def test_converted_modules_compile():
    """Inside torch.compile the layers are torch's own."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()
    x = torch.randn(1, 3, 6, 6)
    found = fastconv.torch.explain(fastconv.torch.convert(model), x)
    assert (found.networks, found.lowered["aten.convolution"], found.left) == (1, 1, [])


def test_only_modules():
    with pytest.raises(TypeError, match=r"convert: module must be a torch.nn.Module, got function"):
        fastconv.torch.convert(lambda x: x)


def test_a_weight_made_on_each_call_is_torchs():
    torch.manual_seed(0)
    theirs = nn.Conv2d(3, 4, 3).eval()
    ours = fastconv.torch.convert(nn.ModuleList([theirs]))[0]
    for layer in (ours, theirs):
        prune.l1_unstructured(layer, "weight", 0.5)
    x = torch.randn(1, 3, 6, 6)
    with torch.no_grad():
        hold(ours(x), theirs, x)


@pytest.mark.parametrize("examples", [None, (torch.zeros(1, 3, 6, 6),)], ids=["compiled", "exported"])
def test_converted_modules_export(examples):
    """By the names of the arguments of the class's own forward."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()
    converted = fastconv.torch.convert(model, examples)
    x = torch.randn(1, 3, 6, 6)
    program = torch.export.export(converted, (x,))
    assert program.graph_signature.user_inputs == ("input",)
    with torch.no_grad():
        hold(fc.compile(converted, x)(x), model, x)
