"""A layer writes its result over a residual that nobody reads any more, with every algorithm.

A residual that something reads later stays what it is. A network where that comes first must give the same, bit for
bit, from memory that holds one value less.
"""

import numpy as np
import pytest

from fastconv import _core, reference
from tests.conv.case import ConvCase
from tests.conv.generator import random_case
from tests.graph.drawn import Builder

ALGORITHMS = ("auto", "direct", "direct_bf16x3", "im2col", "col2im", "winograd2", "winograd3", "winograd4", "depthwise")
CASES = 1000


def residual_network(case: ConvCase, read_later: bool) -> Builder:
    """The convolution plus a value that the network has computed, which a pool reads, too."""
    b = Builder(keep=False, seed=case.seed)
    channels = (case.c, case.k // case.groups) if case.transposed else (case.k, case.c // case.groups)
    attributes = {"strides": case.stride, "dilations": case.dilation, "groups": case.groups}
    attributes["pads_begin"], attributes["pads_end"] = zip(*case.pads, strict=True)
    if case.transposed:
        attributes["output_padding"] = case.output_padding
    x, weight = b.input(case.n, case.c, *case.spatial), b.floats(*channels, *case.kernel)
    residual = b.neg(b.input(case.n, case.k, *case.output_size))
    pooled = None if read_later else b.max_pool(residual, kernel=[1] * case.ndim)
    op = "conv_transpose" if case.transposed else "conv"
    b.output(b.add("add", b.add(op, x, weight, **attributes)[0], residual)[0])
    b.output(b.max_pool(residual, kernel=[1] * case.ndim) if pooled is None else pooled)
    return b


def network(case: ConvCase, read_later: bool, algorithm: str) -> tuple[_core.Network, dict[str, np.ndarray], str]:
    """The network with this algorithm, where it applies; its feed; and the algorithm of its convolution."""

    def build(algorithms: dict[str, str]) -> tuple[_core.Network, dict[str, np.ndarray], dict]:
        b = residual_network(case, read_later)
        made = _core.Network(b.graph, precision="high", algorithms=algorithms)
        (step,) = (s for s in made.plan_summary(b.feed)["steps"] if s["op"].startswith("conv"))
        assert step["epilogue"] == "add"
        return made, b.feed, step

    made, feed, step = build({})
    if algorithm != "auto":
        made, feed, step = build({step["convolution"]: algorithm})
    return made, feed, step["algorithm"].split()[0]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_over_the_residual(threads, algorithm):
    took_over = ran = 0
    for case in (case for case in (random_case(40, index) for index in range(CASES)) if case.n):
        over, feed, used = network(case, False, algorithm)
        beside, _, same = network(case, True, algorithm)
        assert used == same
        if algorithm not in ("auto", used):
            continue
        ran += 1
        took_over += over.plan_summary(feed)["unshared_bytes"] < beside.plan_summary(feed)["unshared_bytes"]
        threads(1)
        want = beside.run(feed)[0]
        for count in (1, 2):
            threads(count)
            np.testing.assert_array_equal(over.run(feed)[0], want, err_msg=repr(case))
    assert took_over >= ran / 2 > 1


def test_over_the_residual_of_tiles_that_are_computed_again():
    layer = {"c": 16, "k": 20, "groups": 1, "spatial": (22, 22), "kernel": (3, 3), "stride": (1, 1), "dilation": (1, 1)}
    form = {"output_padding": (0, 0), "bias": False, "layout": "NCHW", "memory": "contiguous", "weight_step": 1}
    case = ConvCase(ndim=2, transposed=False, n=1, padding=((1, 1), (1, 1)), seed=0, **layer, **form)
    over, feed, algorithm = network(case, False, "winograd4")
    beside, _, _ = network(case, True, "winograd4")
    assert algorithm == "winograd4"
    feed["x0"] *= np.float32(5e36)  # beyond the largest floats in Winograd's domain, and not outside of it
    want = beside.run(feed)[0]
    assert np.isfinite(want).all()
    np.testing.assert_array_equal(over.run(feed)[0], want)


def test_not_over_what_a_layer_reads_otherwise_too():
    b = Builder(keep=False)
    x = b.neg(b.input(1, 8, 20, 30))
    weight = b.floats(8, 8, 3, 3)
    b.output(b.add("add", b.conv(x, weight, pads_begin=[1, 1], pads_end=[1, 1]), x)[0])
    x = -b.feed["x0"]
    want = reference.conv2d(x, weight, padding=1) + x
    np.testing.assert_allclose(_core.Network(b.graph).run(b.feed)[0], want, rtol=1e-4, atol=1e-4)
