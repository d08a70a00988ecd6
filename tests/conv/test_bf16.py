"""Precision "medium": products of bfloat16, summed in float32, within 5e-3 of float64."""

import numpy as np
import pytest

import fastconv as fc
from fastconv import reference

LARGEST_BF16 = np.float32(255 / 128 * 2.0**127)
EDGES = np.array(
    [
        *(0, -0.0, 1, -1, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-20, np.inf, -np.inf, np.nan),
        *(3.4028235e38, -3.4028235e38, LARGEST_BF16, 3.396e38, 1.1754944e-38, -1.1754944e-38, 1.17e-38, -1e-40, 1e-45),
    ],
    np.float32,
)


def rounded(x):
    """To the nearest bfloat16, ties to even; the largest finite one at most; zero for denormals."""
    bits = x.view(np.uint32).astype(np.uint64)
    y = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16).astype(np.uint32).view(np.float32)
    y = np.where(np.isfinite(x), np.clip(y, -LARGEST_BF16, LARGEST_BF16), x)
    return np.where(np.abs(x) < np.finfo(np.float32).tiny, np.copysign(np.float32(0), x), y)


def copies(x):
    """`x`, a vector, as the source of a convolution that copies each value, rounded: one product by 1 an output."""
    identity = np.eye(4, dtype=np.float32).reshape(4, 4, 1, 1)
    images = x.reshape(-1, 1, 1, 1) * np.float32(1)
    zeros = np.zeros((len(x), 3, 1, 1), np.float32)
    y = [
        fc.conv2d(
            np.concatenate([zeros[:, :at], images, zeros[:, at:]], 1),
            identity,
            algorithm="direct_bf16",
        )[:, at, 0, 0]
        for at in range(4)
    ]
    for other in y[1:]:
        np.testing.assert_array_equal(other, y[0])
    return y[0]


@pytest.mark.parametrize("count", (1, 7, 1000))
def test_rounding(any_isa, count):
    rng = np.random.default_rng(count)
    x = rng.integers(0, 2**32, 100 * count, np.uint64).astype(np.uint32).view(np.float32)
    x = np.concatenate([x[np.isfinite(x)], EDGES])
    np.testing.assert_array_equal(copies(x), rounded(x))


@pytest.mark.parametrize("c", (1, 2, 3, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65))
def test_rounding_of_rows(any_isa, c):
    """Every position of a pixel, whole vectors and their rest."""
    rng = np.random.default_rng(c)
    x = rng.integers(0, 2**32, (1, 3, 5, c), np.uint64).astype(np.uint32).view(np.float32)
    x[~np.isfinite(x)] = 1.5
    y = fc.conv2d(x, np.eye(c, dtype=np.float32).reshape(c, c, 1, 1), layout="NHWC", algorithm="direct_bf16")
    np.testing.assert_array_equal(y, rounded(x))


def test_rounding_is_torchs():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).integers(0, 2**32, 100_000, np.uint64).astype(np.uint32).view(np.float32)
    x = x[(np.abs(x) < LARGEST_BF16) & (np.abs(x) > 1e-37)]
    np.testing.assert_array_equal(rounded(x), torch.from_numpy(x).bfloat16().float().numpy())


@pytest.mark.parametrize("algorithm", ("direct_bf16", "auto"))
@pytest.mark.parametrize(
    ("shape", "kernel", "arguments"),
    [
        ((1, 64, 28, 28), (64, 64, 3, 3), {"padding": 1}),
        ((2, 33, 13, 17), (40, 33, 3, 3), {"padding": 1, "stride": 2}),
        ((1, 256, 14, 14), (512, 256, 1, 1), {}),
        ((1, 3, 64, 64), (32, 3, 7, 7), {"padding": 3, "stride": 2}),
        ((1, 512, 7, 7), (64, 512, 3, 3), {"padding": 1}),
        ((1, 30, 20, 20), (24, 5, 3, 3), {"padding": 2, "dilation": 2, "groups": 6}),
    ],
    ids=str,
)
def test_medium(any_isa, algorithm, shape, kernel, arguments):
    rng = np.random.default_rng(0)
    x, weight = (rng.standard_normal(size).astype(np.float32) for size in (shape, kernel))
    y = fc.conv2d(x, weight, **arguments, algorithm=algorithm, precision="medium")
    exact = reference.conv2d(x, weight, **arguments)
    error = np.linalg.norm(y - exact) / np.linalg.norm(exact)
    assert error <= 5e-3
    if algorithm == "direct_bf16":
        assert error >= 1e-4, "rounded to no fewer bits"


@pytest.mark.parametrize("value", (np.nan, np.inf, -np.inf))
def test_what_is_not_finite_shows_where_it_reaches(any_isa, value):
    rng = np.random.default_rng(0)
    x, weight = (rng.standard_normal(size).astype(np.float32) for size in ((1, 5, 9, 9), (7, 5, 3, 3)))
    x[0, 3, 4, 5] = value
    y = fc.conv2d(x, weight, padding=1, algorithm="direct_bf16")
    assert not np.isfinite(y[:, :, 3:6, 4:7]).any()
    y[:, :, 3:6, 4:7] = 0
    assert np.isfinite(y).all()


def test_finite_stays_finite(any_isa):
    x = np.full((1, 2, 4, 4), np.finfo(np.float32).max)
    weight = np.full((3, 2, 1, 1), 2.0**-2, np.float32)
    np.testing.assert_array_equal(fc.conv2d(x, weight, algorithm="direct_bf16"), LARGEST_BF16 / 2)
    weight = np.full((3, 2, 1, 1), np.finfo(np.float32).max)
    y = fc.conv2d(x * np.float32(2.0**-130), weight, algorithm="direct_bf16")
    np.testing.assert_allclose(y, 2.0 * 2.0**126, rtol=1e-2)


@pytest.mark.parametrize(("features", "outputs"), [(64, 32), (33, 100), (7, 9), (256, 4)])
@pytest.mark.parametrize("batch", (1, 5))
def test_linear(any_isa, batch, features, outputs):
    rng = np.random.default_rng(features)
    layer = fc.nn.Linear(features, outputs)
    x = rng.standard_normal((batch, features)).astype(np.float32)
    exact = x.astype(np.float64) @ layer.weight.astype(np.float64).T + layer.bias
    error = {
        precision: np.linalg.norm(fc.compile(layer, x, precision=precision)(x) - exact) / np.linalg.norm(exact)
        for precision in ("highest", "high", "medium")
    }
    assert error["highest"] <= 2e-6
    assert error["high"] <= 1e-5
    assert error["medium"] <= 5e-3
    rounds = any_isa in ("avx512bf16", "amx") and outputs > 8
    assert (error["medium"] > 1e-4) == rounds, "float32 where nothing is faster"


@pytest.mark.parametrize(("precision", "x_high"), [("medium", 9), ("high", 2**12)])
def test_linear_of_integers_is_exact(any_isa, precision, x_high):
    rng = np.random.default_rng(0)
    layer = fc.nn.Linear(99, 70)
    layer.load_state_dict({"weight": rng.integers(-8, 9, (70, 99)), "bias": rng.integers(-99, 99, 70)})
    x = rng.integers(-x_high, x_high + 1, (6, 99)).astype(np.float32)
    np.testing.assert_array_equal(fc.compile(layer, x, precision=precision)(x), x @ layer.weight.T + layer.bias)
