"""Draws of what slides a window over an image: convolutions and pools."""

from __future__ import annotations

from typing import Any

import numpy as np

from .draw import Draw, Use


def window(g: Draw, kernel: list[int], dilated: bool, half: bool = False) -> dict[str, Any]:
    """Strides, dilations and padding; half: at most half a kernel of it, as pools want."""
    rank = len(kernel)
    attributes = g.some(strides=g.ints(1, 3, rank))
    if dilated:
        attributes |= g.some(dilations=g.ints(1, 2, rank))
    padding = g.one_of("NOTSET", "NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")
    if padding != "NOTSET":
        return {**attributes, "auto_pad": padding}
    most = [(k - 1) // 2 if half else 1 for k in kernel]
    return attributes | g.some(pads=[g.int(0, m) for m in most + most])


def conv(g: Draw) -> Use:
    rank, group = g.int(1, 3), g.one_of(1, 1, 2, 4)
    c, k = group * g.int(1, 3), group * g.int(1, 3)
    if g.yes(0.2):
        group = c = k = 8  # depthwise
    kernel = g.ints(1, 3, rank)
    inputs = [g.floats([g.int(1, 2), c, *g.ints(5, 9, rank)]), g.floats([k, c // group, *kernel])]
    inputs += [g.floats([k])] if g.yes() else []
    return Use(inputs, {"group": group, **g.some(kernel_shape=kernel), **window(g, kernel, dilated=True)})


def conv_transpose(g: Draw) -> Use:
    rank, group = g.int(1, 3), g.one_of(1, 1, 2)
    c, k = group * g.int(1, 3), g.int(1, 3)
    kernel, size = g.ints(1, 3, rank), g.ints(3, 6, rank)
    inputs = [g.floats([g.int(1, 2), c, *size]), g.floats([c, k, *kernel])]
    inputs += [g.floats([k * group])] if g.yes() else []
    attributes = {"group": group, **g.some(kernel_shape=kernel), **window(g, kernel, dilated=True)}
    strides = attributes.get("strides", [1] * rank)
    if g.yes():
        attributes["output_padding"] = [g.int(0, s - 1) for s in strides]
    if g.yes(0.2) and "pads" not in attributes:
        attributes["output_shape"] = [s * n for s, n in zip(strides, size)]
    return Use(inputs, attributes)


def pool(g: Draw, op: str) -> Use:
    rank = g.int(1, 3)
    kernel = g.ints(1, 3, rank)
    dilated = g.opset >= (10 if op == "MaxPool" else 19)
    attributes = {"kernel_shape": kernel, **window(g, kernel, dilated, half=True)}
    if g.opset >= 10:
        attributes |= g.some(ceil_mode=g.int(0, 1))
    if op == "AveragePool":
        attributes |= g.some(count_include_pad=g.int(0, 1))
    with_indices = op == "MaxPool" and g.opset >= 8 and g.yes()
    if with_indices:
        attributes |= g.some(storage_order=0)
    return Use([g.floats([g.int(1, 2), g.int(1, 4), *g.ints(5, 9, rank)])], attributes, 1 + with_indices)


def image(g: Draw) -> np.ndarray:
    return g.floats([g.int(1, 2), g.int(1, 6), *g.ints(1, 6, g.int(1, 3))])
