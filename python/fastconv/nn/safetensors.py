"""Reads safetensors files: eight bytes with the length of a JSON header, the header, and the tensors' bytes.

`Module.load_state_dict` calls it. Nothing in a file is executed, and no package is needed.
"""

from __future__ import annotations

import json
import math
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "BOOL": "?"}
_TYPES |= {f"{sign}{8 * size}": f"<{sign.lower()}{size}" for sign in "IU" for size in (1, 2, 4, 8)}


def load(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Return a file's tensors by name, read-only; bfloat16 ones as float32.

    Raises
    ------
    ValueError
        Where the file is not a whole safetensors file.
    """
    with open(path, "rb") as file:
        content = file.read()
    try:
        start = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:start])
        header.pop("__metadata__", None)
        data = memoryview(content)[start:]
        return {name: _tensor(data, **entry) for name, entry in header.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"load_state_dict: {os.fspath(path)!r} is not a safetensors file: {error!r}") from error


def _tensor(data: memoryview, dtype: str, shape: list[int], data_offsets: list[int]) -> NDArray[Any]:
    kind = np.dtype(_TYPES[dtype])
    begin, end = data_offsets
    if not 0 <= begin <= end <= len(data) or end - begin != math.prod(shape) * kind.itemsize:
        raise ValueError(f"the bytes of a tensor must be {shape} of {dtype}, got {begin} to {end} of {len(data)}")
    array = np.frombuffer(data[begin:end], kind).reshape(shape)
    return (array.astype(np.uint32) << 16).view(np.float32) if dtype == "BF16" else array
