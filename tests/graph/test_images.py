"""Stretches of steps that a run takes in turns, a few images at a time: which they are, and that nobody can tell.

Networks here are told of a small second cache, so that small images fill it.
"""

import numpy as np
import pytest

from fastconv import _core
from tests.graph.drawn import Builder, joined, layer, norm, pool3
from tests.graph.test_random_networks import random_network

# ---- which stretches: nodes are (images, whether it is a step, bytes of an image's activations, of weights)

KB = 1024
L2 = 1024 * KB
LARGE, SMALL, HEAVY = (8, True, 3000 * KB, 64 * KB), (8, True, 400 * KB, 64 * KB), (8, True, 400 * KB, 2000 * KB)
VIEW, MIXES = (8, False, 0, 0), (0, True, 3000 * KB, 0)


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([LARGE, LARGE, LARGE], [(0, 3, 8)]),
        ([SMALL, LARGE, SMALL, LARGE, SMALL], [(1, 4, 8)]),
        ([LARGE, HEAVY, LARGE], []),
        ([LARGE, LARGE, HEAVY, LARGE, VIEW, LARGE, VIEW], [(0, 2, 8), (3, 6, 8)]),
        ([LARGE, LARGE, MIXES, LARGE], [(0, 2, 8)]),
        ([LARGE, VIEW, SMALL], []),
        ([LARGE, LARGE, (4, *LARGE[1:]), (4, *LARGE[1:])], [(0, 2, 8), (2, 4, 4)]),
        ([(1, *LARGE[1:])] * 3, []),
        ([(8, True, L2, 0)] * 3, []),
        ([(8, True, L2 + 2, L2 // 2 + 1)] * 3, [(0, 3, 8)]),
        ([(8, True, L2 + 2, L2 // 2 + 2)] * 3, []),
        ([LARGE, (8, True, KB, L2 // 8), LARGE], [(0, 3, 8)]),
        ([LARGE, (8, True, KB, L2 // 8 + 1), LARGE], []),
        ([], []),
    ],
)
def test_layers_that_fill_the_cache_with_light_weights_run_image_by_image(nodes, expected):
    assert _core.choose_stretches(nodes, L2, 1) == expected


@pytest.mark.parametrize(
    ("images", "threads", "turns"),
    [(8, 1, 8), (8, 2, 4), (8, 3, 4), (8, 7, 2), (8, 8, 0), (8, 100, 0), (7, 2, 7), (7, 7, 0), (6, 4, 2), (2, 1, 2)],
)
def test_each_thread_has_an_image_in_a_turn_and_none_is_left_over(images, threads, turns):
    nodes = [(images, *LARGE[1:])] * 2
    assert _core.choose_stretches(nodes, L2, threads) == ([(0, 2, turns)] if turns else [])


# ---- what runs in turns: each case gives its last value; every image's result is that of the image alone

N = 6
SIZE = (18, 14)


def image(b):
    """Images of 8 KB, the size of the weights that follow and more."""
    return layer(b, b.input(N, 3, *SIZE), 3, 8, 1)


def chain(b):
    return pool3(b, layer(b, layer(b, image(b), 8, 16), 16, 5))


def branches_join(b):
    x = image(b)
    return layer(b, joined(b, layer(b, x, 8, 16, 1), pool3(b, x), layer(b, x, 8, 16)), 40, 4)


def residuals(b):
    x = layer(b, image(b), 8, 8)
    for _ in range(3):
        x = b.relu(b.add("add", b.conv(layer(b, x, 8, 8), b.floats(8, 8, 1, 1)), x)[0])
    return x


def squeeze_and_excite(b):
    x = layer(b, image(b), 8, 16)
    s = b.relu(b.conv(b.adaptive_avg_pool(x, output_size=[1, 1]), b.floats(4, 16, 1, 1)))
    s = b.hard_sigmoid(b.conv(s, b.floats(16, 4, 1, 1)))
    return layer(b, b.mul(x, s), 16, 8)


def pooled_parts_join(b):
    """One pixel an image: in one image the parts are dense, in the batch they are not."""
    x = layer(b, image(b), 8, 8)
    y, z = (b.add(f"adaptive_{kind}_pool", x, output_size=[1, 1])[0] for kind in ("avg", "max"))
    return layer(b, b.mul(joined(b, x, x), joined(b, y, z)), 16, 4)


def split_and_joined(b):
    x = layer(b, image(b), 8, 10)
    y, z = b.add("split", x, np.array([4, 6], np.int64), axis=1, outputs=2)
    return layer(b, joined(b, layer(b, z, 6, 6), layer(b, y, 4, 4)), 10, 3)


def a_part_is_read_by_what_mixes_images(b):
    x = layer(b, layer(b, image(b), 8, 8), 8, 8)
    mean = b.reduce_mean(x, np.array([0], np.int64))
    return layer(b, layer(b, b.sub(x, mean), 8, 8), 8, 4)


def batch_joined(b):
    x = layer(b, image(b), 8, 8)
    y = layer(b, joined(b, x, layer(b, x, 8, 8), axis=0), 8, 8)
    return layer(b, b.add("split", layer(b, y, 8, 8), np.array([N, N], np.int64), axis=0, outputs=2)[1], 8, 8)


def constants_of_every_image(b):
    x = layer(b, image(b), 8, 8)
    x = layer(b, b.add("add", x, b.floats(N, 8, 1, 1))[0], 8, 8)
    return layer(b, norm(b, b.mul(x, b.floats(1, 8, 1, 1)), 8), 8, 8)


def reshaped(b):
    x = layer(b, image(b), 8, 8)
    y = b.tanh(b.reshape(b.tanh(x), np.array([N, 4, -1], np.int64)))
    x = b.relu(b.reshape(b.sigmoid(y), np.array([N, 8, *SIZE], np.int64)))
    return layer(b, layer(b, x, 8, 8), 8, 4)


def folded_into_the_batch(b):
    x = b.tanh(b.relu(b.input(N, 8, *SIZE)))
    y = b.tanh(b.reshape(x, np.array([2 * N, 4, *SIZE], np.int64)))
    return b.tanh(b.sigmoid(b.reshape(b.tanh(y), np.array([N, 8, *SIZE], np.int64))))


def weights_from_a_run(b):
    x = layer(b, image(b), 8, 8)
    return layer(b, b.conv(x, b.tanh(b.input(N, 8, 1, 1))), N, 8)


def places_of_the_largest(b):
    x, at = b.add("max_pool", layer(b, image(b), 8, 8), kernel=[2, 2], strides=[2, 2], outputs=2)
    return b.add("add", b.tanh(b.relu(x)), b.cast(at, to="float32"))[0]


def channels_last(b):
    x = layer(b, b.transpose(b.input(N, *SIZE, 8), perm=[0, 3, 1, 2]), 8, 16)
    return b.transpose(layer(b, layer(b, x, 16, 8), 8, 8), perm=[0, 2, 3, 1])


CASES = [
    chain,
    branches_join,
    residuals,
    squeeze_and_excite,
    pooled_parts_join,
    split_and_joined,
    a_part_is_read_by_what_mixes_images,
    batch_joined,
    constants_of_every_image,
    reshaped,
    folded_into_the_batch,
    weights_from_a_run,
    places_of_the_largest,
    channels_last,
]
WHOLE, ONE = 1 << 40, 4096  # bytes of a cache that every batch stays in, and of one that no image does


def built(case, l2_bytes: int, keep: bool = False):
    b = Builder(keep)
    b.output(case(b))
    return _core.Network(b.graph, l2_bytes=l2_bytes), b.feed


def turns(network, feed) -> list[int]:
    return [step["turns"] for step in network.plan_summary(feed)["steps"]]


@pytest.mark.parametrize("case", CASES)
def test_turns_change_no_bit(case, threads):
    threads(1)
    whole, feed = built(case, WHOLE)
    expected = whole.run(feed)
    network, _ = built(case, ONE)
    assert turns(whole, feed) == [1] * len(turns(network, feed))
    assert (N in turns(network, feed)) == (case is not folded_into_the_batch)  # whose arena would grow
    for count, most in ((1, N), (2, N // 2), (4, N // 3), (1, N)):
        threads(count)
        assert set(turns(network, feed)) <= {1, most}
        for _ in range(2):  # the second run finds addresses where the first left them
            for got, want in zip(network.run(feed), expected, strict=True):
                np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("part", range(4))
def test_random_networks_in_turns(threads, part):
    in_turns = 0
    for seed in range(part * 50, part * 50 + 50):
        b, wanted = random_network(seed, keep=False)
        reference, _ = random_network(seed, keep=True)
        b.output(*wanted)
        threads(1)
        network = _core.Network(b.graph, l2_bytes=1)
        everything = _core.Network(reference.graph, l2_bytes=WHOLE).run(reference.feed)
        in_turns += max(turns(network, b.feed), default=1) > 1
        for value, result in zip(wanted, network.run(b.feed), strict=True):
            np.testing.assert_array_equal(result, everything[reference.at[value]], err_msg=f"seed {seed}")
    assert in_turns > 10


def test_batches_of_any_size_share_a_network(threads):
    threads(1)
    b = Builder(False)
    x = layer(b, layer(b, b.graph.input("x", "float32", [-1, 3, -1, -1]), 3, 16), 16, 8)
    b.output(b.reduce_mean(layer(b, x, 8, 4), np.array([2, 3], np.int64)))
    network = _core.Network(b.graph, l2_bytes=ONE)
    for n, *size in ((1, 18, 14), (4, 18, 14), (3, 11, 23), (5, 2, 3), (4, 18, 14), (0, 18, 14)):
        x = b.floats(n, 3, *size)
        (whole,) = network.run({"x": x})
        assert max(turns(network, {"x": x}), default=1) == (n if n and size != [2, 3] else 1)
        for i in range(n):
            np.testing.assert_array_equal(whole[i : i + 1], network.run({"x": x[i : i + 1]})[0])


# ---- memory, profiles


@pytest.mark.parametrize("case", CASES)
def test_the_arena_does_not_grow(case, threads):
    threads(1)
    whole, feed = built(case, WHOLE)
    network, _ = built(case, ONE)
    assert network.plan_summary(feed)["arena_bytes"] <= whole.plan_summary(feed)["arena_bytes"]


def test_profiles_tell_of_the_whole_batch(threads):
    threads(1)
    networks = [built(branches_join, l2_bytes) for l2_bytes in (WHOLE, ONE)]
    whole, split = (network.profile(feed, runs=3) for network, feed in networks)
    told = ("name", "op", "epilogue", "algorithm", "convolution", "flops", "bytes", "shape", "format")
    assert [[step[key] for key in told] for step in split] == [[step[key] for key in told] for step in whole]
    assert {step["turns"] for step in split} == {N}
    assert all(step["ms"] > 0 for step in split)


def test_weights_are_packed_once(threads):
    threads(1)
    whole, feed = built(residuals, WHOLE)
    network, _ = built(residuals, ONE)
    assert network.plan_summary(feed)["constants_bytes"] == whole.plan_summary(feed)["constants_bytes"]
