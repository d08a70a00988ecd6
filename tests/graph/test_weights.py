"""A network's weights: what it packs it does not keep beside, other plans get it back, and what others hold stays."""

import sys
import threading
from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import default_rng

from fastconv import _core

AROUND = {"pads_begin": [1, 1], "pads_end": [1, 1]}


def array(*shape: int, seed: int = 0) -> np.ndarray:
    return default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


# Layers whose packed weights are the weights in another order: operator, x's shape (its free extent -1), the weights'
# shape, attributes. Odd extents: panels are not full.
PERMUTED = {
    "matmul": ("matmul", [-1, 37], [37, 45], {}),
    "matrices": ("matmul", [3, -1, 5], [3, 5, 19], {}),
    "gemm": ("gemm", [-1, 29], [29, 50], {}),
    "gemm of the transposed": ("gemm", [-1, 29], [35, 29], {"trans_b": 1}),
    "1x1": ("conv", [-1, 21, 4, 4], [34, 21, 1, 1], {}),
    "stride": ("conv", [-1, 6, 9, 9], [19, 6, 3, 3], {"strides": [2, 2], **AROUND}),
    "groups": ("conv", [-1, 36, 5, 5], [60, 12, 3, 3], {"groups": 3, "dilations": [2, 2], **AROUND}),
    "1-d": ("conv", [-1, 5, 30], [7, 5, 4], {}),
    "transposed": ("conv_transpose", [-1, 10, 4, 4], [10, 7, 3, 3], {"strides": [2, 2], "groups": 2}),
}
# Layers whose plans do not tell the weights.
OTHERS = {
    "alpha": ("gemm", [-1, 29], [29, 50], {"alpha": 1.5}),
    "winograd": ("conv", [-1, 32, 16, 16], [32, 32, 3, 3], AROUND),
    "depthwise": ("conv", [-1, 16, 9, 9], [16, 1, 3, 3], {"groups": 16}),
}


class Layer:
    """A network of one layer, and the bytes that it was given its weights in."""

    def __init__(self, op, shape, weights, attributes, also: Callable[[_core.Graph, int], None] = lambda *_: None):
        self.shape = shape
        self.bytes = array(*weights).tobytes()
        self.held = sys.getrefcount(self.bytes)
        graph = _core.Graph()
        w = graph.constant(np.frombuffer(self.bytes, np.float32).reshape(weights))
        graph.output(graph.add(op, [graph.input("x", "float32", shape), w], attributes)[0], "y")
        also(graph, w)
        self.network = _core.Network(graph)

    def run(self, free: int) -> list[np.ndarray]:
        x = array(*(free if extent < 0 else extent for extent in self.shape))
        return self.network.run({"x": x})

    @property
    def keeps_its_weights(self) -> bool:
        return sys.getrefcount(self.bytes) > self.held


@pytest.fixture(params=PERMUTED.values(), ids=PERMUTED)
def layer(request):
    return lambda: Layer(*request.param)


def test_packed_weights_are_not_kept_beside(layer):
    subject = layer()
    assert subject.keeps_its_weights
    subject.run(0)
    assert subject.keeps_its_weights  # an empty batch packs nothing
    (first,) = subject.run(2)
    assert not subject.keeps_its_weights
    np.testing.assert_array_equal(subject.run(2)[0], first)
    np.testing.assert_array_equal(subject.run(5)[0], layer().run(5)[0])


def test_other_instruction_sets_get_them_back(layer):
    """Each packs in a form of its own, which it makes from the one that is there."""
    before, available = _core.isa(), _core.available_isas()
    subject = layer()
    try:
        for isa in [*available, *available[::-1]]:
            _core.set_isa(isa)
            for free in (3, 7):
                np.testing.assert_array_equal(subject.run(free)[0], layer().run(free)[0])
    finally:
        _core.set_isa(before)
    assert not subject.keeps_its_weights


def test_they_outlive_the_plans_that_packed_them():
    before, available = _core.isa(), _core.available_isas()
    graph = _core.Graph()
    y = graph.add("matmul", [graph.input("x", "float32", [-1, 37]), graph.constant(array(37, 45))])
    graph.output(y[0], "y")
    network, results = _core.Network(graph, max_plans=1), []
    try:
        for isa in [available[0], available[-1]] * 3:
            _core.set_isa(isa)
            results.append(network.run({"x": array(4, 37)})[0])
    finally:
        _core.set_isa(before)
    for result, wanted in zip(results[2:], results):
        np.testing.assert_array_equal(result, wanted)


