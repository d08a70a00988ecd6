"""The demo's picture: the page with the boxes found, beside the text that was read in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_ZOOM = 2
_COLOURS = ("#c0392b", "#2471a3", "#1e8449", "#b9770e", "#7d3c98", "#117a65", "#a04000")


def draw(page: np.ndarray, boxes: np.ndarray, texts: Sequence[str], path: Path) -> None:
    """Write a PNG: on the left the page and its boxes, on the right each text in the place of its box.

    Parameters
    ----------
    page : array of shape (height, width) or (height, width, 3), uint8
    boxes : array of shape (lines, 4, 2)
        Corners as x, y.
    texts : sequence of str
    path : pathlib.Path
        Its folder is made where it is missing.
    """
    left = Image.fromarray(page).convert("RGB")
    left = left.resize((left.width * _ZOOM, left.height * _ZOOM), Image.Resampling.BICUBIC)
    right = Image.new("RGB", left.size, "white")
    pens = ImageDraw.Draw(left), ImageDraw.Draw(right)
    for index, (box, text) in enumerate(zip(np.asarray(boxes) * _ZOOM, texts)):
        colour = _COLOURS[index % len(_COLOURS)]
        corners = [(float(x), float(y)) for x, y in box]
        pens[0].polygon(corners, outline=colour, width=3)
        pens[1].polygon(corners, outline="#dddddd", width=1)
        width, height = np.ptp(box[:, 0]), np.ptp(box[:, 1])
        pens[1].text(corners[0], text, fill=colour, font=_font(pens[1], text, float(width), float(height)))
    both = Image.new("RGB", (left.width * 2, left.height))
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    both.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)  # a palette halves the file


def _font(
    pen: ImageDraw.ImageDraw, text: str, width: float, height: float
) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font in the largest size that keeps the text inside its box."""
    size = max(8.0, height * 0.8)
    length = pen.textlength(text, font=ImageFont.load_default(size))
    return ImageFont.load_default(max(8.0, size * min(1.0, width / max(length, 1.0))))
