"""Float data: each algorithm within the error budget of its precision, and numbers at the edge of float32.

The budget of "highest" is three times the error of plain float32 accumulation on the same data; the worst element is
held by the gates of check.py, in units of 2^-24 * sum |x| |weight|.
"""

import numpy as np
import pytest

import fastconv as fc
from fastconv import reference
from tests.conv.check import GATE, UNIT

DIRECT_GATE = 16
HIGHEST = ("direct", "im2col", "col2im", "winograd2", "winograd4", "winograd", "reference", "auto")
SHORT_SUMS = [(1, 1), (1, 6), (2, 2), (4, 4), (4, 7), (5, 8), (8, 8), (13, 12)]  # images
SHORT_SUMS = [(h, w, padding) for h, w in SHORT_SUMS for padding in range(3) if h + 2 * padding >= 3]
SHAPES = [(1, 16, 12, 12), (1, 64, 28, 28), (1, 128, 14, 14), (1, 256, 7, 7), (2, 33, 13, 17)]


def relative_error(y, exact):
    """Relative Frobenius error."""
    return np.linalg.norm(y - exact) / np.linalg.norm(exact)


def plain_float32(x, weight, padding=1, dilation=1):
    """The convolution as the textbook loop has it: one float32 sum an output, product by product."""
    around = np.broadcast_to(padding, x.ndim - 2)
    padded = np.pad(x, [(0, 0), (0, 0), *((n, n) for n in around)])
    size = [n - dilation * (r - 1) for n, r in zip(padded.shape[2:], weight.shape[2:])]
    y = np.zeros((x.shape[0], weight.shape[0], *size), np.float32)
    for c, *tap in np.ndindex(*weight.shape[1:]):
        window = tuple(slice(r * dilation, r * dilation + n) for r, n in zip(tap, size))
        factors = weight[(slice(None), c, *tap)].reshape(-1, *[1] * len(tap))
        y += factors * padded[(slice(None), slice(c, c + 1), *window)]
    return y


@pytest.fixture(scope="module", params=SHAPES, ids=str)
def problem(request):
    """x, weight, the exact result, each output's sum of absolute products, and the error of plain accumulation."""
    rng = np.random.default_rng(request.param)
    c = request.param[1]
    x = rng.standard_normal(request.param).astype(np.float32)
    weight = rng.standard_normal((c, c, 3, 3)).astype(np.float32)
    exact = reference.conv2d(x, weight, padding=1)
    magnitude = reference.conv2d(np.abs(x), np.abs(weight), padding=1)
    return x, weight, exact, magnitude, relative_error(plain_float32(x, weight), exact)


@pytest.mark.parametrize("layout", ("NCHW", "NHWC"))
@pytest.mark.parametrize("algorithm", HIGHEST)
def test_highest(problem, isa, algorithm, layout):
    x, weight, exact, magnitude, plain = problem
    y = conv(x, weight, layout, algorithm=algorithm)
    assert relative_error(y, exact) <= 3 * plain
    assert np.max(np.abs(y - exact) / magnitude) <= GATE.get(algorithm, DIRECT_GATE) * UNIT


@pytest.mark.parametrize("algorithm", ("winograd6", "winograd", "auto"))
def test_high(problem, isa, algorithm):
    x, weight, exact, magnitude, _ = problem
    y = conv(x, weight, algorithm=algorithm, precision="high")
    assert relative_error(y, exact) <= 1e-5
    assert np.max(np.abs(y - exact) / magnitude) <= GATE["winograd6"] * UNIT


