"""Convolutions: filters have the output's channels first, and those of a depthwise one have them last."""

from __future__ import annotations

from fastconv._ort.errors import InvalidGraph
from fastconv.tflite.ops.windows import dilations, pads_same, strides, window_attributes
from fastconv.tflite.registry import Node, translates


@translates("CONV_2D")
def conv(node: Node) -> None:
    """Translate a convolution; filters (K, R, S, C / groups)."""
    channels, per_group = node.tensor(0).shape[-1:], node.tensor(1).shape[-1:]
    if len(node.tensor(1).shape) != 4 or channels < (1,) or per_group < (1,) or channels[0] % per_group[0]:
        raise InvalidGraph.of(
            f"tflite: {node.label}: filters {node.tensor(1).shape} must read the channels of {node.tensor(0).shape}"
        )
    inputs = node.first(0), node.weights(1, 0, 3, 1, 2), _bias(node, 2)
    y = node.add(
        "conv", *inputs, groups=channels[0] // per_group[0], dilations=dilations(node), **window_attributes(node)
    )
    node.gives(node.activated(y), first=True)


@translates("DEPTHWISE_CONV_2D")
def depthwise_conv(node: Node) -> None:
    """Translate a convolution of each channel on its own; filters (1, R, S, C * multiplier)."""
    channels = node.tensor(0).shape[-1:]
    if channels < (1,):
        raise InvalidGraph.of(f"tflite: {node.label}: the input's channels must be known, got {node.tensor(0).shape}")
    inputs = node.first(0), node.weights(1, 3, 0, 1, 2), _bias(node, 2)
    y = node.add("conv", *inputs, groups=channels[0], dilations=dilations(node), **window_attributes(node))
    node.gives(node.activated(y), first=True)


@translates("TRANSPOSE_CONV")
def transpose_conv(node: Node) -> None:
    """Translate the gradient of a convolution, whose result has a given shape; filters (K, R, S, C)."""
    size, kernel = _output_size(node), node.tensor(1).shape[1:3]
    if len(node.tensor(1).shape) != 4 or min(kernel) < 1 or min(strides(node)) < 1 or min(size) < 1:
        raise InvalidGraph.of(
            f"tflite: {node.label}: filters, strides and output must be >= 1, got {node.tensor(1).shape}, "
            f"{strides(node)} and {size}"
        )
    cuts, extra = [], []
    for n, k, s in zip(size, kernel, strides(node), strict=True):
        steps = -(-n // s) if pads_same(node) else (n - k) // s + 1  # the input's cells
        whole = (steps - 1) * s + k
        before = max(whole - n, 0) // 2
        cuts.append((before, max(whole - n, 0) - before))
        extra.append(max(n - whole, 0))
    y = node.add(
        "conv_transpose",
        node.first(2),
        node.weights(1, 3, 0, 1, 2),
        _bias(node, 3),
        strides=strides(node),
        pads_begin=[begin for begin, _ in cuts],
        pads_end=[end for _, end in cuts],
        output_padding=extra,
    )
    node.gives(node.activated(y), first=True)


def _output_size(node: Node) -> list[int]:
    """Return height and width of the result: the first input's, or where that is computed, those declared."""
    declared = node.result().shape if node.known(0) is None else node.ints_of(0)
    size = list(declared[1:3])
    if len(size) != 2 or min(size) < 0:
        raise node.unsupported(f"height and width of the result must be known, got {size}")
    return size


def _bias(node: Node, index: int) -> int | None:
    return node.input(index) if node.has(index) else None
