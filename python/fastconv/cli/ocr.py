"""RapidOCR on an engine of choice, unmodified: the stand-in for onnxruntime, and what RapidOCR fed to it."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from fastconv.session import InferenceSession


@dataclass
class Call:
    """One run of a model inside RapidOCR."""

    session: InferenceSession
    feed: dict[str, np.ndarray]
    outputs: list[np.ndarray]

    @property
    def model(self) -> Path:
        """The model's file."""
        return Path(str(self.session.source))


def make_engine(onnxruntime: ModuleType) -> Any:
    """Return a new RapidOCR that imported `onnxruntime` under that name.

    Its modules are imported anew for each engine, so that two engines can live side by side in one process.
    """
    for name in [name for name in sys.modules if name.partition(".")[0] == "rapidocr"]:
        del sys.modules[name]
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "onnxruntime"}
    for name in before:
        del sys.modules[name]
    sys.modules["onnxruntime"] = onnxruntime
    try:
        return importlib.import_module("rapidocr").RapidOCR(params={"Global.log_level": "error"})
    finally:
        del sys.modules["onnxruntime"]
        sys.modules.update(before)


@contextlib.contextmanager
def recording() -> Iterator[list[Call]]:
    """Collect every run of every session made by fastconv while inside."""
    calls: list[Call] = []
    run = InferenceSession.run

    def run_and_record(self: InferenceSession, names: Any, feed: Any, options: Any = None) -> list[Any]:
        outputs = run(self, names, feed, options)
        calls.append(Call(self, {name: np.array(value) for name, value in feed.items()}, outputs))
        return outputs

    InferenceSession.run = run_and_record  # type: ignore[method-assign,assignment]
    try:
        yield calls
    finally:
        InferenceSession.run = run  # type: ignore[method-assign]
