"""Functions of one tensor and of two, against float64."""

import math

import numpy as np
import pytest

from fastconv import _core
from tests.ops.network import run_op, same

erf = np.vectorize(math.erf, otypes=[float])


def sigmoid(x):
    return np.where(x < 0, np.exp(np.minimum(x, 0)), 1.0) / (1 + np.exp(-np.abs(x)))


def softplus(x):
    return np.logaddexp(0, x)


def elu(x, alpha):
    return np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x)


def f32(x):
    """A parameter as the kernels have it."""
    return float(np.float32(x))


# name: (attributes, float64 specification, units in the last place allowed)
EXACT = {
    "relu": ({}, lambda x: np.maximum(x, 0), 0),
    "neg": ({}, np.negative, 0),
    "abs": ({}, np.abs, 0),
    "sqrt": ({}, np.sqrt, 0.5),
    "floor": ({}, np.floor, 0),
    "ceil": ({}, np.ceil, 0),
    "round": ({}, np.rint, 0),
    "sign": ({}, np.sign, 0),
    "reciprocal": ({}, np.reciprocal, 0.5),
    "leaky_relu": ({"alpha": 0.3}, lambda x: np.where(x < 0, f32(0.3) * x, x), 0.5),
    "thresholded_relu": ({"alpha": 0.7}, lambda x: np.where(x <= f32(0.7), 0 * x, x), 0),
}
SMOOTH = {
    "exp": ({}, np.exp, 2),
    "log": ({}, np.log, 2),
    "tanh": ({}, np.tanh, 2),
    "erf": ({}, erf, 2),
    "softplus": ({}, softplus, 2),
    "sin": ({}, np.sin, 1),
    "cos": ({}, np.cos, 1),
    "softsign": ({}, lambda x: x / (1 + np.abs(x)), 3),
    "sigmoid": ({}, sigmoid, 3),
    "silu": ({}, lambda x: x * sigmoid(x), 4),
    "mish": ({}, lambda x: x * np.tanh(softplus(x)), 4),
    "hard_swish": ({}, lambda x: x * np.clip(x + 3, 0, 6) / 6, 3),
    "elu": ({"alpha": 1.3}, lambda x: elu(x, f32(1.3)), 3),
    "celu": ({"alpha": 0.6}, lambda x: np.where(x < 0, f32(0.6) * np.expm1(np.minimum(x, 0) / f32(0.6)), x), 3),
    "selu": ({}, lambda x: f32(1.0507010) * elu(x, f32(1.6732632)), 3),
}
# Those that subtract, as their formulas do: units of the last place of max(|x|, 1).
ABSOLUTE = {
    "gelu": ({}, lambda x: x / 2 * (1 + erf(x / math.sqrt(2))), 2),
    "gelu_tanh": ({}, lambda x: x * sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)), 2),
    "hard_sigmoid": ({"alpha": 0.3, "beta": 0.4}, lambda x: np.clip(f32(0.3) * x + f32(0.4), 0, 1), 2),
}
MULTIPLY_A_SUBNORMAL = {"silu", "mish"}  # in the left tail: x exp(x), where exp(x) has few bits left
FUNCTIONS = EXACT | SMOOTH | ABSOLUTE


def every_magnitude():
    """Floats of all exponents, and many where the functions bend."""
    rng = np.random.default_rng(0)
    parts = [
        np.exp2(rng.uniform(-149, 128, 200_000)) * rng.choice([-1, 1], 200_000),
        rng.uniform(-110, 110, 200_000),
        rng.uniform(-6, 6, 400_000),
        rng.uniform(-1.5, 1.5, 200_000),
        1 + rng.uniform(-0.01, 0.01, 50_000),
        np.arange(-10, 10, 0.5),
    ]
    return np.concatenate(parts).astype(np.float32)


