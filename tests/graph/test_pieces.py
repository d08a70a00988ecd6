"""Values that convolutions write in pieces of bfloat16, for convolutions that multiply those.

Each network is built with and without all that convolutions read an output, which is float32: there every convolution
converts what it reads. The two must agree bit for bit.
"""

import numpy as np
import pytest

from fastconv import _core
from tests.conv.test_bf16 import EDGES
from tests.graph.drawn import Builder, joined, layer, pool3

PRECISION = {"direct_bf16": "medium", "direct_bf16x3": "high", "direct_bf16x6": "highest"}
PIECES = {"direct_bf16": 1, "direct_bf16x3": 2, "direct_bf16x6": 3}
N = 4


class Reads(Builder):
    """With `keep` only what convolutions read is an output, so that layers take in the same functions."""

    def add(self, op, *operands, **arguments):
        if self.keep and op.startswith("conv"):
            self.output(operands[0])
        self.keep, keep = False, self.keep
        results = super().add(op, *operands, **arguments)
        self.keep = keep
        return results


def image(b, c=8, size=(9, 7)):
    """A value in pieces, where it is read so alone."""
    return layer(b, b.input(N, 4, *size), 4, c, 1)


# ---- each case gives its last value. Beside it: how many values are in pieces, and algorithms of some convolutions


def chain(b):
    return layer(b, layer(b, layer(b, image(b), 8, 34, 1), 34, 6), 6, 4, 1)


def lines_and_panels(b):
    """Long lines, which are cut, panels with and without a vector more, and whole vectors."""
    x = layer(b, layer(b, image(b, 64, (40, 33)), 64, 48, 1), 48, 100, 1)
    return layer(b, layer(b, x, 100, 24, 1), 24, 70, 3)


def strided_and_dilated(b):
    x = layer(b, image(b, 10, (17, 15)), 10, 12, strides=[2, 2])
    x = layer(b, x, 12, 20, dilations=[2, 2], pads_begin=[2, 2], pads_end=[2, 2])
    return layer(b, layer(b, x, 20, 16, 1, strides=[2, 2]), 16, 8, 5)


def transposed(b):
    x = b.relu(b.conv_transpose(image(b), b.floats(8, 6, 4, 4), b.floats(6), strides=[2, 2]))
    x = b.relu(b.conv_transpose(x, b.floats(6, 10, 3, 3), b.floats(10)))
    return layer(b, b.conv_transpose(x, b.floats(10, 6, 2, 2), strides=[3, 3]), 6, 4)


def grouped(b):
    x = layer(b, layer(b, image(b, 24), 24, 24, groups=3), 24, 12, 1, groups=2)
    return layer(b, x, 12, 8)


def odd_groups(b):
    """Of odd channels: neither written nor read in pieces."""
    x = layer(b, image(b, 30), 30, 18, groups=6)
    return layer(b, layer(b, x, 18, 7, 1), 7, 4)


def lines_of_one_axis(b):
    x = b.relu(b.conv(b.input(N, 4, 50), b.floats(12, 4, 3), pads_begin=[1], pads_end=[1]))
    return b.conv(x, b.floats(6, 12, 5))


def volumes(b):
    x = b.relu(b.conv(b.input(N, 4, 5, 6, 7), b.floats(12, 4, 1, 3, 3)))
    return b.conv(x, b.floats(6, 12, 3, 3, 3), pads_begin=[1, 1, 1], pads_end=[1, 1, 1])


def functions(b):
    x = b.sigmoid(b.conv(b.input(N, 4, 9, 7), b.floats(40, 4, 1, 1)))
    x = b.hard_swish(b.conv(x, b.floats(8, 40, 3, 3)))
    return b.conv(b.clip(b.conv(x, b.floats(6, 8, 1, 1)), np.float32(-1), np.float32(1)), b.floats(4, 6, 1, 1))


def depthwise(b):
    x = layer(b, layer(b, image(b, 50, (12, 20)), 50, 50, groups=50), 50, 14, 1)
    x = layer(b, layer(b, x, 14, 28, groups=14, strides=[2, 2]), 28, 16)
    return layer(b, layer(b, x, 16, 16, groups=8), 16, 8)


