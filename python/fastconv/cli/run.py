"""``fastconv run MODEL.onnx --input IMAGE|NPY``: run any model on a picture or an array and show what comes out."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from fastconv.cli import pictures
from fastconv.session import InferenceSession


def add(commands: Any) -> argparse.ArgumentParser:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser("run", help="run an ONNX model on an image or an array")
    parser.add_argument("model", type=Path, help="the ONNX file")
    parser.add_argument(
        "--input",
        action="append",
        required=True,
        metavar="[NAME=]FILE",
        help="an image, or a .npy array fed as it is; repeat with NAME= for models of several inputs",
    )
    parser.add_argument("--output", type=Path, metavar="NPY", help="write the outputs here (several: .npz)")
    parser.add_argument(
        "--normalize",
        choices=sorted(pictures.NORMALIZATIONS),
        default="unit",
        help="pixel values: unit is x/255, imagenet is (x/255 - mean)/std, signed is x/127.5 - 1, none is 0 to 255",
    )
    return parser


def run(options: argparse.Namespace) -> int:
    """Run the model once, and once more for its time."""
    session = InferenceSession(options.model)
    feed = _feed(session, options.input, options.normalize)
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


def _feed(session: InferenceSession, entries: list[str], normalize: str) -> dict[str, np.ndarray]:
    """Return the arrays to feed, each entry for the input it names, or else for the next one in order."""
    arguments = {arg.name: arg for arg in session.get_inputs()}
    free = iter(arguments)
    feed: dict[str, np.ndarray] = {}
    for entry in entries:
        name, found, path = entry.partition("=")
        if not found or name not in arguments:
            path, name = entry, next(free, "")
        if name not in arguments:
            raise ValueError(f"--input: the model's inputs are {list(arguments)}, got {len(entries)} files")
        if path.endswith(".npy"):
            feed[name] = np.load(path, allow_pickle=False)
        else:
            feed[name] = pictures.load(path, arguments[name], normalize)
    return feed


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
