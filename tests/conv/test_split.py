"""Values split in pieces of bfloat16: direct_bf16x3 within "high", direct_bf16x6 within "highest"."""

import math

import numpy as np
import pytest

import fastconv as fc
from fastconv import _core, reference
from tests.conftest import MACHINE_ISAS
from tests.conv.check import UNIT
from tests.conv.test_bf16 import EDGES, LARGEST_BF16, rounded
from tests.conv.test_float import DIRECT_GATE, plain_float32, relative_error

PIECES = {"direct_bf16x3": 2, "direct_bf16x6": 3}
LARGEST, SMALLEST = np.finfo(np.float32).max, np.finfo(np.float32).tiny
# The worst element, in units of 2^-24 * sum |x| |weight|: each product of two pieces errs by 2^-15 at most.
GATE = {"direct_bf16x3": 2**9 + DIRECT_GATE, "direct_bf16x6": DIRECT_GATE}
# Instruction sets that add one product after another to the sum: they must give the same bits, and a first product that
# passes the largest float comes back.
ONE_BY_ONE = [isa for isa in ("scalar", "avx2", "avx512", "avx512bf16") if isa in MACHINE_ISAS]
CASES = [
    ("conv2d", (1, 64, 28, 28), (64, 64, 3, 3), {"padding": 1}),
    ("conv2d", (2, 33, 13, 17), (40, 33, 3, 3), {"padding": 1, "stride": 2}),
    ("conv2d", (1, 256, 14, 14), (100, 256, 1, 1), {}),
    ("conv2d", (2, 64, 15, 15), (32, 64, 1, 1), {"stride": 2}),
    ("conv2d", (1, 3, 64, 64), (32, 3, 7, 7), {"padding": 3, "stride": 2}),
    ("conv2d", (1, 512, 7, 7), (64, 512, 3, 3), {"padding": 1}),
    ("conv2d", (1, 30, 20, 20), (24, 5, 3, 3), {"padding": 2, "dilation": 2, "groups": 6}),
    ("conv1d", (2, 40, 50), (24, 40, 5), {"padding": 2}),
    ("conv3d", (1, 12, 5, 9, 10), (20, 12, 3, 3, 3), {"padding": 1}),
    ("conv_transpose2d", (1, 48, 13, 15), (48, 40, 4, 4), {"padding": 1, "stride": 2}),
]


@pytest.fixture(params=PIECES)
def algorithm(request):
    return request.param


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]} {case[1]} {case[2]}")
def problem(request):
    """A function of an algorithm that gives the convolution, the exact result, and the sums of absolute products."""
    name, shape, kernel, arguments = request.param
    rng = np.random.default_rng(shape)
    x, weight = (rng.standard_normal(size).astype(np.float32) for size in (shape, kernel))
    specification = getattr(reference, name)
    magnitude = specification(np.abs(x), np.abs(weight), **arguments)

    def run(algorithm):
        return getattr(fc, name)(x, weight, **arguments, algorithm=algorithm)

    return run, specification(x, weight, **arguments), magnitude


def test_high(problem, any_isa):
    run, exact, magnitude = problem
    y = run("direct_bf16x3")
    assert 1e-6 <= relative_error(y, exact) <= 1e-5
    assert np.max(np.abs(y - exact) / magnitude) <= GATE["direct_bf16x3"] * UNIT


def test_highest(problem, any_isa):
    """Better than plain float32 sums: all but the largest pieces are summed where little is lost."""
    run, exact, magnitude = problem
    y = run("direct_bf16x6")
    assert relative_error(y, exact) <= relative_error(run("direct"), exact)
    assert np.max(np.abs(y - exact) / magnitude) <= GATE["direct_bf16x6"] * UNIT


