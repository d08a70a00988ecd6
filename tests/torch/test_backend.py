"""torch.compile through fastconv gives torch's answer, whatever the model does and whatever happens to it."""

import copy
import gc
import logging
import os
import subprocess
import sys
import weakref
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import fastconv as fc  # noqa: E402
import fastconv.torch  # noqa: E402
from fastconv.torch.dynamo import GRADIENTS, MAX_PLANS  # noqa: E402
from fastconv.torch.segment import Segment  # noqa: E402

from ..entry_points import declare_backend  # noqa: E402
from .check import compiled, hold  # noqa: E402

Pair = namedtuple("Pair", "first second")


def test_entry_point(tmp_path):
    """torch finds the backend by name, without fastconv being imported."""
    declare_backend(tmp_path)
    program = (
        "import torch\n"
        "model = torch.compile(torch.nn.Conv2d(1, 1, 3).eval(), backend='fastconv', options={'precision': 'high'})\n"
        "with torch.no_grad(): print(model(torch.ones(1, 1, 5, 5)).shape)\n"
    )
    paths = [str(tmp_path), str(Path(fc.__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "torch.Size([1, 1, 3, 3])\n", done.stderr


# ------------------------------------------------------------------------------------------------------------ models


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x, more):
        y = self.conv(x["image"] + more[0])
        return {"y": y, "pair": Pair(y[:, 0], [y.mean(), None, 3]), "same": (x["image"], "name")}


class Detection(nn.Module):
    """Boxes per level, kept by score: shapes that depend on data."""

    def __init__(self):
        super().__init__()
        self.body, self.scores, self.boxes = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 2, 1), nn.Conv2d(8, 4, 1)

    def forward(self, images):
        features = F.relu(self.body(torch.stack(images)))
        scores, boxes = self.scores(features).sigmoid(), self.boxes(features).exp()
        return self.chosen(scores, boxes)

    def chosen(self, scores, boxes):
        results = []
        for score, box in zip(scores, boxes):
            best, label = score.flatten(1).max(0)
            kept = best > 0.5
            results.append({"boxes": box.flatten(1).t()[kept], "scores": best[kept], "labels": label[kept]})
        return results


class Recurrent(nn.Module):
    """A convolutional LSTM over time."""

    def __init__(self, c=4):
        super().__init__()
        self.gates, self.c = nn.Conv2d(3 + c, 4 * c, 3, padding=1), c

    def forward(self, frames):
        h = cell = frames.new_zeros(frames.shape[0], self.c, *frames.shape[-2:])
        outputs = []
        for t in range(frames.shape[1]):
            i, f, o, g = self.gates(torch.cat((frames[:, t], h), 1)).chunk(4, 1)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            h = o.sigmoid() * cell.tanh()
            outputs.append(h)
        return torch.stack(outputs, 1), (h, cell)


class RecurrentHead(nn.Module):
    """Convolutions, then a GRU, as in text recognition."""

    def __init__(self):
        super().__init__()
        self.conv, self.gru, self.last = (
            nn.Conv2d(1, 6, 3, padding=1),
            nn.GRU(6, 5, bidirectional=True),
            nn.Linear(10, 7),
        )

    def forward(self, x):
        x = F.relu(self.conv(x)).mean(2).permute(2, 0, 1)
        x, _ = self.gru(x)
        return self.last(x).log_softmax(2)


class Broken(nn.Module):
    """Control flow on data: torch captures it in parts."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.calls = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), 0

    def forward(self, x):
        x = self.a(x)
        self.calls += 1
        if x.sum() > 0:
            return self.b(x)
        return self.b(-x) * 2, x.shape[1]


class InPlace(nn.Module):
    """Writes to its input, to a view, to a buffer; returns views."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.register_buffer("total", torch.zeros(4))

    def forward(self, x):
        x.mul_(2)
        y = self.conv(x)
        y[:, 1:3].relu_().add_(1)
        y[:, 0] = 0.5
        y[..., ::2] += 1
        self.total += y.mean((0, 2, 3))
        torch.sigmoid_(y[0])
        return y, y.view(-1), y[:, 1], x[0], self.total.clone()


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.attention = nn.Conv2d(3, 12, 4, 4), nn.MultiheadAttention(12, 3, batch_first=True)

    def forward(self, x):
        x = self.conv(x).flatten(2).transpose(1, 2)
        mixed, weights = self.attention(x, x, x)
        return x + mixed, weights


MODELS = {
    "nested": (Nested, lambda: ({"image": torch.randn(2, 3, 8, 9)}, [torch.randn(2, 3, 8, 9)])),
    "detection": (Detection, lambda: ([torch.randn(3, 12, 12), torch.randn(3, 12, 12)],)),
    "recurrent": (Recurrent, lambda: (torch.randn(2, 3, 3, 8, 9),)),
    "recurrent head": (RecurrentHead, lambda: (torch.randn(2, 1, 8, 12),)),
    "broken": (Broken, lambda: (torch.randn(1, 3, 9, 9),)),
    "attention": (Attention, lambda: (torch.randn(2, 3, 16, 12),)),
}


@pytest.mark.parametrize("name", MODELS)
def test_model(name):
    make, draw = MODELS[name]
    torch.manual_seed(0)
    model = make().eval()
    run, programs = compiled(model)
    for _ in range(2):
        inputs = draw()
        with torch.no_grad():
            got = run(*inputs)
        hold(got, model, *inputs)
    assert sum(program.lowered.count("aten.convolution") for program in programs) > 0
    assert not [left for program in programs for left in program.left if left.op == "aten.convolution"]


def test_in_place():
    torch.manual_seed(0)
    model = InPlace().eval()
    other = copy.deepcopy(model)
    run, _ = compiled(model)
    for _ in range(2):
        x = torch.randn(2, 3, 6, 8)
        theirs = x.clone()
        with torch.no_grad():
            got, expected = run(x), other(theirs)
            for y, z in zip([*got, x, model.total], [*expected, theirs, other.total], strict=True):
                torch.testing.assert_close(y, z)
            got[0].add_(1)
            expected[0].add_(1)
            torch.testing.assert_close(got[1], expected[1])  # a view of it
            torch.testing.assert_close(got[3].data_ptr(), x.data_ptr())


def test_training_mode_is_torchs():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).train()
    other = copy.deepcopy(model)
    run, _ = compiled(model)
    with torch.no_grad():
        for _ in range(2):
            x = torch.randn(2, 3, 6, 6)
            torch.testing.assert_close(run(x), other(x))
    torch.testing.assert_close(model.state_dict(), other.state_dict())


