"""Values placed inside others: concats, splits and slices that move nothing, and those that must.

Each case is built with and without every value an output (see `drawn`), and the two must agree bit for bit.
"""

import math

import numpy as np
import pytest

import fastconv as fc
from fastconv import _core
from tests.graph.drawn import Builder, image, joined, layer, norm, pool3

# ---- what is placed: each case gives its last value, and the steps behind it


def fire(b):
    x = image(b)
    return layer(b, joined(b, layer(b, x, 8, 16, 1), layer(b, x, 8, 16)), 32, 4)


def odd_channels(b):
    x = image(b)
    return layer(b, joined(b, layer(b, x, 8, 5), layer(b, x, 8, 1), layer(b, x, 8, 13, 1)), 19, 3)


def read_by_the_reformat_of_an_output(b):
    x = image(b)
    return joined(b, layer(b, x, 8, 5), layer(b, x, 8, 6))


def pools(b):
    x = image(b)
    return layer(b, joined(b, pool3(b, x), layer(b, x, 8, 3), pool3(b, x, "avg_pool")), 19, 4)


def skip_connection(b):
    x = image(b, 6)
    y = layer(b, b.max_pool(x, kernel=[3, 3], strides=[2, 2]), 6, 5)
    y = b.conv_transpose(y, b.floats(5, 7, 3, 3), b.floats(7), strides=[2, 2])
    return layer(b, joined(b, y, x), 13, 4)


def residual_into_a_part(b):
    x, y = image(b), image(b, 6)
    z = b.add("add", b.conv(x, b.floats(6, 8, 1, 1)), y)[0]
    return layer(b, joined(b, z, y, x), 20, 4)


def residual_from_a_part(b):
    x = image(b, 6)
    y = b.relu(b.add("add", b.conv(x, b.floats(6, 6, 1, 1)), x)[0])
    return layer(b, joined(b, x, layer(b, y, 6, 9)), 15, 4)


def many_kinds(b):
    x = image(b)
    return layer(
        b,
        joined(
            b,
            layer(b, x, 8, 8, groups=8),
            layer(b, x, 8, 16, groups=8),
            layer(b, x, 8, 6, groups=2),
            layer(b, x, 8, 7, dilations=[2, 2], pads_begin=[2, 2], pads_end=[2, 2]),
        ),
        37,
        4,
    )


def winograd(b):
    x = layer(b, b.input(1, 3, 28, 28), 3, 32)
    return layer(b, joined(b, layer(b, x, 32, 37), x, layer(b, x, 32, 32)), 101, 32)


def one_axis(b):
    x = b.conv(b.input(2, 3, 11), b.floats(5, 3, 3), pads_begin=[1], pads_end=[1])
    y = b.max_pool(x, kernel=[3], pads_begin=[1], pads_end=[1])
    return b.conv(joined(b, x, y, b.conv(y, b.floats(4, 5, 1))), b.floats(3, 14, 2))


def three_axes(b):
    x = b.conv(b.input(2, 3, 4, 5, 6), b.floats(5, 3, 3, 3, 3), pads_begin=[1] * 3, pads_end=[1] * 3)
    y = b.avg_pool(x, kernel=[3] * 3, pads_begin=[1] * 3, pads_end=[1] * 3)
    return b.conv(joined(b, x, y, b.conv(y, b.floats(4, 5, 1, 1, 1))), b.floats(3, 14, 2, 2, 2))


def nested(b):
    x = image(b)
    inner = joined(b, layer(b, x, 8, 5), layer(b, x, 8, 6))
    return layer(b, joined(b, layer(b, inner, 11, 3), inner, layer(b, x, 8, 2)), 16, 4)


def dense_block(b):
    """Each layer reads all results before it: every concat is the beginning of the last one."""
    features = [image(b)]
    for i in range(3):
        x = joined(b, *features) if i else features[0]
        features.append(layer(b, x, 8 + 5 * i, 5))
    return layer(b, joined(b, *features), 23, 4)


def split_and_slices(b):
    x = image(b, 12)
    first, second, third = b.add("split", x, np.array([5, 1, 6], np.int64), axis=1, outputs=3)
    part = b.slice(x, np.array([3], np.int64), np.array([9], np.int64), np.array([1], np.int64))
    y = layer(b, first, 5, 4)
    y = b.add("add", y, pool3(b, layer(b, second, 1, 4)))[0]
    y = b.add("add", y, pool3(b, layer(b, third, 6, 4)))[0]
    return b.add("add", y, layer(b, part, 6, 4))[0]


