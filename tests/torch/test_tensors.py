"""Functions and layers take torch tensors where they lie, and return tensors."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

import fastconv as fc  # noqa: E402
from fastconv._arrays import as_float32, like  # noqa: E402

from ..nn.test_layers import CASES, build  # noqa: E402

AXES = (1, 2, 3)


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("last", [False, True])
def test_functions(axes, last):
    x = torch.randint(-4, 5, (2, 6, *range(7, 7 + axes))).float()
    if last:
        x = x.movedim(1, -1).contiguous().movedim(-1, 1)  # channels_last, for any number of axes
    weight, bias = torch.randint(-4, 5, (6, 3, *[3] * axes)).float(), torch.arange(6.0)
    cases = [
        ("conv", (weight, bias, 2, 1, 1, 2)),
        ("conv_transpose", (weight, bias[:6], 2, 1, 0, 2)),
        ("max_pool", (2,)),
        ("avg_pool", (2,)),
        ("adaptive_max_pool", (3,)),
    ]
    for name, arguments in cases:
        got = getattr(fc, f"{name}{axes}d")(x, *arguments)
        assert isinstance(got, torch.Tensor), name
        assert torch.equal(got, getattr(F, f"{name}{axes}d")(x, *arguments)), name
    torch.testing.assert_close(
        getattr(fc, f"adaptive_avg_pool{axes}d")(x, 3), getattr(F, f"adaptive_avg_pool{axes}d")(x, 3)
    )


def test_these_are_all_functions():
    kinds = ("conv", "conv_transpose", "max_pool", "avg_pool", "adaptive_max_pool", "adaptive_avg_pool")
    named = {f"{kind}{axes}d" for kind in kinds for axes in AXES}
    assert {name for name in fc.__all__ if name[-2:] in ("1d", "2d", "3d")} == named


def test_nothing_is_copied():
    """A function works on the tensor's memory, channels_last or not, and the tensor it returns is on the result's."""
    x = torch.rand(2, 4, 5, 6)
    for tensor in (x, x.to(memory_format=torch.channels_last), x[:, ::2], torch.nn.Parameter(x)):
        with torch.no_grad():
            assert np.shares_memory(as_float32("test", "x", tensor), tensor.detach().numpy())
    array = np.zeros((2, 3), np.float32)
    assert like(x)(array).data_ptr() == array.ctypes.data


def test_parameters():
    """Torch's own layers' weights are taken as they are, where nobody asks for gradients."""
    layer, x = torch.nn.Conv2d(3, 4, 3), torch.randn(1, 3, 6, 6)
    with torch.no_grad():
        torch.testing.assert_close(fc.conv2d(x, layer.weight, layer.bias), layer(x))
        assert not fc.max_pool2d(torch.nn.Parameter(x), 2).requires_grad
    with pytest.raises(RuntimeError, match=r"conv2d: weight must not ask for gradients: call .* torch.no_grad\(\)"):
        fc.conv2d(x, layer.weight, layer.bias)
    ours = fc.nn.Conv2d(3, 4, 3)
    for run in (ours, fc.compile(ours, (1, 3, 6, 6)), fc.nn.functional.relu):
        with pytest.raises(RuntimeError, match="input must not ask for gradients"):
            run(x.clone().requires_grad_())


def test_types_that_are_refused():
    x, weight = torch.ones(1, 1, 3, 3), torch.ones(1, 1, 1, 1)
    for dtype in (torch.bfloat16, torch.float64, torch.int8):
        with pytest.raises(TypeError, match=rf"conv2d: x must be .*, got (torch\.)?{str(dtype)[6:]}"):
            fc.conv2d(x.to(dtype), weight)
    with pytest.raises(TypeError, match="conv2d: weight must be"):
        fc.conv2d(x, weight.to("meta"))


@pytest.mark.parametrize(("text", "shape"), CASES)
def test_every_layer(text, shape):
    """Tensors in, tensors out, of the values that arrays give."""
    layer, x = build(fc.nn, text), torch.randn(shape)
    expected, got = layer(x.numpy()), layer(x)
    for one, other in zip(*((y if isinstance(y, tuple) else (y,)) for y in (got, expected)), strict=True):
        assert isinstance(one, torch.Tensor)
        np.testing.assert_array_equal(one.numpy(), other)


def test_functional():
    """Of fastconv.nn.functional: one tensor among the arguments is enough, in a list too."""
    x, weight = torch.randn(2, 4, 6, 6), torch.randn(8, 4, 3, 3)
    ours, theirs = fc.nn.functional, F
    for run in (
        lambda f: f.relu(x),
        lambda f: f.conv2d(x, weight, padding=1),
        lambda f: f.linear(x, torch.ones(5, 6), torch.ones(5)),
        lambda f: f.batch_norm(x, torch.zeros(4), torch.ones(4)),
        lambda f: f.interpolate(x, scale_factor=2.0, mode="bilinear"),
        lambda f: f.pad(x, (1, 2), value=3.0),
        lambda f: f.max_pool2d(x, 2, return_indices=True),
    ):
        for got, good in zip(*((y if isinstance(y, tuple) else (y,)) for y in map(run, (ours, theirs))), strict=True):
            assert isinstance(got, torch.Tensor)
            torch.testing.assert_close(got, good)
    assert torch.equal(ours.cat([x, np.ones((2, 1, 6, 6), np.float32)], 1), torch.cat([x, torch.ones(2, 1, 6, 6)], 1))
    assert isinstance(ours.relu(x.numpy()), np.ndarray)


def test_layers_and_networks():
    theirs = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU()).eval()
    ours = fc.nn.Sequential(fc.nn.Conv2d(3, 4, 3), fc.nn.BatchNorm2d(4), fc.nn.ReLU())
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 8, 9)
    with torch.no_grad():
        for run in (ours, fc.compile(ours, x)):
            for tensor in (x, x.to(memory_format=torch.channels_last)):
                got = run(tensor)
                assert isinstance(got, torch.Tensor)
                torch.testing.assert_close(got, theirs(tensor))
