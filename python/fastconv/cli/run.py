"""``fastconv run MODEL --input IMAGE|NPY``: run any model on a picture or an array and show what comes out."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from fastconv.cli import inputs
from fastconv.session import InferenceSession


def add(commands: Any) -> argparse.ArgumentParser:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser("run", help="run a model file on an image or an array")
    parser.add_argument("model", type=Path, help="the .onnx, .tflite or .pt2 file")
    inputs.add(parser, required=True)
    parser.add_argument("--output", type=Path, metavar="NPY", help="write the outputs here (several: .npz)")
    return parser


def run(options: argparse.Namespace) -> int:
    """Run the model once, and once more for its time."""
    session = InferenceSession(options.model)
    feed = inputs.feed(session, options.input, options.normalize)
    names = [arg.name for arg in session.get_outputs()]
    results = session.run(names, feed)
    began = time.perf_counter()
    session.run(names, feed)
    took = (time.perf_counter() - began) * 1e3
    for name, value in feed.items():
        print(f"input  {name}: {value.dtype} {list(value.shape)}")
    for name, result in zip(names, results):
        print(f"output {name}: {_summary(result)}")
    print(f"{took:.2f} ms a run after the first")
    if session.fallbacks:
        print("through onnx's reference implementation:", ", ".join(f"{k} x {n}" for k, n in session.fallbacks.items()))
    if options.output:
        _save(options.output, names, results)
    return 0


def _summary(result: Any) -> str:
    """Return shape and range; the five best classes where the result is a vector of scores."""
    if not isinstance(result, np.ndarray):
        return f"a list of {len(result)}"
    text = f"{result.dtype} {list(result.shape)}"
    if result.size == 0 or not np.issubdtype(result.dtype, np.number):
        return text
    text += f", min {result.min():.6g}, mean {result.mean():.6g}, max {result.max():.6g}"
    scores = result.reshape(-1)
    if result.size == max(result.shape, default=0) and 10 <= result.size <= 100_000:
        best = np.argsort(-scores, kind="stable")[:5]
        text += "; best: " + ", ".join(f"{index} ({scores[index]:.4f})" for index in best)
    return text


def _save(path: Path, names: list[str], results: list[Any]) -> None:
    if len(results) == 1:
        np.save(path, results[0])
    else:
        np.savez(path, **dict(zip(names, results)))
    print(f"wrote {path}")