def split_of_a_concat(b):
    x = image(b)
    both = joined(b, layer(b, x, 8, 6), layer(b, x, 8, 4))
    first, second = b.add("split", both, axis=1, outputs=2)
    return layer(b, joined(b, layer(b, first, 5, 3), layer(b, second, 5, 7)), 10, 2)


def resized(b):
    x = image(b)
    small = layer(b, b.max_pool(x, kernel=[3, 3], strides=[2, 2]), 8, 5)
    sizes = np.array([2, 5, 9, 7], np.int64)
    nearest = b.resize(small, None, None, sizes, coordinate_mode="asymmetric", nearest_mode="floor")
    linear = b.resize(small, None, None, sizes, mode="linear")
    cubic = b.resize(small, None, None, sizes, mode="cubic")
    taller = b.resize(
        layer(b, b.max_pool(x, kernel=[2, 1], strides=[2, 1]), 8, 3),
        None,
        None,
        sizes * [1, 0, 1, 1] + [0, 3, 0, 0],
        mode="cubic",
    )
    channels = b.resize(x, None, None, np.array([2, 4, 9, 7], np.int64), mode="linear")
    return layer(b, joined(b, nearest, linear, cubic, taller, channels), 22, 4)


def moved(b):
    x = image(b)
    small = layer(b, b.max_pool(x, kernel=[3, 3]), 8, 5)
    padded = b.pad(small, np.array([0, 0, 1, 1, 0, 1, 1, 1], np.int64), np.float32(3))
    blocks = b.depth_to_space(layer(b, b.input(2, 3, 5, 4), 3, 8, 1), blocksize=2)
    cut = b.slice(blocks, np.array([0, 0], np.int64), np.array([9, 7], np.int64), np.array([2, 3], np.int64))
    return layer(b, joined(b, padded, x, cut), 16, 4)


def maxima_and_their_places(b):
    x, y = image(b), image(b)
    window = {"kernel": [2, 2], "outputs": 2}
    (m, i), (n, j) = b.add("max_pool", x, **window), b.add("max_pool", y, **window)
    b.output(joined(b, i, j))
    return layer(b, joined(b, m, n), 16, 4)


def heads(b):
    """Detectors join what their heads say, one after the other: for one image that is one stretch of memory."""
    x = image(b, n=1)
    parts = []
    for stride in (1, 2):
        y = b.conv(x, b.floats(8, 8, 3, 3), b.floats(8), strides=[stride] * 2)
        parts.append(b.reshape(b.transpose(y, perm=[0, 2, 3, 1]), np.array([1, -1, 4], np.int64)))
    return b.matmul(joined(b, *parts, axis=1), b.floats(4, 6))


def rows_of_one_image(b):
    x = image(b, n=1)
    y = joined(b, layer(b, x, 8, 5), b.gelu(layer(b, x, 8, 5)), axis=2)
    return layer(b, b.slice(y, np.array([4], np.int64), np.array([11], np.int64), np.array([2], np.int64)), 5, 4)


def images_of_a_batch(b):
    x = image(b)
    y = joined(b, layer(b, x, 8, 5), b.gelu(layer(b, x, 8, 5)), axis=0)
    first, second = b.add("split", y, axis=0, outputs=2)
    return layer(b, b.mul(first, second), 5, 4)


def elementwise_parts(b):
    x, y = image(b), image(b)
    parts = [b.silu(x), b.mul(x, y), b.mul(x, b.floats(8, 1, 1)), b.clip(x, np.float32(-1)), norm(b, x, 8)]
    parts += [b.where(b.less(x, y), x, y), b.prelu(b.reduce_max(x, np.array([1], np.int64)), b.floats(1))]
    return layer(b, joined(b, *parts), 49, 4)


def elementwise_readers(b):
    """A pre-activation dense block: what reads the first parts of a concat is a batch norm."""
    features = [image(b)]
    for i in range(2):
        x = b.relu(norm(b, joined(b, *features) if i else features[0], 8 + 5 * i))
        features.append(layer(b, x, 8 + 5 * i, 5))
    y = joined(b, *features)
    one, rest = b.add("split", y, np.array([1, 17], np.int64), axis=1, outputs=2)
    return b.add("add", b.mul(one, rest), b.exp(rest))[0]


