"""A module that is converted by example inputs: exported once, called without dynamo, and still the module."""

import copy
import gc
import pickle
import re
import threading
import weakref
from collections import namedtuple
from dataclasses import dataclass

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.utils import prune  # noqa: E402

import fastconv as fc  # noqa: E402
import fastconv.torch  # noqa: E402

from .architectures import ARCHITECTURES  # noqa: E402
from .check import copies_of, hold, randomised  # noqa: E402
from .test_convert import Branching  # noqa: E402

Pair = namedtuple("Pair", "first second")


@pytest.fixture
def without_dynamo(monkeypatch):
    monkeypatch.setattr(torch, "compile", None)


def small():
    torch.manual_seed(0)
    return randomised(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 3, bias=False)))


def told(caplog):
    return [record.getMessage() for record in caplog.records if "fastconv.torch.convert" in record.getMessage()]


@pytest.mark.parametrize("name", ["mobilenet_v3", "fcn", "siamese", "unet3d"])
def test_examples(name, without_dynamo):
    make, shapes = ARCHITECTURES[name]
    torch.manual_seed(0)
    model = randomised(make())
    converted = fastconv.torch.convert(model, tuple(torch.zeros(shape) for shape in shapes))
    assert type(converted) is type(model)
    assert list(converted.state_dict()) == list(model.state_dict())
    inputs = [torch.randn(shape) for shape in shapes]
    with torch.no_grad():
        hold(converted(*inputs), model, *inputs)
    assert len(converted.forward._direct.segments) == 1


@dataclass
class Found:
    scores: torch.Tensor
    more: dict


torch.export.register_dataclass(Found, serialized_type_name="Found")


class Nested(nn.Module):
    """Structures in and out, a constant, a call that is left to torch between others, arguments given back."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.scale = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 1), torch.tensor(2.0)

    def forward(self, images, offset):
        y = self.a(images["left"] - images["right"][0].to(torch.float32)) * self.scale
        z = self.b(y.sort(-1).values + offset)
        return Found(z, {"pair": Pair(y, [3, None, "name"]), "again": y, "given": offset})


def test_structures(without_dynamo, caplog):
    torch.manual_seed(0)
    model = Nested().eval()

    def draw():
        return {"left": torch.randn(2, 3, 8, 9), "right": [torch.randn(2, 3, 8, 9)]}, torch.randn(6, 7)

    converted = fastconv.torch.convert(model, draw())
    for _ in range(2):
        inputs = draw()
        with torch.no_grad():
            got = converted(*inputs)
        hold(got, model, *inputs)
        assert got.more["given"] is inputs[1]
        assert got.more["again"] is got.more["pair"].first
    assert len(converted.forward._direct.segments) == 2
    logged = [record.getMessage() for record in caplog.records if record.name == "fastconv"]
    assert logged == ["aten.sort is left to torch: not translated"]


def test_memory_formats(without_dynamo):
    """Results come as torch's where arguments come as the examples; the stride of an axis of one tells nothing."""
    model = small()
    x = torch.randn(1, 3, 9, 8).to(memory_format=torch.channels_last)
    converted = fastconv.torch.convert(model, (x,))
    with torch.no_grad():
        for given in (x, x.squeeze(0)[None], torch.empty_strided(x.shape, (7, *x.stride()[1:])).copy_(x)):
            got = converted(given)
            hold(got, model, x)
            assert got.stride() == model(x).stride()


class Cast(nn.Module):
    def forward(self, x):
        return x.float()


class Image(torch.Tensor):
    pass


OTHER_CALLS = {
    "shape": (lambda call, x: call(torch.cat((x, x))), r"arguments\[0\] must be torch.float32 of shape \(1, 3, 8, 8\)"),
    "type": (lambda call, x: call(x.double()), r"got torch.float64 of shape \(1, 3, 8, 8\)"),
    "order in memory": (
        lambda call, x: call(x.transpose(2, 3)),
        r"strides \(192, 64, 8, 1\), got .* \(192, 64, 1, 8\)",
    ),
    "subclass": (lambda call, x: call(x.as_subclass(Image)).as_subclass(torch.Tensor), "got Image"),
    "keyword": (lambda call, x: call(input=x), "must be positional, got 'input' by keyword"),
    "autocast": (lambda call, x: torch.autocast("cpu", torch.bfloat16)(call)(x), "must not be under autocast"),
}