@pytest.mark.parametrize("algorithm", ("winograd4", "winograd6"))
@pytest.mark.parametrize(
    "kernel, dilation", [((3, 3), (1, 1)), ((3, 3), (2, 3)), ((1, 3), (1, 1)), ((3, 1), (1, 1))], ids=str
)
def test_every_rest_of_a_tile(isa, algorithm, kernel, dilation):
    """Outputs of 1 to 9 along each axis: whole tiles and thin ones, in rows, columns and both."""
    rng = np.random.default_rng(9)
    weight = rng.standard_normal((17, 16, *kernel)).astype(np.float32)
    for rows, columns in np.ndindex(9, 9):
        size = (1 + n + d * (r - 1) for n, r, d in zip((rows, columns), kernel, dilation))
        x = rng.standard_normal((2, 16, *size)).astype(np.float32)
        exact = reference.conv2d(x, weight, dilation=dilation)
        y = fc.conv2d(x, weight, dilation=dilation, algorithm=algorithm, precision="high")
        assert y.shape[2:] == (rows + 1, columns + 1)
        assert relative_error(y, exact) <= 1e-5, (rows + 1, columns + 1)


@pytest.mark.parametrize("algorithm", ("auto", "winograd"))
@pytest.mark.parametrize("c", (1, 2, 3, 6, 8, 15, 16, 17, 24, 40, 64))
def test_a_choice_keeps_highest_where_sums_are_short(isa, algorithm, c):
    """Few channels, or taps that mostly meet padding: direct sums err little there, Winograd's whole tiles do not."""
    if algorithm == "winograd" and c == 1:
        return  # sums of one product round once; whoever insists on Winograd gets F(2,3), which has 3.01 times that
    beyond = {}
    for height, width, padding in SHORT_SUMS:
        rng = np.random.default_rng([c, height, width, padding])
        x = rng.standard_normal((1, c, height, width)).astype(np.float32)
        weight = rng.standard_normal((32, c, 3, 3)).astype(np.float32)
        exact = reference.conv2d(x, weight, padding=padding)
        ratio = relative_error(fc.conv2d(x, weight, padding=padding, algorithm=algorithm), exact)
        ratio /= relative_error(plain_float32(x, weight, padding), exact)
        if ratio > 3:
            beyond[height, width, padding] = ratio
    assert not beyond


@pytest.mark.parametrize(("c", "size", "taken"), [(15, 28, False), (16, 28, True), (48, 4, False), (16, 12, True)])
def test_highest_takes_winograd4_only_where_it_keeps_the_budget(isa, c, size, taken):
    def runs():
        (row,) = (row for row in fc.kernels() if row["name"] == f"winograd_f32_4x3_2d__{isa}")
        return row["runs"]

    before = runs()
    fc.conv2d(np.ones((1, c, size, size), np.float32), np.ones((32, c, 3, 3), np.float32), padding=1)
    assert (runs() > before) == taken


# Kernel, image, padding, dilation: what else Winograd transforms beside 3x3.
WINDOWS = {
    "5x5": ((5, 5), (13, 14), 2, 1),
    "3x3, dilated": ((3, 3), (20, 17), 2, 2),
    "3x3, far apart": ((3, 3), (33, 33), 12, 12),
    "3": ((3,), (50,), 1, 1),
    "5": ((5,), (50,), 2, 1),
    "4": ((4,), (50,), 1, 1),
    "1x7": ((1, 7), (5, 17), (0, 3), 1),
    "9x1": ((9, 1), (30, 4), (4, 0), 1),
    "31": ((31,), (100,), 15, 1),
    "3x3x3": ((3, 3, 3), (6, 9, 10), 1, 1),
    "3x3x3, dilated": ((3, 3, 3), (9, 13, 12), 2, 2),
}


def fits_window(algorithm, kernel):
    """Tell whether a variant of Winograd is for such kernels."""
    taps = max(kernel)
    if algorithm == "winograd3":
        return taps > 3 and min((1, *kernel)[-2:]) == 1
    return taps == 3 or (taps == 5 and algorithm == "winograd2")


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("c", (3, 8, 15, 16, 17, 40, 63, 64))
def test_a_choice_keeps_highest_for_every_window(isa, c, window):
    kernel, image, padding, dilation = WINDOWS[window]
    function, specification = (getattr(m, f"conv{len(kernel)}d") for m in (fc, reference))
    rng = np.random.default_rng([c, *kernel])
    x = rng.standard_normal((1, c, *image)).astype(np.float32)
    weight = rng.standard_normal((32, c, *kernel)).astype(np.float32)
    exact = specification(x, weight, padding=padding, dilation=dilation)
    plain = relative_error(plain_float32(x, weight, padding, dilation), exact)
    for algorithm in ("auto", "winograd2", "winograd3", "winograd4", "winograd6"):
        try:
            y = function(x, weight, padding=padding, dilation=dilation, algorithm=algorithm)
        except ValueError:
            assert not fits_window(algorithm, kernel)
            continue
        error = relative_error(y, exact)
        assert error <= (3 * plain if algorithm == "auto" else 1e-5), algorithm


