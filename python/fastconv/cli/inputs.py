"""``--input [NAME=]FILE``: images and arrays for a model, shared by the commands that run one."""

from __future__ import annotations

import argparse

import numpy as np

from fastconv.cli import pictures
from fastconv.session import InferenceSession


def add(parser: argparse.ArgumentParser, required: bool) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--input",
        action="append",
        required=required,
        metavar="[NAME=]FILE",
        help="an image, or a .npy array fed as it is; repeat with NAME= for models of several inputs",
    )
    parser.add_argument(
        "--normalize",
        choices=sorted(pictures.NORMALIZATIONS),
        default="unit",
        help="pixel values: unit is x/255, imagenet is (x/255 - mean)/std, signed is x/127.5 - 1, none is 0 to 255",
    )


def feed(session: InferenceSession, entries: list[str], normalize: str) -> dict[str, np.ndarray]:
    """Return the arrays to feed, each entry for the input it names, or else for the next one in order."""
    arguments = {arg.name: arg for arg in session.get_inputs()}
    free = iter(arguments)
    arrays: dict[str, np.ndarray] = {}
    for entry in entries:
        name, found, path = entry.partition("=")
        if not found or name not in arguments:
            path, name = entry, next(free, "")
        if name not in arguments:
            raise ValueError(f"--input: the model's inputs are {list(arguments)}, got {len(entries)} files")
        if path.endswith(".npy"):
            arrays[name] = np.load(path, allow_pickle=False)
        else:
            arrays[name] = pictures.load(path, arguments[name], normalize)
    return arrays