def apply(name, x, **options):
    attributes = FUNCTIONS[name][0]
    if name == "gelu_tanh":
        name, attributes = "gelu", {"approximate": "tanh"}
    return run_op(name, [x], attributes, **options)[0]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_over_the_whole_range(name, isa):
    _, specification, allowed = FUNCTIONS[name]
    x = every_magnitude()
    y = apply(name, x)
    with np.errstate(all="ignore"):
        expected = specification(x.astype(np.float64))
        rounded = expected.astype(np.float32)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(y[~finite], rounded[~finite])
    size = np.maximum(np.abs(x), 1) if name in ABSOLUTE else np.abs(rounded)
    smallest = 2e-36 if name in MULTIPLY_A_SUBNORMAL else np.finfo(np.float32).tiny
    unit = np.spacing(np.maximum(size, smallest).astype(np.float32))[finite].astype(np.float64)
    error = np.abs(y[finite] - expected[finite]) / unit
    worst = error.argmax()
    assert error[worst] <= max(allowed, 1e-9), f"{name}({x[finite][worst]!r}) is {error[worst]:.2f} units off"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_infinities_and_nan(name, isa):
    x = np.array([np.nan, np.inf, -np.inf, 0, -0.0] * 5, np.float32)
    with np.errstate(all="ignore"):
        expected = FUNCTIONS[name][1](x.astype(np.float64)).astype(np.float32)
    # Where a limit is 0 times infinity, libraries differ; the formula's NaN and the limit 0 are both right.
    y = apply(name, x)
    both = np.isnan(expected) & (x == -np.inf)
    np.testing.assert_allclose(y[~both], expected[~both], rtol=3e-7)
    assert np.all(np.isnan(y[both]) | (y[both] == 0))
    assert np.all(np.isnan(y[np.isnan(x)]))


@pytest.mark.parametrize("name", ["relu", "tanh", "gelu", "hard_swish"])
@pytest.mark.parametrize("shape", [(0,), (1,), (), (2, 3, 5), (1, 33), (3, 17, 5, 7), (50_001,)])
def test_functions_of_any_size_and_layout(name, shape, isa, threads):
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    threads(1)
    expected = FUNCTIONS[name][1](x.astype(np.float64))
    y = apply(name, x)
    assert y.dtype == np.float32 and y.shape == shape
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)
    threads(3)
    same(apply(name, x), y)
    same(apply(name, x, channels_last=True), y)


def test_relu_of_integers():
    x = np.array([-3, 0, 5], np.int64)
    same(run_op("relu", [x])[0], np.array([0, 0, 5]))
    same(run_op("neg", [x])[0], -x)
    same(run_op("abs", [x.astype(np.int32)])[0], np.array([3, 0, 5], np.int32))
    same(run_op("sign", [x])[0], np.array([-1, 0, 1]))
    with pytest.raises(ValueError, match=r"exp '.*': the type must be float32, got int64"):
        run_op("exp", [x])


def test_unknown_approximation():
    with pytest.raises(ValueError, match="approximate must be none or tanh, got erf"):
        run_op("gelu", [np.ones(3, np.float32)], {"approximate": "erf"})


