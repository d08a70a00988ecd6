"""With `freezing`, parameters are part of the graph, and calls through torch.compile cost what small models' do.

What the promise does not cover is seen as ever: other modules, arguments, training mode, Python state.
"""

import gc
import logging
import weakref

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch._dynamo.output_graph import OutputGraph  # noqa: E402
from torch._dynamo.symbolic_convert import InstructionTranslator  # noqa: E402

import fastconv.torch  # noqa: E402
from fastconv.torch import freezing  # noqa: E402
from fastconv.torch.dynamo import compile_graph  # noqa: E402

from .check import compiled, hold  # noqa: E402

FREEZING = {"freezing": True}


def small():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()


def passed_to(model):
    """Return a compiled model, and the list that will have what dynamo passes to the graph, call by call."""
    calls = []

    def backend(module, example_inputs, options=None):
        run = compile_graph(module, example_inputs, options, lambda program: None)

        def recording(*arguments):
            calls.append(arguments)
            return run(*arguments)

        return recording

    return torch.compile(model, backend=backend, options=dict(FREEZING)), calls


def test_inputs_alone_are_passed():
    model, x = small(), torch.randn(1, 3, 6, 6)
    run, calls = passed_to(model)
    with torch.no_grad():
        for _ in range(2):
            hold(run(x), model, x)
    assert calls == [(x,), (x,)]


def test_parameters_and_layers_are_not_looked_at():
    model, x = small(), torch.randn(1, 3, 6, 6)
    run, programs = compiled(model, options=dict(FREEZING))
    with torch.no_grad():
        first = run(x)
        hold(first, model, x)
        model[1].running_mean.add_(1)
        model[0].weight = nn.Parameter(torch.randn(4, 3, 3, 3, dtype=torch.float64))
        model[0].stride = (2, 2)
        model.append(nn.ReLU())
        torch.testing.assert_close(run(x), first, rtol=0, atol=0)
    assert [program.frozen for program in programs] == [6]


class Chain(nn.Sequential):
    """A class that is not torch's."""


class Other(nn.Identity):
    """Another."""


STRUCTURE = {
    "replaced": lambda model: model.__setitem__(0, Other()),
    "one more": lambda model: model.append(nn.ReLU()),
    "a method": lambda model: setattr(model[0], "forward", lambda x: x),
}


@pytest.mark.parametrize("name", STRUCTURE)
def test_structure_is_not_looked_at(name):
    model, x = Chain(Chain(small())).eval(), torch.randn(1, 3, 6, 6)
    run, programs = compiled(model, options=dict(FREEZING))
    with torch.no_grad():
        first = run(x)
        hold(first, model, x)
        STRUCTURE[name](model)
        torch.testing.assert_close(run(x), first, rtol=0, atol=0)
    assert [program.frozen for program in programs] == [6]


def test_other_modules_of_the_same_code_are_seen():
    """More of them than dynamo compiles the code of one module for."""
    models, x = [small() for _ in range(torch._dynamo.config.recompile_limit + 2)], torch.randn(1, 3, 6, 6)
    for index, model in enumerate(models):
        nn.init.constant_(model[0].bias, index)
    run, programs = compiled(lambda model, x: model(x), options=dict(FREEZING))
    with torch.no_grad():
        for model in (*models, *reversed(models)):
            hold(run(model, x), model, x)
    assert [program.frozen for program in programs] == [6] * len(models)


class Counts(nn.Module):
    """Layers, and Python state of the module's own."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.scale = layer, 2

    def forward(self, x):
        return self.layer(x) * self.scale


CHANGES = {
    "shape": lambda model: torch.randn(2, 3, 8, 7),
    "type": lambda model: model.double() and torch.randn(1, 3, 6, 6, dtype=torch.float64),
    "training": lambda model: model.train() and None,
    "Python state": lambda model: setattr(model, "scale", 3),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_not_promised_is_seen(name):
    model, x = Counts(small()).eval(), torch.randn(1, 3, 6, 6)
    run, programs = compiled(model, options=dict(FREEZING))
    with torch.no_grad():
        hold(run(x), model, x)
        changed = CHANGES[name](model)
        x = x if changed is None else changed
        torch.testing.assert_close(run(x), model(x))
    assert len(programs) == 2


def test_gradients_are_torchs():
    model, x = small(), torch.randn(1, 3, 6, 6)
    run, programs = compiled(model, options=dict(FREEZING))
    with torch.no_grad():
        hold(run(x), model, x)
    run(x).sum().backward()
    assert model[0].weight.grad is not None
    assert [program.frozen for program in programs] == [6, 0]


class Remembers(nn.Module):
    """A buffer that is another tensor after each call, beside one that stays, and a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.conv, self.gain = nn.Conv2d(3, 4, 3, padding=1), nn.Parameter(torch.full((4, 1, 1), 0.5))
        self.register_buffer("last", torch.zeros(4, 6, 6))
        self.register_buffer("offset", torch.ones(4, 1, 1))

    def forward(self, x):
        y = self.conv(x) * self.gain + self.offset
        self.last = y[0] + self.last
        return self.last + 0


