"""Data movement: elements of any type that go elsewhere unchanged. Copies and views of the same shape are nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.fx import Node

from fastconv.torch.lowering.registry import ANY, Call, UnsupportedError, Values, dtype_name, translates

aten = torch.ops.aten


@translates(aten.clone.default, aten.alias.default, aten.detach.default, aten.lift_fresh_copy.default, types=ANY)
def identity(call: Call, x: Node, *more: Any) -> Values:
    """Translate a copy."""
    return call.add("identity", call.value(x))


@translates(aten._to_copy.default, types=ANY)
def to_copy(call: Call, x: Node, *more: Any) -> Values:
    """Translate a copy of another type."""
    dtype = call.results.dtype
    if dtype not in ANY:
        raise UnsupportedError(f"a result of type {dtype_name(dtype)}")
    return call.add("cast", call.value(x), to=dtype_name(dtype))


@translates(aten.view.default, aten._unsafe_view.default, aten.reshape.default, types=ANY)
def view(call: Call, x: Node, size: Sequence[Any]) -> Values:
    """Translate another shape of the same elements."""
    return call.add("reshape", call.value(x), call.ints(size), allowzero=1)


@translates(aten.permute.default, types=ANY)
def permute(call: Call, x: Node, axes: Sequence[int]) -> Values:
    """Translate another order of the axes."""
    return call.add("transpose", call.value(x), perm=[call.axis(axis) for axis in axes])


@translates(aten.transpose.int, types=ANY)
def transpose(call: Call, x: Node, a: int, b: int) -> Values:
    """Translate the exchange of two axes."""
    order = list(range(call.rank()))
    a, b = call.axis(a), call.axis(b)
    if order:
        order[a], order[b] = order[b], order[a]
    return call.add("transpose", call.value(x), perm=order)


@translates(aten.t.default, types=ANY)
def t(call: Call, x: Node) -> Values:
    """Translate the transposition of a matrix."""
    return call.add("transpose", call.value(x), perm=list(range(call.rank()))[::-1])


@translates(aten.squeeze.default, aten.squeeze.dim, aten.squeeze.dims, types=ANY)
def squeeze(call: Call, x: Node, axes: Any = None) -> Values:
    """Translate the removal of axes of extent one; torch passes over longer ones."""
    shape = call.shape(x)
    asked = range(len(shape)) if axes is None else [axes] if isinstance(axes, int) else axes
    gone = [a for a in (call.axis(axis, len(shape)) for axis in asked) if shape and shape[a] == 1]
    if len(shape) - len(gone) != call.rank():
        raise UnsupportedError("axes that may or may not be of extent one")
    return call.add("squeeze", call.value(x), call.ints(gone)) if gone else call.add("identity", call.value(x))


@translates(aten.unsqueeze.default, types=ANY)
def unsqueeze(call: Call, x: Node, axis: int) -> Values:
    """Translate a new axis of extent one."""
    return call.add("unsqueeze", call.value(x), call.ints([call.axis(axis)]))


@translates(aten.expand.default, types=ANY)
def expand(call: Call, x: Node, size: Sequence[Any], implicit: bool) -> Values:
    """Translate broadcasting to a shape; -1 keeps an extent."""
    kept = [1 if isinstance(extent, int) and extent == -1 else extent for extent in size]
    return call.add("expand", call.value(x), call.ints(kept))


@translates(aten.repeat.default, types=ANY)
def repeat(call: Call, x: Node, repeats: Sequence[Any]) -> Values:
    """Translate repetition along each axis, new ones in front."""
    value, new = call.value(x), len(repeats) - call.rank(x)
    if new:
        value = call.add("unsqueeze", value, call.ints(list(range(new))))
    return call.add("tile", value, call.ints(repeats))


@translates(aten.slice.Tensor, types=ANY)
def slice_(call: Call, x: Node, axis: int, start: Any, end: Any, step: int) -> Values:
    """Translate a range of one axis."""
    bounds = [0 if start is None else start, torch.iinfo(torch.int64).max if end is None else end]
    arguments = (call.ints([number]) for number in (*bounds, call.axis(axis), step))
    return call.add("slice", call.value(x), *arguments)


@translates(aten.flip.default, types=ANY)
def flip(call: Call, x: Node, axes: list[int]) -> Values:
    """Translate the reversal of axes."""
    last, before_first, back = [-1] * len(axes), [torch.iinfo(torch.int64).min] * len(axes), [-1] * len(axes)
    at = [call.axis(axis) for axis in axes]
    return call.add("slice", call.value(x), *map(call.ints, (last, before_first, at, back)))


@translates(aten.select.int, types=ANY)
def select(call: Call, x: Node, axis: int, index: Any) -> Values:
    """Translate one index of an axis."""
    (known,) = call.static([index])
    return call.add("gather", call.value(x), call.constant(np.int64(known)), axis=call.axis(axis, call.rank(x)))


@translates(aten.unbind.int, types=ANY)
def unbind(call: Call, x: Node, axis: int) -> Values:
    """Translate every index of an axis."""
    axis = call.axis(axis, call.rank(x))
    indices = range(len(call.results))
    return tuple(call.add("gather", call.value(x), call.constant(np.int64(i)), axis=axis) for i in indices)


@translates(aten.split.Tensor, aten.split_with_sizes.default, types=ANY)
def split(call: Call, x: Node, sizes: Any, axis: int) -> Values:
    """Translate the cut of an axis."""
    axis = call.axis(axis, call.rank(x))
    sizes = call.static([result.shape[axis] for result in call.results])
    return call.add_several("split", call.value(x), call.ints(sizes), outputs=len(sizes), axis=axis)


@translates(aten.cat.default, types=ANY)
def cat(call: Call, tensors: Sequence[Node], axis: int) -> Values:
    """Translate the join along an axis; torch passes over empty vectors."""
    if any(call.rank(tensor) != call.rank() for tensor in tensors) or call.mixes_types(tensors):
        raise UnsupportedError("tensors of several ranks or types")
    return call.add("concat", *map(call.value, tensors), axis=call.axis(axis))


@translates(aten.stack.default, types=ANY)
def stack(call: Call, tensors: Sequence[Node], axis: int) -> Values:
    """Translate the join along a new axis."""
    if call.mixes_types(tensors):
        raise UnsupportedError("tensors of several types")
    axis = call.axis(axis)
    parts = (call.add("unsqueeze", call.value(tensor), call.ints([axis])) for tensor in tensors)
    return call.add("concat", *parts, axis=axis)


@translates(aten.slice_scatter.default, types=ANY)
def slice_scatter(call: Call, x: Node, source: Node, axis: int, start: Any, end: Any, step: int) -> Values:
    """Translate a copy in which a range of one axis comes from elsewhere: what lies before, it, and what lies after."""
    axis = call.axis(axis)
    (extent,) = call.static([call.shape()[axis]])
    if step != 1:
        raise UnsupportedError(f"step={step}")
    first, last, _ = slice(*(n if n is None else call.static([n])[0] for n in (start, end))).indices(extent)
    parts = [call.value(source)]
    at = call.ints([axis])
    if first > 0:
        parts.insert(0, call.add("slice", call.value(x), call.ints([0]), call.ints([first]), at))
    if last < extent:
        parts.append(call.add("slice", call.value(x), call.ints([max(first, last)]), call.ints([extent]), at))
    return call.add("concat", *parts, axis=axis)


@translates(aten.fill.Scalar, aten.fill.Tensor, types=ANY)
def fill(call: Call, x: Node, number: Any) -> Values:
    """Translate one number, or the element of a tensor, everywhere."""
    if isinstance(number, Node):
        if call.mixes_types([x, number]):
            raise UnsupportedError("tensors of several types")
        return call.add("expand", call.value(number), call.ints(call.static_shape()))
    return call.filled(number)


@translates(aten.constant_pad_nd.default, types=ANY)
def constant_pad(call: Call, x: Node, pads: Sequence[Any], number: Any) -> Values:
    """Translate padding by a number; torch lists the last axis first."""
    filler = call.constant(np.array(number, dtype_name(call.results.dtype)))
    return call.add("pad", call.value(x), call.ints(_as_onnx(call, pads)), filler, mode="constant")


_MODES = {
    aten.reflection_pad1d.default: "reflect",
    aten.reflection_pad2d.default: "reflect",
    aten.reflection_pad3d.default: "reflect",
    aten.replication_pad1d.default: "edge",
    aten.replication_pad2d.default: "edge",
    aten.replication_pad3d.default: "edge",
}


@translates(*_MODES, types=ANY)
def pad(call: Call, x: Node, pads: Sequence[Any]) -> Values:
    """Translate padding by what is there."""
    return call.add("pad", call.value(x), call.ints(_as_onnx(call, pads)), mode=_MODES[call.target])


def _as_onnx(call: Call, pads: Sequence[Any]) -> list[Any]:
    """Return all beginnings, then all ends, of pairs that start from the last axis."""
    rest = [0] * (call.rank() - len(pads) // 2)
    return [*rest, *pads[-2::-2], *rest, *pads[::-2]]


@translates(aten.pixel_shuffle.default)
def pixel_shuffle(call: Call, x: Node, factor: int) -> Values:
    """Translate channels to blocks of pixels."""
    if call.rank(x) != 4:
        raise UnsupportedError(f"an input of rank {call.rank(x)}")
    return call.add("depth_to_space", call.value(x), blocksize=factor, mode="CRD")


@translates(aten.pixel_unshuffle.default)
def pixel_unshuffle(call: Call, x: Node, factor: int) -> Values:
    """Translate blocks of pixels to channels; torch keeps those of one channel together."""
    if call.rank(x) != 4:
        raise UnsupportedError(f"an input of rank {call.rank(x)}")
    (channels,) = call.static([call.shape(x)[1]])
    order = np.arange(channels * factor * factor).reshape(factor * factor, channels).T.reshape(-1)
    blocks = call.add("space_to_depth", call.value(x), blocksize=factor)
    return call.add("gather", blocks, call.constant(order), axis=1)


@translates(aten.channel_shuffle.default, types=ANY)
def channel_shuffle(call: Call, x: Node, groups: int) -> Values:
    """Translate channels taken from each group in turn."""
    (channels,) = call.static([call.shape(x)[1]])
    order = np.arange(channels).reshape(groups, -1).T.reshape(-1)
    return call.add("gather", call.value(x), call.constant(order), axis=1)
