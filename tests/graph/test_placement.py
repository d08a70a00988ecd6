"""Values placed inside others: concats, splits and slices that move nothing, and those that must.

A graph output has memory of its own, so in a network whose every value is an output nothing is placed. Each case is
built both ways, and the two must agree bit for bit.
"""

import math
from collections.abc import Callable

import numpy as np
import pytest

import fastconv as fc
from fastconv import _core


class Builder:
    """A graph in the making; calls are operators, arrays are constants."""

    def __init__(self, keep: bool, seed: int = 0) -> None:
        self.graph, self.keep, self.feed = _core.Graph(), keep, {}
        self.at: dict[int, int] = {}  # where a value stands among the outputs
        self.rng = np.random.default_rng(seed)

    def floats(self, *shape: int) -> np.ndarray:
        return self.rng.standard_normal(shape).astype(np.float32)

    def input(self, *shape: int) -> int:
        self.feed[f"x{len(self.feed)}"] = self.floats(*shape)
        return self.graph.input(f"x{len(self.feed) - 1}", "float32", list(shape))

    def add(self, op: str, *operands, outputs: int = 1, **attributes) -> list[int]:
        values = [v if isinstance(v, int) or v is None else self.graph.constant(np.asarray(v)) for v in operands]
        results = self.graph.add(op, values, attributes, outputs, name=op)
        if self.keep:
            self.output(*results)
        return results

    def __getattr__(self, op: str) -> Callable[..., int]:
        return lambda *operands, **attributes: self.add(op, *operands, **attributes)[0]

    def output(self, *values: int) -> None:
        for value in (v for v in values if v not in self.at):
            self.at[value] = len(self.at)
            self.graph.output(value, f"y{self.at[value]}")