def test_buffers_that_a_module_replaces_stay_inputs():
    """Which are those of modules that are not torch's."""
    model, x = Remembers().eval(), torch.randn(1, 3, 6, 6)
    run, programs = compiled(model, options=dict(FREEZING))
    with torch.no_grad():
        for _ in range(3):
            before = model.last
            got = run(x)
            torch.testing.assert_close(got, (model.conv(x) * model.gain + model.offset)[0] + before)
        expected = (model.conv(x) * model.gain)[0] + model.last
        model.offset, model.gain = torch.zeros(4, 1, 1), nn.Parameter(torch.zeros(1))
        torch.testing.assert_close(run(x), expected)
    assert [program.frozen for program in programs] == [3]


class Shifts(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.register_buffer("offset", torch.ones(4, 1, 1))

    def forward(self, x):
        return self.conv(x) + self.offset


@pytest.mark.parametrize(("make", "frozen"), [(Shifts, 2), (lambda: torch.fx.symbolic_trace(Shifts()), 3)])
def test_buffers_of_graphs_are_frozen(make, frozen):
    """A graph cannot replace them, a module's forward can."""
    model, x = make().eval(), torch.randn(1, 3, 6, 6)
    run, programs = compiled(model, options=dict(FREEZING))
    with torch.no_grad():
        hold(run(x), model, x)
    assert [program.frozen for program in programs] == [frozen]


def test_buffers_that_are_written_are_written():
    model, x = small().train(), torch.randn(2, 3, 6, 6)
    other = small().train()
    run, _ = compiled(model, options=dict(FREEZING))
    with torch.no_grad():
        for _ in range(2):
            torch.testing.assert_close(run(x), other(x))
    torch.testing.assert_close(model.state_dict(), other.state_dict())


class Sorts(nn.Module):
    """What torch computes reads a parameter, too, and so does each of two networks."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 3, 3), nn.Conv2d(3, 3, 3)

    def forward(self, x):
        x = torch.sort(self.first(x) + self.second.bias[:, None, None], stable=True).values
        return self.second(x) + torch.sort(self.second.bias).values[:, None, None]


class Breaks(nn.Module):
    """Two graphs."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 3, 3), nn.Conv2d(3, 3, 3)

    def forward(self, x):
        x = self.first(x)
        return self.second(x) if x.sum() < 1e9 else x


@pytest.mark.parametrize(("make", "frozen"), [(Sorts, [4]), (Breaks, [2, 2])])
def test_graphs_in_parts(make, frozen):
    torch.manual_seed(0)
    model = make().eval()
    run, programs = compiled(model, options=dict(FREEZING))
    with torch.no_grad():
        for _ in range(2):
            x = torch.randn(1, 3, 9, 9)
            hold(run(x), model, x)
    assert [program.frozen for program in programs] == frozen
    assert sum(len(program.segments) for program in programs) == 2


def test_layers_of_converted_modules_are_frozen():
    """They are fastconv's subclasses of torch's."""
    converted, x = fastconv.torch.convert(small()), torch.randn(1, 3, 6, 6)
    run, calls = passed_to(converted)
    with torch.no_grad():
        first = run(x)
        converted[0].stride = (2, 2)
        torch.testing.assert_close(run(x), first, rtol=0, atol=0)
    assert calls == [(x,), (x,)]


def test_memory_goes_with_the_model():
    """Without torch._dynamo.reset: the guard on the module's identity ends with it."""
    model = small()
    run, programs = compiled(model, options=dict(FREEZING))
    with torch.no_grad():
        run(torch.randn(1, 3, 6, 6))
    gone = [weakref.ref(model[0].weight), weakref.ref(programs.pop().segments[0])]
    del run, model, programs
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


def without_guards(monkeypatch):
    monkeypatch.setattr(freezing, "GuardBuilder", object())
    return "AttributeError: 'object' object has no attribute 'ID_MATCH'"


def with_a_list_of_its_own(monkeypatch):
    passed = InstructionTranslator.current_tx().output.graphargs
    monkeypatch.setattr(OutputGraph, "graphargs", property(lambda output: passed))
    return "RuntimeError: dynamo must pass what its graph has as inputs, got more"


@pytest.mark.parametrize("change", [without_guards, with_a_list_of_its_own])
def test_another_torch_passes_parameters(change, monkeypatch, caplog):
    """Where dynamo is not as expected nothing is left out, and the logger tells."""
    model, x = small(), torch.randn(1, 3, 6, 6)
    programs, reasons = [], []

    def backend(module, example_inputs, options=None):
        reasons.append(change(monkeypatch))
        return compile_graph(module, example_inputs, options, programs.append)

    with caplog.at_level(logging.WARNING, "fastconv"), torch.no_grad():
        run = torch.compile(model, backend=backend, options=dict(FREEZING))
        hold(run(x), model, x)
        model[0].weight = nn.Parameter(torch.randn(4, 3, 3, 3))
        hold(run(x), model, x)
    assert [program.frozen for program in programs] == [0]
    assert f"freezing: parameters stay inputs of each call: {reasons[0]}" in caplog.text
