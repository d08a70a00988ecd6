"""Draws of normalisations and softmax."""

from .draw import Draw, Use
from .windows import image


def softmax(g: Draw) -> Use:
    shape = g.shape()
    return Use([g.floats(shape)], g.some(axis=g.axis(len(shape))) or {"axis": 0})


def batch_norm(g: Draw) -> Use:
    x = image(g)
    scale, bias, mean = (g.floats(x.shape[1]) for _ in range(3))
    return Use([x, scale, bias, mean, g.floats(x.shape[1], 0.1, 2)], g.some(epsilon=1e-3, momentum=0.7))


def instance_norm(g: Draw) -> Use:
    x = g.floats([g.int(1, 2), g.int(1, 6), *g.ints(2, 6, g.int(1, 3))])
    return Use([x, g.floats(x.shape[1]), g.floats(x.shape[1])], g.some(epsilon=1e-2))


def group_norm(g: Draw) -> Use:
    groups = g.int(1, 3)
    x = g.floats([g.int(1, 2), groups * g.int(1, 3), *g.ints(2, 6, g.int(1, 3))])
    count = groups if g.opset < 21 else x.shape[1]
    return Use([x, g.floats(count), g.floats(count)], {"num_groups": groups, **g.some(epsilon=1e-2)})


def layer_norm(g: Draw) -> Use:
    shape = [*g.shape(), g.int(3, 8)]
    axis = g.axis(len(shape))
    scale = [g.floats(shape[axis:]) for _ in range(g.int(1, 2))]
    return Use([g.floats(shape), *scale], {"axis": axis, **g.some(epsilon=1e-2)}, g.one_of(1, 3))


def lrn(g: Draw) -> Use:
    x = g.floats([g.int(1, 2), *g.ints(1, 6, 3)])
    return Use([x], {"size": g.one_of(1, 3, 5), **g.some(alpha=0.3, beta=0.6, bias=2.0)})
