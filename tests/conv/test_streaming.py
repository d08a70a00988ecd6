"""Outputs beyond the caches are written past them, by whole lines: exact, wherever they go, on one thread and two."""

import numpy as np
import pytest

import fastconv as fc
from fastconv import reference

# Image, weight, arguments, algorithm: results of 8 times the second cache and more, where that is at most 1 MB.
LARGE = {
    "1x1": ((1, 8, 190, 200), (64, 8, 1, 1), {}, "direct"),
    "3x3": ((1, 3, 190, 200), (64, 3, 3, 3), {"padding": 1}, "direct"),
    "3x3, F(2,3)": ((1, 4, 190, 200), (64, 4, 3, 3), {"padding": 1}, "winograd2"),
    "depthwise": ((1, 64, 190, 200), (64, 1, 3, 3), {"padding": 1, "groups": 64}, "depthwise"),
    "pixels abreast": ((1, 8, 521, 511), (8, 8, 1, 1), {}, "depthwise"),
    "columns of half a line": ((1, 8, 190, 200), (72, 8, 1, 1), {}, "direct"),
    "groups": ((1, 8, 190, 200), (64, 4, 1, 1), {"groups": 2}, "direct"),
}


def placed(shape, offset):
    """Memory `offset` bytes behind a cache line."""
    count = int(np.prod(shape))
    raw = np.full(4 * count + 128, 255, np.uint8)
    begin = -raw.ctypes.data % 64 + offset
    return raw[begin : begin + 4 * count].view(np.float32).reshape(shape)


@pytest.mark.parametrize("name", LARGE)
def test_exact_wherever_it_goes(isa, name, threads):
    x_shape, weight_shape, arguments, algorithm = LARGE[name]
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 10, x_shape).astype(np.float32)
    weight = 4 * rng.integers(-3, 4, weight_shape).astype(np.float32)
    bias = rng.integers(-99, 100, weight_shape[0]).astype(np.float32)
    exact = np.moveaxis(reference.conv2d(x, weight, bias, **arguments), 1, -1)
    x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    for count in (1, 2):
        threads(count)
        for offset in (0, 4, 32):
            out = placed(exact.shape, offset)
            fc.conv2d(x, weight, bias, **arguments, layout="NHWC", algorithm=algorithm, out=out)
            np.testing.assert_array_equal(out, exact)


def test_large_results_begin_at_a_cache_line():
    x = np.ones((1, 16, 64, 64), np.float32)
    layer = fc.nn.Conv2d(16, 32, 3)
    for y in (fc.conv2d(x, layer.weight), fc.compile(layer, x)(x)):
        assert y.ctypes.data % 64 == 0
        assert y.flags.writeable
        assert y.flags.c_contiguous


def test_a_network_adds_its_residual_past_the_caches(threads):
    """The residual may lie where the outputs go."""
    rng = np.random.default_rng(1)
    body = fc.nn.Sequential(fc.nn.Conv2d(48, 48, 1), fc.nn.ReLU())
    for name, value in body.state_dict().items():
        body.load_state_dict({name: rng.integers(-3, 4, value.shape).astype(np.float32)}, strict=False)
    x = rng.integers(-9, 10, (1, 48, 230, 230)).astype(np.float32)
    w, b = body.state_dict()["0.weight"], body.state_dict()["0.bias"]
    exact = x + np.maximum(reference.conv2d(x, w, b), 0)
    for count in (1, 2):
        threads(count)
        np.testing.assert_array_equal(fc.compile(fc.nn.Residual(body), x)(x), exact)
