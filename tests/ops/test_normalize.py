"""Softmax and the normalisations against float64."""

import itertools

import numpy as np
import pytest

from fastconv import _core
from tests.ops.network import run_op, same


def normal(shape, seed=0, mean=0.0):
    return (mean + np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def log_softmax(x, axis):
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


SOFTMAX = {"softmax": softmax, "log_softmax": log_softmax}


@pytest.mark.parametrize("name", SOFTMAX)
@pytest.mark.parametrize("channels_last", [False, True])
def test_softmax_along_any_axis(name, channels_last, isa):
    for shape in ((2, 37, 5, 9), (3, 70, 1, 1), (4, 1000), (7,), (2, 3, 65)):
        x = normal(shape) * 8  # so that x - max is rounded to a few millionths
        for axis in range(-len(shape), len(shape)):
            (y,) = run_op(name, [x], {"axis": axis}, channels_last=channels_last)
            np.testing.assert_allclose(y, SOFTMAX[name](x.astype(np.float64), axis), rtol=3e-6, atol=3e-7)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 511, 512, 513, 20_000])
def test_softmax_of_any_length(n, axis, isa):
    x = normal((n, 3) if axis == 0 else (3, n))
    for name in SOFTMAX:
        (y,) = run_op(name, [x], {"axis": axis})
        np.testing.assert_allclose(y, SOFTMAX[name](x.astype(np.float64), axis), rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1])
def test_softmax_of_extremes(axis, isa):
    x = np.array(
        [
            [1e38, 0, -1e38],  # exp would overflow
            [-3e38, -3e38, -3e38],
            [-np.inf, 0, 0],
            [np.nan, 0, 0],
            [np.inf, 0, 0],
            [-np.inf] * 3,
        ],
        np.float32,
    )
    expected = np.array([[1, 0, 0], [1 / 3] * 3, [0, 0.5, 0.5], [np.nan] * 3, [np.nan, 0, 0], [np.nan] * 3])
    (y,) = run_op("softmax", [x if axis else np.ascontiguousarray(x.T)], {"axis": axis})
    y = y if axis else y.T
    np.testing.assert_allclose(y[:4], expected[:4], rtol=1e-6)
    assert np.isnan(y[4, 0])
    assert np.isnan(y[5]).all()


# By the mean of the data: one of 1000 is rounded to 0.0001, and so are the differences from it.
TOLERANCE = {0: 2e-6, 1000: 4e-4}


def layer_norm(x, scale, bias, axis, epsilon):
    axes = tuple(range(axis % x.ndim, x.ndim))
    y = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)
    return y * (1 if scale is None else scale) + (0 if bias is None else bias)


@pytest.mark.parametrize("mean", [0, 1000])
def test_layer_norm(mean, isa):
    for shape, axis in itertools.product(((3, 5, 7, 33), (2, 600), (40,), (37, 1)), (-1, 0, 1)):
        if axis >= len(shape):
            continue
        x = normal(shape, 1, mean)
        tail = shape[axis % len(shape) :]
        for scale, bias in ((normal(tail, 2), normal(tail, 3)), (normal(tail, 4), None), (None, None)):
            how = {"axis": axis, "epsilon": 1e-3}
            (y,) = run_op("layer_norm", [x, scale, bias], how, constants=(1, 2), channels_last=True)
            expected = layer_norm(x.astype(np.float64), scale, bias, axis, 1e-3)
            np.testing.assert_allclose(y, expected, rtol=1e-5, atol=TOLERANCE[mean])


def group_norm(x, scale, bias, groups, epsilon):
    grouped = x.reshape(x.shape[0], groups, -1)
    y = (grouped - grouped.mean(2, keepdims=True)) / np.sqrt(grouped.var(2, keepdims=True) + epsilon)
    per_channel = (1, -1) + (1,) * (x.ndim - 2)
    return y.reshape(x.shape) * scale.reshape(per_channel) + bias.reshape(per_channel)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("mean", [0, 1000])
def test_group_and_instance_norm(channels_last, mean, isa):
    for shape in ((2, 36, 5, 9), (1, 4, 3), (3, 18, 2, 2, 17), (2, 12)):
        x, scale, bias = normal(shape, 1, mean), normal(shape[1:2], 2), normal(shape[1:2], 3)
        tolerance = {"rtol": 1e-5, "atol": TOLERANCE[mean]}
        for groups in (1, 2, shape[1]):
            if groups == shape[1] and len(shape) == 2:
                continue
            how = {"groups": groups, "epsilon": 1e-3}
            (y,) = run_op("group_norm", [x, scale, bias], how, channels_last=channels_last)
            np.testing.assert_allclose(y, group_norm(x.astype(np.float64), scale, bias, groups, 1e-3), **tolerance)
        for constants in ((), (1, 2)):
            (y,) = run_op("instance_norm", [x, scale, bias], {}, constants=constants, channels_last=channels_last)
            expected = group_norm(x.astype(np.float64), scale, bias, shape[1], 1e-5)
            np.testing.assert_allclose(y, expected, **tolerance)


