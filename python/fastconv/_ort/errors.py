"""ONNX Runtime's exceptions by name, each also a built-in exception that Python users catch.

A script that says ``except onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument`` works unchanged; one that
says ``except ValueError`` works too. Raise them through `OrtError.of`, which adds ONNX Runtime's prefix.
"""

from __future__ import annotations

from typing import ClassVar, TypeVar

E = TypeVar("E", bound="OrtError")


class OrtError(Exception):
    """The base of all: a status code and its name in front of the message."""

    code: ClassVar[int] = 1
    label: ClassVar[str] = "FAIL"

    @classmethod
    def of(cls: type[E], message: str) -> E:
        """Return the exception with ONNX Runtime's prefix in front of `message`."""
        return cls(f"[ONNXRuntimeError] : {cls.code} : {cls.label} : {message}")


class Fail(OrtError, RuntimeError):
    """A failure of no other kind."""


class InvalidArgument(OrtError, ValueError):
    """An argument of a call breaks a rule: an unknown name, a wrong rank, extent or data type."""

    code = 2
    label = "INVALID_ARGUMENT"


class NoSuchFile(OrtError, FileNotFoundError):
    """The model's file is not there."""

    code = 3
    label = "NO_SUCHFILE"


class RuntimeException(OrtError, RuntimeError):
    """An operator failed while it ran."""

    code = 6
    label = "RUNTIME_EXCEPTION"


class InvalidProtobuf(OrtError, ValueError):
    """The bytes are no ONNX model: something else, or cut short."""

    code = 7
    label = "INVALID_PROTOBUF"


class NotImplemented(OrtError, NotImplementedError):
    """An operator that neither the native list nor onnx's reference implementation has."""

    code = 9
    label = "NOT_IMPLEMENTED"


class InvalidGraph(OrtError, ValueError):
    """The model breaks a rule of ONNX: a cycle, a missing value, a wrong type or shape."""

    code = 10
    label = "INVALID_GRAPH"
