"""Weights that live beside the model: read only from inside the model's folder.

A model from somewhere else may name any path. The rules, checked before a byte is read: a relative path, without
`..`, that resolves (links followed) to a regular file inside the model's folder which has no second name (a hard
link could be a file from anywhere), and an offset and length inside that file.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath

from onnx import TensorProto

from fastconv._ort.errors import InvalidGraph


def read_external(tensor: TensorProto, folder: Path | None) -> bytes:
    """Return the bytes of `tensor`, whose data location is external.

    Parameters
    ----------
    tensor : onnx.TensorProto
        With ``external_data`` entries location, and optionally offset and length.
    folder : pathlib.Path or None
        The model's folder; None where the model came as bytes, which then cannot have external data.

    Raises
    ------
    InvalidGraph
        For a path out of the folder, a file that is missing, linked or too short.
    """
    what = f"initializer {tensor.name!r}: external data"
    if folder is None:
        raise InvalidGraph.of(f"{what} needs a model loaded from a path, got one without a folder")
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    path = _confined(folder, location, what)
    offset = _integer(entries.get("offset", "0"), f"{what} offset")
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.close(descriptor)
        raise InvalidGraph.of(f"{what} must be a regular file without other links, got {location!r}")
    with os.fdopen(descriptor, "rb") as file:
        length = _integer(entries.get("length", str(max(status.st_size - offset, 0))), f"{what} length")
        if offset + length > status.st_size:
            raise InvalidGraph.of(
                f"{what} must lie inside its file of {status.st_size} bytes, got offset {offset} and length {length}"
            )
        file.seek(offset)
        return file.read(length)


def _confined(folder: Path, location: str, what: str) -> Path:
    """Return the real path of `location` in `folder`, or raise where it leads out."""
    parts = PurePosixPath(location).parts + PureWindowsPath(location).parts
    if not location or "\0" in location:
        raise InvalidGraph.of(f"{what} location must be a relative path, got {location!r}")
    if PurePosixPath(location).is_absolute() or PureWindowsPath(location).anchor or ".." in parts:
        raise InvalidGraph.of(f"{what} location must be a path inside the model's folder, got {location!r}")
    root = folder.resolve()
    try:
        path = (root / location).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise InvalidGraph.of(f"{what} file must exist in the model's folder, got {location!r}") from error
    if not path.is_relative_to(root):
        raise InvalidGraph.of(f"{what} location must not lead out of the model's folder, got {location!r}")
    return path


def _integer(text: str, what: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise InvalidGraph.of(f"{what} must be an integer >= 0, got {text!r}")
    return value
