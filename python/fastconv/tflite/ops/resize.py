"""Resampling of images to a given size."""

from __future__ import annotations

from typing import Any

from fastconv.tflite.registry import Node, translates


@translates("RESIZE_BILINEAR")
def resize_bilinear(node: Node) -> None:
    """Translate linear interpolation."""
    align, half = _flags(node)
    mode = "align_corners" if align else "half_pixel" if half else "asymmetric"
    _resize(node, mode="linear", coordinate_mode=mode)


@translates("RESIZE_NEAREST_NEIGHBOR")
def resize_nearest(node: Node) -> None:
    """Translate the choice of a cell: the one below, or with aligned corners the nearest, halves upwards."""
    align, half = _flags(node)
    mode = "align_corners" if align else "tf_half_pixel_for_nn" if half else "asymmetric"
    nearest = "round_prefer_ceil" if align else "floor"
    _resize(node, mode="nearest", coordinate_mode=mode, nearest_mode=nearest)


def _flags(node: Node) -> tuple[bool, bool]:
    align, half = bool(node.option("AlignCorners", False)), bool(node.option("HalfPixelCenters", False))
    if align and half:
        raise node.unsupported("aligned corners together with half pixel centers")
    return align, half


def _resize(node: Node, **attributes: Any) -> None:
    sizes = node.ints(node.ints_of(1))
    node.gives(node.add("resize", node.first(0), None, None, sizes, axes=[2, 3], **attributes), first=True)
