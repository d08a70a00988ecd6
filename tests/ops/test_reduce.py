"""Folds over axes, searches and running sums along one, against NumPy."""

import itertools

import numpy as np
import pytest

from fastconv import _core
from tests.ops.network import integers, run_op, same


def log_sum_exp(x, axis, keepdims):
    largest = np.max(x, axis=axis, keepdims=True)
    result = largest + np.log(np.sum(np.exp(x - largest), axis=axis, keepdims=True))
    return result if keepdims else np.squeeze(result, axis)


REDUCTIONS = {
    "reduce_sum": np.sum,
    "reduce_mean": np.mean,
    "reduce_max": np.max,
    "reduce_min": np.min,
    "reduce_prod": np.prod,
    "reduce_l1": lambda x, **how: np.sum(np.abs(x), **how),
    "reduce_l2": lambda x, **how: np.sqrt(np.sum(x * x, **how)),
    "reduce_sum_square": lambda x, **how: np.sum(x * x, **how),
    "reduce_log_sum": lambda x, **how: np.log(np.sum(x, **how)),
    "reduce_log_sum_exp": lambda x, axis, keepdims: log_sum_exp(x, axis, keepdims),
}


def reduce(name, x, axes=None, keepdims=1, **options):
    inputs = [x] if axes is None else [x, np.array(axes, np.int64)]
    return run_op(name, inputs, {"keepdims": keepdims}, constants=(1,), **options)[0]


def every_choice(rank):
    return [axes for count in range(1, rank + 1) for axes in itertools.combinations(range(rank), count)]


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("channels_last", [False, True])
def test_reductions_over_any_axes(name, channels_last, isa):
    rng = np.random.default_rng(0)
    for shape in ((2, 37, 5, 9), (3, 1, 4, 70), (2, 300), (5,)):
        x = rng.uniform(0.9, 1.1, shape).astype(np.float32)
        for axes, keepdims in itertools.product(every_choice(len(shape)), (0, 1)):
            y = reduce(name, x, axes, keepdims, channels_last=channels_last)
            expected = REDUCTIONS[name](x.astype(np.float64), axis=axes, keepdims=bool(keepdims))
            assert y.dtype == np.float32 and y.shape == np.shape(expected)
            np.testing.assert_allclose(y, expected, rtol=1e-6 if name != "reduce_prod" else 1e-5, atol=3e-7)
        np.testing.assert_allclose(
            reduce(name, x), REDUCTIONS[name](x.astype(np.float64), axis=None, keepdims=True), rtol=1e-5
        )


@pytest.mark.parametrize("n", [0, 1, 3, 4, 8, 15, 16, 17, 63, 64, 65, 511, 513, 2047, 2048, 2049, 5000])
@pytest.mark.parametrize("name", ["reduce_sum", "reduce_max", "reduce_min", "reduce_l1", "reduce_sum_square"])
def test_every_length_is_exact(n, name, isa):
    """Integers, whose sums are exact: every element is taken once, along rows and along columns."""
    x = integers(np.random.default_rng(n), (3, n, 21))
    with np.errstate(all="ignore"):
        expected = REDUCTIONS[name](x, axis=1, keepdims=True, **({"initial": 0} if n == 0 and "l1" not in name else {}))
        if n == 0 and name in ("reduce_max", "reduce_min"):
            expected = np.full((3, 1, 21), -np.inf if name == "reduce_max" else np.inf, np.float32)
    same(reduce(name, x, [1]), np.asarray(expected, np.float32))
    rows = np.ascontiguousarray(np.moveaxis(x, 1, 2))
    same(reduce(name, rows, [2]), np.asarray(np.moveaxis(expected, 1, 2), np.float32))


