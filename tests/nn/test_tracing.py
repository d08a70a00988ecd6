"""Tracing: operators of symbolic values, indexing, traced sizes, and what the recorded graph looks like."""

import copy

import numpy as np
import pytest

from fastconv import nn
from fastconv.nn import functional as F
from fastconv.nn.tracing import record


class Apply(nn.Module):
    """A module around a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def ops(module, shape=(1, 3, 8, 8)):
    graph, _ = record(module, [("float32", shape)])
    return [node.op for node in graph.nodes]


@pytest.fixture
def x():
    return np.random.default_rng(0).standard_normal((2, 3, 6, 5)).astype(np.float32)


COLUMN = np.arange(1, 4, dtype=np.float32).reshape(3, 1, 1)
EXPRESSIONS = [
    lambda x: x + x,
    lambda x: x + 2,
    lambda x: 2.5 + x,
    lambda x: x - 1,
    lambda x: 1 - x,
    lambda x: x * COLUMN,
    lambda x: COLUMN * x,
    lambda x: x / 4,
    lambda x: 4 / (x * x + 1),
    lambda x: -x,
    lambda x: (x * x) ** 0.5,
    lambda x: x[0],
    lambda x: x[:, 1],
    lambda x: x[..., -1],
    lambda x: x[:, -1:, 1:5:2],
    lambda x: x[1, :, ::-1],
    lambda x: x[-2, ..., 3],
    lambda x: x[...],
]


@pytest.mark.parametrize("function", EXPRESSIONS, ids=range(len(EXPRESSIONS)))
def test_operators_are_numpys(function, x):
    got, expected = Apply(function)(x), function(x)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_matmul(x):
    np.testing.assert_allclose(Apply(lambda a: a @ np.ones((5, 4), np.float32))(x), x @ np.ones((5, 4)), rtol=1e-5)


def test_traced_sizes(x):
    def shuffle(x):
        n, c, h, w = x.shape
        return x.reshape(n, 3, c // 3, h * w).permute(0, 2, 1, 3).reshape(n, c, h, w)

    np.testing.assert_array_equal(Apply(shuffle)(x), x)
    np.testing.assert_array_equal(Apply(lambda x: x.reshape(x.shape[0], -1))(x), x.reshape(2, -1))
    np.testing.assert_array_equal(Apply(lambda x: x[:, :, : x.shape[3] - 1])(x), x[:, :, :4])
    halves = Apply(lambda x: F.interpolate(x[:, :, ::2, ::2], x.shape[2:]))
    assert halves(x).shape == x.shape
    assert halves(x[:, :, :4]).shape == (2, 3, 4, 5)


def test_no_branches_on_traced_values(x):
    with pytest.raises(TypeError, match="no truth while tracing"):
        Apply(lambda x: x if x.shape[1] == 3 else -x)(x)
    with pytest.raises(TypeError, match="no number while tracing"):
        Apply(lambda x: next(x for _ in range(x.shape[0])))(x)
    with pytest.raises(TypeError, match="must be float32, got int64"):
        Apply(lambda x: x.reshape(x.shape[0] / 1, -1))(x)
    with pytest.raises(TypeError, match="must be an integer, got"):
        Apply(lambda x: x.reshape(x.shape[0] * 1.5, -1))(x)
    with pytest.raises(TypeError, match="indices must be integers"):
        Apply(lambda x: x[None])(x)
    with pytest.raises(IndexError, match="4 axes"):
        Apply(lambda x: x[0, 0, 0, 0, 0])(x)


def test_values_do_not_outlive_their_trace(x):
    kept = []

    def leak(x):
        kept.append(x)
        return x + kept[0]

    module = Apply(leak)
    module(x)
    with pytest.raises(ValueError, match="different traces"):
        module(x[0])


def test_forward_must_return_values(x):
    with pytest.raises(TypeError, match="forward must return traced values, got int"):
        Apply(lambda x: 3)(x)


def test_shared_parameters_are_one_constant(x):
    conv = nn.Conv2d(3, 3, 3, padding=1, bias=False)
    graph, _ = record(nn.Sequential(conv, conv), [("float32", (1, 3, 8, 8))])
    assert len(graph.constants) == 1
    assert [node.name for node in graph.nodes] == ["1", "1"]
    assert list(graph.constant_names.values()) == ["1.weight"]


def test_unused_nodes_are_dropped():
    assert ops(Apply(lambda x: (F.tanh(x), F.relu(x))[1])) == ["relu"]


def test_nodes_and_constants_have_the_models_names():
    model = nn.Sequential({"stem": nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), "head": nn.Conv2d(4, 2, 1)})
    graph, returns = record(model, [("float32", (1, 3, 8, 8))])
    assert [node.name for node in graph.nodes] == ["stem.0", "stem.1", "head"]
    assert set(graph.constant_names.values()) == {"stem.0.weight", "stem.0.bias", "head.weight", "head.bias"}
    assert [entry.name for entry in graph.inputs] == ["x"]
    assert [entry.name for entry in graph.outputs] == ["output"]
    assert returns == "one"


def test_nhwc_networks_are_permuted_at_their_borders_only(x):
    last = {"layout": "NHWC"}
    block = nn.Sequential(
        nn.Conv2d(3, 3, 3, padding=1, **last), nn.BatchNorm2d(3, **last), nn.ReLU6(), nn.MaxPool2d(3, 1, 1, **last)
    )
    model = nn.Sequential(block, nn.Residual(block), Apply(lambda x: F.concat([x, F.silu(x)], -1)))
    found = ops(model, (1, 8, 8, 3))
    assert found.count("transpose") == 2
    assert (found[0], found[-1]) == ("transpose", "transpose")
    first = channels_first(model)
    np.testing.assert_allclose(model(np.moveaxis(x, 1, -1)), np.moveaxis(first(x), 1, -1), rtol=1e-6)


def channels_first(model):
    """The same layers, channels first."""
    other = copy.deepcopy(model)
    for layer in other.modules():
        if hasattr(layer, "layout"):
            layer.layout = "NCHW"
    other[2] = Apply(lambda x: F.concat([x, F.silu(x)], 1))
    return other


def test_functions_run_on_arrays(x):
    np.testing.assert_array_equal(F.relu(x), np.maximum(x, 0))
    np.testing.assert_allclose(F.mean(x, (2, 3)), x.mean((2, 3)), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(F.flatten(x, 1), x.reshape(2, -1))
    np.testing.assert_array_equal(F.flatten(x, 2), x.reshape(2, 3, -1))
    np.testing.assert_array_equal(F.concat([x, x], 1), np.concatenate([x, x], 1))
    np.testing.assert_array_equal(F.max_pool2d(x, 1, layout="NHWC"), x)
    pooled, where = F.max_pool2d(x, 2, return_indices=True)
    np.testing.assert_array_equal(
        np.take_along_axis(x.reshape(2, 3, -1), where.reshape(2, 3, -1), 2), pooled.reshape(2, 3, -1)
    )
    weight = np.ones((4, 3, 1, 1), np.float32)
    np.testing.assert_allclose(F.conv2d(x, weight)[:, 0], x.sum(1), rtol=1e-5, atol=1e-6)


def test_functions_are_documented_for_their_axes():
    assert F.conv3d.__name__ == "conv3d"
    assert "torch.nn.functional.max_pool1d" in F.max_pool2d.__doc__
