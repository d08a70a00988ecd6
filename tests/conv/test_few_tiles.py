"""Winograd on images of at most four tiles, whose products transform the filters themselves (AVX-512 and beyond)."""

from types import SimpleNamespace

import numpy as np
import pytest

import fastconv as fc
from fastconv import _core, reference
from fastconv.bench import shapes
from fastconv.bench.engines import description
from tests.conftest import MACHINE_ISAS
from tests.conv.test_float import plain_float32, relative_error

HAVE_IT = ("avx512", "avx512bf16", "amx")
with_kernel = pytest.mark.parametrize("any_isa", [isa for isa in MACHINE_ISAS if isa in HAVE_IT], indirect=True)


def kernel(text, precision="high"):
    shape = shapes.parse(text)
    _, weight, bias = shape.operands()
    words = description(SimpleNamespace(shape=shape, precision=precision, algorithm="winograd4"), "NHWC")
    return _core.Conv(words, weight, bias).kernel


@pytest.mark.parametrize(
    ("text", "few"),
    [
        ("1x16x7x7:16:3", True),
        ("1x16x8x8:16:3", True),
        ("1x16x4x16:16:3", True),
        ("1x16x2x2:16:3:d2:p2", True),
        ("1x16x7x7:16:3:t", True),
        ("1x32x7x7:32:3:g2", True),
        ("1x16x8x9:16:3", False),
        ("1x16x3x3:16:3:d3:p3", False),  # nine phases, a tile each
        ("1x16x7x7:16:1x3", False),
        ("1x16x2x7x7:16:3", False),
        ("8x16x8x8:16:3", True),
        ("8x16x9x8:16:3", False),
    ],
)
def test_what_they_are(any_isa, text, few):
    assert ("few" in kernel(text)) == (few and any_isa in HAVE_IT)


@with_kernel
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (4, 4), (7, 7), (8, 3), (4, 13), (16, 2)], ids=str)
@pytest.mark.parametrize(("c", "k"), [(1, 1), (15, 17), (16, 16), (33, 40), (70, 5)])
def test_every_number_of_channels(any_isa, size, c, k):
    rng = np.random.default_rng([c, k, *size])
    x = rng.standard_normal((3, c, *size)).astype(np.float32)
    weight = rng.standard_normal((k, c, 3, 3)).astype(np.float32)
    bias = rng.standard_normal(k).astype(np.float32)
    y = fc.conv2d(x, weight, bias, padding=1, algorithm="winograd4", precision="high")
    assert relative_error(y, reference.conv2d(x, weight, bias, padding=1)) <= 2e-6


@with_kernel
@pytest.mark.parametrize("options", [{"groups": 3}, {"dilation": 2, "padding": 2}, {"padding": (0, 2)}], ids=str)
def test_batches_and_threads_are_the_same_bits(any_isa, options, threads):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 54, 4, 4)).astype(np.float32)
    weight = rng.standard_normal((60, 54 // options.get("groups", 1), 3, 3)).astype(np.float32)
    arguments = {"padding": 1, **options, "algorithm": "winograd4", "precision": "high"}
    y = fc.conv2d(x, weight, **arguments)
    assert relative_error(y, reference.conv2d(x, weight, **{"padding": 1, **options})) <= 2e-6
    for count in (1, 2):
        threads(count)
        for image in range(5):
            np.testing.assert_array_equal(fc.conv2d(x[image : image + 1], weight, **arguments)[0], y[image])


@with_kernel
@pytest.mark.parametrize("c", (24, 64, 200))
@pytest.mark.parametrize("size", (5, 6, 7, 8))
def test_the_budget_of_highest(any_isa, c, size):
    rng = np.random.default_rng([c, size])
    x = rng.standard_normal((1, c, size, size)).astype(np.float32)
    weight = rng.standard_normal((32, c, 3, 3)).astype(np.float32)
    exact = reference.conv2d(x, weight, padding=1)
    y = fc.conv2d(x, weight, padding=1, algorithm="winograd4")
    assert relative_error(y, exact) <= 3 * relative_error(plain_float32(x, weight), exact)


@with_kernel
@pytest.mark.parametrize("groups", (1, 2))
@pytest.mark.parametrize("layout", ("NCHW", "NHWC"))
def test_sums_that_overflow_in_between_are_rescued(any_isa, layout, groups):
    """Finite outputs near the largest float, Inf and NaN where their taps reach, bias and channel tails beside them."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, (2, 40, 7, 7)).astype(np.float32)
    x[1] *= np.float32(1e38)
    x[0, 33, 5, 6] = np.nan
    x[0, 4, 0, 0] = np.inf
    weight = (rng.uniform(-1, 1, (38, 40 // groups, 3, 3)) / 2048).astype(np.float32)
    bias = rng.standard_normal(38).astype(np.float32)
    images = np.moveaxis(x, 1, -1) if layout == "NHWC" else x
    arguments = {"padding": 1, "groups": groups}
    y = fc.conv2d(images, weight, bias, algorithm="winograd4", precision="high", layout=layout, **arguments)
    y = np.moveaxis(y, -1, 1) if layout == "NHWC" else y
    exact = reference.conv2d(x, weight, bias, **arguments)
    assert np.isfinite(y[1]).all()
    assert relative_error(y[1] / 1e36, exact[1] / 1e36) <= 2e-6
    reached = ~np.isfinite(exact[0])
    assert not np.isfinite(y[0][reached]).any()


def test_they_are_chosen():
    words = description(
        SimpleNamespace(shape=shapes.parse("1x512x7x7:512:3"), precision="highest", algorithm="auto"), "NHWC"
    )
    taken = {isa: _core.choose_algorithm(words, isa, 1 << 20) for isa in ("scalar", "avx2", "avx512", "amx")}
    assert taken["avx512"] == taken["amx"] == "winograd4"
    assert taken["avx2"] == "winograd2"
