"""What convolutions and pools say of their window."""

from __future__ import annotations

from typing import Any

import tflite

from fastconv.tflite.registry import Node


def pads_same(node: Node) -> bool:
    """Tell whether the padding is SAME, the other one being VALID."""
    kind = node.option("Padding")
    if kind not in (tflite.Padding.SAME, tflite.Padding.VALID):
        raise node.unsupported(f"padding {kind}")
    return bool(kind == tflite.Padding.SAME)


def strides(node: Node) -> list[int]:
    """Return the strides of both axes."""
    return [node.option("StrideH"), node.option("StrideW")]


def window_attributes(node: Node) -> dict[str, Any]:
    """Return the attributes that convolutions and pools share. VALID has none: layers then take pads in."""
    return {"strides": strides(node), **({"auto_pad": "same_upper"} if pads_same(node) else {})}


def dilations(node: Node) -> list[int]:
    """Return the dilations of both axes."""
    return [node.option("DilationHFactor", 1), node.option("DilationWFactor", 1)]
