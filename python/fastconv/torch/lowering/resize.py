"""F.interpolate, which reaches us as one upsample operator a mode and number of axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.fx import Node

from fastconv.torch.lowering.registry import Call, UnsupportedError, Values, translates

aten = torch.ops.aten

_NEAREST = (aten.upsample_nearest1d, aten.upsample_nearest2d, aten.upsample_nearest3d)
_EXACT = (aten._upsample_nearest_exact1d, aten._upsample_nearest_exact2d, aten._upsample_nearest_exact3d)
_LINEAR = (aten.upsample_linear1d, aten.upsample_bilinear2d, aten.upsample_trilinear3d)
_CUBIC = (aten.upsample_bicubic2d,)

# Torch's own decompositions of these are dozens of index operations each. `vec` becomes `default` of itself.
KEPT_WHOLE = [op for ops in (_NEAREST, _EXACT, _LINEAR, _CUBIC) for op in ops]


def _whole(ops: tuple[Any, ...]) -> list[Any]:
    return [op.default for op in ops]


def _resize(call: Call, x: Node, size: Any, factors: tuple[float | None, ...], **how: Any) -> int:
    axes = list(range(2, call.rank(x)))
    if None in factors:
        return call.add("resize", call.value(x), None, None, call.ints(size), axes=axes, **how)
    scales = np.array(factors, np.float32)
    for extent, result, scale, factor in zip(call.shape(x)[2:], call.shape()[2:], scales, factors):
        rounds = isinstance(extent, int) and int(np.float32(extent) * scale) != result
        if rounds or (not isinstance(extent, int) and float(scale) != factor):
            raise UnsupportedError(f"scale {factor}, with which float32 rounds the extents otherwise")
    return call.add("resize", call.value(x), None, call.constant(scales), axes=axes, **how)


@translates(*_whole(_NEAREST), worthwhile=True)
def nearest(call: Call, x: Node, size: Any, *factors: float | None) -> Values:
    """Translate the repetition of pixels."""
    return _resize(call, x, size, factors, mode="nearest", coordinate_mode="asymmetric", nearest_mode="floor")


@translates(*_whole(_EXACT), worthwhile=True)
def nearest_exact(call: Call, x: Node, size: Any, *factors: float | None) -> Values:
    """Translate the repetition of the pixels whose centres are nearest."""
    how = {"mode": "nearest", "coordinate_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"}
    return _resize(call, x, size, factors, **how)


@translates(*_whole(_LINEAR), worthwhile=True)
def linear(call: Call, x: Node, size: Any, align_corners: bool, *factors: float | None) -> Values:
    """Translate linear interpolation over one to three axes."""
    return _resize(call, x, size, factors, mode="linear", coordinate_mode=_coordinates(align_corners))


@translates(*_whole(_CUBIC), worthwhile=True)
def cubic(call: Call, x: Node, size: Any, align_corners: bool, *factors: float | None) -> Values:
    """Translate bicubic interpolation."""
    return _resize(call, x, size, factors, mode="cubic", coordinate_mode=_coordinates(align_corners))


def _coordinates(align_corners: bool) -> str:
    return "align_corners" if align_corners else "half_pixel"
