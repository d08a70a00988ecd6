"""fastconv beside the real ONNX Runtime, on the very tensors that a program fed: differences and times by model."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import fastconv
from fastconv.cli.ocr import Call


@dataclass
class Comparison:
    """One model's calls on both engines: the largest difference, and for each round the time of all its calls."""

    model: str
    shapes: list[list[int]]
    largest_output: float = 0.0
    largest_difference: float = 0.0
    ours_ms: list[float] = field(default_factory=list)
    theirs_ms: list[float] = field(default_factory=list)


def compare(calls: list[Call], onnxruntime: ModuleType, rounds: int, tick: Callable[[], None]) -> list[Comparison]:
    """Run recorded calls on both engines, in turn, on the same number of threads.

    Parameters
    ----------
    calls : list of Call
    onnxruntime : module
        The real one.
    rounds : int
        How often everything is timed, after one run that is not.
    tick : function
        Called after every round of every model.
    """
    by_model: dict[Path, list[Call]] = {}
    for call in calls:
        by_model.setdefault(call.model, []).append(call)
    comparisons = []
    for model, group in by_model.items():
        session = _their_session(onnxruntime, model)
        result = Comparison(model.name, [list(next(iter(call.feed.values())).shape) for call in group])
        for call in group:
            for ours, theirs in zip(call.outputs, session.run(None, call.feed)):
                result.largest_output = max(result.largest_output, float(np.abs(theirs).max()))
                result.largest_difference = max(result.largest_difference, float(np.abs(ours - theirs).max()))
        for _ in range(rounds):
            result.ours_ms.append(_time(lambda call: call.session.run(None, call.feed), group))
            result.theirs_ms.append(_time(lambda call: session.run(None, call.feed), group))  # noqa: B023
            tick()
        comparisons.append(result)
    return comparisons


def _their_session(onnxruntime: ModuleType, model: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = fastconv.get_num_threads()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _time(run: Callable[[Call], Any], calls: list[Call]) -> float:
    began = time.perf_counter()
    for call in calls:
        run(call)
    return (time.perf_counter() - began) * 1e3
