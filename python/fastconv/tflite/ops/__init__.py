"""The translators, one file a family. Importing this package fills the table in `fastconv.tflite.registry`."""

from fastconv.tflite.ops import conv, dense, elementwise, movement, pool, reduce, resize, shape

__all__ = ["conv", "dense", "elementwise", "movement", "pool", "reduce", "resize", "shape"]