def of_one(b):
    return layer(b, joined(b, layer(b, joined(b, image(b)), 8, 5)), 5, 4)


def input_that_is_converted(b):
    return layer(b, joined(b, image(b), b.input(2, 3, 9, 7)), 11, 4)


PLACED = {
    fire: "conv conv conv conv",
    odd_channels: "conv conv conv conv conv",
    read_by_the_reformat_of_an_output: "conv conv conv",
    pools: "conv max_pool conv avg_pool conv",
    skip_connection: "conv max_pool conv conv_transpose conv",
    residual_into_a_part: "conv conv conv conv",
    residual_from_a_part: "conv conv conv conv",
    many_kinds: "conv conv conv conv conv conv",
    winograd: "conv conv conv conv",
    one_axis: "conv max_pool conv conv",
    three_axes: "conv avg_pool conv conv",
    nested: "conv conv conv conv conv conv",
    dense_block: "conv conv conv conv conv",
    split_and_slices: "conv conv conv max_pool add conv max_pool add conv add",
    split_of_a_concat: "conv conv conv conv conv conv",
    resized: "conv max_pool conv resize resize resize max_pool conv resize resize conv",
    moved: "conv max_pool conv pad conv depth_to_space slice conv",
    maxima_and_their_places: "conv conv max_pool max_pool conv",
    heads: "conv conv conv matmul",
    rows_of_one_image: "conv conv conv gelu conv",
    images_of_a_batch: "conv conv conv gelu mul conv",
    elementwise_parts: "conv conv silu mul mul clip batch_norm less where reduce_max prelu conv",
    elementwise_readers: "conv batch_norm relu conv batch_norm relu conv mul exp add",
    of_one: "conv conv conv",
    input_that_is_converted: "conv conv",
}

# ---- what is not: steps that must copy


def constant_part(b):
    return layer(b, joined(b, image(b), b.floats(2, 3, 9, 7)), 11, 4)


def the_same_twice(b):
    x = image(b)
    return layer(b, joined(b, x, x), 16, 4)


def in_two_concats(b):
    x, y = image(b), image(b)
    return b.add("add", layer(b, joined(b, x, y), 16, 4), layer(b, joined(b, y, x), 16, 4))[0]


def an_output_as_well(b):
    x = joined(b, b.input(2, 4), b.relu(b.input(2, 3)))
    b.output(x)
    return joined(b, x, b.input(2, 1))


def taken_apart_and_joined_again(b):
    """What YOLO's C2f does: half of a value goes on, and is joined with both halves."""
    x = image(b, 12)
    first, second = b.add("split", x, axis=1, outputs=2)
    third = b.add("add", b.conv(layer(b, second, 6, 5), b.floats(6, 5, 1, 1)), second)[0]
    return layer(b, joined(b, layer(b, x, 12, 3), first, second, third), 21, 4)


def joined_along_another_axis(b):
    first, second = b.add("split", image(b), axis=1, outputs=2)
    return layer(b, joined(b, first, second, axis=2), 4, 4)


def rows_joined_as_channels(b):
    x = b.max_pool(image(b, n=1), kernel=[2, 1])
    first, second = b.add("split", x, axis=2, outputs=2)
    return layer(b, joined(b, first, second), 16, 4)


def joined_the_other_way_round(b):
    first, second = b.add("split", image(b), axis=1, outputs=2)
    return layer(b, joined(b, second, first), 8, 4)


def read_by_a_softmax(b):
    x, y = image(b), image(b)
    return b.add("add", layer(b, joined(b, x, y), 16, 8), b.softmax(x, axis=1))[0]


def rows_of_two_images(b):
    x = image(b)
    return layer(b, joined(b, layer(b, x, 8, 5), layer(b, x, 8, 5), axis=2), 5, 4)


def every_second_channel(b):
    slices = [np.array([v], np.int64) for v in (0, 8, 1, 2)]
    return layer(b, b.slice(image(b), *slices), 4, 4)


def backwards(b):
    slices = [np.array([v], np.int64) for v in (8, -10, 2, -1)]
    return layer(b, b.slice(image(b, n=1), *slices), 8, 4)


