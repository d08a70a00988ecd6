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


class Reader:
    """A RapidOCR of its own, whose ``import onnxruntime`` finds the module it is given.

    RapidOCR makes its sessions when it first reads, so the stand-in is in place during each reading. Its modules are
    imported anew for each reader: two can live side by side in one process.
    """

    def __init__(self, onnxruntime: ModuleType) -> None:
        self._onnxruntime = onnxruntime
        for name in [name for name in sys.modules if name.partition(".")[0] == "rapidocr"]:
            del sys.modules[name]
        with _standing_in(onnxruntime):
            self._engine = importlib.import_module("rapidocr").RapidOCR(params={"Global.log_level": "error"})

    def __call__(self, page: np.ndarray) -> Any:
        """Return what RapidOCR finds on the page."""
        with _standing_in(self._onnxruntime):
            return self._engine(page)


@contextlib.contextmanager
def _standing_in(onnxruntime: ModuleType) -> Iterator[None]:
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "onnxruntime"}
    if before.get("onnxruntime") is onnxruntime:
        yield
        return
    for name in before:
        del sys.modules[name]
    sys.modules["onnxruntime"] = onnxruntime
    try:
        yield
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