@pytest.mark.parametrize("layer", OTHERS.values(), ids=OTHERS)
def test_weights_that_packed_ones_do_not_tell_stay(layer):
    subject = Layer(*layer)
    subject.run(2)
    assert subject.keeps_its_weights


def test_weights_that_another_operator_reads_stay():
    def also_negated(graph: _core.Graph, w: int) -> None:
        graph.output(graph.add("add", [w, graph.input("z", "float32", [-1, 37, 45])])[0], "z2")

    subject = Layer("matmul", [-1, 37], [37, 45], {}, also_negated)
    weights, x = array(37, 45), array(2, 37)
    for count in (0, 2):  # without elements the sum is no step of the plan
        z = array(count, 37, 45)
        _, z2 = subject.network.run({"x": x, "z": z})
        assert subject.keeps_its_weights
        np.testing.assert_array_equal(z2, weights + z)


def test_weights_that_are_an_output_stay():
    subject = Layer("matmul", [-1, 37], [37, 45], {}, lambda graph, w: graph.output(w, "w"))
    for count in (2, 3):
        np.testing.assert_array_equal(subject.run(count)[1], array(37, 45))
    assert subject.keeps_its_weights


def test_weights_of_two_layers_go_with_the_second():
    def twice(graph: _core.Graph, w: int) -> None:
        graph.output(graph.add("matmul", [graph.input("z", "float32", [-1, 37]), w])[0], "z2")

    subject = Layer("matmul", [-1, 37], [37, 45], {}, twice)
    x = array(3, 37)
    y, _ = subject.network.run({"x": x, "z": x[:0]})
    assert subject.keeps_its_weights
    for result in subject.network.run({"x": x, "z": x}):
        np.testing.assert_array_equal(result, y)
    assert not subject.keeps_its_weights


def test_plans_are_made_while_others_run(layer):
    """Weights come back and go again under the feet of running threads."""
    subject, frees = layer(), (1, 2, 3, 5)
    wanted = {free: layer().run(free)[0] for free in frees}
    wrong: list[int] = []

    def work(start: int) -> None:
        for i in range(12):
            free = frees[(start + i) % len(frees)]
            if not np.array_equal(subject.run(free)[0], wanted[free]):
                wrong.append(free)

    workers = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []


# ---- folding in place


def buffered(values: np.ndarray) -> tuple[np.ndarray, _core.Buffer]:
    buffer = _core.Buffer(values.nbytes)
    view = np.frombuffer(buffer, values.dtype).reshape(values.shape)
    view[:] = values
    return view, buffer


def scaled_conv(weights: np.ndarray, *, twice: bool = False) -> _core.Network:
    """A convolution, doubled; and the plain one beside it."""
    graph = _core.Graph()
    x, w = graph.input("x", "float32", [-1, 4, 6, 6]), graph.constant(weights)
    two = graph.constant(np.full((1, 8, 1, 1), 2, np.float32))
    graph.output(graph.add("mul", [graph.add("conv", [x, w])[0], two])[0], "y")
    if twice:
        graph.output(graph.add("conv", [x, w])[0], "plain")
    del weights  # the graph may be the last to hold them
    return _core.Network(graph)


def test_scales_leave_weights_alone_that_others_hold():
    weights, x = array(8, 4, 3, 3), array(2, 4, 6, 6)
    wanted = scaled_conv(weights).run({"x": x})[0]
    view, buffer = buffered(weights)
    np.testing.assert_array_equal(scaled_conv(view).run({"x": x})[0], wanted)
    np.testing.assert_array_equal(view, weights)  # we hold it
    del buffer
    np.testing.assert_array_equal(view, weights)
    y, plain = scaled_conv(buffered(weights)[0], twice=True).run({"x": x})  # another layer reads them
    np.testing.assert_array_equal(y, wanted)
    np.testing.assert_array_equal(plain, wanted / 2)
    np.testing.assert_array_equal(scaled_conv(buffered(weights)[0]).run({"x": x})[0], wanted)


def test_a_part_of_a_buffer_is_copied():
    view, _ = buffered(array(3, 4))
    graph = _core.Graph()
    graph.output(graph.add("add", [graph.input("x", "float32", [2, 4]), graph.constant(view[1:])])[0], "y")
    np.testing.assert_array_equal(_core.Network(graph).run({"x": np.zeros((2, 4), np.float32)})[0], array(3, 4)[1:])


def test_a_network_takes_the_graph():
    graph = _core.Graph()
    graph.output(graph.add("relu", [graph.input("x", "float32", [1])])[0], "y")
    _core.Network(graph)
    with pytest.raises(ValueError, match="outputs must be >= 1"):
        _core.Network(graph)