@pytest.mark.parametrize("size", (1, 3))
@pytest.mark.parametrize("c", (1, 2, 3, 8))
def test_highest_where_sums_are_short(any_isa, c, size):
    rng = np.random.default_rng(c)
    x = rng.standard_normal((1, c, 16, 16)).astype(np.float32)
    weight = rng.standard_normal((32, c, size, size)).astype(np.float32)
    exact = reference.conv2d(x, weight, padding=size // 2)
    y = fc.conv2d(x, weight, padding=size // 2, algorithm="direct_bf16x6")
    assert relative_error(y, exact) <= 3 * relative_error(plain_float32(x, weight, size // 2), exact)


def test_portable_and_vector_kernels_agree_bit_for_bit(problem, algorithm):
    run, _, _ = problem
    before, results = fc.cpu_info()["isa"], []
    for isa in ONE_BY_ONE:
        _core.set_isa(isa)
        results.append(run(algorithm))
    _core.set_isa(before)
    for y in results[1:]:
        np.testing.assert_array_equal(y, results[0])


def pieces_of(x, count):
    """The bfloat16 values that `x` is split in, the largest first."""
    most_left = np.float32(2.0**120 - 2.0**112)
    pieces = [rounded(x)]
    for _ in range(count - 1):
        with np.errstate(invalid="ignore"):
            x = x - pieces[-1]
        x = np.where(np.isfinite(x), x, np.float32(0))
        pieces.append(rounded(np.clip(x, -most_left, most_left)))
    return pieces


def sums_of(x, count):
    """What a product by one gives; the least pieces are added first."""
    *more, last = reversed(pieces_of(x, count))
    return sum(more[1:], more[0]) + last


def some_floats(count, seed):
    """Every bit pattern is as likely, and the edges are among them."""
    x = np.random.default_rng(seed).integers(0, 2**32, count, np.uint64).astype(np.uint32).view(np.float32)
    x[: len(EDGES)] = EDGES
    return np.where(np.isfinite(x), x, np.float32(1.5))


@pytest.mark.parametrize("c", (1, 2, 3, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65))
def test_pieces_of_source_and_weights(any_isa, algorithm, c):
    """Every position of a pixel, whole vectors and their rest; as source, and as weights."""
    x = some_floats(4 * 5 * c, c).reshape(1, 4, 5, c)
    want = sums_of(x, PIECES[algorithm])
    y = fc.conv2d(x, np.eye(c, dtype=np.float32).reshape(c, c, 1, 1), layout="NHWC", algorithm=algorithm)
    np.testing.assert_array_equal(y, want)
    identity = np.eye(c, dtype=np.float32).reshape(1, 1, c, c)
    y = fc.conv2d(identity, x.reshape(20, c, 1, 1), layout="NHWC", algorithm=algorithm)
    np.testing.assert_array_equal(y.reshape(c, 20).T, want.reshape(20, c))


def test_three_pieces_leave_nothing():
    x = some_floats(100_000, 0)
    x = x[np.abs(x) >= SMALLEST * 2**24]
    np.testing.assert_array_equal(sums_of(x, 3), x)
    assert np.max(np.abs(sums_of(x, 2).astype(np.float64) - x) / np.abs(x)) <= 2.0**-16


# Largest values of source and weights, and how many products are summed: never to 2^24.
@pytest.mark.parametrize(
    ("algorithm", "x_high", "w_high", "count"),
    [
        ("direct_bf16x3", 2**16, 2**7, 1),
        ("direct_bf16x3", 2**7, 2**16, 1),
        ("direct_bf16x3", 2**8, 2**8, 200),
        ("direct_bf16x3", 2**13, 2**3, 200),
        ("direct_bf16x6", 2**23, 1, 1),
        ("direct_bf16x6", 1, 2**23, 1),
        ("direct_bf16x6", 2**20, 2, 7),
        ("direct_bf16x6", 2**11, 2**11, 3),
        ("direct_bf16x6", 2**16, 2**7, 1),
        ("direct_bf16x6", 2**8, 2**8, 200),
    ],
)
@pytest.mark.parametrize("size", (1, 3))
def test_integers_are_exact(any_isa, algorithm, x_high, w_high, count, size):
    """Where both operands need two pieces, three products leave out the least."""
    rng = np.random.default_rng(count)
    x = rng.integers(-x_high, x_high + 1, (1, count, 9, 11)).astype(np.float32)
    weight = np.zeros((37, count, size, size), np.float32)
    weight[:, :, -1, 0] = rng.integers(-w_high, w_high + 1, (37, count))  # the other taps add products by zero
    arguments = {"padding": size // 2}
    exact = reference.conv2d(x, weight, **arguments)
    assert reference.conv2d(np.abs(x), np.abs(weight), **arguments).max() <= 2**24
    assert exact.any()
    np.testing.assert_array_equal(fc.conv2d(x, weight, **arguments, algorithm=algorithm), exact)


@pytest.mark.parametrize("value", (np.nan, np.inf, -np.inf))
def test_what_is_not_finite_shows_where_it_reaches(any_isa, algorithm, value):
    rng = np.random.default_rng(0)
    x, weight = (rng.standard_normal(size).astype(np.float32) for size in ((1, 5, 9, 9), (7, 5, 3, 3)))
    reached = x.copy()
    reached[0, 3, 4, 5] = value
    y = fc.conv2d(reached, weight, padding=1, algorithm=algorithm)
    assert not np.isfinite(y[:, :, 3:6, 4:7]).any()
    y[:, :, 3:6, 4:7] = 0
    assert np.isfinite(y).all()
    weight[2, 3, 1, 1] = value
    y = fc.conv2d(x, weight, padding=1, algorithm=algorithm)
    assert not np.isfinite(y[:, 2]).any()
    assert np.isfinite(np.delete(y, 2, axis=1)).all()


@pytest.mark.parametrize("value", (np.inf, -np.inf))
def test_infinity_is_one_piece(any_isa, algorithm, value):
    """It has no others: those of what it meets, all of one sign here, leave it as it is."""
    x, factor = np.array([value, 1 + 2.0**-9 + 2.0**-18], np.float32).reshape(2, 1, 1, 1)
    x, factor = x[np.newaxis], factor[np.newaxis]
    assert fc.conv2d(x, factor, algorithm=algorithm) == value
    assert fc.conv2d(factor, x, algorithm=algorithm) == value


def test_the_largest_floats(any_isa, algorithm):
    one = np.ones((1, 1, 1, 1), np.float32)
    largest = np.full((1, 1, 1, 1), LARGEST)
    for x, weight in ((largest, one), (one, largest), (-largest, one), (largest, -one)):
        y = fc.conv2d(x, weight, algorithm=algorithm)
        exact = x * weight
        assert abs(y - exact) <= (0 if algorithm == "direct_bf16x6" else 2.0**-15 * LARGEST)
        assert np.isfinite(y).all() and abs(y) > LARGEST_BF16


def test_finite_products_stay_finite(any_isa, algorithm):
    """Products just below the largest float, of values whose first pieces are larger than they and overflow."""
    if any_isa not in ONE_BY_ONE:
        return
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 2, 5000).astype(np.float32)
    product = LARGEST * rng.uniform(1 - 2.0**-9, 1 - 2.0**-14, (1, 5000))
    weight = (product / (x * 2.0**64)).astype(np.float32)
    first = rounded(x).astype(np.float64) * 2.0**64 * rounded(weight)
    assert np.mean(first > LARGEST) > 0.1
    y = fc.conv2d(
        (x * np.float32(2.0**64)).reshape(1, 1, 1, 5000),
        weight.reshape(5000, 1, 1, 1),
        algorithm=algorithm,
    )[0, np.arange(5000), 0, np.arange(5000)]
    assert np.isfinite(y).all()
    np.testing.assert_allclose(y, x * 2.0**64 * weight[0].astype(np.float64), rtol=2.0**-15)


def test_finite_sums_of_one_sign_stay_finite(any_isa, algorithm):
    rng = np.random.default_rng(0)
    x = rng.uniform(0.5, 1, (1, 32, 10, 10)).astype(np.float32)
    weight = rng.uniform(0.5, 1, (40, 32, 3, 3)).astype(np.float32)
    sums = reference.conv2d(x, weight)
    for i in range(40):
        scale = LARGEST * (1 - 2.0**-14) / sums[0, i].max() / 2.0**64
        weight[i] = (weight[i].astype(np.float64) * scale).astype(np.float32)
    x *= np.float32(2.0**64)
    y, exact = fc.conv2d(x, weight, algorithm=algorithm), reference.conv2d(x, weight)
    assert LARGEST * (1 - 2.0**-13) < exact.max() < LARGEST
    assert np.isfinite(y).all()
    np.testing.assert_allclose(y, exact, rtol=2.0**-15)


@pytest.mark.parametrize("scale", (1e38, 1e36, 1e-30, 1e-35, 1e-37, 1e-44))
def test_the_ends_of_the_range(any_isa, algorithm, scale):
    """Pieces and products below the smallest normal float are zero: nothing else is lost."""
    rng = np.random.default_rng(0)
    x = (rng.uniform(-2, 2, (1, 32, 13, 14)) * scale).astype(np.float32)
    weight = (rng.uniform(-1, 1, (32, 32, 3, 3)) / 2048).astype(np.float32)
    y = fc.conv2d(x, weight, padding=1, algorithm=algorithm)
    assert np.isfinite(y).all()
    exact = reference.conv2d(x, weight, padding=1)
    magnitude = reference.conv2d(np.abs(x), np.abs(weight), padding=1)
    products = math.prod(weight.shape[1:]) * PIECES[algorithm] ** 2
    assert np.all(np.abs(y - exact) <= GATE[algorithm] * UNIT * magnitude + SMALLEST * products)


def test_denormals_are_zero(any_isa, algorithm):
    x = np.array([1e-40, -1e-39, 1.17e-38, 1e-45], np.float32).reshape(1, 4, 1, 1)
    eye = np.eye(4, dtype=np.float32).reshape(4, 4, 1, 1)
    np.testing.assert_array_equal(fc.conv2d(x, eye, algorithm=algorithm), 0)


@pytest.mark.parametrize("ratio", (0, 2.0**-20, 2.0**-12))
def test_sums_that_cancel(any_isa, algorithm, ratio):
    """Every product has one that all but takes it away: what is left errs by what the products do."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 64, 9, 9)).astype(np.float32)
    weight = rng.standard_normal((24, 64, 3, 3)).astype(np.float32)
    x[:, 32:] = x[:, :32] * np.float32(1 + ratio)
    weight[:, 32:] = -weight[:, :32]
    exact = reference.conv2d(x, weight, padding=1)
    magnitude = reference.conv2d(np.abs(x), np.abs(weight), padding=1)
    y = fc.conv2d(x, weight, padding=1, algorithm=algorithm)
    assert np.abs(exact).max() <= 2 * ratio * magnitude.max() + 1e-9
    assert np.max(np.abs(y - exact) / magnitude) <= GATE[algorithm] * UNIT
