"""Convolutions and pools with the names, argument order, defaults and meaning of ``tf.nn``.

Channels are last unless `data_format` says otherwise, filters are H, W, IN, OUT, and "SAME" puts the odd cell at the
end. NumPy arrays in, NumPy arrays out; TensorFlow tensors in, TensorFlow tensors out. TensorFlow itself is neither
needed nor imported: these functions translate, and `fastconv.functional` and the graph's pools compute.
"""

from fastconv.tensorflow.conv import (
    atrous_conv2d,
    conv1d,
    conv2d,
    conv3d,
    depthwise_conv2d,
    separable_conv2d,
)
from fastconv.tensorflow.pool import (
    avg_pool,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    max_pool,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from fastconv.tensorflow.transpose import conv1d_transpose, conv2d_transpose, conv3d_transpose

__all__ = [
    "atrous_conv2d",
    "avg_pool",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "conv1d",
    "conv1d_transpose",
    "conv2d",
    "conv2d_transpose",
    "conv3d",
    "conv3d_transpose",
    "depthwise_conv2d",
    "max_pool",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "separable_conv2d",
]