def layer(b: Builder, x: int, c: int, k: int, size: int = 3, **attributes) -> int:
    """A convolution with a ReLU that keeps the image's extents."""
    pads = {"pads_begin": [size // 2] * 2, "pads_end": [size // 2] * 2}
    groups = attributes.get("groups", 1)
    return b.relu(b.conv(x, b.floats(k, c // groups, size, size), b.floats(k), **{**pads, **attributes}))


def norm(b: Builder, x: int, c: int) -> int:
    return b.batch_norm(x, *(np.abs(b.floats(c)) for _ in range(4)))


def joined(b: Builder, *values: int, axis: int = 1) -> int:
    return b.concat(*values, axis=axis)


def pool3(b: Builder, x: int, op: str = "max_pool") -> int:
    return b.add(op, x, kernel=[3, 3], pads_begin=[1, 1], pads_end=[1, 1])[0]


def image(b: Builder, c: int = 8, n: int = 2) -> int:
    """A value that convolutions have written: graph inputs are plain and would be converted first."""
    return layer(b, b.input(n, 3, 9, 7), 3, c, 1)


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


@pytest.mark.parametrize("algorithm", ["direct", "im2col", "winograd2", "winograd4", "depthwise"])
@pytest.mark.parametrize("channels", [16, 19])
def test_every_algorithm_has_parts_for_all_it_touches(isa, algorithm, channels):
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
        network = _core.Network(b.graph, algorithms={key: algorithm})
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


# ---- random networks


class Mixer:
    """Adds random operators to a graph; both builders of a seed draw the same ones."""

    def __init__(self, b: Builder, seed: int) -> None:
        self.b, self.rng = b, np.random.default_rng([seed, 1])
        self.n = int(self.rng.integers(0, 4))
        self.shapes: dict[int, tuple[int, ...]] = {}  # of the values that may be used: c, h, w
        for c in (3, 8):
            self.keep(b.input(self.n, c, 6, 4), c, 6, 4)

    def keep(self, value: int, *shape: int) -> None:
        self.shapes[value] = shape

    def pick(self, like: tuple[int, ...] | None = None, first: int = 0) -> tuple[int, tuple[int, ...]]:
        """A value, mostly one of the latest, whose shape agrees with `like` from axis `first` on."""
        values = [v for v, s in self.shapes.items() if like is None or s[first:] == like[first:]]
        at = len(values) - 1 - min(int(self.rng.geometric(0.25)) - 1, len(values) - 1)
        return values[at], self.shapes[values[at]]

    def step(self) -> None:
        kinds = (self.conv, self.conv, self.pool, self.concat, self.concat, self.split, self.slice)
        kinds += (self.binary, self.unary, self.resize, self.view, self.gather)
        kinds[self.rng.integers(len(kinds))]()

    def conv(self) -> None:
        (x, (c, h, w)), b = self.pick(), self.b
        k, size = int(self.rng.choice([1, 3, 4, 8])), int(self.rng.choice([1, 3]))
        if self.rng.random() < 0.2:
            return self.keep(layer(b, x, c, c, size, groups=c), c, h, w)
        if self.rng.random() < 0.2:
            return self.keep(b.conv_transpose(x, b.floats(c, k, 1, 1)), k, h, w)
        y = b.conv(x, b.floats(k, c, size, size), pads_begin=[size // 2] * 2, pads_end=[size // 2] * 2)
        if (k, h, w) in self.shapes.values() and self.rng.random() < 0.7:
            y = b.add("add", y, self.pick((k, h, w))[0])[0]
        self.keep(b.relu(y) if self.rng.random() < 0.5 else y, k, h, w)

    def pool(self) -> None:
        x, (c, h, w) = self.pick()
        op = "max_pool" if self.rng.random() < 0.5 else "avg_pool"
        if (h, w) == (6, 4) and self.rng.random() < 0.3:
            return self.keep(self.b.add(op, x, kernel=[2, 2], strides=[2, 2])[0], c, 3, 2)
        self.keep(pool3(self.b, x, op), c, h, w)

    def concat(self) -> None:
        axis = int(self.rng.choice([0, 0, 0, 1, 2]))
        _, like = self.pick()
        parts = [self.pick(like, 1) if axis == 0 else self.pick(like) for _ in range(self.rng.integers(1, 5))]
        shape = list(like)
        shape[axis] = sum(s[axis] for _, s in parts)
        if max(shape) <= 40:
            self.keep(joined(self.b, *(v for v, _ in parts), axis=axis + 1), *shape)

    def split(self) -> None:
        x, shape = self.pick()
        axis = int(self.rng.choice([0, 0, 1]))
        first = int(self.rng.integers(0, shape[axis] + 1))
        sizes = np.array([first, shape[axis] - first], np.int64)
        for y, size in zip(self.b.add("split", x, sizes, axis=axis + 1, outputs=2), sizes, strict=True):
            if size:
                self.keep(y, *shape[:axis], int(size), *shape[axis + 1 :])
        if sizes.all() and self.rng.random() < 0.5:
            *_, first, second = self.shapes
            others = [self.pick(shape)[0] for _ in range(self.rng.integers(0, 2))] if axis == 0 else []
            self.keep(
                joined(self.b, first, second, *others, axis=axis + 1),
                *[extent * (1 + len(others) * (a == axis)) for a, extent in enumerate(shape)],
            )

    def slice(self) -> None:
        x, shape = self.pick()
        axis, step = int(self.rng.integers(0, 3)), int(self.rng.choice([1, 1, 2]))
        begin = int(self.rng.integers(0, shape[axis]))
        end = int(self.rng.integers(begin, shape[axis])) + 1
        y = self.b.slice(x, *(np.array([v], np.int64) for v in (begin, end, axis + 1, step)))
        self.keep(y, *shape[:axis], -((begin - end) // step), *shape[axis + 1 :])

    def binary(self) -> None:
        x, shape = self.pick()
        self.keep(self.b.add("add", x, self.pick(shape)[0])[0], *shape)

    def unary(self) -> None:
        x, shape = self.pick()
        self.keep(self.b.tanh(x), *shape)

    def resize(self) -> None:
        x, (c, _, _) = self.pick()
        mode = str(self.rng.choice(["nearest", "linear", "cubic"]))
        self.keep(self.b.resize(x, None, None, np.array([self.n, c, 6, 4], np.int64), mode=mode), c, 6, 4)

    def view(self) -> None:
        x, (c, h, w) = self.pick()
        if self.rng.random() < 0.5:
            return self.keep(self.b.reshape(x, np.array([self.n, c, h * w, 1], np.int64)), c, h * w, 1)
        self.keep(self.b.transpose(x, perm=[0, 2, 3, 1]), h, w, c)

    def gather(self) -> None:
        """Reads dense values alone, and rounds nothing."""
        x, (c, h, w) = self.pick()
        self.keep(self.b.gather(x, np.arange(c)[::-1].copy(), axis=1), c, h, w)


def random_network(seed: int, keep: bool) -> tuple[Builder, list[int]]:
    """A network, and the values that are its outputs."""
    b = Builder(keep, seed)
    mixer = Mixer(b, seed)
    inputs = len(mixer.shapes)
    for _ in range(mixer.rng.integers(4, 30)):
        mixer.step()
    values = list(mixer.shapes)[inputs:]
    read = [v for v in values if v == values[-1] or mixer.rng.random() < 0.15]
    return b, read


@pytest.mark.parametrize("part", range(8))
def test_random_networks(threads, part):
    for seed in range(part * 50, part * 50 + 50):
        b, wanted = random_network(seed, keep=False)
        reference, _ = random_network(seed, keep=True)
        b.output(*wanted)
        threads(1)
        network, everything = _core.Network(b.graph), _core.Network(reference.graph).run(reference.feed)
        for count in (1, 2):
            threads(count)
            for value, result in zip(wanted, network.run(b.feed), strict=True):
                np.testing.assert_array_equal(result, everything[reference.at[value]], err_msg=f"seed {seed}")
