"""What a session needs of a TensorFlow Lite model: its description, and its network to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastconv._one_network import OneNetwork
from fastconv._ort.describe import ModelMetadata, NodeArg
from fastconv._ort.values import type_of
from fastconv.tflite.graph import names, to_graph
from fastconv.tflite.loader import Model


class Runner(OneNetwork):
    """A model's network. These files have no names for extents, so `free_dimensions` are of no use here."""

    def __init__(self, model: Model, options: Mapping[str, Any], free_dimensions: Mapping[str, int]):
        super().__init__("tflite", to_graph(model), options)


def describe(model: Model) -> tuple[list[NodeArg], list[NodeArg], ModelMetadata]:
    """Return a model's inputs, outputs and metadata in ONNX Runtime's terms."""
    metadata = ModelMetadata(graph_name=model.name, description=model.description)
    return _arguments(model, model.inputs), _arguments(model, model.outputs), metadata


def _arguments(model: Model, indices: Sequence[int]) -> list[NodeArg]:
    tensors = [model.tensors[index] for index in indices]
    return [
        NodeArg(name, [None if n < 0 else n for n in tensor.shape], type_of(np.empty(0, tensor.dtype)))
        for name, tensor in zip(names(model, indices), tensors, strict=True)
    ]
