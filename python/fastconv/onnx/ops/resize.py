"""Resize and Upsample, which changed their meaning at opsets 9, 10, 11, 13, 18 and 19."""

from __future__ import annotations

from fastconv.onnx.registry import Node, Unsupported, translates


@translates("Upsample")
def upsample(node: Node) -> str:
    """Translate the forerunner of Resize: asymmetric coordinates, rounded down."""
    scales = node.input(1) if node.opset >= 9 else node.constant(node.attribute("scales"), "float32")
    return _asymmetric(node, scales)


@translates("Resize")
def resize(node: Node) -> str:
    """Translate resampling to scales or sizes."""
    if node.opset < 11:
        return _asymmetric(node, node.input(1))
    coordinates = node.attribute("coordinate_transformation_mode", "half_pixel")
    if coordinates == "tf_half_pixel_for_nn":
        raise Unsupported(f"coordinate_transformation_mode={coordinates}")
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


def _asymmetric(node: Node, scales: str) -> str:
    return node.add(
        "resize",
        node.input(0),
        None,
        scales,
        mode=node.attribute("mode", "nearest"),
        coordinate_mode="asymmetric",
        nearest_mode="floor",
    )


def _present(node: Node, index: int) -> str | None:
    """Return an input unless it is absent or, as opset 11 had it, an empty constant."""
    value = node.value(index)
    return None if value is not None and value.size == 0 else node.optional(index)
