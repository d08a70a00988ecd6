"""fastconv: convolutional networks on CPUs, fast, at an accuracy the user chooses."""

from fastconv import reference
from fastconv._core import cpu_info, kernels, set_num_threads
from fastconv._core import num_threads as get_num_threads
from fastconv._paths import get_cmake_dir, get_include
from fastconv._precision import get_precision, precision, set_precision
from fastconv.functional import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d

__version__ = "0.1.0"

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cpu_info",
    "get_cmake_dir",
    "get_include",
    "get_num_threads",
    "get_precision",
    "kernels",
    "precision",
    "reference",
    "set_num_threads",
    "set_precision",
]
