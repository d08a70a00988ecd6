"""Functions and layers take torch tensors where they lie, and return tensors."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

import fastconv as fc  # noqa: E402

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


def test_nothing_is_copied():
    """The array that a function works on is the tensor's memory, channels_last or not."""
    from fastconv._arrays import as_float32

    x = torch.rand(2, 4, 5, 6)
    for tensor in (x, x.to(memory_format=torch.channels_last), x[:, ::2]):
        assert np.shares_memory(as_float32("test", "x", tensor), tensor.numpy())


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
