"""Register tiles of tap-GEMM, full and not: every number of columns, and rows that share a set of the first cache."""

import numpy as np
import pytest

import fastconv as fc
from fastconv import reference


def check(c, k, pixels):
    rng = np.random.default_rng(c + k)
    x = rng.integers(-9, 10, (1, pixels, c)).astype(np.float32)
    weight = rng.integers(-9, 10, (k, c, 1)).astype(np.float32)
    bias = rng.integers(-9, 10, k).astype(np.float32)
    exact = reference.conv1d(x, weight, bias, layout="NHWC")
    y = fc.conv1d(x, weight, bias, layout="NHWC", algorithm="direct")
    np.testing.assert_array_equal(y, exact, err_msg=f"{c} to {k} channels, {pixels} pixels")


def test_every_number_of_columns(isa):
    for k in range(1, 7 * 16 + 2):
        check(9, k, 19)


def test_every_number_of_rows_with_a_residual(isa):
    """Columns of an odd number of half vectors, whatever a vector is, and of whole ones."""
    rng = np.random.default_rng(0)
    for channels in (6, 10, 12, 20, 24, 32, 40):
        body = fc.nn.Conv2d(channels, channels, 1)
        values = {name: rng.integers(-9, 10, v.shape).astype(np.float32) for name, v in body.state_dict().items()}
        body.load_state_dict(values)
        net = fc.nn.Sequential(fc.nn.Residual(body), fc.nn.ReLU())
        for pixels in range(1, 36):
            x = rng.integers(-9, 10, (1, channels, 1, pixels)).astype(np.float32)
            exact = np.maximum(x + reference.conv2d(x, values["weight"], values["bias"]), 0)
            np.testing.assert_array_equal(fc.compile(net, x)(x), exact, err_msg=f"{channels} channels, {pixels} pixels")


@pytest.mark.parametrize("c", (1024, 2048))
def test_rows_whole_pages_apart(isa, c):
    for pixels in (*range(1, 30), 49):
        check(c, 20, pixels)
        check(c, 32, pixels)
