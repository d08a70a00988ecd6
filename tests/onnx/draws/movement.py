"""Draws of what moves elements or changes shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .draw import Draw, Use, ints


def concat(g: Draw) -> Use:
    shape, kind = g.shape(), g.any_kind()
    axis = g.axis(len(shape))
    parts = []
    for _ in range(g.int(1, 3)):
        shape[axis] = g.int(1, 4)
        parts.append(g.numbers(shape, kind))
    return Use(parts, {"axis": axis})


def split(g: Draw) -> Use:
    shape, count = g.shape(), g.int(1, 3)
    axis, sizes = g.axis(len(shape)), g.ints(1, 4, count)
    if equal := g.yes(0.4):
        sizes = [sizes[0]] * count
    shape[axis] = sum(sizes)
    x, attributes = g.numbers(shape, g.any_kind()), {"axis": axis}
    if equal:
        return Use([x], attributes | ({"num_outputs": count} if g.opset >= 18 else {}), count)
    if g.opset < 13:
        return Use([x], {**attributes, "split": sizes}, count)
    return Use([x, ints(sizes)], attributes, count)


def slice_(g: Draw) -> Use:
    shape = g.shape()
    axes = g.axes(len(shape))
    steps = [g.one_of(1, 1, 2, -1, -2) if g.opset >= 10 else 1 for _ in axes]
    limit = 2**31 - 1
    starts = [g.one_of(g.int(-7, 7), -limit, limit) for _ in axes]
    ends = [g.one_of(g.int(-7, 7), limit if step > 0 else -limit) for step in steps]
    x = g.numbers(shape, g.any_kind())
    if g.opset < 10:
        return Use([x], {"starts": starts, "ends": ends, "axes": axes})
    return Use([x, ints(starts), ints(ends), ints(axes), *([ints(steps)] if steps != [1] * len(steps) else [])], {})


def pad(g: Draw) -> Use:
    mode = g.one_of("constant", "constant", "reflect", "edge", *(["wrap"] if g.opset >= 19 else []))
    shape = g.ints(4, 6, g.int(1, 4))
    kind = "float32" if g.opset < 13 else g.one_of("float32", "int64", "int32")
    x = g.numbers(shape, kind)
    if g.opset < 11:
        return Use([x], {"pads": g.ints(0, 3, 2 * len(shape)), "mode": mode, **g.some(value=1.5)})
    low = -1 if mode == "constant" else 0
    inputs = [x, ints(g.ints(low, 3, 2 * len(shape))), np.array(2, kind) if g.yes() else None]
    if g.opset >= 18 and g.yes():
        axes = g.axes(len(shape))
        inputs = [x, ints(g.ints(low, 3, 2 * len(axes))), inputs[2], ints(axes)]
    return Use(inputs, {"mode": mode})


def reshape(g: Draw) -> Use:
    shape = g.shape(2)
    target = g.random.permutation(shape).tolist()
    if g.yes():
        target = [*target[:-2], target[-1] * target[-2]]
    if g.yes():
        target[g.int(0, len(target) - 1)] = -1
    elif target[0] == shape[0]:
        target[0] = 0
    return Use([g.numbers(shape, g.any_kind()), ints(target)], {})


def flatten(g: Draw) -> Use:
    shape = g.shape()
    return Use([g.numbers(shape, g.any_kind() if g.opset >= 9 else "float32")], g.some(axis=g.axis(len(shape))))


def transpose(g: Draw) -> Use:
    shape = g.shape()
    return Use([g.numbers(shape, g.any_kind())], g.some(perm=g.random.permutation(len(shape)).tolist()))


def squeeze(g: Draw) -> Use:
    shape = g.shape()
    axes = g.axes(len(shape))
    for axis in axes:
        shape[axis] = 1
    return with_axes(g, [g.numbers(shape, g.any_kind())], axes if g.yes(0.8) else None)


def unsqueeze(g: Draw) -> Use:
    shape, count = g.shape(), g.int(1, 2)
    axes = g.random.permutation(len(shape) + count)[:count].tolist()
    return with_axes(g, [g.numbers(shape, g.any_kind())], axes)


def with_axes(g: Draw, inputs: list[Any], axes: list[int] | None) -> Use:
    """Axes as an attribute, since opset 13 as an input."""
    if axes is None:
        return Use(inputs, {})
    return Use([*inputs, ints(axes)], {}) if g.opset >= 13 else Use(inputs, {"axes": axes})


def expand(g: Draw) -> Use:
    shape = g.shape()
    target = [1 if g.yes(0.2) else n for n in shape]
    return Use([g.numbers(g.part(shape), g.any_kind()), ints(target)], {})


def tile(g: Draw) -> Use:
    shape = g.shape()
    return Use([g.numbers(shape, g.any_kind()), ints(g.ints(1, 3, len(shape)))], {})


def gather(g: Draw) -> Use:
    shape = g.shape()
    axis = g.axis(len(shape))
    low = -shape[axis] if g.opset >= 11 else 0
    indices = g.random.integers(low, shape[axis], g.ints(1, 4, g.int(0, 2)))
    kind = g.one_of(np.int32, np.int64)
    return Use([g.numbers(shape, g.any_kind()), np.asarray(indices, kind)], g.some(axis=axis) if axis else {})


def identity(g: Draw) -> Use:
    return Use([g.numbers(g.shape(), g.any_kind())], {})


def depth_to_space(g: Draw) -> Use:
    block = g.int(1, 3)
    x = g.floats([g.int(1, 2), block * block * g.int(1, 3), *g.ints(1, 4, 2)])
    modes = g.some(mode=g.one_of("DCR", "CRD")) if g.opset >= 11 else {}
    return Use([x], {"blocksize": block, **modes})


def space_to_depth(g: Draw) -> Use:
    block = g.int(1, 3)
    return Use([g.floats([g.int(1, 2), g.int(1, 3), *(block * n for n in g.ints(1, 4, 2))])], {"blocksize": block})