@pytest.mark.parametrize("limits", [(-1, 2), (None, 0.5), (0, None), (None, None), (2, -1)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8"])
@pytest.mark.parametrize("constants", [(1, 2), ()])
def test_clip(limits, dtype, constants, isa):
    x = np.arange(-5, 6).astype(dtype)
    given = [None if limit is None else np.array(limit).astype(dtype) for limit in limits]
    low, high = (
        limit if limit is not None else x.dtype.type(end) for limit, end in zip(given, ends(dtype), strict=True)
    )
    expected = np.minimum(np.maximum(x, low), high)
    same(run_op("clip", [x, *given], constants=constants)[0], expected)


def ends(dtype):
    return (-np.inf, np.inf) if dtype.startswith("float") else (np.iinfo(dtype).min, np.iinfo(dtype).max)


def test_clip_lets_nan_through(isa):
    x = np.array([np.nan, 1, 9] * 9, np.float32)
    for constants in ((1, 2), ()):
        (y,) = run_op("clip", [x, np.float32(0)[None], np.float32(6)[None]], constants=constants)
        same(y, np.array([np.nan, 1, 6] * 9, np.float32))


ARITHMETIC = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "min": np.minimum,
    "max": np.maximum,
    "pow": np.power,
    "mod": np.mod,
    "fmod": np.fmod,
    "prelu": lambda a, b: np.where(a < 0, a * b, a),
}
SHAPES = [
    ((3, 5, 4, 6), (3, 5, 4, 6)),
    ((3, 37, 4, 6), (1, 37, 1, 1)),  # a bias per channel
    ((2, 37, 3, 3), (2, 37, 1, 1)),  # squeeze and excite
    ((2, 5, 4, 6), (6,)),
    ((2, 5, 4, 6), (4, 6)),
    ((2, 5, 4, 6), (5, 4, 6)),
    ((2, 5, 4, 6), ()),
    ((2, 5, 4, 6), (1, 1, 1, 1)),
    ((7, 1), (1, 9)),
    ((2, 1, 3, 1), (1, 4, 1, 5)),
    ((33,), (33,)),
    ((), ()),
    ((1,), (17,)),
    ((0, 3), (3,)),
    ((130, 257), (257,)),
]


def normal(rng, shape):
    return np.asarray(rng.normal(size=shape), np.float32)


@pytest.mark.parametrize("name", ARITHMETIC)
@pytest.mark.parametrize("channels_last", [False, True])
def test_arithmetic_broadcasts(name, channels_last, isa):
    rng = np.random.default_rng(2)
    for left, right in SHAPES:
        for a_shape, b_shape in ((left, right), (right, left)):
            if name == "prelu" and np.broadcast_shapes(a_shape, b_shape) != a_shape:
                continue
            a, b = normal(rng, a_shape), normal(rng, b_shape)
            if name == "pow":
                a = np.asarray(np.abs(a))
            expected = ARITHMETIC[name](a.astype(np.float64), b.astype(np.float64))
            (y,) = run_op(name, [a, b], channels_last=channels_last)
            assert y.shape == expected.shape
            tolerance = 3e-7 if name not in ("mod", "fmod") else 1e-5  # these jump
            np.testing.assert_allclose(y, expected, rtol=tolerance, atol=1e-6 if tolerance > 1e-6 else 1e-7)


@pytest.mark.parametrize("name", ["min", "max", "add", "mul", "prelu"])
def test_arithmetic_with_nan_and_infinities(name, isa):
    special = np.array([np.nan, np.inf, -np.inf, 1, -2, 0], np.float32)
    a, b = (grid.ravel() for grid in np.meshgrid(special, special))
    with np.errstate(invalid="ignore"):
        same(run_op(name, [a, b])[0], ARITHMETIC[name](a, b).astype(np.float32))


@pytest.mark.parametrize("exponent", [2, 0.5, -1, 3, 0])
def test_powers_known_while_planning(exponent, isa):
    x = np.random.default_rng(3).uniform(0.1, 9, (3, 40)).astype(np.float32)
    (y,) = run_op("pow", [x, np.float32(exponent)[None]], constants=(1,))
    np.testing.assert_allclose(y, x.astype(np.float64) ** exponent, rtol=2e-7)
    wide = np.full((2, 1, 1), exponent, np.float32)  # one value would do, but the result has its shape
    assert run_op("pow", [x, wide], constants=(1,))[0].shape == (2, 3, 40)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "int8", "float64"])
@pytest.mark.parametrize("name", [*ARITHMETIC])
def test_arithmetic_of_other_types(name, dtype):
    low = 0 if dtype == "uint8" else -12
    a, b = np.meshgrid(np.arange(low, 13), np.arange(low, 13))
    a, b = a.ravel().astype(dtype), b.ravel().astype(dtype)
    if name in ("div", "mod", "fmod"):
        a, b = a[b != 0], b[b != 0]
    if name == "pow":
        a, b = a[b >= 0], b[b >= 0]
    expected = ARITHMETIC[name](a, b)
    if name == "div" and dtype != "float64":
        expected = np.trunc(a / b)
    same(run_op(name, [a, b])[0], expected.astype(dtype))