@pytest.mark.parametrize("axis", [0, 1])
def test_long_sums_are_accurate(axis, isa):
    """The error of a sum does not grow with its length."""
    x = np.random.default_rng(1).uniform(0, 1, (1_000_001, 2)).astype(np.float32)
    x = x if axis == 0 else np.ascontiguousarray(x.T)
    expected = x.astype(np.float64).sum(axis)
    np.testing.assert_allclose(reduce("reduce_sum", x, [axis], 0), expected, rtol=1.2e-7)
    np.testing.assert_allclose(reduce("reduce_mean", x, [axis], 0), expected / 1_000_001, rtol=1.8e-7)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(
    "name", ["reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_l1", "reduce_log_sum_exp"]
)
def test_nan_and_infinities_show(name, axis, value, isa):
    for place in (0, 7, 66, 130, 299):
        x = np.random.default_rng(2).normal(size=(300, 5)).astype(np.float32)
        x[place, 3] = value
        x = x if axis == 0 else np.ascontiguousarray(x.T)
        if name == "reduce_log_sum_exp":
            with np.errstate(invalid="ignore"):
                total = np.logaddexp.reduce(x.astype(float), axis)
            expected = np.where(np.isinf(x).any(axis) & (value > 0), value, total)
        else:
            expected = REDUCTIONS[name](x.astype(np.float64), axis=axis)
        np.testing.assert_allclose(reduce(name, x, [axis], 0), expected, rtol=1e-5, atol=1e-4)


def test_log_sum_exp_of_extremes(isa):
    x = np.array([[1e4, 1e4], [-1e4, -1e4], [-np.inf, -np.inf], [np.inf, np.inf]], np.float32)
    y = reduce("reduce_log_sum_exp", x, [1], 0)
    np.testing.assert_allclose(y, [1e4 + np.log(2), -1e4 + np.log(2), -np.inf, np.inf])


def test_nothing_to_reduce():
    empty = np.ones((2, 0, 3), np.float32)
    assert reduce("reduce_sum", empty, [1]).tolist() == [[[0, 0, 0]]] * 2
    assert reduce("reduce_prod", empty, [1, 2], 0).tolist() == [1, 1]
    assert reduce("reduce_sum", empty, [0]).shape == (1, 0, 3)
    assert np.isnan(reduce("reduce_mean", empty, [1])).all()
    assert reduce("reduce_log_sum_exp", empty, [1], 0).tolist() == [[-np.inf] * 3] * 2
    assert reduce("reduce_sum", np.zeros((0, 2, 0), np.int64), [0, 2], 0).tolist() == [0, 0]


@pytest.mark.parametrize("axes", [None, []])
def test_no_axes_may_mean_none(axes):
    x = np.array([[-2.0, 3]], np.float32)
    inputs = [x] if axes is None else [x, np.array(axes, np.int64)]
    for name, expected in (("sum", x), ("l1", abs(x)), ("sum_square", x * x), ("l2", abs(x)), ("log_sum_exp", x)):
        same(run_op(f"reduce_{name}", inputs, {"noop_with_empty_axes": 1}, constants=(1,))[0], expected)
        assert run_op(f"reduce_{name}", inputs, constants=(1,))[0].shape == (1, 1)


@pytest.mark.parametrize("dtype", ["int64", "int32", "float64"])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod", "l1", "sum_square"])
def test_reductions_of_other_types(name, dtype):
    x = integers(np.random.default_rng(3), (2, 3, 2, 70), dtype)
    for axes in every_choice(4):
        if name == "prod" and 3 in axes:
            continue  # would overflow
        expected = REDUCTIONS[f"reduce_{name}"](x, axis=axes, keepdims=True)
        y = reduce(f"reduce_{name}", x, axes, channels_last=True)
        if dtype == "float64":
            np.testing.assert_allclose(y, expected, rtol=1e-14, atol=1e-13)
        else:
            same(y, np.trunc(expected).astype(dtype))


def test_any_and_all():
    x = np.array([[True, False], [False, False], [True, True]])
    same(reduce("reduce_max", x, [1], 0), x.any(1))
    same(reduce("reduce_min", x, [1], 0), x.all(1))
    same(reduce("reduce_max", x.astype(np.uint8), [0], 0), np.array([1, 1], np.uint8))


def test_reduction_errors():
    x = np.ones((2, 3), np.float32)
    with pytest.raises(ValueError, match=r"reduce_sum '.*': axis must be in \[-2, 1\] for rank 2, got 2"):
        reduce("reduce_sum", x, [2])
    with pytest.raises(ValueError, match=r"reduce_l2 '.*': the type must be .*, got int64"):
        reduce("reduce_l2", x.astype(np.int64), [0])


