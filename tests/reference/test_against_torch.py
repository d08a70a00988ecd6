"""The specification against torch in float64: random arguments for every function torch has too.

torch takes neither asymmetric padding nor channels last, so those are checked through what they must equal.
"""

import numpy as np
import pytest

from fastconv import reference

torch = pytest.importorskip("torch", reason="the specification is checked against torch")
F = torch.nn.functional

RANKS = (1, 2, 3)
SEEDS = range(60)


def random_axes(rng, ndim, low, high):
    """One int for every axis, or one for each."""
    if rng.random() < 0.3:
        return int(rng.integers(low, high + 1))
    return tuple(int(v) for v in rng.integers(low, high + 1, ndim))


def per_axis(value, ndim):
    return value if isinstance(value, tuple) else (value,) * ndim


def same(ours, theirs):
    assert ours.dtype == np.float64
    np.testing.assert_array_equal(ours.shape, theirs.shape)
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-12, atol=1e-12)


def random_input(rng, channels, spatial):
    """Small integers, batch of 0 to 3 or un-batched."""
    batch = [(), (0,), (1,), (2,), (3,)][rng.integers(5)]
    return rng.integers(-9, 10, (*batch, channels, *spatial)).astype(np.float64)


def channels_last(x, ndim):
    return np.moveaxis(x, -ndim - 1, -1)


@pytest.mark.parametrize("ndim", RANKS)
@pytest.mark.parametrize("seed", SEEDS)
def test_conv(ndim, seed):
    rng = np.random.default_rng([ndim, seed])
    groups, cg, kg = (int(v) for v in rng.integers(1, 4, 3))
    kernel = tuple(int(v) for v in rng.integers(1, 4, ndim))
    dilation = random_axes(rng, ndim, 1, 3)
    spatial = tuple(int(d * (r - 1) + rng.integers(1, 8)) for r, d in zip(kernel, per_axis(dilation, ndim)))
    stride = random_axes(rng, ndim, 1, 3)
    padding = [random_axes(rng, ndim, 0, 3), "valid", "same"][rng.choice(3, p=[0.7, 0.1, 0.2])]
    stride = 1 if padding == "same" else stride
    x = random_input(rng, groups * cg, spatial)
    weight = rng.integers(-9, 10, (groups * kg, cg, *kernel)).astype(np.float64)
    bias = rng.integers(-9, 10, groups * kg).astype(np.float64) if rng.random() < 0.5 else None

    ours = getattr(reference, f"conv{ndim}d")(x, weight, bias, stride, padding, dilation, groups)
    tensors = (torch.from_numpy(x), torch.from_numpy(weight), None if bias is None else torch.from_numpy(bias))
    same(ours, getattr(F, f"conv{ndim}d")(*tensors, stride, padding, dilation, groups))

    arguments = (weight, bias, stride, padding, dilation, groups)
    last = getattr(reference, f"conv{ndim}d")(channels_last(x, ndim), *arguments, layout="NHWC")
    np.testing.assert_array_equal(last, channels_last(ours, ndim))


@pytest.mark.parametrize("ndim", RANKS)
@pytest.mark.parametrize("seed", SEEDS)
def test_conv_transpose(ndim, seed):
    rng = np.random.default_rng([ndim, seed])
    groups, cg, kg = (int(v) for v in rng.integers(1, 4, 3))
    kernel = tuple(int(v) for v in rng.integers(1, 5, ndim))
    stride, dilation = random_axes(rng, ndim, 1, 3), random_axes(rng, ndim, 1, 3)
    room = [max(s, d) - 1 for s, d in zip(per_axis(stride, ndim), per_axis(dilation, ndim))]
    output_padding = tuple(int(rng.integers(0, r + 1)) for r in room)
    spatial = tuple(int(v) for v in rng.integers(1, 7, ndim))
    padding = random_axes(rng, ndim, 0, 2)
    sizes = zip(
        spatial, kernel, per_axis(stride, ndim), per_axis(padding, ndim), output_padding, per_axis(dilation, ndim)
    )
    if any(reference.conv_transpose_output_size(n, r, s, (p, p), o, d) < 1 for n, r, s, p, o, d in sizes):
        padding = 0
    x = random_input(rng, groups * cg, spatial)
    weight = rng.integers(-9, 10, (groups * cg, kg, *kernel)).astype(np.float64)
    bias = rng.integers(-9, 10, groups * kg).astype(np.float64) if rng.random() < 0.5 else None

    arguments = (stride, padding, output_padding, groups, dilation)
    ours = getattr(reference, f"conv_transpose{ndim}d")(x, weight, bias, *arguments)
    tensors = (torch.from_numpy(x), torch.from_numpy(weight), None if bias is None else torch.from_numpy(bias))
    same(ours, getattr(F, f"conv_transpose{ndim}d")(*tensors, *arguments))

    last = getattr(reference, f"conv_transpose{ndim}d")(channels_last(x, ndim), weight, bias, *arguments, layout="NHWC")
    np.testing.assert_array_equal(last, channels_last(ours, ndim))