def test_integer_traps():
    """What stops other programs: divisions by zero, and the lowest integer by -1."""
    lowest = np.iinfo(np.int64).min
    a = np.array([7, lowest, lowest], np.int64)
    b = np.array([0, -1, 0], np.int64)
    same(run_op("div", [a, b])[0], np.array([0, lowest, 0]))
    same(run_op("mod", [a, b])[0], np.array([0, 0, 0]))
    same(run_op("fmod", [a, b])[0], np.array([0, 0, 0]))
    same(run_op("neg", [a])[0], np.array([-7, lowest, lowest]))
    same(run_op("pow", [np.array([2, -1, 1, 0]), np.array([-1, -3, -5, -1])])[0], np.array([0, -1, 1, 0]))


def whole(rng, shape, dtype):
    return np.asarray(rng.integers(0, 3, shape)).astype(dtype)


COMPARISONS = {
    "equal": np.equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
}


@pytest.mark.parametrize("name", COMPARISONS)
@pytest.mark.parametrize("dtype", ["float32", "int64", "int32", "bool"])
def test_comparisons(name, dtype):
    rng = np.random.default_rng(4)
    for left, right in SHAPES:
        a, b = whole(rng, left, dtype), whole(rng, right, dtype)
        for channels_last in (False, True):
            same(run_op(name, [a, b], channels_last=channels_last)[0], np.asarray(COMPARISONS[name](a, b)))
    nan = np.array([np.nan, 1], np.float32)
    same(run_op(name, [nan, nan])[0], COMPARISONS[name](nan, nan))


@pytest.mark.parametrize("name", ["logical_and", "logical_or", "logical_xor"])
def test_logic(name):
    a, b = np.array([[True], [False]]), np.array([True, False])
    same(run_op(name, [a, b])[0], getattr(np, name)(a, b))
    same(run_op("logical_not", [a])[0], ~a)
    with pytest.raises(ValueError, match=f"{name} '.*': the type must be bool, got int64"):
        run_op(name, [a.astype(int), b.astype(int)])


@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8", "bool", "float64"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_where(dtype, channels_last):
    rng = np.random.default_rng(5)
    shapes = [((2, 5, 3, 4),) * 3, ((2, 1, 3, 1), (5, 1, 1), (2, 5, 3, 4)), ((4,), (), (3, 1)), ((), (7,), (7,))]
    for condition, left, right in shapes:
        mask, a, b = whole(rng, condition, "bool"), whole(rng, left, dtype), whole(rng, right, dtype)
        same(run_op("where", [mask, a, b], channels_last=channels_last)[0], np.where(mask, a, b))


def test_binary_errors():
    a = np.ones((2, 3), np.float32)
    with pytest.raises(ValueError, match=r"add '.*': extents .* must be equal or 1, got \[2, 3\] and \[4\]"):
        run_op("add", [a, np.ones(4, np.float32)])
    with pytest.raises(ValueError, match=r"add '.*': inputs must have one type, got float32 and int64"):
        run_op("add", [a, np.ones(3, np.int64)])
    with pytest.raises(ValueError, match=r"prelu '.*': slope must broadcast .*\[2, 3\], got \[5, 1, 1\]"):
        run_op("prelu", [a, np.ones((5, 1, 1), np.float32)])
    with pytest.raises(ValueError, match="condition must be bool, got float32"):
        run_op("where", [a, a, a])


def test_threads_change_nothing(isa, threads):
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=(3, 70, 61, 7)).astype(np.float32), rng.normal(size=(70, 1, 1)).astype(np.float32)
    results = []
    for count in (1, 2, 5):
        threads(count)
        results.append(run_op("mul", [a, b], channels_last=True)[0])
    same(results[1], results[0])
    same(results[2], results[0])


def test_the_kernels_of_the_instruction_set_ran(isa):
    a = np.ones(100, np.float32)
    before = {kernel["name"]: kernel["runs"] for kernel in _core.kernels()}
    run_op("exp", [a])
    run_op("add", [a, a])
    after = {kernel["name"]: kernel["runs"] for kernel in _core.kernels()}
    ran = {name for name in after if after[name] > before[name]}
    assert {f"unary_f32__{isa}", f"binary_f32__{isa}"} <= ran