@pytest.mark.parametrize("name", OTHER_CALLS)
def test_other_calls_are_compiled(name, caplog):
    use, reason = OTHER_CALLS[name]
    model, x = nn.Sequential(Cast(), small()).eval(), torch.randn(1, 3, 8, 8)
    converted = fastconv.torch.convert(model, (x,))
    with torch.no_grad():
        for _ in range(2):
            torch.testing.assert_close(use(converted, x), use(model, x))
    assert converted.forward.compiled_calls == 2
    (message,) = told(caplog)
    assert re.search(f"Sequential is called through torch.compile: .*{reason}", message)


def tied():
    """One parameter by two names."""
    model = nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=1) for _ in range(2)))
    model[1].weight = model[0].weight
    return model.eval()


CHANGES = {
    "load": lambda model: model.load_state_dict({k: torch.rand(v.shape) for k, v in model.state_dict().items()}),
    "assign": lambda model: model.load_state_dict(
        {k: torch.rand(v.shape) for k, v in model.state_dict().items()}, assign=True
    ),
    "replace": lambda model: setattr(model[0], "weight", nn.Parameter(torch.rand(4, 3, 3, 3))),
    "swap": lambda model: setattr(model[0].weight, "data", torch.rand(4, 3, 3, 3)),
    "write": lambda model: model[1].running_mean.add_(1),
}


@pytest.mark.parametrize("name", CHANGES)
def test_new_parameters_are_seen(name, without_dynamo):
    model, x = small(), torch.randn(1, 3, 8, 8)
    converted = fastconv.torch.convert(model, (x,))
    with torch.no_grad():
        before = converted(x)
        for part in (converted, model):
            torch.manual_seed(1)
            CHANGES[name](part)
        assert not torch.allclose(converted(x), before)
        hold(converted(x), model, x)
    assert len(converted.forward._direct.segments[0].networks) == 1


def test_frozen_parameters_are_not_looked_at(without_dynamo):
    """Until it is copied: the copy is exported with what is there by then."""
    x = torch.randn(1, 3, 8, 8)
    model = small()
    converted = fastconv.torch.convert(model, (x,), freezing=True)
    with torch.no_grad():
        first = converted(x)
        hold(first, model, x)
        for part in (model, converted):
            part[0].weight.mul_(2)
            part[0].bias = nn.Parameter(torch.linspace(0, 1, 4))
        torch.testing.assert_close(converted(x), first, rtol=0, atol=0)
        hold(pickle.loads(pickle.dumps(converted))(x), model, x)


def test_freezing_is_true_or_false():
    with pytest.raises(TypeError, match="freezing must be True or False, got 1"):
        fastconv.torch.convert(small(), freezing=1)


def test_writes_to_constants_are_seen(without_dynamo):
    model, inputs = (
        Nested().eval(),
        ({"left": torch.randn(1, 3, 5, 5), "right": [torch.randn(1, 3, 5, 5)]}, torch.ones(1)),
    )
    converted = fastconv.torch.convert(model, inputs)
    with torch.no_grad():
        converted(*inputs)
        for part in (converted, model):
            part.scale.mul_(3)
        hold(converted(*inputs), model, *inputs)


def test_recurrent_layers(without_dynamo):
    """They keep a list of their parameters beside them."""
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Conv1d(3, 4, 3), nn.GRU(9, 5)).eval(), torch.randn(6, 3, 11)
    converted = fastconv.torch.convert(model, (x,))
    with torch.no_grad():
        for _ in range(2):
            hold(converted(x), model, x)
            for part in (converted, model):
                part[1].weight_ih_l0 = nn.Parameter(torch.linspace(-1, 1, 135).reshape(15, 9))


