"""ONNX Runtime's other path to the same objects."""

from fastconv.onnxruntime.capi.onnxruntime_pybind11_state import *  # noqa: F403
