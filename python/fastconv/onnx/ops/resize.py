"""Resize and Upsample, which changed their meaning at opsets 9, 10, 11, 13, 18 and 19."""

from __future__ import annotations

from fastconv.onnx.registry import Node, translates


@translates("Upsample")
def upsample(node: Node) -> str:
    """Translate the forerunner of Resize: asymmetric coordinates, rounded down."""
    scales = node.input(1) if node.opset >= 9 else node.constant(node.attribute("scales"), "float32")
    return _asymmetric(node, node.input(0), scales, "floor")


@translates("Resize")
def resize(node: Node) -> str:
    """Translate resampling to scales or sizes."""
    if node.opset < 11:
        return _resize_10(node)
    coordinates = node.attribute("coordinate_transformation_mode", "half_pixel")
    roi = node.optional(1) if coordinates == "tf_crop_and_resize" else None
    sizes = _present(node, 3)
    return node.add(
        "resize",
        node.input(0),
        roi,
        None if sizes else node.input(2),
        sizes,
        mode=node.attribute("mode", "nearest"),
        coordinate_mode=coordinates,
        nearest_mode=node.attribute("nearest_mode", "round_prefer_floor"),
        cubic_coeff_a=node.attribute("cubic_coeff_a", -0.75),
        exclude_outside=node.attribute("exclude_outside", 0),
        extrapolation_value=node.attribute("extrapolation_value", 0.0),
        antialias=node.attribute("antialias", 0),
        axes=node.attribute("axes"),
        keep_aspect=node.attribute("keep_aspect_ratio_policy", "stretch"),
    )


def _resize_10(node: Node) -> str:
    """Opset 10: "nearest" rounds down along axes that grow, and up along those that shrink, as its tests have it."""
    x, scales, known = node.input(0), node.input(1), node.value(1)
    if node.attribute("mode", "nearest") != "nearest" or (known is not None and (known >= 1).all()):
        return _asymmetric(node, x, scales, "floor")
    one = node.constant(1.0, "float32")
    smaller = _asymmetric(node, x, node.add("min", scales, one), "ceil")
    return _asymmetric(node, smaller, node.add("max", scales, one), "floor")


def _asymmetric(node: Node, x: str, scales: str, nearest_mode: str) -> str:
    return node.add(
        "resize",
        x,
        None,
        scales,
        mode=node.attribute("mode", "nearest"),
        coordinate_mode="asymmetric",
        nearest_mode=nearest_mode,
    )


def _present(node: Node, index: int) -> str | None:
    """Return an input unless it is absent or, as opset 11 had it, an empty constant."""
    value = node.value(index)
    return None if value is not None and value.size == 0 else node.optional(index)
