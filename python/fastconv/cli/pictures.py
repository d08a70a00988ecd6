"""Image files to the arrays that image models expect."""

from __future__ import annotations

import numpy as np

from fastconv._ort.describe import NodeArg

# name -> (mean, deviation) of pixel values in [0, 1]; "none" leaves them in [0, 255]
NORMALIZATIONS = {
    "unit": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "signed": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "none": ((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),
}
_GRANULE = 32  # free extents become multiples of this: most networks halve the picture five times


def load(path: str, argument: NodeArg, normalize: str) -> np.ndarray:
    """Read an image for a model's input.

    Parameters
    ----------
    path : str
    argument : NodeArg
        A 4-D input of 1 or 3 channels, NCHW or NHWC, whose height and width may be free; float32 or uint8.
    normalize : str
        One of `NORMALIZATIONS`; uint8 inputs get the pixels as they are.

    Returns
    -------
    numpy.ndarray
        One image, resized bilinearly to the model's extents, in the model's layout and type.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("images are read through Pillow: pip install pillow, or give a .npy file") from error

    layout, channels = _layout(argument)
    with Image.open(path) as opened:
        picture = opened.convert("L" if channels == 1 else "RGB")
    spatial = argument.shape[2:] if layout == "NCHW" else argument.shape[1:3]
    height, width = (
        extent if isinstance(extent, int) and extent > 0 else max(_GRANULE, round(own / _GRANULE) * _GRANULE)
        for extent, own in zip(spatial, (picture.height, picture.width))
    )
    pixels = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR)).reshape(height, width, channels)
    if argument.type != "tensor(uint8)":
        mean, deviation = (np.asarray(values[:channels], np.float32) for values in NORMALIZATIONS[normalize])
        pixels = (pixels.astype(np.float32) / 255 - mean) / deviation
    return np.ascontiguousarray((pixels if layout == "NHWC" else pixels.transpose(2, 0, 1))[np.newaxis])


def _layout(argument: NodeArg) -> tuple[str, int]:
    if len(argument.shape) == 4 and argument.type in ("tensor(float)", "tensor(uint8)"):
        if argument.shape[1] in (1, 3):
            return "NCHW", int(argument.shape[1])
        if argument.shape[3] in (1, 3):
            return "NHWC", int(argument.shape[3])
    raise ValueError(
        f"input {argument.name}: an image needs a float or uint8 input of shape N,C,H,W or N,H,W,C with 1 or 3 "
        f"channels, got {argument.type} {argument.shape}; give a .npy file"
    )
