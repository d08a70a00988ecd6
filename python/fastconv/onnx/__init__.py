"""ONNX models to graphs: loading, checking, translation, and the way around what is not native.

The flow, one file a step: `loader` (bytes to a checked `Model`), `registry` and `ops/` (one small translator an
operator), `partition` (native segments and fallback nodes), `segment` and `fallback` (how each kind of step runs).
`fastconv.session` drives them. Only this package needs the `onnx` package, and `import fastconv` does not import it.
"""

from __future__ import annotations

try:
    import onnx as _onnx  # noqa: F401
except ImportError as error:
    raise ImportError('fastconv reads ONNX models through the onnx package: pip install "fastconv[onnx]"') from error

from fastconv.onnx.export import to_onnx
from fastconv.onnx.loader import Model, load, self_contained
from fastconv.onnx.partition import Plan, make_plan
from fastconv.onnx.runner import Runner, describe
from fastconv.onnx.segment import to_graph

FORMAT = "onnx"

__all__ = [
    "FORMAT",
    "Model",
    "Plan",
    "Runner",
    "describe",
    "load",
    "make_plan",
    "self_contained",
    "to_graph",
    "to_onnx",
]
