"""The specification: every operation of fastconv in plain NumPy float64.

What a function here returns is what fastconv means by its name; the tests compare the C++ core with it, bit for bit
where the data are small integers. Nothing is fast and nothing is validated: wrong arguments are the core's to refuse.
Names and arguments are those of `torch.nn.functional`; every result is float64. Start reading in `_shapes.py`.
"""

from ._conv import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d
from ._layers import batch_norm, gelu, hardsigmoid, hardswish, linear, relu, relu6, sigmoid, silu
from ._pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from ._shapes import conv_output_size, conv_transpose_output_size, pool_output_size, same_padding

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_output_size",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "conv_transpose_output_size",
    "gelu",
    "hardsigmoid",
    "hardswish",
    "linear",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "pool_output_size",
    "relu",
    "relu6",
    "same_padding",
    "sigmoid",
    "silu",
]
