"""Random networks, held to the same ones with nothing placed."""

import numpy as np
import pytest

from fastconv import _core
from tests.graph.drawn import Builder, joined, layer, pool3


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