STRUCTURE = {
    "submodule": (small, lambda model: model.__setitem__(3, nn.Conv2d(4, 2, 1)), "submodules must be those"),
    "more submodules": (small, lambda model: model.append(nn.ReLU()), "submodules must be those"),
    "no bias": (small, lambda model: setattr(model[0], "bias", None), "of the conversion's shapes and types"),
    "a bias": (small, lambda model: setattr(model[3], "bias", nn.Parameter(torch.rand(5))), "got one more"),
    "another name": (small, lambda model: prune.l1_unstructured(model[3], "weight", 0.5), "got none of name 'weight'"),
    "untied": (tied, lambda model: setattr(model[1], "weight", nn.Parameter(torch.rand(3, 3, 3, 3))), "must stay one"),
    "training": (small, lambda model: model.train(), "must be in eval mode"),
}


@pytest.mark.parametrize("name", STRUCTURE)
def test_a_module_that_is_built_otherwise_is_compiled(name, caplog):
    make, change, reason = STRUCTURE[name]
    model, x = make(), torch.randn(1, 3, 8, 8)
    converted = fastconv.torch.convert(model, (x,))
    with torch.no_grad():
        converted(x)
        assert converted.forward.compiled_calls == 0
        for part in (converted, model):
            torch.manual_seed(1)
            change(part)
        torch.testing.assert_close(converted(x), model(x))
    assert converted.forward.compiled_calls == 1
    (message,) = told(caplog)
    assert reason in message


def test_parameters_of_two_names_may_change_together(without_dynamo):
    model, x = tied(), torch.randn(1, 3, 8, 8)
    converted = fastconv.torch.convert(model, (x,))
    with torch.no_grad():
        for part in (converted, model):
            part[0].weight = part[1].weight = nn.Parameter(torch.linspace(-1, 1, 81).reshape(3, 3, 3, 3))
        hold(converted(x), model, x)


def test_another_type_raises_as_torch_does():
    x = torch.randn(1, 3, 8, 8)
    converted = fastconv.torch.convert(small(), (x,)).double()
    with torch.no_grad(), pytest.raises(RuntimeError, match="should be the same"):
        converted(x)


class Counts(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x):
        self.calls += 1
        return self.conv(x) * self.calls


class Doubles(nn.Module):
    def forward(self, x):
        return nn.functional.max_pool2d(x.mul_(2), 2)


class Views(nn.Module):
    def forward(self, x):
        y = nn.functional.max_pool2d(x, 2)
        return y, y[:, :1]


class ViewsInputs(nn.Module):
    def forward(self, x):
        return nn.functional.max_pool2d(x, 2), x.chunk(3, 1)[1]


class Chooses(nn.Module):
    """As many results as data say."""

    def forward(self, x):
        y = nn.functional.max_pool2d(x, 2)
        return y[y > 0]


class Remembers(nn.Module):
    """State that is neither parameter nor buffer."""

    def __init__(self):
        super().__init__()
        self.last = torch.zeros(1, 3, 4, 4)

    def forward(self, x):
        self.last = nn.functional.max_pool2d(x, 2) + self.last
        return self.last