TOO_LARGE = {("col2im", "3x3x3, dilated")}


@pytest.mark.parametrize("window", WINDOWS)
def test_transposed_of_stride_1_is_the_forward_one_bit_for_bit(isa, window):
    """The forward one of the filters turned round, with the padding that is left: the same sums, and so its error."""
    kernel, image, padding, dilation = WINDOWS[window]
    forward, transposed = (getattr(fc, f"conv{t}{len(kernel)}d") for t in ("", "_transpose"))
    rng = np.random.default_rng(kernel)
    x = rng.standard_normal((2, 17, *image)).astype(np.float32)
    weight = rng.standard_normal((33, 17, *kernel)).astype(np.float32)
    turned = np.flip(weight, range(2, weight.ndim)).swapaxes(0, 1)
    left = [dilation * (r - 1) - int(n) for r, n in zip(kernel, np.broadcast_to(padding, len(kernel)))]
    for algorithm in ("auto", "direct", "im2col", "col2im", "winograd2", "winograd3", "winograd4", "winograd6"):
        options = {"dilation": dilation, "algorithm": algorithm}
        try:
            want = forward(x, weight, padding=padding, **options)
        except ValueError:
            assert (algorithm, window) in TOO_LARGE or not fits_window(algorithm, kernel)
            continue
        assert np.array_equal(transposed(x, turned, padding=left, **options), want), algorithm


