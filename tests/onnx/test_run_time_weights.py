"""Convolutions whose weights arrive with each run, as graph inputs or computed by other nodes: native all the same."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from fastconv import InferenceSession

from .models import model, tensor

node = helper.make_node
ort = pytest.importorskip("onnxruntime")

# operator, shapes of x and w, attributes: each algorithm that packs weights in its own way has a case
CASES = [
    ("Conv", (2, 8, 9, 11), (5, 8, 3, 3), {"pads": [1, 1, 1, 1]}),
    ("Conv", (1, 40, 14, 14), (48, 40, 3, 3), {"pads": [1, 1, 1, 1]}),
    ("Conv", (1, 16, 12, 12), (16, 1, 3, 3), {"group": 16, "pads": [1, 0, 0, 1]}),
    ("Conv", (1, 6, 12, 10), (4, 3, 3, 2), {"group": 2, "strides": [2, 1], "dilations": [1, 2]}),
    ("Conv", (2, 24, 7, 7), (17, 24, 1, 1), {}),
    ("Conv", (1, 3, 31), (4, 3, 5), {"strides": [2]}),
    ("Conv", (1, 3, 5, 6, 7), (4, 3, 2, 3, 3), {"pads": [0, 1, 1, 1, 1, 0]}),
    ("ConvTranspose", (2, 8, 5, 7), (8, 5, 3, 3), {"strides": [2, 2], "output_padding": [1, 0]}),
    ("ConvTranspose", (1, 6, 5, 7), (6, 2, 4, 4), {"group": 2, "strides": [2, 3], "pads": [1, 1, 1, 1]}),
    ("ConvTranspose", (1, 4, 17), (4, 3, 3), {"strides": [3]}),
]


def with_weights(op, shape, attributes, computed):
    """A model of one convolution; its weights are the input `w`, or 2 * relu(w) - 1."""
    nodes = [node(op, ["x", "v" if computed else "w", "b"], ["y"], **attributes)]
    if computed:
        nodes = [
            node("Relu", ["w"], ["r"]),
            node("Mul", ["r", "two"], ["m"]),
            node("Sub", ["m", "one"], ["v"]),
            *nodes,
        ]
    inputs = [tensor("x", [None] * len(shape)), tensor("w", shape), tensor("b", (None,))]
    return model(nodes, inputs, [tensor("y", None)], {"two": np.float32(2), "one": np.float32(1)})


@pytest.mark.parametrize("computed", [False, True], ids=["input", "computed"])
@pytest.mark.parametrize(("op", "x_shape", "w_shape", "attributes"), CASES)
def test_weights_of_each_run(op, x_shape, w_shape, attributes, computed):
    whole = with_weights(op, w_shape, attributes, computed)
    session = InferenceSession(whole)
    assert session.fallbacks == {}
    theirs = ort.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(2)
    channels = w_shape[0] if op == "Conv" else w_shape[1] * attributes.get("group", 1)
    for _ in range(2):  # the second run's weights must not be the first one's
        feed = {"x": random.standard_normal(x_shape, np.float32), "w": random.standard_normal(w_shape, np.float32)}
        feed["b"] = random.standard_normal(channels, np.float32)
        (wanted,) = theirs.run(None, feed)
        (got,) = session.run(None, feed)
        assert got.shape == wanted.shape
        assert np.abs(got - wanted).max() <= 2e-6 * np.abs(wanted).max()


def test_weights_made_by_a_fallback():
    whole = model(
        [node("Hardmax", ["w"], ["h"]), node("Conv", ["x", "h"], ["y"])],
        [tensor("x", (1, 3, 6, 6)), tensor("w", (2, 3, 3, 3))],
        [tensor("y", None)],
    )
    session = InferenceSession(whole)
    assert session.fallbacks == {"Hardmax": 1}
    feed = {arg.name: np.random.default_rng(4).standard_normal(arg.shape, np.float32) for arg in session.get_inputs()}
    theirs = ort.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, feed)[0], theirs.run(None, feed)[0], rtol=1e-5, atol=1e-6)


def test_weights_of_another_shape_are_planned_again():
    whole = model(
        [node("Conv", ["x", "w"], ["y"])],
        [tensor("x", (1, 3, 9, 9)), tensor("w", (None, 3, None, None))],
        [tensor("y", None)],
    )
    session = InferenceSession(whole)
    x = np.ones((1, 3, 9, 9), np.float32)
    for k, r, s in [(4, 3, 3), (5, 1, 2), (4, 3, 3)]:
        (y,) = session.run(None, {"x": x, "w": np.ones((k, 3, r, s), np.float32)})
        np.testing.assert_array_equal(y, np.full((1, k, 10 - r, 10 - s), 3 * r * s, np.float32))
