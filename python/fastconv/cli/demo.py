"""``fastconv demo``: unmodified RapidOCR reads a scanned page, with fastconv in the place of onnxruntime.

Prints the text, writes a picture of it, shows where the time goes, and, where the real onnxruntime is installed, sets
the two engines side by side: text, largest output difference on the very tensors that RapidOCR fed, time.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import fastconv
import fastconv.onnxruntime
from fastconv.session import InferenceSession

_HINT = 'the demo needs a few packages more: pip install "fastconv[demo]"'


def add(commands: Any) -> argparse.ArgumentParser:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser("demo", help="read a scanned page with RapidOCR on fastconv")
    parser.add_argument("--image", type=Path, help="the page to read (default: the one that scikit-image ships)")
    parser.add_argument("--output", type=Path, default=Path("demo_out/page.png"), help="the picture to write")
    parser.add_argument("--rounds", type=int, default=5, help="timed runs of each engine (default: 5)")
    parser.add_argument("--layers", type=int, default=12, help="rows of the table of slowest layers (default: 12)")
    return parser


def run(options: argparse.Namespace) -> int:
    """Run the demo; status 1 where the two engines read different text."""
    if options.rounds < 1:
        raise ValueError(f"--rounds: must be >= 1, got {options.rounds}")
    try:
        from fastconv.cli import compare, drawing, ocr, tables
    except ImportError as error:
        raise ImportError(f"{error}; {_HINT}") from error
    show = tables.Console()

    page = _page(options.image)
    with show.busy("loading RapidOCR on fastconv"), ocr.recording() as calls:
        engine = ocr.Reader(fastconv.onnxruntime)
        began = time.perf_counter()
        found = engine(page)
        first = time.perf_counter() - began
    if not calls:
        raise RuntimeError("rapidocr: its sessions must be fastconv's, got none that ran")
    texts = list(found.txts or [])
    show.text(f"fastconv {fastconv.__version__} reads:", texts)
    drawing.draw(page, found.boxes if texts else np.zeros((0, 4, 2)), texts, options.output)
    show.line(f"wrote {options.output}; the first reading took {first:.2f} s, plans and packed weights included")

    with show.busy("timing layers"):
        rows = _layers(calls)
    show.layers(rows, options.layers)

    theirs = _real_onnxruntime()
    if theirs is None:
        show.line("onnxruntime is not installed: nothing to compare with")
        return 0
    with show.busy(f"loading RapidOCR on onnxruntime {theirs.__version__}"):
        other = ocr.Reader(theirs)
        other_texts = list(other(page).txts or [])
    models = len({call.model for call in calls})
    with show.progress("both engines in turn", options.rounds * (models + 2)) as tick:
        pages = _read_in_turn(engine, other, page, options.rounds, tick)
        comparisons = compare.compare(calls, theirs, options.rounds, tick)
    show.text(f"onnxruntime {theirs.__version__} reads:", other_texts)
    show.comparison(comparisons, pages)
    same = texts == other_texts
    show.line("the two engines read the same text" if same else "the two engines read DIFFERENT text")
    return 0 if same else 1


def _page(path: Path | None) -> np.ndarray:
    """Return the page as uint8."""
    try:
        if path is None:
            import skimage.data

            return np.asarray(skimage.data.page())
        from PIL import Image
    except ImportError as error:
        raise ImportError(f"{error}; {_HINT}") from error
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def _layers(calls: list[Any]) -> list[dict[str, Any]]:
    """Return a row for each layer of each model, timed on the largest input that the model met."""
    largest: dict[InferenceSession, Any] = {}
    for call in calls:
        size = sum(value.size for value in call.feed.values())
        if call.session not in largest or size > largest[call.session][0]:
            largest[call.session] = size, call
    rows = []
    for session, (_, call) in largest.items():
        rows += [{**row, "model": call.model.stem} for row in session.profile(call.feed, runs=5)]
    return sorted(rows, key=lambda row: -row["ms"])


def _real_onnxruntime() -> ModuleType | None:
    try:
        return importlib.import_module("onnxruntime")
    except ImportError:
        return None


def _read_in_turn(engine: Any, other: Any, page: np.ndarray, rounds: int, tick: Any) -> tuple[float, float]:
    """Return the median milliseconds in which each engine reads the page."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for reader, taken in zip((engine, other), times):
            began = time.perf_counter()
            reader(page)
            taken.append((time.perf_counter() - began) * 1e3)
            tick()
    return statistics.median(times[0]), statistics.median(times[1])
