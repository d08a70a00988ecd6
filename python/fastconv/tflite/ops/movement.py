"""Operators that move values: pads, concatenations, slices, permutations."""

from __future__ import annotations

import numpy as np
import tflite

from fastconv._ort.errors import InvalidGraph
from fastconv.tflite.registry import Node, channels_first, translates

_FARTHEST = 2**31 - 1  # beyond the end of every axis


@translates("CONCATENATION")
def concatenation(node: Node) -> None:
    """Translate a concatenation."""
    indices, rank = range(len(node.operator.inputs)), node.rank(0)
    axis, first = node.axis(node.option("Axis"), rank), any(map(node.is_first, indices))
    inputs = [node.first(index) if first else node.input(index) for index in indices]
    y = node.add("concat", *inputs, axis=channels_first(rank).index(axis) if first else axis)
    node.gives(node.activated(y), first=first)


@translates("PACK")
def pack(node: Node) -> None:
    """Translate a stack along a new axis."""
    axis = node.axis(node.option("Axis", 0), node.rank(0) + 1)
    axes = node.ints([axis])
    parts = [node.add("unsqueeze", node.input(index), axes) for index in range(len(node.operator.inputs))]
    node.gives(node.add("concat", *parts, axis=axis))


@translates("PAD", "PADV2")
def pad(node: Node) -> None:
    """Translate constant cells around a value; of images with channels first, so that layers take zeros in."""
    value = node.input(2) if node.name == "PADV2" else None
    _pad(node, value, "constant")


@translates("MIRROR_PAD")
def mirror_pad(node: Node) -> None:
    """Translate reflection at the edges' cells, or at their outer sides."""
    if node.option("Mode", 0) == tflite.MirrorPadMode.REFLECT:
        _pad(node, None, "reflect")
        return
    x, pads, first = _padded(node)
    shape = node.tensor(0).shape
    extents = [shape[axis] for axis in channels_first(len(shape))] if first else shape
    if any(max(ends) > extent >= 0 for ends, extent in zip(pads.tolist(), extents)):
        raise InvalidGraph.of(f"tflite: {node.label}: pads must be within {list(extents)}, got {pads.tolist()}")
    for axis, (before, after) in enumerate(pads.tolist()):
        if before > 0:
            x = node.add("concat", _backwards(node, x, axis, before - 1, -_FARTHEST), x, axis=axis)
        if after > 0:
            x = node.add("concat", x, _backwards(node, x, axis, -1, -1 - after), axis=axis)
    node.gives(x, first=first)


def _backwards(node: Node, x: int, axis: int, begin: int, end: int) -> int:
    return node.add("slice", x, *map(node.ints, ([begin], [end], [axis], [-1])))


def _pad(node: Node, value: int | None, mode: str) -> None:
    x, pads, first = _padded(node)
    node.gives(node.add("pad", x, node.ints(pads.T.ravel()), value, mode=mode), first=first)


def _padded(node: Node) -> tuple[int, np.ndarray, bool]:
    """Return the value to pad, the pads of its axes, and whether its channels are first."""
    pads, rank = node.constant(1), node.rank(0)
    if pads.shape != (rank, 2):
        raise InvalidGraph.of(f"tflite: {node.label}: pads must have shape {(rank, 2)}, got {pads.shape}")
    if rank != 4:
        return node.input(0), pads, False
    return node.first(0), pads[channels_first(rank)], True


@translates("SPLIT", "SPLIT_V")
def split(node: Node) -> None:
    """Translate parts along an axis: equal ones, or of given sizes."""
    x, axis_input = (1, 0) if node.name == "SPLIT" else (0, 2)
    rank, count = node.rank(x), len(node.operator.outputs)
    axis, first = node.axis_of(axis_input, rank), node.is_first(x)
    sizes = node.ints(node.ints_of(1)) if node.name == "SPLIT_V" else None
    parts = node.add_outputs(
        "split",
        node.first(x) if first else node.input(x),
        sizes,
        outputs=count,
        axis=channels_first(rank).index(axis) if first else axis,
    )
    for index, part in enumerate(parts):
        node.gives(part, index, first=first)


@translates("SLICE")
def slice_(node: Node) -> None:
    """Translate a part that begins somewhere and has a size, -1 for all that is left."""
    begins, sizes = node.ints_of(1), node.ints_of(2)
    ends = [_FARTHEST if size == -1 else begin + size for begin, size in zip(begins, sizes)]
    _slice(node, begins, ends, [1] * len(begins), [])


@translates("STRIDED_SLICE")
def strided_slice(node: Node) -> None:
    """Translate NumPy's slices, whose missing limits are bits of masks."""
    for mask in ("EllipsisMask", "NewAxisMask"):
        if node.option(mask, 0):
            raise node.unsupported(f"{mask} {node.option(mask)}")
    if node.option("Offset", False):
        raise node.unsupported("ends as offsets")
    begins, ends, steps = (node.ints_of(index) for index in (1, 2, 3))
    no_begin, no_end, shrinks = (node.option(mask, 0) for mask in ("BeginMask", "EndMask", "ShrinkAxisMask"))
    gone = [axis for axis in range(len(begins)) if shrinks >> axis & 1]
    if not len(begins) == len(ends) == len(steps) or 0 in steps:
        raise InvalidGraph.of(f"tflite: {node.label}: needs as many begins as ends and steps, none 0, got {steps}")
    for axis, step in enumerate(steps):
        if axis in gone:
            ends[axis], steps[axis] = begins[axis] + 1 or _FARTHEST, 1
            continue
        if no_begin >> axis & 1:
            begins[axis] = 0 if step > 0 else _FARTHEST
        if no_end >> axis & 1:
            ends[axis] = _FARTHEST if step > 0 else -_FARTHEST
    _slice(node, begins, ends, steps, gone)


def _slice(node: Node, begins: list[int], ends: list[int], steps: list[int], gone: list[int]) -> None:
    """Slice the leading axes, and drop those in `gone`."""
    rank, first = node.rank(0), node.is_first(0) and not gone
    if len(begins) > rank:
        raise InvalidGraph.of(f"tflite: {node.label}: at most {rank} axes can be sliced, got {len(begins)}")
    axes = [channels_first(rank).index(axis) if first else axis for axis in range(len(begins))]
    x = node.first(0) if first else node.input(0)
    y = node.add("slice", x, *map(node.ints, (begins, ends, axes, steps)))
    node.gives(node.add("squeeze", y, node.ints(gone)) if gone else y, first=first)


@translates("TRANSPOSE")
def transpose(node: Node) -> None:
    """Translate a permutation of axes."""
    node.gives(node.add("transpose", node.input(0), perm=node.ints_of(1)))


@translates("GATHER")
def gather(node: Node) -> None:
    """Translate a choice along an axis."""
    if node.option("BatchDims", 0):
        raise node.unsupported("batch axes")
    node.gives(node.add("gather", node.input(0), node.input(1), axis=node.axis(node.option("Axis", 0), node.rank(0))))


@translates("DEPTH_TO_SPACE")
def depth_to_space(node: Node) -> None:
    """Translate channels to blocks of cells."""
    node.gives(node.add("depth_to_space", node.first(0), blocksize=node.option("BlockSize"), mode="DCR"), first=True)


@translates("SPACE_TO_DEPTH")
def space_to_depth(node: Node) -> None:
    """Translate blocks of cells to channels."""
    node.gives(node.add("space_to_depth", node.first(0), blocksize=node.option("BlockSize")), first=True)
