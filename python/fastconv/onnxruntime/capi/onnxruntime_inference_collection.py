"""ONNX Runtime's path to its Python classes."""

from fastconv._ort.values import IOBinding, OrtValue
from fastconv.session import InferenceSession

__all__ = ["IOBinding", "InferenceSession", "OrtValue"]
