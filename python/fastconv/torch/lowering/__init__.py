"""From aten to the vocabulary of docs/graph_ops.md: one small translator an operator, in files by subject."""

from fastconv.torch.lowering import activation, arithmetic, creation, movement, normalize, reduce, resize, windows
from fastconv.torch.lowering.registry import UnsupportedError, examine, is_worthwhile, lower

__all__ = [
    "UnsupportedError",
    "activation",
    "arithmetic",
    "creation",
    "examine",
    "is_worthwhile",
    "lower",
    "movement",
    "normalize",
    "reduce",
    "resize",
    "windows",
]
