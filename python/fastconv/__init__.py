"""fastconv: convolutional networks on CPUs, fast, at an accuracy the user chooses."""

from fastconv import models, nn, reference
from fastconv._compile import compile, explain
from fastconv._config import show_config, warn_of_refused_isas
from fastconv._core import cpu_info, kernels, set_num_threads
from fastconv._core import num_threads as get_num_threads
from fastconv._paths import get_cmake_dir, get_include
from fastconv._precision import get_precision, precision, set_precision
from fastconv.functional import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d
from fastconv.network import Network, load
from fastconv.nn import manual_seed
from fastconv.pooling import (
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
from fastconv.session import InferenceSession, SessionOptions

__version__ = "0.1.0"

warn_of_refused_isas()

__all__ = [
    "InferenceSession",
    "Network",
    "SessionOptions",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "compile",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cpu_info",
    "explain",
    "get_cmake_dir",
    "get_include",
    "get_num_threads",
    "get_precision",
    "kernels",
    "load",
    "manual_seed",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "models",
    "nn",
    "precision",
    "reference",
    "set_num_threads",
    "set_precision",
    "show_config",
]
