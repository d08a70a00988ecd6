"""The functions of fastconv.tensorflow against TensorFlow's results, stored and live, and what they refuse."""

import importlib.util
import inspect
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import fastconv.tensorflow as ft
from tests.tensorflow.cases import numbers
from tests.tensorflow.stored import compare, load

ROOT = Path(__file__).parents[2]
STORED = load()


@pytest.mark.parametrize(("case", "expected"), STORED, ids=[f"{i}-{c['function']}" for i, (c, _) in enumerate(STORED)])
def test_stored_results(case, expected):
    compare(case, expected)


def test_stored_results_are_of_every_function():
    counts = Counter(case["function"] for case, _ in STORED)
    assert counts.keys() == set(ft.__all__)
    assert min(counts.values()) >= 3
    assert sum(case["arguments"]["padding"] == "SAME" for case, _ in STORED) > 100
    assert sum(np.count_nonzero(y) > y.size // 2 for _, y in STORED) > 0.9 * len(STORED)


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="tensorflow is not installed")
def test_live():
    """In a process of its own, for TensorFlow's threads do not survive the forks of other tests."""
    command = [sys.executable, "-m", "tests.tensorflow.make_results", "--check", "500"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_tensorflow_is_not_imported():
    code = (
        "import sys, numpy as np, fastconv.tensorflow as ft\n"
        "ft.conv2d(np.ones((1, 4, 4, 1), 'f'), np.ones((3, 3, 1, 1), 'f'), 1, 'SAME')\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_docstrings_name_every_argument():
    """They are made from one text for all numbers of axes."""
    for name in ft.__all__:
        function = getattr(ft, name)
        text = inspect.getdoc(function)
        parts = text[text.index("Parameters") : text.index("Returns")]
        for argument in inspect.signature(function).parameters:
            assert re.search(rf"^(\w+, )*{argument}\b", parts, re.MULTILINE), (name, argument)
        assert f"tf.nn.{name}" in text
        assert not re.search(r"[{}]\w*[{}]", text.replace('{"', "").replace('"}', "")), name
    assert "(N, D, H, W, C)" in ft.conv3d.__doc__ and '"NDHWC", "NCDHW"' in ft.max_pool3d.__doc__
    assert "Shape (S, C / groups, K)" in ft.conv1d.__doc__


# --- arguments that have several forms ----------------------------------------------------------------------------


def test_images_may_have_more_batch_axes():
    x, filters = numbers([2, 3, 7, 6, 2], 0), numbers([3, 3, 2, 4], 1)
    y = ft.conv2d(x, filters, 2, "SAME")
    assert y.shape == (2, 3, 4, 3, 4)
    np.testing.assert_array_equal(y[1, 2], ft.conv2d(x[1, 2][None], filters, 2, "SAME")[0])
    first = ft.conv2d(np.moveaxis(x, -1, 2), filters, 2, "SAME", data_format="NCHW")
    np.testing.assert_array_equal(np.moveaxis(first, 2, -1), y)


def test_an_empty_batch_gives_an_empty_result():
    assert ft.conv2d(np.ones((0, 5, 5, 2), "f"), np.ones((3, 3, 2, 4), "f"), 1, "SAME").shape == (0, 5, 5, 4)


def test_strided_and_read_only_arrays_are_read_in_place():
    x, filters = numbers([1, 9, 8, 6], 0), numbers([3, 3, 4, 3], 1)
    filters.flags.writeable = False
    part = x[:, ::2, ::-1, ::2]
    expected = ft.conv2d(np.ascontiguousarray(part), filters[:, :, :3], 1, "SAME")
    np.testing.assert_array_equal(ft.conv2d(part, filters[:, :, :3], 1, "SAME"), expected)


def test_arguments_may_be_arrays_and_words_lower_case():
    x, filters = numbers([1, 9, 8, 2], 0), numbers([3, 3, 2, 4], 1)
    expected = ft.conv2d(x, filters, [1, 2, 3, 1], "SAME")
    np.testing.assert_array_equal(ft.conv2d(x, filters, np.array([2, 3]), "same"), expected)
    back = ft.conv2d_transpose(expected, filters, np.array(x.shape), (2, 3))
    assert back.shape == x.shape


def test_whatever_has_an_array_is_read():
    class Variable:
        """As Keras's: nothing but __array__."""

        def __array__(self, dtype=None, copy=None):
            return numbers([3, 3, 2, 4], 1)

    x = numbers([1, 9, 8, 2], 0)
    np.testing.assert_array_equal(ft.conv2d(x, Variable(), 1, "SAME"), ft.conv2d(x, np.asarray(Variable()), 1, "SAME"))


# --- what is refused ----------------------------------------------------------------------------------------------

X, F = np.ones((1, 9, 8, 4), "f"), np.ones((3, 3, 4, 6), "f")
REFUSED = [
    (ValueError, "conv2d: strides must be >= 1, got 0", lambda: ft.conv2d(X, F, 0, "SAME")),
    (ValueError, "conv2d: strides must be an int, or 1, 2 or 4 ints, got", lambda: ft.conv2d(X, F, [1, 1, 1], "SAME")),
    (ValueError, "conv2d: strides must be 1 for batch and channels", lambda: ft.conv2d(X, F, [1, 2, 2, 2], "SAME")),
    (ValueError, "strides must be 1 for batch", lambda: ft.conv2d(X, F, [1, 2, 2, 1], "SAME", data_format="NCHW")),
    (TypeError, "conv2d: strides must be an int, or 1, 2 or 4 ints, got 1.5", lambda: ft.conv2d(X, F, 1.5, "SAME")),
    (ValueError, "conv2d: dilations must be >= 1, got -1", lambda: ft.conv2d(X, F, 1, "SAME", dilations=-1)),
    (ValueError, "conv2d: padding must be one of 'SAME', 'VALID', got 'HALF'", lambda: ft.conv2d(X, F, 1, "HALF")),
    (ValueError, "conv2d: padding must be", lambda: ft.conv2d(X, F, 1, [[1, 1], [1, 1]])),
    (
        ValueError,
        "padding must be 0 for batch and channels",
        lambda: ft.conv2d(X, F, 1, [[1, 1], [1, 1], [0, 0], [0, 0]]),
    ),
    (ValueError, "conv2d: padding must be >= 0", lambda: ft.conv2d(X, F, 1, [[0, 0], [-1, 1], [0, 0], [0, 0]])),
    (ValueError, "conv2d: padding must be", lambda: ft.conv2d(X, F, 1, [[0, 0], [1, 1, 1], [0, 0], [0, 0]])),
    (ValueError, "conv2d: data_format must be one of 'NHWC', 'NCHW'", lambda: ft.conv2d(X, F, 1, "SAME", "NWC")),
    (ValueError, "conv2d: input must have at least 4 axes", lambda: ft.conv2d(X[0], F, 1, "SAME")),
    (ValueError, "conv2d: filters must have 4 axes", lambda: ft.conv2d(X, F[0], 1, "SAME")),
    (ValueError, r"conv2d: filters of shape \(3, 3, 3, 6\) must read", lambda: ft.conv2d(X, F[:, :, :3], 1, "SAME")),
    (ValueError, "conv2d: ", lambda: ft.conv2d(X, np.ones((30, 3, 4, 6), "f"), 1, "VALID")),
    (TypeError, "conv2d: input must be float32, got float64", lambda: ft.conv2d(X.astype("d"), F, 1, "SAME")),
    (TypeError, "conv2d: filters must be an array, got list", lambda: ft.conv2d(X, [1.0], 1, "SAME")),
    (ValueError, "atrous_conv2d: rate must be >= 1, got 0", lambda: ft.atrous_conv2d(X, F, 0, "SAME")),
    (ValueError, r"depthwise_conv2d: filter must have shape", lambda: ft.depthwise_conv2d(X, F[:, :, :2], 1, "SAME")),
    (ValueError, "depthwise_conv2d: input must have 4 axes", lambda: ft.depthwise_conv2d(X[0], F, 1, "SAME")),
    (ValueError, "separable_conv2d: pointwise_filter must have", lambda: ft.separable_conv2d(X, F, F, 1, "SAME")),
    (
        ValueError,
        "separable_conv2d: pointwise_filter must read the 24 channels",
        lambda: ft.separable_conv2d(X, F, np.ones((1, 1, 23, 6), "f"), 1, "SAME"),
    ),
    (ValueError, "max_pool2d: ksize must be >= 1, got 0", lambda: ft.max_pool2d(X, 0, 1, "SAME")),
    (ValueError, "max_pool: ksize must be 1 for batch", lambda: ft.max_pool(X, [1, 1, 1, 2], 1, "SAME")),
    (ValueError, "max_pool2d: input must have 4 axes", lambda: ft.max_pool2d(X[0], 2, 2, "SAME")),
    (ValueError, "avg_pool: input must have 3 to 5 axes", lambda: ft.avg_pool(X[0, 0], 2, 2, "SAME")),
    (ValueError, "must be smaller than the window", lambda: ft.max_pool(X, 2, 1, [[0, 0], [2, 0], [0, 0], [0, 0]])),
    (
        ValueError,
        r"max_pool2d: the window must fit the padded input of \[9, 8\] cells",
        lambda: ft.max_pool2d(X, 30, 1, "VALID"),
    ),
]


@pytest.mark.parametrize(("kind", "message", "call"), REFUSED, ids=range(len(REFUSED)))
def test_refused(kind, message, call):
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_output_shape_must_be_possible(padding):
    """Of all sizes of the result, those are taken which a convolution takes to the input's size."""
    x, filters, stride, kernel = numbers([1, 4, 2], 0), numbers([3, 5, 2], 1), 3, 3
    taken = set()
    for size in range(-2, 20):
        try:
            y = ft.conv1d_transpose(x, filters, [1, size, 5], stride, padding)
        except ValueError as error:
            assert "conv1d_transpose: output_shape must be one that" in str(error)
        else:
            assert y.shape == (1, size, 5)
            taken.add(size)
    assert taken == ({10, 11, 12} if padding == "SAME" else {n for n in range(3, 20) if (n - kernel) // stride == 3})


def test_output_shape_is_whole():
    x, filters = numbers([2, 4, 2], 0), numbers([3, 5, 2], 1)
    for shape in ([4], [2, 8, 4], [1, 8, 5], [2, 8, 5, 1]):
        with pytest.raises(ValueError, match="conv1d_transpose: output_shape must"):
            ft.conv1d_transpose(x, filters, shape, 2)
    with pytest.raises(TypeError, match=r"conv1d_transpose: output_shape must be 3 ints, got 8\.0"):
        ft.conv1d_transpose(x, filters, [2, 8.0, 5], 2)
    with pytest.raises(ValueError, match="filters must have shape"):
        ft.conv1d_transpose(x, filters[:, :, :1], [2, 8, 5], 2)
