"""Each operator on random attributes and shapes against ONNX Runtime, at every opset where its definition changed.

A row of OPERATORS is a function that draws one use of the operator: inputs and attributes. Every use must be native.
What ONNX Runtime refuses is held against onnx's reference evaluator, and so is what it does otherwise than the
specification (docs/onnx.md lists that).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from fastconv import InferenceSession

from .models import model, tensor

ort = pytest.importorskip("onnxruntime")
ort_errors = pytest.importorskip("onnxruntime.capi.onnxruntime_pybind11_state")
ort.set_default_logger_severity(4)

DRAWS = 6  # uses of each operator at each opset
MORE_DRAWS = {"Conv": 24, "ConvTranspose": 24, "MaxPool": 16, "AveragePool": 16, "Resize": 24, "Slice": 12, "Pad": 12}
TOLERANCE = 5e-6  # of the largest wanted value; what only moves, counts or compares must be exact


class Use(NamedTuple):
    """One use of an operator."""

    inputs: list[Any]  # arrays; None where absent
    attributes: dict[str, Any]
    outputs: int = 1


class Draw:
    """Random choices at an opset."""

    def __init__(self, opset: int, seed: int):
        self.opset = opset
        self.random = np.random.default_rng([opset, seed])

    def int(self, low: int, high: int) -> int:
        """An int in [low, high]."""
        return int(self.random.integers(low, high + 1))

    def ints(self, low: int, high: int, count: int) -> list[int]:
        return [self.int(low, high) for _ in range(count)]

    def yes(self, chance: float = 0.5) -> bool:
        return bool(self.random.random() < chance)

    def one_of(self, *choices: Any) -> Any:
        return choices[self.int(0, len(choices) - 1)]

    def shape(self, low: int = 1, high: int = 4) -> list[int]:
        """A shape of rank low to high."""
        return self.ints(1, 6, self.int(low, high))

    def floats(self, shape: Any, low: float = -3, high: float = 3) -> np.ndarray:
        return self.random.uniform(low, high, shape).astype(np.float32)

    def numbers(self, shape: Any, kind: str) -> np.ndarray:
        """Small numbers of a type, none of them 0."""
        if kind == "bool":
            return self.random.random(shape) < 0.5
        if kind.startswith("float"):
            return self.floats(shape).astype(kind)
        sign = 1 if kind.startswith("u") else self.random.choice([-1, 1], shape)
        return (self.random.integers(1, 9, shape) * sign).astype(kind)

    def any_kind(self) -> str:
        return self.one_of("float32", "float32", "int64", "int32", "uint8", "bool")

    def number_kind(self) -> str:
        return self.one_of("float32", "float32", "int64", "int32")

    def axis(self, rank: int) -> int:
        """An axis; negative ones exist since opset 11."""
        return self.int(-rank if self.opset >= 11 else 0, rank - 1)

    def axes(self, rank: int) -> list[int]:
        """Some axes in any order."""
        chosen = self.random.permutation(rank)[: self.int(1, rank)].tolist()
        return [a - rank if self.opset >= 11 and self.yes() else a for a in chosen]

    def part(self, shape: list[int]) -> list[int]:
        """A shape that broadcasts with `shape` to it."""
        kept = shape[self.int(0, len(shape)) :]
        return [1 if self.yes(0.3) else n for n in kept]

    def some(self, **attributes: Any) -> dict[str, Any]:
        """Each attribute or its absence."""
        return {name: value for name, value in attributes.items() if self.yes(0.75)}


def ints(values: Any) -> np.ndarray:
    return np.array(values, np.int64)


# --- windows -------------------------------------------------------------------------------------------------------


def window(g: Draw, kernel: list[int], dilated: bool, half: bool = False) -> dict[str, Any]:
    """Strides, dilations and padding; half: at most half a kernel of it, as pools want."""
    rank = len(kernel)
    attributes = g.some(strides=g.ints(1, 3, rank))
    if dilated:
        attributes |= g.some(dilations=g.ints(1, 2, rank))
    padding = g.one_of("NOTSET", "NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")
    if padding != "NOTSET":
        return {**attributes, "auto_pad": padding}
    most = [(k - 1) // 2 if half else 1 for k in kernel]
    return attributes | g.some(pads=[g.int(0, m) for m in most + most])


def conv(g: Draw) -> Use:
    rank, group = g.int(1, 3), g.one_of(1, 1, 2, 4)
    c, k = group * g.int(1, 3), group * g.int(1, 3)
    if g.yes(0.2):
        group = c = k = 8  # depthwise
    kernel = g.ints(1, 3, rank)
    inputs = [g.floats([g.int(1, 2), c, *g.ints(5, 9, rank)]), g.floats([k, c // group, *kernel])]
    inputs += [g.floats([k])] if g.yes() else []
    return Use(inputs, {"group": group, **g.some(kernel_shape=kernel), **window(g, kernel, dilated=True)})


def conv_transpose(g: Draw) -> Use:
    rank, group = g.int(1, 3), g.one_of(1, 1, 2)
    c, k = group * g.int(1, 3), g.int(1, 3)
    kernel, size = g.ints(1, 3, rank), g.ints(3, 6, rank)
    inputs = [g.floats([g.int(1, 2), c, *size]), g.floats([c, k, *kernel])]
    inputs += [g.floats([k * group])] if g.yes() else []
    attributes = {"group": group, **g.some(kernel_shape=kernel), **window(g, kernel, dilated=True)}
    strides = attributes.get("strides", [1] * rank)
    if g.yes():
        attributes["output_padding"] = [g.int(0, s - 1) for s in strides]
    if g.yes(0.2) and "pads" not in attributes:
        attributes["output_shape"] = [s * n for s, n in zip(strides, size)]
    return Use(inputs, attributes)


def pool(g: Draw, op: str) -> Use:
    rank = g.int(1, 3)
    kernel = g.ints(1, 3, rank)
    dilated = g.opset >= (10 if op == "MaxPool" else 19)
    attributes = {"kernel_shape": kernel, **window(g, kernel, dilated, half=True)}
    if g.opset >= 10:
        attributes |= g.some(ceil_mode=g.int(0, 1))
    if op == "AveragePool":
        attributes |= g.some(count_include_pad=g.int(0, 1))
    with_indices = op == "MaxPool" and g.opset >= 8 and g.yes()
    if with_indices:
        attributes |= g.some(storage_order=0)
    return Use([g.floats([g.int(1, 2), g.int(1, 4), *g.ints(5, 9, rank)])], attributes, 1 + with_indices)


def image(g: Draw) -> np.ndarray:
    return g.floats([g.int(1, 2), g.int(1, 6), *g.ints(1, 6, g.int(1, 3))])


# --- products ------------------------------------------------------------------------------------------------------


def gemm(g: Draw) -> Use:
    m, n, k = g.ints(1, 9, 3)
    trans_a, trans_b = g.int(0, 1), g.int(0, 1)
    a, b = g.floats([k, m] if trans_a else [m, k]), g.floats([n, k] if trans_b else [k, n])
    c = [g.floats(g.part([m, n]))] if g.opset < 11 or g.yes() else []
    factors = g.some(alpha=g.random.uniform(-2, 2), beta=g.random.uniform(-2, 2))
    return Use([a, b, *c], {"transA": trans_a, "transB": trans_b, **factors})


def matmul(g: Draw) -> Use:
    m, n, k = g.ints(1, 9, 3)
    batch = g.ints(1, 3, g.int(0, 2))
    a, b = [*g.part(batch), m, k], [*g.part(batch), k, n]
    if g.yes(0.2):
        a = [k]
    if g.yes(0.2):
        b = [k]
    return Use([g.floats(a), g.floats(b)], {})


# --- element by element --------------------------------------------------------------------------------------------


def unary(low: float = -4, high: float = 4, ints: bool = False, **attributes: Any) -> Callable[[Draw], Use]:
    def draw(g: Draw) -> Use:
        x = g.numbers(g.shape(), "int32") if ints and g.opset >= 14 and g.yes(0.3) else g.floats(g.shape(), low, high)
        return Use([x], g.some(**{name: g.one_of(*values) for name, values in attributes.items()}))

    return draw


def binary(g: Draw) -> Use:
    kind, shape = g.number_kind(), g.shape()
    pair = [g.numbers(shape, kind), g.numbers(g.part(shape), kind)]
    return Use(pair[:: g.one_of(1, -1)], {})


def equal(g: Draw) -> Use:
    kind, shape = g.one_of("int64", "int32", "bool", *(["float32"] if g.opset >= 11 else [])), g.shape()
    return Use([g.numbers(shape, kind), g.numbers(g.part(shape), kind)], {})


def power(g: Draw) -> Use:
    shape = g.shape()
    if g.opset >= 12 and g.yes():
        return Use([g.floats(shape), g.one_of(ints(2), np.int32(3), np.float32(2))], {})
    return Use([g.floats(shape, 0.1, 4), g.floats(g.part(shape))], {})


def extremes(g: Draw) -> Use:
    kind = g.number_kind() if g.opset >= 12 else "float32"
    shape = g.shape()
    return Use([g.numbers(g.part(shape) if g.opset >= 8 else shape, kind) for _ in range(g.int(1, 3))], {})


def prelu(g: Draw) -> Use:
    shape = g.shape(2)
    slope = [shape[1]] + [1] * (len(shape) - 2) if g.yes() else g.part(shape)
    return Use([g.floats(shape), g.floats(slope)], {})


def clip(g: Draw) -> Use:
    if g.opset < 11:
        return Use([g.floats(g.shape())], g.some(min=-1.5, max=1.0))
    kind = g.number_kind() if g.opset >= 12 else "float32"
    limits = [np.array(limit, kind) if g.yes() else None for limit in (-1, 2)]
    return Use([g.numbers(g.shape(), kind), *limits], {})


def where(g: Draw) -> Use:
    shape, kind = g.shape(), g.one_of("float32", "int64", "int32", "uint8")
    return Use([g.numbers(g.part(shape), "bool"), g.numbers(shape, kind), g.numbers(g.part(shape), kind)], {})


def cast(g: Draw) -> Use:
    kinds = ("float32", "int32", "int64", "uint8", "bool")
    source = g.one_of(*kinds)
    x = np.abs(g.numbers(g.shape(), source)) if source != "bool" else g.numbers(g.shape(), source)
    return Use([x], {"to": helper.np_dtype_to_tensor_dtype(np.dtype(g.one_of(*kinds)))})


def dropout(g: Draw) -> Use:
    if g.opset < 12:
        return Use([g.floats(g.shape())], g.some(ratio=0.3))  # what the mask holds is not said
    return Use([g.floats(g.shape())], {}, g.int(1, 2))


# --- normalisation, softmax, reductions ----------------------------------------------------------------------------


def softmax(g: Draw) -> Use:
    shape = g.shape()
    return Use([g.floats(shape)], g.some(axis=g.axis(len(shape))) or {"axis": 0})


def batch_norm(g: Draw) -> Use:
    x = image(g)
    scale, bias, mean = (g.floats(x.shape[1]) for _ in range(3))
    return Use([x, scale, bias, mean, g.floats(x.shape[1], 0.1, 2)], g.some(epsilon=1e-3, momentum=0.7))


def instance_norm(g: Draw) -> Use:
    x = g.floats([g.int(1, 2), g.int(1, 6), *g.ints(2, 6, g.int(1, 3))])
    return Use([x, g.floats(x.shape[1]), g.floats(x.shape[1])], g.some(epsilon=1e-2))


def group_norm(g: Draw) -> Use:
    groups = g.int(1, 3)
    x = g.floats([g.int(1, 2), groups * g.int(1, 3), *g.ints(2, 6, g.int(1, 3))])
    count = groups if g.opset < 21 else x.shape[1]
    return Use([x, g.floats(count), g.floats(count)], {"num_groups": groups, **g.some(epsilon=1e-2)})


def layer_norm(g: Draw) -> Use:
    shape = [*g.shape(), g.int(3, 8)]
    axis = g.axis(len(shape))
    scale = [g.floats(shape[axis:]) for _ in range(g.int(1, 2))]
    return Use([g.floats(shape), *scale], {"axis": axis, **g.some(epsilon=1e-2)}, g.one_of(1, 3))


def lrn(g: Draw) -> Use:
    x = g.floats([g.int(1, 2), *g.ints(1, 6, 3)])
    return Use([x], {"size": g.one_of(1, 3, 5), **g.some(alpha=0.3, beta=0.6, bias=2.0)})


def reduction(g: Draw, op: str) -> Use:
    shape = g.shape()
    kind = "float32" if op == "ReduceMean" else g.one_of("float32", "int32", "int64")
    attributes, inputs = g.some(keepdims=g.int(0, 1)), [g.numbers(shape, kind)]
    as_input = g.opset >= (13 if op == "ReduceSum" else 18)
    if g.yes(0.8):
        axes = g.axes(len(shape))
        if as_input:
            inputs.append(ints(axes))
        else:
            attributes["axes"] = axes
    elif as_input:
        attributes |= g.some(noop_with_empty_axes=g.int(0, 1))
    return Use(inputs, attributes)


def arg_max(g: Draw) -> Use:
    shape = g.shape()
    attributes = g.some(axis=g.axis(len(shape)), keepdims=g.int(0, 1))
    if g.opset >= 12:
        attributes |= g.some(select_last_index=g.int(0, 1))
    return Use([g.one_of(g.floats(shape), g.numbers(shape, "int32"))], attributes)


def top_k(g: Draw) -> Use:
    shape = g.shape()
    axis = g.axis(len(shape))
    x, k = g.random.permutation(math.prod(shape)).reshape(shape).astype(np.float32), g.int(1, shape[axis])
    if g.opset < 10:
        return Use([x], {"axis": axis, "k": k}, 2)
    attributes = g.some(largest=g.int(0, 1), sorted=1) if g.opset >= 11 else {}
    return Use([x, ints([k])], {"axis": axis, **attributes}, 2)


# --- shapes and movement -------------------------------------------------------------------------------------------


def concat(g: Draw) -> Use:
    shape, kind = g.shape(), g.any_kind()
    axis = g.axis(len(shape))
    parts = []
    for _ in range(g.int(1, 3)):
        shape[axis] = g.int(1, 4)
        parts.append(g.numbers(shape, kind))
    return Use(parts, {"axis": axis})


def split(g: Draw) -> Use:
    shape, count = g.shape(), g.int(1, 3)
    axis, sizes = g.axis(len(shape)), g.ints(1, 4, count)
    if equal := g.yes(0.4):
        sizes = [sizes[0]] * count
    shape[axis] = sum(sizes)
    x, attributes = g.numbers(shape, g.any_kind()), {"axis": axis}
    if equal:
        return Use([x], attributes | ({"num_outputs": count} if g.opset >= 18 else {}), count)
    if g.opset < 13:
        return Use([x], {**attributes, "split": sizes}, count)
    return Use([x, ints(sizes)], attributes, count)


def slice_(g: Draw) -> Use:
    shape = g.shape()
    axes = g.axes(len(shape))
    steps = [g.one_of(1, 1, 2, -1, -2) if g.opset >= 10 else 1 for _ in axes]
    limit = 2**31 - 1
    starts = [g.one_of(g.int(-7, 7), -limit, limit) for _ in axes]
    ends = [g.one_of(g.int(-7, 7), limit if step > 0 else -limit) for step in steps]
    x = g.numbers(shape, g.any_kind())
    if g.opset < 10:
        return Use([x], {"starts": starts, "ends": ends, "axes": axes})
    return Use([x, ints(starts), ints(ends), ints(axes), *([ints(steps)] if steps != [1] * len(steps) else [])], {})


def pad(g: Draw) -> Use:
    mode = g.one_of("constant", "constant", "reflect", "edge", *(["wrap"] if g.opset >= 19 else []))
    shape = g.ints(4, 6, g.int(1, 4))
    kind = "float32" if g.opset < 13 else g.one_of("float32", "int64", "int32")
    x = g.numbers(shape, kind)
    if g.opset < 11:
        return Use([x], {"pads": g.ints(0, 3, 2 * len(shape)), "mode": mode, **g.some(value=1.5)})
    low = -1 if mode == "constant" else 0
    inputs = [x, ints(g.ints(low, 3, 2 * len(shape))), np.array(2, kind) if g.yes() else None]
    if g.opset >= 18 and g.yes():
        axes = g.axes(len(shape))
        inputs = [x, ints(g.ints(low, 3, 2 * len(axes))), inputs[2], ints(axes)]
    return Use(inputs, {"mode": mode})


def reshape(g: Draw) -> Use:
    shape = g.shape(2)
    target = g.random.permutation(shape).tolist()
    if g.yes():
        target = [*target[:-2], target[-1] * target[-2]]
    if g.yes():
        target[g.int(0, len(target) - 1)] = -1
    elif target[0] == shape[0]:
        target[0] = 0
    return Use([g.numbers(shape, g.any_kind()), ints(target)], {})


def flatten(g: Draw) -> Use:
    shape = g.shape()
    return Use([g.numbers(shape, g.any_kind() if g.opset >= 9 else "float32")], g.some(axis=g.axis(len(shape))))


def transpose(g: Draw) -> Use:
    shape = g.shape()
    return Use([g.numbers(shape, g.any_kind())], g.some(perm=g.random.permutation(len(shape)).tolist()))


def squeeze(g: Draw) -> Use:
    shape = g.shape()
    axes = g.axes(len(shape))
    for axis in axes:
        shape[axis] = 1
    return with_axes(g, [g.numbers(shape, g.any_kind())], axes if g.yes(0.8) else None)


def unsqueeze(g: Draw) -> Use:
    shape, count = g.shape(), g.int(1, 2)
    axes = g.random.permutation(len(shape) + count)[:count].tolist()
    return with_axes(g, [g.numbers(shape, g.any_kind())], axes)


def with_axes(g: Draw, inputs: list[Any], axes: list[int] | None) -> Use:
    """Axes as an attribute, since opset 13 as an input."""
    if axes is None:
        return Use(inputs, {})
    return Use([*inputs, ints(axes)], {}) if g.opset >= 13 else Use(inputs, {"axes": axes})


def expand(g: Draw) -> Use:
    shape = g.shape()
    target = [1 if g.yes(0.2) else n for n in shape]
    return Use([g.numbers(g.part(shape), g.any_kind()), ints(target)], {})


def tile(g: Draw) -> Use:
    shape = g.shape()
    return Use([g.numbers(shape, g.any_kind()), ints(g.ints(1, 3, len(shape)))], {})


def gather(g: Draw) -> Use:
    shape = g.shape()
    axis = g.axis(len(shape))
    low = -shape[axis] if g.opset >= 11 else 0
    indices = g.random.integers(low, shape[axis], g.ints(1, 4, g.int(0, 2)))
    kind = g.one_of(np.int32, np.int64)
    return Use([g.numbers(shape, g.any_kind()), np.asarray(indices, kind)], g.some(axis=axis) if axis else {})


def shape(g: Draw) -> Use:
    attributes = g.some(start=g.int(-3, 3), end=g.int(-3, 3)) if g.opset >= 15 else {}
    return Use([g.numbers(g.shape(), g.any_kind())], attributes)


def constant(g: Draw) -> Use:
    values = [{"value": onnx.numpy_helper.from_array(g.numbers(g.shape(), g.any_kind()))}]
    if g.opset >= 12:
        values += [{"value_float": 1.5}, {"value_floats": [1.0, 2.0]}, {"value_int": 3}, {"value_ints": [1, 2]}]
    return Use([], g.one_of(*values))


def constant_of_shape(g: Draw) -> Use:
    kind = g.one_of("float32", "int64", "int32", "uint8", "bool")
    return Use([ints(g.shape())], g.some(value=onnx.numpy_helper.from_array(g.numbers([1], kind))))


def identity(g: Draw) -> Use:
    return Use([g.numbers(g.shape(), g.any_kind())], {})


def depth_to_space(g: Draw) -> Use:
    block = g.int(1, 3)
    x = g.floats([g.int(1, 2), block * block * g.int(1, 3), *g.ints(1, 4, 2)])
    modes = g.some(mode=g.one_of("DCR", "CRD")) if g.opset >= 11 else {}
    return Use([x], {"blocksize": block, **modes})


def space_to_depth(g: Draw) -> Use:
    block = g.int(1, 3)
    return Use([g.floats([g.int(1, 2), g.int(1, 3), *(block * n for n in g.ints(1, 4, 2))])], {"blocksize": block})


def upsample(g: Draw) -> Use:
    mode, x = g.one_of("nearest", "linear"), g.floats([g.int(1, 2), g.int(1, 3), *g.ints(1, 6, 2)])
    scales = [1.0, 1.0, *g.random.choice([1.0, 1.5, 2.0, 3.0], 2).tolist()]
    if g.opset < 9:
        return Use([x], {"mode": mode, "scales": scales})
    return Use([x, np.array(scales, np.float32)], {"mode": mode})


def resize(g: Draw) -> Use:
    mode, x = g.one_of("nearest", "linear"), g.floats([g.int(1, 2), g.int(1, 3), *g.ints(1, 7, 2)])
    scales = np.array([1, 1, *g.random.choice([0.5, 0.75, 1, 1.5, 2, 2.25, 3], 2)], np.float32)
    if g.opset == 10:
        return Use([x, scales], {"mode": mode})
    modes = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"]
    modes += ["tf_half_pixel_for_nn"] if g.opset < 13 else ["half_pixel_symmetric"] if g.opset >= 19 else []
    coordinates = g.one_of(*modes)
    roi = np.zeros(0, np.float32)
    attributes: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": coordinates}
    if mode == "nearest":
        attributes |= g.some(nearest_mode=g.one_of("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"))
    if coordinates == "tf_crop_and_resize":
        roi = np.array([0, 0, 0.125, 0.25, 1, 1, 0.75, 1.125], np.float32)
        attributes |= g.some(extrapolation_value=5.0)
    if g.yes():
        return Use([x, roi, scales], attributes)
    sizes = ints([*x.shape[:2], *g.ints(1, 12, 2)])
    return Use([x, roi, scales[:0] if g.opset < 13 else None, sizes], attributes)


# --- the table -----------------------------------------------------------------------------------------------------

OPERATORS: dict[str, Callable[[Draw], Use]] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": lambda g: pool(g, "MaxPool"),
    "AveragePool": lambda g: pool(g, "AveragePool"),
    "GlobalAveragePool": lambda g: Use([image(g)], {}),
    "GlobalMaxPool": lambda g: Use([image(g)], {}),
    "BatchNormalization": batch_norm,
    "Gemm": gemm,
    "MatMul": matmul,
    "Add": binary,
    "Sub": binary,
    "Mul": binary,
    "Div": binary,
    "Pow": power,
    "Equal": equal,
    "Where": where,
    "Min": extremes,
    "Max": extremes,
    "Sqrt": unary(0, 9),
    "Exp": unary(),
    "Log": unary(0.01, 9),
    "Neg": unary(),
    "Abs": unary(),
    "Erf": unary(),
    "Relu": unary(ints=True),
    "LeakyRelu": unary(alpha=(0.2, -0.5)),
    "PRelu": prelu,
    "Clip": clip,
    "Sigmoid": unary(-90, 90),
    "HardSigmoid": unary(alpha=(0.1, 0.3), beta=(0.4, 0.6)),
    "HardSwish": unary(),
    "Tanh": unary(),
    "Elu": unary(alpha=(0.5, 2.0)),
    "Gelu": unary(approximate=("none", "tanh")),
    "Softplus": unary(-90, 80),
    "Mish": unary(-9, 30),
    "Softmax": softmax,
    "LogSoftmax": softmax,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm,
    "LayerNormalization": layer_norm,
    "LRN": lrn,
    "Dropout": dropout,
    "ReduceMean": lambda g: reduction(g, "ReduceMean"),
    "ReduceSum": lambda g: reduction(g, "ReduceSum"),
    "ReduceMax": lambda g: reduction(g, "ReduceMax"),
    "ReduceMin": lambda g: reduction(g, "ReduceMin"),
    "ArgMax": arg_max,
    "TopK": top_k,
    "Concat": concat,
    "Split": split,
    "Slice": slice_,
    "Pad": pad,
    "Reshape": reshape,
    "Flatten": flatten,
    "Transpose": transpose,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Expand": expand,
    "Tile": tile,
    "Gather": gather,
    "Shape": shape,
    "Cast": cast,
    "Constant": constant,
    "ConstantOfShape": constant_of_shape,
    "Identity": identity,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "Resize": resize,
    "Upsample": upsample,
}


def spelled_out(op: str, use: Use) -> dict[str, Any]:
    """The attributes, with SAME_* of windows as the numbers that the specification gives it."""
    attributes, shape = dict(use.attributes), use.inputs[0].shape[2:] if use.inputs else ()
    same = attributes.get("auto_pad", "").startswith("SAME")
    strides = attributes.get("strides", [1] * len(shape))
    if same and op == "ConvTranspose":
        attributes["output_shape"] = [n * s for n, s in zip(shape, strides)]
    elif same:
        kernel = use.inputs[1].shape[2:] if op == "Conv" else attributes["kernel_shape"]
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, attributes.get("dilations", [1] * len(shape)))]
        total = [max((math.ceil(n / s) - 1) * s + r - n, 0) for n, s, r in zip(shape, strides, reach)]
        begin = [t // 2 if attributes["auto_pad"] == "SAME_UPPER" else t - t // 2 for t in total]
        attributes = {name: value for name, value in attributes.items() if name not in ("auto_pad", "ceil_mode")}
        attributes["pads"] = [*begin, *(t - b for t, b in zip(total, begin))]
    return attributes


def only_reference(op: str, use: Use) -> bool:
    """Tell whether ONNX Runtime does something else than the specification and onnx's reference."""
    coordinates = use.attributes.get("coordinate_transformation_mode", "")
    if op != "Resize" or coordinates not in ("align_corners", "pytorch_half_pixel", "tf_crop_and_resize"):
        return False
    x, _, scales, *sizes = use.inputs
    sizes = sizes[0] if sizes else scales * x.shape
    unmoved = coordinates == "tf_crop_and_resize" and (sizes == x.shape)[2:].any()
    return bool((sizes % 1 != 0).any() or unmoved)


