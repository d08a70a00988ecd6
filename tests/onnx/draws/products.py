"""Draws of matrix products."""

from .draw import Draw, Use


def gemm(g: Draw) -> Use:
    m, n, k = g.ints(1, 9, 3)
    trans_a, trans_b = g.int(0, 1), g.int(0, 1)
    a, b = g.floats([k, m] if trans_a else [m, k]), g.floats([n, k] if trans_b else [k, n])
    c = [g.floats(g.part([m, n]))] if g.opset < 11 or g.yes() else []
    factors = g.some(alpha=g.random.uniform(-2, 2), beta=g.random.uniform(-2, 2))
    return Use([a, b, *c], {"transA": trans_a, "transB": trans_b, **factors})


def matmul(g: Draw) -> Use:
    m, n, k = g.ints(1, 9, 3)
    batch = g.ints(1, 3, g.int(0, 2))
    a, b = [*g.part(batch), m, k], [*g.part(batch), k, n]
    if g.yes(0.2):
        a = [k]
    if g.yes(0.2):
        b = [k]
    return Use([g.floats(a), g.floats(b)], {})
