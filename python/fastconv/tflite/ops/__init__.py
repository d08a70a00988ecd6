"""The translators, one file a family. Importing this package fills the table in `fastconv.tflite.registry`."""

from fastconv.tflite.ops import blocks, conv, dense, elementwise, movement, normalize, pool, reduce, resize, shape

__all__ = ["blocks", "conv", "dense", "elementwise", "movement", "normalize", "pool", "reduce", "resize", "shape"]