def pixels_abreast(b):
    return layer(b, b.conv(image(b), b.floats(8, 8, 1, 1), b.floats(8)), 8, 4)


def float32_products(b):
    return layer(b, layer(b, b.input(N, 4, 9, 7), 4, 26), 26, 4)


def several_readers(b):
    x = image(b)
    return b.add("add", layer(b, x, 8, 6), layer(b, layer(b, x, 8, 12, 1), 12, 6))[0]


def residual_is_float32(b):
    x = layer(b, image(b), 8, 8)
    return layer(b, b.relu(b.add("add", b.conv(layer(b, x, 8, 8), b.floats(8, 8, 1, 1)), x)[0]), 8, 4)


def residual_into_pieces(b):
    x = layer(b, image(b), 8, 8)
    return layer(b, b.add("add", b.conv(x, b.floats(8, 8, 1, 1)), b.tanh(b.input(N, 8, 9, 7)))[0], 8, 4)


def pool_between(b):
    x = image(b)
    return b.add("add", layer(b, pool3(b, x), 8, 6), layer(b, x, 8, 6, 1))[0]


def concat_and_split(b):
    x = joined(b, layer(b, image(b), 8, 4), layer(b, image(b), 8, 6))
    y, z = b.add("split", layer(b, x, 10, 8), np.array([2, 6], np.int64), axis=1, outputs=2)
    return joined(b, layer(b, y, 2, 4), layer(b, layer(b, z, 6, 6), 6, 4))


def an_output_is_float32(b):
    x = image(b)
    b.output(x)
    return layer(b, x, 8, 4)


def viewed(b):
    return layer(b, b.reshape(image(b), np.array([N, 4, 18, 7], np.int64)), 4, 4)


def weights_from_a_run(b):
    x = layer(b, image(b), 8, 8)
    return b.conv(layer(b, x, 8, 8), b.reshape(x, np.array([-1, 8, 3, 3], np.int64)))


def transforms_read_float32(b):
    return layer(b, layer(b, image(b), 8, 8), 8, 4, 1)


CASES = {
    chain: (3, {}),
    lines_and_panels: (4, {}),
    strided_and_dilated: (4, {}),
    transposed: (4, {}),
    grouped: (3, {}),
    odd_groups: (0, {}),
    lines_of_one_axis: (1, {}),
    volumes: (1, {}),
    functions: (3, {}),
    depthwise: (
        3,
        {"50x12x20:50:3x3:p1x1:g50": "depthwise", "14x12x20:28:3x3:s2x2:p1x1:g14": "depthwise"}
        | {"16x6x10:16:3x3:p1x1:g8": "depthwise"},
    ),
    pixels_abreast: (0, {"8x9x7:8:1x1": "depthwise"}),
    float32_products: (1, {"4x9x7:26:3x3:p1x1": "direct"}),
    several_readers: (2, {}),
    residual_is_float32: (3, {}),
    residual_into_pieces: (3, {}),
    pool_between: (0, {}),
    concat_and_split: (3, {}),
    an_output_is_float32: (0, {}),
    viewed: (0, {}),
    weights_from_a_run: (2, {}),
    transforms_read_float32: (0, {"8x9x7:8:3x3:p1x1": "winograd2"}),
}


def built(case, algorithm, told=None, keep=False, **options):
    """The network with this algorithm in every convolution, but those that `told` names; and its feed."""
    told = told or {}

    def network(algorithms):
        b = Reads(keep)
        b.output(case(b))
        return _core.Network(b.graph, precision=PRECISION[algorithm], algorithms=algorithms, **options), b.feed

    plain, feed = network({})
    keys = {step["convolution"] for step in plain.plan_summary(feed)["steps"]} - {""}
    assert set(told) <= keys
    return network({key: told.get(key, algorithm) for key in keys})


def in_pieces(network, feed):
    steps = network.plan_summary(feed)["steps"]
    return sum(step["epilogue"].endswith("bf16") for step in steps)