def opsets(op: str) -> list[int]:
    """The first opset (of those with translators) of each definition of an operator."""
    found = {}
    for opset in range(7, 10 if op == "Upsample" else onnx.defs.onnx_opset_version() + 1):  # Resize took its place
        with contextlib.suppress(onnx.defs.SchemaError):
            found.setdefault(onnx.defs.get_schema(op, opset).since_version, opset)
    return [*found.values()]


def build(op: str, use: Use, g: Draw) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """The use as a model with its feed; inputs after the first are constants or not, extents are declared or not."""
    names = [f"i{index}" if array is not None else "" for index, array in enumerate(use.inputs)]
    feed, constants, inputs = {}, {}, []
    for index, (name, array) in enumerate(zip(names, use.inputs)):
        if array is None:
            continue
        array = np.asarray(array)  # not a scalar of NumPy
        if index and (array.size == 0 or g.yes()):
            constants[name] = array
            continue
        feed[name] = array
        extents = [None if g.yes(0.3) else n for n in array.shape]
        inputs.append(tensor(name, extents, helper.np_dtype_to_tensor_dtype(array.dtype)))
    outputs = [f"o{index}" for index in range(use.outputs)]
    node = helper.make_node(op, names, outputs, name=op, **use.attributes)
    whole = model([node], inputs, [onnx.ValueInfoProto(name=name) for name in outputs], constants, g.opset)
    whole.ir_version = 10
    return whole, feed