REFUSED = {
    "control flow": (Branching, "torch.export does not follow it: Could not guard on data-dependent expression"),
    "writes to a buffer": (Counts, "must not write to tensors, got writes to 'calls'"),
    "writes to an input": (Doubles, "must not write to tensors, got writes to 'arguments_0'"),
    "views of results": (Views, "must not share memory"),
    "views of inputs": (ViewsInputs, "must not share memory"),
    "extents of data": (Chooses, "must not depend on data"),
    "state": (Remembers, "The tensor attribute self.module.last was assigned"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_exported_is_compiled(name, caplog):
    make, reason = REFUSED[name]
    torch.manual_seed(0)
    model = make().eval()
    converted = fastconv.torch.convert(model, (torch.zeros(1, 3, 8, 8),))
    for _ in range(2):
        ours = torch.randn(1, 3, 8, 8)
        theirs = ours.clone()
        with torch.no_grad():
            torch.testing.assert_close(converted(ours), model(theirs))
            torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(converted.state_dict(), model.state_dict())
    assert converted.forward.compiled_calls == 2
    (message,) = told(caplog)
    assert reason in message
    assert converted.forward._signature is None  # so that no call tries again


def test_tracing_leaves_the_module_alone():
    """Another thread may call it meanwhile: a copy gets the fake tensors."""
    traced = []

    class Tells(nn.Module):
        def forward(self, x):
            traced.append(self)
            return nn.functional.max_pool2d(x, 2)

    converted = fastconv.torch.convert(Tells(), (torch.zeros(1, 3, 8, 8),))
    assert traced
    assert converted not in traced


@pytest.mark.parametrize("used", [False, True])
def test_copies_export_again(used, without_dynamo):
    model = small()
    x = torch.randn(1, 3, 8, 8)
    converted = fastconv.torch.convert(model, (x,))
    with torch.no_grad():
        if used:
            converted(x)
        for other in copies_of(converted):
            hold(other(x), model, x)
            other[1].bias.add_(1)
            assert not torch.allclose(other(x), model(x))
        hold(converted(x), model, x)


def test_threads_share_a_copy(without_dynamo):
    """Also its first call."""
    model, x = small(), torch.randn(1, 3, 8, 8)
    converted = copy.deepcopy(fastconv.torch.convert(model, (x,)))
    results = []

    def call():
        with torch.no_grad():
            results.append(converted(x))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for result in results:
        hold(result, model, x)


def test_hooks_run_once(without_dynamo):
    model, x = small(), torch.randn(1, 3, 8, 8)
    calls = []
    for part in (model, model[0]):
        part.register_forward_hook(lambda module, inputs, output: (calls.append(module), output + 1)[1])
    converted = fastconv.torch.convert(model, (x,))
    calls.clear()
    with torch.no_grad():
        got = converted(x)
    assert calls == [converted]
    hold(got, model, x)


def test_traces_are_refused():
    """They would hold the results of one call."""
    x = torch.randn(1, 3, 8, 8)
    converted = fastconv.torch.convert(small(), (x,))
    with torch.no_grad(), pytest.raises(RuntimeError, match=r"torch\.jit\.trace a dynamo-optimized function"):
        torch.jit.trace(converted, x)


def test_the_error_budget_is_that_of_the_conversion(without_dynamo):
    torch.manual_seed(0)
    model, x = nn.Conv2d(64, 64, 3, padding=1).eval(), torch.randn(1, 64, 56, 56)
    with fc.precision("high"):
        converted = fastconv.torch.convert(model, (x,))
    with torch.no_grad():
        converted(x)
        exact = copy.deepcopy(model).double()(x.double())
        error = (converted(x) - exact).norm() / exact.norm()
    assert 1e-6 < error < 1e-5


def test_memory_goes_with_a_converted_module():
    x = torch.randn(1, 3, 8, 8)
    converted = fastconv.torch.convert(small(), (x,))
    with torch.no_grad():
        converted(x)
    gone = [weakref.ref(part) for part in (converted, converted[0].weight, converted.forward._direct)]
    del converted
    gc.collect()
    assert [ref() for ref in gone] == [None] * 3


BAD_EXAMPLES = {
    "no tuple": (lambda x: x, TypeError, "must be a tuple of the positional arguments of forward, got Tensor"),
    "a list": (lambda x: [x], TypeError, "must be a tuple of the positional arguments of forward, got list"),
    "no tensor": (lambda x: (x.numpy(),), TypeError, r"example_inputs\[0\] must be a tensor, got ndarray"),
    "deep": (lambda x: ({"a": [x, 3]},), TypeError, r"example_inputs\[0\]\['a'\]\[1\] must be a tensor, got int"),
    "elsewhere": (lambda x: (x.to("meta"),), ValueError, r"\[0\] must be a dense tensor of the CPU, got .* on meta"),
    "sparse": (
        lambda x: (x.to_sparse(),),
        ValueError,
        r"\[0\] must be a dense tensor of the CPU, got torch.sparse_coo",
    ),
    "channels": (
        lambda x: (x[:, :2],),
        ValueError,
        r"must be arguments that forward takes, got RuntimeError: .*channels",
    ),
    "too many": (lambda x: (x, x), ValueError, "must be arguments that forward takes, got TypeError: .*positional"),
}


@pytest.mark.parametrize("name", BAD_EXAMPLES)
def test_bad_examples(name, caplog):
    make, error, message = BAD_EXAMPLES[name]
    with pytest.raises(error, match=f"^fastconv.torch.convert: .*{message}"):
        fastconv.torch.convert(small(), make(torch.randn(1, 3, 8, 8)))
    assert not told(caplog)
