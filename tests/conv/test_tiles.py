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


@pytest.mark.parametrize("c", (1024, 2048))
def test_rows_whole_pages_apart(isa, c):
    for pixels in (*range(1, 30), 49):
        check(c, 20, pixels)