def run(network, feed):
    """The case's last value; other outputs stand before it."""
    return network.run(feed)[-1]


@pytest.mark.parametrize("algorithm", PIECES)
@pytest.mark.parametrize("case", CASES)
def test_pieces_change_no_bit(case, algorithm, any_isa, threads):
    count, told = CASES[case]
    threads(1)
    converting, feed = built(case, algorithm, told, keep=True)
    assert in_pieces(converting, feed) == 0
    wanted = run(converting, feed)
    for number in (1, 2, 3):
        threads(number)
        network, _ = built(case, algorithm, told)
        assert in_pieces(network, feed) == count
        for _ in range(2):
            np.testing.assert_array_equal(run(network, feed), wanted)


@pytest.mark.parametrize("algorithm", PIECES)
def test_the_ends_of_the_range(algorithm, any_isa):
    """Inf, NaN, what would round to Inf, and denormals: a first convolution hands on whatever it is given."""

    def case(b):
        values = np.resize(EDGES, (N, 4, 9, 7)).astype(np.float32)
        b.feed["x0"] = values
        x = b.graph.input("x0", "float32", list(values.shape))
        y = b.conv(x, b.floats(8, 4, 1, 1))
        return b.conv(y, np.eye(8, dtype=np.float32).reshape(8, 8, 1, 1))

    told = {"4x9x7:8:1x1": "direct"}
    converting, feed = built(case, algorithm, told, keep=True)
    network, _ = built(case, algorithm, told)
    assert in_pieces(network, feed) == 1
    np.testing.assert_array_equal(run(network, feed), run(converting, feed))


def test_readers_that_want_different_pieces_convert(any_isa):
    def case(b):
        x = image(b)
        return b.add("add", layer(b, x, 8, 6), layer(b, x, 8, 6, 1))[0]

    network, feed = built(case, "direct_bf16", {"8x9x7:6:1x1": "direct_bf16x3"})
    assert in_pieces(network, feed) == 0
    network, feed = built(case, "direct_bf16x3")
    assert in_pieces(network, feed) == 1


@pytest.mark.parametrize("algorithm", PIECES)
def test_images_in_turns(algorithm, threads):
    """Values in pieces that live in a stretch, and that cross its borders."""

    def case(b):
        x = layer(b, layer(b, image(b, 8, (18, 14)), 8, 16), 16, 8)
        mean = b.reduce_mean(b.tanh(layer(b, x, 8, 8)), np.array([0], np.int64))
        return layer(b, layer(b, b.sub(b.tanh(layer(b, x, 8, 8)), mean), 8, 8), 8, 4)

    threads(1)
    converting, feed = built(case, algorithm, keep=True, l2_bytes=1 << 40)
    wanted = run(converting, feed)
    for count in (1, 2):
        threads(count)
        for l2_bytes in (1 << 40, 4096):
            network, feed = built(case, algorithm, l2_bytes=l2_bytes)
            steps = network.plan_summary(feed)["steps"]
            assert (max(step["turns"] for step in steps) > 1) == (l2_bytes == 4096)
            assert in_pieces(network, feed) == 4
            np.testing.assert_array_equal(run(network, feed), wanted)


@pytest.mark.parametrize("algorithm", PIECES)
def test_memory(algorithm, threads):
    """Pieces take the place of float32, in the arena and in what a profile tells of a layer."""
    threads(1)

    def case(b):
        x = b.input(1, 64, 32, 32)
        for _ in range(4):
            x = b.conv(x, b.floats(64, 64, 1, 1))
        return x

    network, feed = built(case, algorithm)
    values, weights, pieces = 64 * 32 * 32, 64 * 64 * 4, PIECES[algorithm]
    summary = network.plan_summary(feed)
    inner = [step for step in summary["steps"] if step["op"] == "conv"][1:-1]
    assert [step["bytes"] for step in inner] == [2 * values * 2 * pieces + weights] * 2
    # Two values at a time, one of them float32 at the borders, and the memory of one thread.
    assert summary["arena_bytes"] <= values * 2 * (pieces + max(pieces, 2)) + 3 * 16 * 1024 * pieces
