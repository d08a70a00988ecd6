"""Operators in forms that the converter does not make of our models, built by the schema."""

import numpy as np
import pytest
import tflite
from tflite import ActivationFunctionType as Activation
from tflite import BuiltinOperator as Op

import fastconv as fc
from fastconv import tensorflow
from tests.tensorflow.cases import numbers
from tests.tflite.builder import Operator, Tensor, build, constant

WINDOW = {"Padding": tflite.Padding.SAME, "StrideW": 2, "StrideH": 2}
X = numbers([1, 9, 8, 4], 0)


def run(model):
    session = fc.InferenceSession(model)
    (y,) = session.run(None, {session.get_inputs()[0].name: X})
    return y


def one(code, *inputs, shape=(1, 5, 4, 6), table="", **fields):
    """The result of one operator on X and constants."""
    tensors = [Tensor("x", X.shape) if array is X else constant(f"c{i}", array) for i, array in enumerate(inputs)]
    place = next(i for i, array in enumerate(inputs) if array is X)
    operator = Operator(code, range(len(inputs)), [len(inputs)], table, fields)
    return run(build([*tensors, Tensor("y", shape)], [operator], [place], [len(inputs)]))


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        (Activation.NONE, lambda y: y),
        (Activation.RELU, lambda y: np.maximum(y, 0)),
        (Activation.RELU6, lambda y: np.clip(y, 0, 6)),
        (Activation.RELU_N1_TO_1, lambda y: np.clip(y, -1, 1)),
        (Activation.TANH, np.tanh),
    ],
)
def test_fused_activations(kind, function):
    filters, bias = numbers([6, 3, 3, 4], 1), numbers([6], 2)
    expected = tensorflow.conv2d(X, filters.transpose(1, 2, 3, 0), 2, "SAME") + bias
    got = one(Op.CONV_2D, X, filters, bias, table="Conv2DOptions", **WINDOW, FusedActivationFunction=kind)
    np.testing.assert_allclose(got, function(expected), rtol=1e-6, atol=1e-6)


def test_transposed_convolution_with_bias():
    filters, bias, shape = numbers([6, 3, 3, 4], 1), numbers([6], 2), [1, 17, 16, 6]
    expected = tensorflow.conv2d_transpose(X, filters.transpose(1, 2, 0, 3), shape, 2) + bias
    given = np.array(shape, np.int32), filters, X, bias
    got = one(Op.TRANSPOSE_CONV, *given, shape=shape, table="TransposeConvOptions", **WINDOW)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(("stride", "seen"), [(1, True), (2, False)])
def test_blocks_that_are_not_dilation(stride, seen):
    """Somebody reads the images of cells between, or the convolution takes steps: operators are what they say."""
    filters, block = numbers([6, 1, 1, 4], 1), constant("b", np.array([3, 2], np.int32))
    none = constant("none", np.zeros((2, 2), np.int32))
    window = {"Padding": tflite.Padding.SAME, "StrideW": stride, "StrideH": stride}
    given = [Tensor("x", X.shape), constant("w", filters), block, none]
    made = [Tensor("s", (6, 3, 4, 4)), Tensor("y", (6, 3 // stride + 1, 4 // stride, 6)), Tensor("z", (1, 9, 8, 6))]
    operators = [
        Operator(Op.SPACE_TO_BATCH_ND, [0, 2, 3], [4]),
        Operator(Op.CONV_2D, [4, 1, -1], [5], "Conv2DOptions", window),
        Operator(Op.BATCH_TO_SPACE_ND, [5, 2, 3], [6]),
    ]
    session = fc.InferenceSession(build([*given, *made], operators, [0], [6, 5] if seen else [6]))
    z, *between = session.run(None, {"x": X})
    cells = X.reshape(3, 3, 4, 2, 4).transpose(1, 3, 0, 2, 4).reshape(6, 3, 4, 4)[:, ::stride, ::stride]
    y = cells @ filters[:, 0, 0].T
    back = y.reshape(3, 2, 1, *y.shape[1:]).transpose(2, 3, 0, 4, 1, 5)
    np.testing.assert_array_equal(z, back.reshape(1, 3 * y.shape[1], 2 * y.shape[2], 6))
    for got in between:
        np.testing.assert_array_equal(got, y)


def test_filters_that_are_computed():
    """They come through a call, not as a constant."""
    filters = numbers([6, 3, 3, 4], 1)
    tensors = [Tensor("x", X.shape), constant("w", -filters), Tensor("f", filters.shape), Tensor("y", (1, 5, 4, 6))]
    operators = [Operator(Op.NEG, [1], [2]), Operator(Op.CONV_2D, [0, 2, -1], [3], "Conv2DOptions", WINDOW)]
    expected = tensorflow.conv2d(X, filters.transpose(1, 2, 3, 0), 2, "SAME")
    np.testing.assert_array_equal(run(build(tensors, operators, [0], [3])), expected)


def test_shape_of_a_reshape_as_an_option():
    got = one(Op.RESHAPE, X, shape=(8, 36), table="ReshapeOptions", NewShape=[8, -1])
    np.testing.assert_array_equal(got, X.reshape(8, 36))


def test_softmax_of_beta_times_x():
    e = np.exp(0.5 * X - (0.5 * X).max(-1, keepdims=True))
    got = one(Op.SOFTMAX, X, shape=X.shape, table="SoftmaxOptions", Beta=0.5)
    np.testing.assert_allclose(got, e / e.sum(-1, keepdims=True), rtol=1e-6)


def test_dense_layer_that_keeps_axes():
    weights = numbers([7, 4], 1)
    options = {"KeepNumDims": True, "FusedActivationFunction": Activation.RELU}
    got = one(Op.FULLY_CONNECTED, X, weights, shape=(1, 9, 8, 7), table="FullyConnectedOptions", **options)
    np.testing.assert_array_equal(got, np.maximum(X @ weights.T, 0))


def test_outputs_that_are_inputs_constants_and_the_same():
    """They come back as they are; names that are empty or there before get their place."""
    tensors = [Tensor("x", X.shape), constant("c", X[0]), Tensor("", X.shape), Tensor("", X.shape)]
    operators = [Operator(Op.NEG, [0], [2]), Operator(Op.ABS, [0], [3])]
    session = fc.InferenceSession(build(tensors, operators, [0], [0, 1, 2, 3, 2]))
    assert [arg.name for arg in session.get_outputs()] == ["x", "c", ":2", ":3", ":4"]
    for got, expected in zip(session.run(None, {"x": X}), [X, X[0], -X, abs(X), -X], strict=True):
        np.testing.assert_array_equal(got, expected)


def test_reshape_of_nothing():
    """0 is an extent like others, not the input's."""
    tensors = [Tensor("x", [3, 0]), constant("s", np.array([0, 2, 2], np.int32)), Tensor("y", [0, 2, 2])]
    session = fc.InferenceSession(build(tensors, [Operator(Op.RESHAPE, [0, 1], [2])], [0], [2]))
    (y,) = session.run(None, {"x": np.zeros((3, 0), np.float32)})
    assert y.shape == (0, 2, 2)
