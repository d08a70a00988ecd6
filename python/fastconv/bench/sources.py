"""What the command line means by a model: a file, a name of `fastconv.models`, or ``module:function``.

Files stay what they are; all else becomes an ONNX model. A module of torch's is kept beside it, for torch to run.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import fastconv
from fastconv._frontends import frontend

Array = np.ndarray[Any, np.dtype[Any]]

# Input of the models of `fastconv.models`, where it is not that of ImageNet.
MODEL_INPUTS = {"lenet5": (1, 1, 32, 32), "xception": (1, 3, 299, 299), "unet": (1, 3, 256, 256)}
IMAGENET = (1, 3, 224, 224)

RULE = "an ONNX, TensorFlow Lite or .pt2 file, a name of fastconv.models, or module:function"


class Source(NamedTuple):
    """A model and what is known of its inputs: `examples` in their order, `extents` of the first; empty: nothing."""

    name: str
    model: bytes
    examples: Sequence[Array] = ()
    extents: tuple[int, ...] = ()
    module: Any = None  # torch.nn.Module, where the model is one


def read(text: str, shape: tuple[int, ...] | None = None, batch: int | None = None) -> Source:
    """Read a model.

    Parameters
    ----------
    text : str
        A path; a name of `fastconv.models`, whose weights are random; or ``module:function``, where the module is
        looked for in the working directory too. The function takes no arguments and returns a `fastconv.nn.Module`, a
        `torch.nn.Module` or a model that `InferenceSession` takes, or a tuple of that and an example of the input: an
        array, a tensor, or a list of them.
    shape : tuple of int, optional
        Of the first input; the default is the example's or the model's own, else (1, 3, 224, 224).
    batch : int, optional
        Takes the place of the first extent.

    Raises
    ------
    ValueError
        For a text that is none of these.
    TypeError
        Where the function returns something else.
    """
    if text.endswith((".onnx", ".tflite", ".pt2")) or Path(text).exists():
        return Source(Path(text).stem, _whole(text), (), _batched(shape or (), batch))
    if re.fullmatch(r"[\w.]+:[\w.]+", text):
        return _from_function(text, shape, batch)
    if text not in fastconv.models.__all__ or not text.islower():
        names = ", ".join(name for name in fastconv.models.__all__ if name.islower())
        raise ValueError(f"model: must be {RULE}, got {text!r}; fastconv.models has {names}")
    extents = _batched(shape or MODEL_INPUTS.get(text, IMAGENET), batch)
    return Source(text, _exported(getattr(fastconv.models, text)(), extents), (), extents)


def _batched(shape: tuple[int, ...], batch: int | None) -> tuple[int, ...]:
    return shape if batch is None or not shape else (batch, *shape[1:])


def _whole(path: str | os.PathLike[str]) -> bytes:
    """Read a model's file, with the weights that it keeps in others: the engines get bytes, which have no folder."""
    whole: bytes = frontend(path).self_contained(path)
    return whole


def _exported(module: fastconv.nn.Module, extents: tuple[int, ...]) -> bytes:
    from fastconv.onnx import to_onnx

    return bytes(to_onnx(module.eval(), extents).SerializeToString())


def _from_function(text: str, shape: tuple[int, ...] | None, batch: int | None) -> Source:
    module_name, _, function_name = text.partition(":")
    with _working_directory_first():
        function: Any = importlib.import_module(module_name)
    for part in function_name.split("."):
        if not hasattr(function, part):
            raise ValueError(f"model: {module_name} must have {function_name!r}, got {text!r}")
        function = getattr(function, part)
    made = function()
    model, given = made if isinstance(made, tuple) and len(made) == 2 else (made, [])
    examples = [_array(example) for example in (given if isinstance(given, (list, tuple)) else [given])]
    if shape is not None and len(examples) < 2:
        examples = []
    if batch is not None:
        examples = [np.resize(example, (batch, *example.shape[1:])) for example in examples]
    declared = examples[0].shape if examples else _batched(shape or (), batch)
    extents = declared or _batched(IMAGENET, batch)
    if isinstance(model, fastconv.nn.Module):
        return Source(function_name, _exported(model, extents), examples, extents)
    if _is_torch_module(model):
        arrays = examples or [np.zeros(extents, np.float32)]
        return Source(function_name, from_torch(model.eval(), arrays), examples, extents, model)
    if isinstance(model, (str, os.PathLike)):
        model = _whole(model)
    elif type(model).__name__ in ("ModelProto", "ExportedProgram"):
        model = frontend(model).self_contained(model)
    if isinstance(model, bytes):
        return Source(function_name, model, examples, declared)
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    raise TypeError(f"model: {text} must return a fastconv.nn.Module, a torch.nn.Module or a model's file, got {kind}")


@contextlib.contextmanager
def _working_directory_first() -> Iterator[None]:
    sys.path.insert(0, os.getcwd())
    try:
        yield
    finally:
        sys.path.remove(os.getcwd())


def _array(example: Any) -> Array:
    return np.asarray(example.detach() if hasattr(example, "detach") else example)


def _is_torch_module(model: Any) -> bool:
    torch = sys.modules.get("torch")  # without it nothing is a module of its
    return torch is not None and isinstance(model, torch.nn.Module)


def from_torch(module: Any, arrays: Sequence[Array]) -> bytes:
    """Export a module, or an ExportedProgram, to ONNX; its nodes get the names of the modules they are from."""
    import torch

    tensors = tuple(torch.from_numpy(np.array(array)) for array in arrays)
    with _quiet("torch.onnx"), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", FutureWarning)  # of what torch calls itself
        program = torch.onnx.export(module, tensors, dynamo=True, verbose=False)
    assert program is not None
    proto = program.model_proto
    taken: set[str] = set()  # ONNX Runtime refuses two nodes of one name
    for node in proto.graph.node:
        scopes = {entry.key: entry.value for entry in node.metadata_props}.get("pkg.torch.onnx.name_scopes", "[]")
        node.name = next((scope for scope in ast.literal_eval(scopes)[-2:-1] if scope not in ("", *taken)), node.name)
        taken.add(node.name)
    return bytes(proto.SerializeToString())


@contextlib.contextmanager
def _quiet(logger_name: str) -> Iterator[None]:
    """Silence a logger's warnings: the exporter's are of packages that the model has nothing to do with."""
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
