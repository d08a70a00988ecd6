"""TensorFlow Lite models (``.tflite``, LiteRT) to graphs.

The flow, one file a step: `loader` (bytes to a checked `Model`, the only place that reads flatbuffers), `registry` and
`ops/` (one small translator an operator), `graph` (a whole model as one recorded graph), `runner` (what a session
runs). `fastconv.session` drives them. Only this package needs the ``tflite`` package, and `import fastconv` does not
import it.
"""

from __future__ import annotations

try:
    import tflite as _tflite  # noqa: F401
except ImportError as error:
    raise ImportError(
        'fastconv reads TensorFlow Lite models through the tflite package: pip install "fastconv[tflite]"'
    ) from error

from fastconv.tflite.graph import to_graph
from fastconv.tflite.loader import Model, load
from fastconv.tflite.loader import read_bytes as self_contained
from fastconv.tflite.runner import Runner, describe

FORMAT = "tflite"

__all__ = ["FORMAT", "Model", "Runner", "describe", "load", "self_contained", "to_graph"]
