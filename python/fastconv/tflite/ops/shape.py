"""Shapes and types."""

from __future__ import annotations

import numpy as np

from fastconv.tflite.registry import Node, translates


@translates("RESHAPE")
def reshape(node: Node) -> None:
    """Translate a reshape: to the second input, or where there is none to the option."""
    if not node.has(1):
        shape = node.ints(node.option("NewShape"))
    elif node.known(1) is not None:
        shape = node.ints(node.ints_of(1))
    else:
        shape = node.add("cast", node.input(1), to="int64")
    node.gives(node.add("reshape", node.input(0), shape, allowzero=1))


@translates("SQUEEZE")
def squeeze(node: Node) -> None:
    """Translate the loss of axes of one cell: of the given ones, or of all."""
    axes = node.option("SqueezeDims", ())
    node.gives(node.add("squeeze", node.input(0), node.ints(axes) if axes else None))


@translates("EXPAND_DIMS")
def expand_dims(node: Node) -> None:
    """Translate a new axis."""
    node.gives(node.add("unsqueeze", node.input(0), node.ints(node.ints_of(1))))


@translates("SHAPE")
def shape(node: Node) -> None:
    """Translate the extents."""
    node.gives(node.add("cast", node.add("shape", node.input(0)), to=node.result().dtype))


@translates("CAST")
def cast(node: Node) -> None:
    """Translate a change of type."""
    node.gives(node.add("cast", node.input(0), to=node.result().dtype))


@translates("DEQUANTIZE")
def dequantize(node: Node) -> None:
    """Take weights that are stored as float16."""
    if node.tensor(0).dtype != "float16" or node.known(0) is None:
        raise node.unsupported(f"fastconv runs float models, got {node.tensor(0).name!r} of {node.tensor(0).dtype}")
    node.gives_known(node.constant(0).astype(np.float32))