@pytest.mark.parametrize("channels_last", [False, True])
def test_threads_change_nothing(channels_last, isa, threads):
    x = np.random.default_rng(4).normal(size=(3, 130, 41, 37)).astype(np.float32)
    for name, axes in itertools.product(
        ["reduce_mean", "reduce_log_sum_exp", "reduce_l2"], [(2, 3), (1,), (0, 3), None]
    ):
        results = []
        for count in (1, 2, 5):
            threads(count)
            results.append(reduce(name, x, axes, channels_last=channels_last))
        same(results[1], results[0])
        same(results[2], results[0])


def test_the_kernels_of_the_instruction_set_ran(isa):
    x = np.ones((2, 40, 3), np.float32)
    before = {kernel["name"]: kernel["runs"] for kernel in _core.kernels()}
    reduce("reduce_sum", x, [1])
    reduce("reduce_sum", x, [2])
    after = {kernel["name"]: kernel["runs"] for kernel in _core.kernels()}
    assert {f"reduce_rows_f32__{isa}", f"reduce_columns_f32__{isa}"} <= {n for n in after if after[n] > before[n]}


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("dtype", ["float32", "int64", "int32", "uint8"])
def test_arg_reductions(name, dtype):
    x = integers(np.random.default_rng(5), (2, 7, 3, 70), dtype)
    find = getattr(np, name)
    for axis, keepdims in itertools.product(range(-4, 4), (0, 1)):
        for channels_last in (False, True):
            how = {"axis": axis, "keepdims": keepdims}
            (y,) = run_op(name, [x], how, channels_last=channels_last)
            same(y, find(x, axis, keepdims=bool(keepdims)))
        (y,) = run_op(name, [x], how | {"select_last_index": 1})
        same(y, x.shape[axis] - 1 - find(np.flip(x, axis), axis, keepdims=bool(keepdims)))


def test_argmax_of_nan():
    x = np.array([[1, np.nan, 3, np.nan], [5, 5, 2, 1]], np.float32)
    same(run_op("argmax", [x], {"axis": 1, "keepdims": 0})[0], np.array([1, 0]))
    same(run_op("argmin", [x], {"axis": 1, "keepdims": 0})[0], np.array([1, 3]))
    same(run_op("argmax", [x], {"axis": 1, "keepdims": 0, "select_last_index": 1})[0], np.array([3, 1]))
    with pytest.raises(ValueError, match=r"argmax '.*': the axis must have elements, got \[2, 0\]"):
        run_op("argmax", [x[:, :0]], {"axis": 1})


@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_topk(largest, dtype, axis, threads):
    x = integers(np.random.default_rng(6), (4, 50, 61), dtype)  # many ties
    order = np.argsort(-x.astype(int) if largest else x.astype(int), axis=axis, kind="stable")
    for k, count in itertools.product((1, 3, x.shape[axis], 0), (1, 4)):
        threads(count)
        expected = np.take(order, range(k), axis)
        values, indices = run_op(
            "topk",
            [x, np.array([k])],
            {"axis": axis, "largest": largest},
            outputs=2,
            constants=(1,),
            channels_last=True,
        )
        same(indices, expected)
        same(values, np.take_along_axis(x, expected, axis))


def test_topk_of_nan_and_errors():
    x = np.array([1, np.nan, np.inf, -1], np.float32)
    values, indices = run_op("topk", [x, np.array(2)], outputs=2, constants=(1,))
    same(values, np.array([np.nan, np.inf], np.float32))
    assert indices.tolist() == [1, 2]
    assert run_op("topk", [x, np.array(4)], {"largest": 0}, outputs=2, constants=(1,))[1].tolist() == [3, 0, 2, 1]
    with pytest.raises(ValueError, match=r"topk '.*': k must be in \[0, 4\], got 5"):
        run_op("topk", [x, np.array(5)], outputs=2, constants=(1,))


@pytest.mark.parametrize("dtype", ["float32", "int64", "int32", "float64"])
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_cumsum(dtype, axis):
    x = integers(np.random.default_rng(7), (3, 70, 5), dtype)
    for exclusive, reverse in itertools.product((0, 1), (0, 1)):
        how = {"exclusive": exclusive, "reverse": reverse}
        (y,) = run_op("cumsum", [x, np.array(axis)], how, constants=(1,), channels_last=True)
        flipped = np.flip(x, axis) if reverse else x
        expected = np.cumsum(flipped, axis, dtype=dtype) - (flipped if exclusive else 0)
        same(y, np.flip(expected, axis) if reverse else expected)
