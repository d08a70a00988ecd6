"""Draws of what scales images."""

from __future__ import annotations

from typing import Any

import numpy as np

from .draw import Draw, Use, ints


def upsample(g: Draw) -> Use:
    mode, x = g.one_of("nearest", "linear"), g.floats([g.int(1, 2), g.int(1, 3), *g.ints(1, 6, 2)])
    scales = [1.0, 1.0, *g.random.choice([1.0, 1.5, 2.0, 3.0], 2).tolist()]
    if g.opset < 9:
        return Use([x], {"mode": mode, "scales": scales})
    return Use([x, np.array(scales, np.float32)], {"mode": mode})


def resize(g: Draw) -> Use:
    mode, x = g.one_of("nearest", "linear"), g.floats([g.int(1, 2), g.int(1, 3), *g.ints(1, 7, 2)])
    scales = np.array([1, 1, *g.random.choice([0.5, 0.75, 1, 1.5, 2, 2.25, 3], 2)], np.float32)
    if g.opset == 10:
        return Use([x, scales], {"mode": mode})
    modes = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"]
    modes += ["tf_half_pixel_for_nn"] if g.opset < 13 else ["half_pixel_symmetric"] if g.opset >= 19 else []
    coordinates = g.one_of(*modes)
    roi = np.zeros(0, np.float32)
    attributes: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": coordinates}
    if mode == "nearest":
        attributes |= g.some(nearest_mode=g.one_of("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"))
    if coordinates == "tf_crop_and_resize":
        roi = np.array([0, 0, 0.125, 0.25, 1, 1, 0.75, 1.125], np.float32)
        attributes |= g.some(extrapolation_value=5.0)
    if g.yes():
        return Use([x, roi, scales], attributes)
    sizes = ints([*x.shape[:2], *g.ints(1, 12, 2)])
    return Use([x, roi, scales[:0] if g.opset < 13 else None, sizes], attributes)