@pytest.mark.parametrize("algorithm", ("direct", "im2col", "col2im", "winograd2", "winograd4"))
def test_output_that_is_added_lies_in_the_forward_one_s_padding(isa, algorithm):
    """A slice that no tap reaches: it holds the bias alone."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 17, 3, 8, 9)).astype(np.float32)
    weight, bias = rng.standard_normal((17, 5, 1, 3, 3)).astype(np.float32), np.arange(5, dtype=np.float32)
    options = {"dilation": (2, 1, 1), "output_padding": (1, 0, 0)}
    y = fc.conv_transpose3d(x, weight, bias, algorithm=algorithm, **options)
    assert relative_error(y, reference.conv_transpose3d(x, weight, bias, **options)) <= 1e-6
    assert np.all(y[:, :, 3] == bias[:, np.newaxis, np.newaxis])


def conv(x, weight, layout="NCHW", **options):
    """fc.conv2d of channels-first data, whatever layout it is to be computed in."""
    if layout == "NHWC":
        y = fc.conv2d(np.moveaxis(x, 1, -1), weight, padding=1, layout=layout, **options)
        return np.moveaxis(y, -1, 1)
    return fc.conv2d(x, weight, padding=1, **options)


@pytest.mark.parametrize("group", (1, 4, 8))
def test_depthwise(isa, group):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 37 * group, 29, 31)).astype(np.float32)
    weight = rng.standard_normal((37 * group, group, 5, 5)).astype(np.float32)
    exact = reference.conv2d(x, weight, padding=2, groups=37)
    magnitude = reference.conv2d(np.abs(x), np.abs(weight), padding=2, groups=37)
    y = fc.conv2d(x, weight, padding=2, groups=37, algorithm="depthwise")
    assert np.max(np.abs(y - exact) / magnitude) <= DIRECT_GATE * UNIT


def test_transposed(isa):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 48, 13, 15)).astype(np.float32)
    weight = rng.standard_normal((48, 40, 4, 4)).astype(np.float32)
    arguments = {"stride": 2, "padding": 1}
    exact = reference.conv_transpose2d(x, weight, **arguments)
    magnitude = reference.conv_transpose2d(np.abs(x), np.abs(weight), **arguments)
    y = fc.conv_transpose2d(x, weight, **arguments)
    assert np.max(np.abs(y - exact) / magnitude) <= DIRECT_GATE * UNIT


@pytest.mark.parametrize("algorithm", HIGHEST)
@pytest.mark.parametrize("value", (np.nan, np.inf, -np.inf))
def test_what_is_not_finite_shows_wherever_it_reaches(isa, algorithm, value):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 20, 16, 18)).astype(np.float32)
    weight = rng.standard_normal((24, 20, 3, 3)).astype(np.float32)
    x[0, 7, 8, 9] = value
    y = fc.conv2d(x, weight, padding=1, algorithm=algorithm)
    assert not np.isfinite(y[:, :, 7:10, 8:11]).any()
    if "winograd" not in algorithm and algorithm != "auto":  # Winograd spreads it over its tile
        y[:, :, 7:10, 8:11] = 0
        assert np.isfinite(y).all()


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("algorithm", ("auto", "winograd2", "winograd3"))
@pytest.mark.parametrize("scale", (1e38, 1e36, 1e-30, 1e-44))
def test_finite_stays_finite(isa, scale, algorithm, window):
    """Near the largest and smallest floats, what is chosen overflows no earlier than a direct sum does."""
    kernel, image, padding, dilation = WINDOWS[window]
    if algorithm != "auto" and not fits_window(algorithm, kernel):
        return
    function, specification = (getattr(m, f"conv{len(kernel)}d") for m in (fc, reference))
    rng = np.random.default_rng(0)
    x = (rng.uniform(-2, 2, (1, 32, *image)) * scale).astype(np.float32)
    weight = (rng.uniform(-1, 1, (36, 32, *kernel)) / 2048).astype(np.float32)  # columns that end in a wide tile
    y = function(x, weight, padding=padding, dilation=dilation, algorithm=algorithm)
    assert np.isfinite(y).all()
    exact = specification(x, weight, padding=padding, dilation=dilation)
    magnitude = specification(np.abs(x), np.abs(weight), padding=padding, dilation=dilation).max()
    smallest = np.finfo(np.float32).smallest_subnormal * x.shape[1] * np.prod(kernel)
    assert np.all(np.abs(y - exact) <= GATE["auto"] * UNIT * magnitude + smallest)


def test_the_callers_denormals_are_left_alone():
    x, weight = np.ones((1, 64, 28, 28), np.float32), np.ones((64, 64, 3, 3), np.float32)
    fc.conv2d(x, weight, padding=1)
    assert np.float32(1e-40) * np.float32(1) != 0
    assert np.float32(2e-38) / np.float32(4) != 0


@pytest.mark.parametrize("kernel", ((3, 3), (5, 5), (1, 3), (2, 3, 3), (1, 6)), ids=str)
@pytest.mark.parametrize("algorithm", ("winograd2", "winograd3", "winograd4", "winograd6"))
def test_groups_are_convolutions_beside_each_other(isa, algorithm, kernel):
    """Bit for bit: 40 outputs a group end in the midst of a panel."""
    if not fits_window(algorithm, kernel):
        return
    rng = np.random.default_rng(0)
    function = getattr(fc, f"conv{len(kernel)}d")
    x = rng.standard_normal((2, 27, *(9, 13, 11)[-len(kernel) :])).astype(np.float32)
    weight = rng.standard_normal((120, 9, *kernel)).astype(np.float32)
    bias = rng.standard_normal(120).astype(np.float32)
    y = function(x, weight, bias, padding=1, groups=3, algorithm=algorithm)
    for g in range(3):
        outputs = slice(40 * g, 40 * (g + 1))
        alone = function(x[:, 9 * g : 9 * g + 9], weight[outputs], bias[outputs], padding=1, algorithm=algorithm)
        np.testing.assert_array_equal(y[:, outputs], alone)
