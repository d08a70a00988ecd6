"""ONNX Runtime's exceptions and objects, under the path by which programs import them."""

from fastconv._ort.describe import ModelMetadata, NodeArg
from fastconv._ort.errors import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    NotImplemented,
    RuntimeException,
)
from fastconv._ort.options import ExecutionMode, GraphOptimizationLevel, RunOptions, SessionOptions
from fastconv._ort.values import IOBinding as SessionIOBinding
from fastconv._ort.values import OrtValue
from fastconv.session import InferenceSession

__all__ = [
    "ExecutionMode",
    "Fail",
    "GraphOptimizationLevel",
    "InferenceSession",
    "InvalidArgument",
    "InvalidGraph",
    "InvalidProtobuf",
    "ModelMetadata",
    "NoSuchFile",
    "NodeArg",
    "NotImplemented",
    "OrtValue",
    "RunOptions",
    "RuntimeException",
    "SessionIOBinding",
    "SessionOptions",
]