def test_a_constant_image_is_its_bias(isa):
    """The variance of equal values is 0, also where their sum was rounded."""
    x, bias = np.full((2, 6, 7, 11), 0.1, np.float32), normal(6)
    for channels_last in (False, True):
        for name, how in (("instance_norm", {}), ("group_norm", {"groups": 3})):
            (y,) = run_op(name, [x, np.ones(6, np.float32), bias], how, channels_last=channels_last)
            np.testing.assert_allclose(y, np.broadcast_to(bias[:, None, None], x.shape), atol=1e-4)


def lrn(x, size, alpha, beta, bias):
    before, total = (size - 1) // 2, np.zeros_like(x)
    for c in range(x.shape[1]):
        total[:, c] = (x[:, max(0, c - before) : c - before + size] ** 2).sum(1)
    return x / (bias + alpha / size * total) ** beta


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 75])
def test_lrn(size, channels_last, isa):
    for shape in ((2, 37, 5, 9), (1, 3, 4, 4), (1, 64, 3), (2, 20)):
        x = normal(shape, 5) * 10
        how = {"size": size, "alpha": 0.02, "beta": 0.75, "bias": 2.0}
        (y,) = run_op("lrn", [x], how, channels_last=channels_last)
        np.testing.assert_allclose(y, lrn(x.astype(np.float64), **how), rtol=1e-6)


@pytest.mark.parametrize("channels_last", [False, True])
def test_threads_change_nothing(channels_last, isa, threads):
    x, c = normal((2, 66, 37, 41)), np.linspace(1, 2, 66).astype(np.float32)
    ops = [
        ("softmax", [x], {"axis": 1}),
        ("log_softmax", [x], {"axis": -1}),
        ("layer_norm", [x], {"axis": 2}),
        ("instance_norm", [x, c, c], {}),
        ("group_norm", [x, c, c], {"groups": 3}),
        ("lrn", [x], {"size": 5}),
    ]
    for name, inputs, how in ops:
        results = []
        for count in (1, 2, 5):
            threads(count)
            results.append(run_op(name, inputs, how, channels_last=channels_last)[0])
        same(results[1], results[0])
        same(results[2], results[0])


def test_the_kernels_of_the_instruction_set_ran(isa):
    x = np.ones((2, 40, 3), np.float32)
    before = {kernel["name"]: kernel["runs"] for kernel in _core.kernels()}
    run_op("softmax", [x], {"axis": 1})
    run_op("softmax", [x], {"axis": 2})
    run_op("layer_norm", [x])
    run_op("lrn", [x], {"size": 3})
    after = {kernel["name"]: kernel["runs"] for kernel in _core.kernels()}
    names = {"softmax_rows_f32", "softmax_columns_f32", "normalize_f32", "lrn_f32"}
    assert {f"{name}__{isa}" for name in names} <= {n for n in after if after[n] > before[n]}


def test_errors():
    x = np.ones((2, 6, 4), np.float32)
    six = np.ones(6, np.float32)
    for op, inputs, how, message in [
        ("softmax", [x.astype(np.int64)], {}, "the type must be float32, got int64"),
        ("softmax", [x], {"axis": 3}, r"axis must be in \[-3, 2\] for rank 3, got 3"),
        ("layer_norm", [x, six], {}, r"scale must be float32 \[4\], got float32 \[6\]"),
        ("instance_norm", [x, six, six[:4]], {}, r"bias must be float32 \[6\], got float32 \[4\]"),
        ("instance_norm", [six, six, six], {}, r"the input must have rank >= 2, got \[6\]"),
        ("group_norm", [x, six, six], {}, "attribute groups is required, got none"),
        ("group_norm", [x, six, six], {"groups": 4}, "groups must divide the channels 6, got 4"),
        ("group_norm", [x, six, six], {"groups": 0}, "groups must be >= 1, got 0"),
        ("lrn", [x], {"size": 0}, "size must be >= 1, got 0"),
    ]:
        with pytest.raises(ValueError, match=f"{op} '.*': {message}"):
            run_op(op, inputs, how)