# ----------------------------------------------------------------------------------------------------------- tensors


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_sizes(axes):
    """One graph, whose network plans each size anew and keeps a bounded number of plans."""
    conv, up = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1], nn.Upsample(scale_factor=2)
    model = nn.Sequential(conv(3, 4, 3, 2, 1), nn.ReLU(), up, conv(4, 2, 1)).eval()
    run, programs = compiled(model, dynamic=True)
    for extent in range(5, 5 + MAX_PLANS + 3):
        x = torch.randn(extent % 3 + 2, 3, *range(extent, extent + axes))
        with torch.no_grad():
            got = run(x)
        hold(got, model, x)
    (program,) = programs
    (segment,) = program.segments
    assert [network.plan_count for network in segment.networks] == [MAX_PLANS]


def test_sizes_in_arithmetic():
    weight = torch.linspace(-1, 1, 16).reshape(4, 4, 1, 1)

    def model(x):
        y = F.conv2d(x, weight, stride=2)
        n, c, h, w = y.shape
        y = y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h * w)
        y = F.interpolate(y.view(n, c, h, w), size=x.shape[-2:], mode="bilinear")
        return F.pad(y, (0, h // 4))[:, :, : (x.shape[2] - 9) // 2], x.shape[0] * 3

    run, programs = compiled(model, dynamic=True)
    for shape in ((2, 4, 12, 14), (3, 4, 6, 17), (5, 4, 17, 33)):
        x = torch.randn(shape)
        with torch.no_grad():
            got = run(x)
        hold(got, model, x)
    assert all(len(program.segments) == 1 and not program.left for program in programs)


def test_sizes_come_by_themselves():
    """torch compiles a second time for sizes that vary, and not a third."""
    model = nn.Conv2d(3, 4, 3).eval()
    run, programs = compiled(model)
    for extent in (8, 9, 10, 11, 12):
        x = torch.randn(extent - 6, 3, extent, 2 * extent)
        with torch.no_grad():
            hold(run(x), model, x)
    assert len(programs) <= 3


@pytest.mark.parametrize("dynamic", [False, True])
def test_memory_formats(dynamic):
    """channels_last comes and goes as it is: by the same strides as torch's, without a copy."""
    model = nn.Sequential(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU()).eval()
    run, programs = compiled(model, dynamic=dynamic)
    contiguous = torch.randn(2, 16, 9, 10)
    for x in (contiguous, contiguous.to(memory_format=torch.channels_last), contiguous.transpose(2, 3)):
        with torch.no_grad():
            got = run(x)
            assert got.stride() == model(x).stride()
        hold(got, model, x)
        segment = programs[-1].segments[0]
        ((name, read),) = segment._readers
        assert read(x).flags.c_contiguous
        assert np.shares_memory(read(x), x.numpy())
    assert len(programs) == 3
    with_copies = [
        step["op"] for step in programs[0].segments[0].networks[0].profile({name: contiguous.numpy()}, runs=1)
    ]
    ((name, read),) = programs[1].segments[0]._readers
    x = contiguous.to(memory_format=torch.channels_last)
    without = [step["op"] for step in programs[1].segments[0].networks[0].profile({name: read(x)}, runs=1)]
    assert without == ["conv"]
    assert "reformat" in with_copies


def test_other_types_are_left_to_torch():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval().double()
    run, programs = compiled(model)
    x = torch.randn(1, 3, 6, 6, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(run(x), model(x), rtol=0, atol=0)
    assert (programs[0].left[0].op, programs[0].left[0].reason) == ("aten.convolution", "data type float64")
    assert not programs[0].segments


def test_autocast():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()
    x = torch.randn(1, 3, 6, 6)
    run, _ = compiled(model)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(run(x), model(x))


def test_empty_batch():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()
    run, _ = compiled(model)
    with torch.no_grad():
        assert run(torch.zeros(0, 3, 6, 6)).shape == (0, 4, 4, 4)


# -------------------------------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_parameters_are_packed_once(mode):
    model = nn.Conv2d(3, 4, 3).eval()
    run, programs = compiled(model)
    x = torch.randn(1, 3, 6, 6)
    with mode():
        run(x)
        networks = programs[0].segments[0].networks
        run(x + 1)
        assert programs[0].segments[0].networks == networks
        assert len(networks) == 1
        assert len(programs[0].segments[0]._fixed) == 2


def test_new_parameters_are_seen():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
    run, programs = compiled(model)
    x = torch.randn(1, 3, 6, 6)

    def load():
        model.load_state_dict({name: torch.rand(value.shape) for name, value in model.state_dict().items()})

    def replace():
        model[0].weight = nn.Parameter(torch.randn(4, 3, 3, 3))

    def swap():
        model[0].weight.data = torch.randn(4, 3, 3, 3)

    def write():
        model[1].running_mean.add_(1)

    with torch.no_grad():
        run(x)
        for change in (load, replace, swap, write):
            before = run(x)
            change()
            assert not torch.allclose(run(x), before), change
            hold(run(x), model, x)
    assert len(programs[0].segments[0].networks) == 1  # those of parameters that are gone are gone


@torch._dynamo.config.patch(prepare_freezing=True)
def test_parameters_that_are_attributes():
    """dynamo makes them that where it is told to prepare graphs for inductor's freezing."""
    model, x = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval(), torch.randn(1, 3, 6, 6)
    run, programs = compiled(model)
    with torch.no_grad():
        hold(run(x), model, x)
        model[1].running_mean.add_(1)
        hold(run(x), model, x)
    assert len(programs) == 1


def test_a_graph_of_one_segment_is_the_segment():
    """Whatever the order of its outputs; where torch computes something, there is a graph around it."""
    conv = nn.Conv2d(3, 4, 3).eval()

    def swapped(x, y):
        first, second = conv(x), conv(y)
        return second.relu(), first.sigmoid()

    def sorted_values(x, y):
        return conv(x), torch.sort(conv(y)).values

    x, y = torch.randn(2, 1, 3, 6, 6)
    for model, alone in ((swapped, True), (sorted_values, False)):
        run, programs = compiled(model)
        with torch.no_grad():
            hold(run(x, y), model, x, y)
        assert isinstance(getattr(programs[0].run, "__self__", None), Segment) == alone


def test_modules_of_the_same_code():
    """torch compiles once for all of them; each has a network of its own, made once."""
    blocks = [nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU()).eval() for _ in range(3)]
    run, programs = compiled(lambda block, x: block(x))
    x = torch.randn(1, 3, 6, 6)
    with torch.no_grad():
        for _ in range(3):
            for block in blocks:
                hold(run(block, x), block, x)
    segments = [segment for program in programs for segment in program.segments]
    assert sum(len(segment.networks) for segment in segments) == 3


def test_gradients_are_torchs(caplog):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()
    run, programs = compiled(model)
    x = torch.randn(1, 3, 6, 6)
    with caplog.at_level(logging.WARNING, "fastconv"):
        torch.compile(model, backend=fastconv.torch.backend)(x)
    assert GRADIENTS in caplog.text
    run(x).sum().backward()
    expected = copy.deepcopy(model)
    expected.zero_grad()
    expected(x).sum().backward()
    torch.testing.assert_close(model[0].weight.grad, expected[0].weight.grad)
    with torch.no_grad():
        hold(run(x), model, x)
    assert [len(program.segments) for program in programs] == [0, 1]


def test_what_is_left_is_logged(caplog):
    weight = torch.ones(1, 1, 1, 1)
    model = torch.compile(lambda x: F.conv2d(x, weight).sort().values, backend=fastconv.torch.backend)
    with caplog.at_level(logging.WARNING, "fastconv"), torch.no_grad():
        model(torch.randn(1, 1, 4, 4))
    assert [record.getMessage() for record in caplog.records if record.name == "fastconv"] == [
        "aten.sort is left to torch: not translated"
    ]


def test_options_are_checked():
    with pytest.raises(Exception, match=r"precision.*must be one of.*'exact'"):
        torch.compile(nn.ReLU(), backend=fastconv.torch.backend, options={"precision": "exact"})(torch.zeros(1))
    with pytest.raises(Exception, match=r"must be among precision, tune, freezing, got \['speed'\]"):
        torch.compile(nn.ReLU(), backend=fastconv.torch.backend, options={"speed": 9})(torch.zeros(1))
    with pytest.raises(Exception, match=r'"freezing"\] must be True or False, got 1'):
        torch.compile(nn.ReLU(), backend=fastconv.torch.backend, options={"freezing": 1})(torch.zeros(1))


def test_memory_goes_with_the_model():
    model = nn.Conv2d(3, 4, 3).eval()
    run, programs = compiled(model)
    with torch.no_grad():
        run(torch.randn(1, 3, 6, 6))
    segment = weakref.ref(programs.pop().segments[0])
    del run, model, programs
    torch._dynamo.reset()
    gc.collect()
    assert segment() is None


# ----------------------------------------------------------------------------------------------------------- explain


def test_explain():
    torch.manual_seed(0)
    model = Attention().eval()
    found = fastconv.torch.explain(torch.compile(model), torch.randn(2, 3, 16, 12))
    assert found.graphs == 1
    assert found.networks >= 1
    assert found.lowered["aten.convolution"] == 1
    text = str(found)
    assert "1 x aten.convolution" in text
    assert sum(found.fallbacks.values()) == len(found.left)


def test_explain_tells_why():
    weight = torch.ones(1, 1, 1, 1)
    found = fastconv.torch.explain(lambda x: F.conv2d(x.sort().values, weight).sort().values, torch.randn(1, 1, 4, 4))
    assert found.fallbacks == {"aten.sort": 2}
    assert found.left[0].reason == "not translated"
    assert "2 x aten.sort: not translated" in str(found)
    assert found.networks == 1
