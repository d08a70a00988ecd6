"""The translators, one file a family. Importing this package fills the table in `fastconv.onnx.registry`."""

from fastconv.onnx.ops import activation, arithmetic, conv, movement, normalize, pool, reduce, resize, shape

__all__ = ["activation", "arithmetic", "conv", "movement", "normalize", "pool", "reduce", "resize", "shape"]
