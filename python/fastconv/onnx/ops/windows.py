"""What convolutions and pools share: the attributes that describe a sliding window."""

from __future__ import annotations

from typing import Any

from fastconv._ort.errors import InvalidGraph
from fastconv.onnx.registry import Node

_AUTO_PAD = {"NOTSET": "explicit", "SAME_UPPER": "same_upper", "SAME_LOWER": "same_lower", "VALID": "valid"}


def window_attributes(node: Node, *, dilations: bool = True) -> dict[str, Any]:
    """Return strides, pads, auto_pad and dilations in the vocabulary's words; what is not given stays default."""
    name = node.attribute("auto_pad", "NOTSET")
    if name not in _AUTO_PAD:
        raise InvalidGraph.of(f"{node.op_type}: auto_pad must be one of {sorted(_AUTO_PAD)}, got {name!r}")
    attributes: dict[str, Any] = {"strides": node.attribute("strides"), "auto_pad": _AUTO_PAD[name]}
    pads = node.attribute("pads")
    if pads is not None and name == "NOTSET":
        if len(pads) % 2:
            raise InvalidGraph.of(f"{node.op_type}: pads must hold two values an axis, got {pads}")
        half = len(pads) // 2
        attributes["pads_begin"], attributes["pads_end"] = pads[:half], pads[half:]
    if dilations:
        attributes["dilations"] = node.attribute("dilations")
    return attributes