@pytest.mark.parametrize("ndim", RANKS)
def test_asymmetric_padding_of_a_convolution_is_padding_the_input(ndim):
    rng = np.random.default_rng(ndim)
    pads = [(int(a), int(b)) for a, b in rng.integers(0, 5, (ndim, 2))]
    x = rng.integers(-9, 10, (2, 3, *(5,) * ndim)).astype(np.float64)
    weight = rng.integers(-9, 10, (4, 3, *(3,) * ndim)).astype(np.float64)
    conv = getattr(reference, f"conv{ndim}d")
    padded = np.pad(x, [(0, 0), (0, 0), *pads])
    np.testing.assert_array_equal(conv(x, weight, stride=2, padding=pads), conv(padded, weight, stride=2))


@pytest.mark.parametrize("ndim", RANKS)
def test_asymmetric_padding_of_a_transposed_convolution_is_cutting_the_output(ndim):
    rng = np.random.default_rng(ndim)
    pads = [(int(a), int(b)) for a, b in rng.integers(0, 4, (ndim, 2))]
    x = rng.integers(-9, 10, (2, 3, *(4,) * ndim)).astype(np.float64)
    weight = rng.integers(-9, 10, (3, 2, *(3,) * ndim)).astype(np.float64)
    conv_transpose = getattr(reference, f"conv_transpose{ndim}d")
    whole = conv_transpose(x, weight, stride=2, output_padding=1)
    cut = whole[(..., *(slice(a, n - b) for (a, b), n in zip(pads, whole.shape[2:])))]
    np.testing.assert_array_equal(conv_transpose(x, weight, stride=2, padding=pads, output_padding=1), cut)