COPIED = {
    constant_part: "conv concat conv",
    the_same_twice: "conv concat conv",
    in_two_concats: "conv conv concat conv conv add",
    an_output_as_well: "relu concat concat",
    taken_apart_and_joined_again: "conv split conv conv conv conv",
    joined_along_another_axis: "conv concat conv",
    rows_joined_as_channels: "conv max_pool split conv",
    joined_the_other_way_round: "conv split conv",
    read_by_a_softmax: "conv conv concat conv softmax add",
    rows_of_two_images: "conv conv conv concat conv",
    every_second_channel: "conv slice conv",
    backwards: "conv slice conv",
}


def run(case, keep: bool) -> tuple[list[str], list[np.ndarray]]:
    """Plan and run a case; gives the steps that are no conversions, and the outputs."""
    b = Builder(keep)
    last = case(b)
    if not keep:
        b.output(last)
    network = _core.Network(b.graph)
    steps = [s["op"] for s in network.plan_summary(b.feed)["steps"]]
    return [s for s in steps if s not in ("reformat", "copy")], network.run(b.feed)


@pytest.mark.parametrize("case", [*PLACED, *COPIED], ids=lambda case: case.__name__)
def test_parts_lie_in_the_whole_where_all_can_do_with_it(isa, threads, case):
    threads(1)
    separate = run(case, keep=True)[1]
    for count in (1, 2, 3):
        threads(count)
        steps, placed = run(case, keep=False)
        assert " ".join(steps) == {**PLACED, **COPIED}[case]
        np.testing.assert_array_equal(placed[-1], separate[-1])


BF16 = ["direct_bf16", "direct_bf16x3", "direct_bf16x6"]


@pytest.mark.parametrize("algorithm", ["direct", *BF16, "im2col", "col2im", "winograd2", "winograd4", "depthwise"])
@pytest.mark.parametrize("channels", [16, 19])
def test_every_algorithm_has_parts_for_all_it_touches(any_isa, algorithm, channels):
    """Its input and residual lie in one whole, its output in another, whose pixels are farther apart."""
    groups = channels if algorithm == "depthwise" else 1
    results = []
    for keep in (False, True):
        b = Builder(keep)
        x = image(b, channels)
        b.feed["x0"][0, 0, 4, 3] = 1e38  # beyond what Winograd's transforms keep finite
        kernel = b.floats(channels, channels // groups, 3, 3)
        y = b.add("add", b.conv(x, kernel, groups=groups, pads_begin=[1, 1], pads_end=[1, 1]), x)[0]
        wholes = joined(b, b.sigmoid(x), x), joined(b, b.tanh(x), y, b.neg(x))
        b.output(*wholes)
        key = f"{channels}x9x7:{channels}:3x3:p1x1" + (f":g{groups}" if groups > 1 else "")
        network = _core.Network(b.graph, precision="medium", algorithms={key: algorithm})
        steps = network.plan_summary(b.feed)["steps"]
        assert algorithm in [s["algorithm"].split()[0] for s in steps if s["convolution"] == key]
        assert keep or "concat" not in [s["op"] for s in steps]
        everything = network.run(b.feed)
        results.append([everything[b.at[whole]] for whole in wholes])
    for placed, separate in zip(*results, strict=True):
        np.testing.assert_array_equal(placed, separate)


def test_a_part_that_others_read_stays_out_of_a_whole_beyond_the_caches():
    side = math.isqrt(fc.cpu_info()["l2_bytes"] // 4)
    for extent, copies in ((side, []), (side + 1, ["concat"])):

        def case(b, extent=extent):
            x = b.conv(b.input(1, 1, extent, extent), b.floats(4, 1, 1, 1))
            return b.conv(joined(b, x, b.conv(x, b.floats(4, 4, 1, 1))), b.floats(1, 8, 1, 1))

        steps, placed = run(case, keep=False)
        assert steps == ["conv", "conv", *copies, "conv"]
        np.testing.assert_array_equal(placed[-1], run(case, keep=True)[1][-1])


def test_nothing_is_computed_in_place_on_a_part(threads):
    """The result would lie before the part, and one thread write what another has yet to read."""

    def case(b):
        x = b.conv(b.input(1, 1, 300, 60), b.floats(4, 1, 1, 1))
        return b.tanh(b.slice(x, np.array([1], np.int64), np.array([300], np.int64), np.array([2], np.int64)))

    threads(2)
    np.testing.assert_array_equal(run(case, keep=False)[1][-1], run(case, keep=True)[1][-1])