def expected(op: str, use: Use, whole: onnx.ModelProto, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
    """What ONNX Runtime gives, or onnx's reference evaluator."""
    theirs = onnx.ModelProto()
    theirs.CopyFrom(whole)
    node = theirs.graph.node[0]
    node.CopyFrom(helper.make_node(op, node.input, node.output, **spelled_out(op, use)))
    try:
        if not only_reference(op, use):
            return ort.InferenceSession(theirs.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feed)
    except (ort_errors.InvalidGraph, ort_errors.NotImplemented, ort_errors.Fail, ort_errors.RuntimeException):
        pass
    return ReferenceEvaluator(theirs).run(None, feed)


def check(op: str, use: Use, g: Draw) -> None:
    whole, feed = build(op, use, g)
    wanted = expected(op, use, whole, feed)
    session = InferenceSession(whole)
    assert session.fallbacks == {}
    for got, want in zip(session.run(None, feed), wanted, strict=True):
        assert (got.dtype, got.shape) == (want.dtype, want.shape)
        if got.dtype.kind != "f":
            np.testing.assert_array_equal(got, want)
        elif got.size:
            np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE * np.abs(want).max() + 1e-30)


@pytest.mark.parametrize(("op", "opset"), [(op, opset) for op in OPERATORS for opset in opsets(op)])
def test_operator(op, opset):
    for seed in range(MORE_DRAWS.get(op, DRAWS)):
        g = Draw(opset, seed)
        use = OPERATORS[op](g)
        try:
            check(op, use, g)
        except Exception as error:
            shapes = [None if array is None else array.shape for array in use.inputs]
            pytest.fail(f"seed {seed}, inputs {shapes}, attributes {use.attributes}: {error}")