def random_windows(rng, ndim):
    """Pooling arguments that torch accepts: padding at most half a kernel, at least one whole window."""
    kernel = random_axes(rng, ndim, 1, 4)
    stride = None if rng.random() < 0.3 else random_axes(rng, ndim, 1, 4)
    padding = tuple(int(rng.integers(0, r // 2 + 1)) for r in per_axis(kernel, ndim))
    return kernel, stride, padding, bool(rng.integers(2))


@pytest.mark.parametrize("ndim", RANKS)
@pytest.mark.parametrize("seed", SEEDS)
def test_max_pool(ndim, seed):
    rng = np.random.default_rng([ndim, seed])
    kernel, stride, padding, ceil_mode = random_windows(rng, ndim)
    dilation = random_axes(rng, ndim, 1, 2)
    reach = [d * (r - 1) + 1 for r, d in zip(per_axis(kernel, ndim), per_axis(dilation, ndim))]
    x = random_input(rng, 3, [e + int(rng.integers(0, 6)) for e in reach])
    x[rng.random(x.shape) < 0.02] = np.nan

    arguments = (kernel, stride, padding, dilation, ceil_mode, True)
    ours, places = getattr(reference, f"max_pool{ndim}d")(x, *arguments)
    theirs, their_places = getattr(F, f"max_pool{ndim}d")(torch.from_numpy(x), *arguments)
    same(ours, theirs)
    assert places.dtype == np.int64
    np.testing.assert_array_equal(places, their_places.numpy())

    last, last_places = getattr(reference, f"max_pool{ndim}d")(channels_last(x, ndim), *arguments, layout="NHWC")
    np.testing.assert_array_equal(last, channels_last(ours, ndim))
    np.testing.assert_array_equal(last_places, channels_last(places, ndim))


@pytest.mark.parametrize("ndim", RANKS)
@pytest.mark.parametrize("seed", SEEDS)
def test_avg_pool(ndim, seed):
    rng = np.random.default_rng([ndim, seed])
    arguments = (*random_windows(rng, ndim), bool(rng.integers(2)))
    if ndim > 1:  # torch's avg_pool1d has no divisor_override
        arguments += ([None, 5][rng.integers(2)],)
    x = random_input(rng, 3, [r + int(rng.integers(0, 6)) for r in per_axis(arguments[0], ndim)])

    ours = getattr(reference, f"avg_pool{ndim}d")(x, *arguments)
    same(ours, getattr(F, f"avg_pool{ndim}d")(torch.from_numpy(x), *arguments))
    last = getattr(reference, f"avg_pool{ndim}d")(channels_last(x, ndim), *arguments, layout="NHWC")
    np.testing.assert_array_equal(last, channels_last(ours, ndim))


def test_asymmetric_padding_of_pools():
    x = np.random.default_rng(0).integers(-9, 10, (2, 3, 5, 6)).astype(np.float64)
    pads, zeros = [(0, 1), (2, 0)], np.pad(x, [(0, 0), (0, 0), (0, 1), (2, 0)])
    lowest = np.pad(x, [(0, 0), (0, 0), (0, 1), (2, 0)], constant_values=-np.inf)
    np.testing.assert_array_equal(reference.max_pool2d(x, 3, 1, pads), reference.max_pool2d(lowest, 3, 1))
    np.testing.assert_array_equal(reference.avg_pool2d(x, 3, 1, pads), reference.avg_pool2d(zeros, 3, 1))
    share = reference.avg_pool2d(np.pad(np.ones_like(x), [(0, 0), (0, 0), *pads]), 3, 1)
    uncounted = reference.avg_pool2d(x, 3, 1, pads, count_include_pad=False)
    np.testing.assert_allclose(uncounted, reference.avg_pool2d(zeros, 3, 1) / share, rtol=1e-12)


@pytest.mark.parametrize("ndim", RANKS)
@pytest.mark.parametrize("seed", range(20))
def test_adaptive_pools(ndim, seed):
    rng = np.random.default_rng([ndim, seed])
    x = random_input(rng, 3, rng.integers(1, 9, ndim))
    output_size = int(rng.integers(1, 6)) if rng.random() < 0.3 else tuple(int(v) for v in rng.integers(1, 9, ndim))
    if isinstance(output_size, tuple) and ndim > 1 and rng.random() < 0.3:
        output_size = (None, *output_size[1:])

    average = getattr(reference, f"adaptive_avg_pool{ndim}d")
    same(average(x, output_size), getattr(F, f"adaptive_avg_pool{ndim}d")(torch.from_numpy(x), output_size))
    largest = getattr(reference, f"adaptive_max_pool{ndim}d")
    ours, places = largest(x, output_size, True)
    theirs, their_places = getattr(F, f"adaptive_max_pool{ndim}d")(torch.from_numpy(x), output_size, True)
    same(ours, theirs)
    np.testing.assert_array_equal(places, their_places.numpy())
    for pool in (average, largest):
        last = pool(channels_last(x, ndim), output_size, layout="NHWC")
        np.testing.assert_array_equal(last, channels_last(pool(x, output_size), ndim))


@pytest.mark.parametrize("ndim", (0, *RANKS))
@pytest.mark.parametrize("affine", (True, False))
def test_batch_norm(ndim, affine):
    rng = np.random.default_rng(ndim)
    x = rng.standard_normal((2, 5, *(4,) * ndim))
    mean, weight, bias = rng.standard_normal((3, 5))
    var = rng.random(5)
    scales = (weight, bias) if affine else (None, None)
    tensors = [None if a is None else torch.from_numpy(a) for a in (x, mean, var, *scales)]
    ours = reference.batch_norm(x, mean, var, *scales, eps=1e-3)
    same(ours, F.batch_norm(*tensors, eps=1e-3))
    last = reference.batch_norm(np.moveaxis(x, 1, -1), mean, var, *scales, eps=1e-3, layout="NHWC")
    np.testing.assert_array_equal(last, np.moveaxis(ours, 1, -1))


@pytest.mark.parametrize("shape", ((7,), (3, 7), (2, 3, 7)))
@pytest.mark.parametrize("with_bias", (True, False))
def test_linear(shape, with_bias):
    rng = np.random.default_rng(len(shape))
    x, weight = rng.standard_normal(shape), rng.standard_normal((5, 7))
    bias = rng.standard_normal(5) if with_bias else None
    tensors = [None if a is None else torch.from_numpy(a) for a in (x, weight, bias)]
    same(reference.linear(x, weight, bias), F.linear(*tensors))


@pytest.mark.parametrize("name", ("relu", "relu6", "hardsigmoid", "hardswish", "sigmoid", "silu", "gelu"))
def test_activations(name):
    x = np.concatenate([np.linspace(-12, 12, 999), [-800.0, 800.0, np.inf, np.nan]])
    theirs = getattr(F, name)(torch.from_numpy(x))
    same(getattr(reference, name)(x), theirs)


def test_gelu_tanh():
    x = np.linspace(-12, 12, 999)
    same(reference.gelu(x, approximate="tanh"), F.gelu(torch.from_numpy(x), approximate="tanh"))


def test_same_padding_refuses_a_stride():
    with pytest.raises(ValueError, match="'same' needs stride 1, got"):
        reference.conv2d(np.ones((1, 1, 5, 5)), np.ones((1, 1, 3, 3)), stride=2, padding="same")
