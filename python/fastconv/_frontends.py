"""Which package reads a model: `fastconv.onnx`, `fastconv.tflite` or `fastconv.torch.exported`.

All give a session the same names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from fastconv._ort.profile import Trace

_TFLITE = b"TFL3"  # at byte 4 of a flatbuffer


class ExportedBytes(bytes):
    """The bytes of a ``.pt2`` file.

    torch may run code that such a file holds, so plain bytes, which may be anybody's, are never taken for one.
    """


class Runner(Protocol):
    """A model ready to run, as a session sees it."""

    output_names: list[str]
    fallbacks: dict[str, int]
    reasons: dict[str, str]

    def prepare(self) -> None:
        """Make networks and plans."""

    def run(
        self, names: Sequence[str], feed: Mapping[str, Any], trace: Trace | None, before_step: Callable[[], None]
    ) -> list[Any]:
        """Return the outputs called `names`."""

    def profile(self, feed: Mapping[str, Any], runs: int) -> list[dict[str, Any]]:
        """Return a row for each operator."""


def frontend(source: Any) -> Any:
    """Return the package for a model given by path, as bytes, as onnx.ModelProto or as torch.export.ExportedProgram.

    It has `load` (source to a checked model), `describe` (a model's inputs, outputs and metadata), `Runner`, `to_graph`
    and `self_contained` (source to bytes), and says its `FORMAT`, as files' names end.
    """
    if _is_tflite(source):
        from fastconv import tflite

        return tflite
    if _is_exported(source):
        try:
            from fastconv.torch import exported
        except ImportError as error:
            raise ImportError(f"fastconv reads .pt2 files through PyTorch, which must be installed: {error}") from error
        return exported
    from fastconv import onnx

    return onnx


def _is_exported(source: Any) -> bool:
    """Tell whether a source is what torch.export made: by its name, never by its bytes."""
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source).endswith(".pt2")
    return isinstance(source, ExportedBytes) or type(source).__name__ == "ExportedProgram"


def _is_tflite(source: Any) -> bool:
    """Tell by the file's first bytes, or where they say nothing by its name."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source[4:8]) == _TFLITE
    if not isinstance(source, (str, os.PathLike)):
        return False
    if os.fspath(source).endswith(".tflite"):
        return True
    try:
        with open(source, "rb") as file:
            return file.read(8)[4:] == _TFLITE
    except OSError:  # whoever loads it says what is wrong
        return False
