"""Symbolic values: what flows through a model while it is traced into a graph.

`Trace` is a GraphBuilder that knows the model's names, `Tensor` one of its values, `emit` the only place where an
operator is added. Everything in `fastconv.nn.functional` ends in `emit`; given arrays alone, `emit` runs the operator
at once, so that the functions work on both. Start reading at `emit`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..graph_builder import GraphBuilder
from ..network import Network

Array: TypeAlias = NDArray[Any]
Value: TypeAlias = "Tensor | Array"
Size: TypeAlias = "int | Tensor"


class Trace(GraphBuilder):
    """A graph in the making.

    Parameters
    ----------
    names : mapping
        From the ids of a model's parameter arrays and modules to their dotted names. An array becomes one constant,
        however often it is used.
    """

    def __init__(self, names: Mapping[int, str] | None = None) -> None:
        super().__init__()
        self.names = dict(names or {})
        self._scope: list[str] = []
        self.permuted: dict[int, tuple[Tensor, tuple[int, ...]]] = {}
        self._shapes: dict[int, tuple[Tensor, ...]] = {}
        self._constant_ids: dict[int, int] = {}

    @contextmanager
    def inside(self, module: object) -> Iterator[None]:
        """Name the nodes added meanwhile after a module."""
        self._scope.append(self.names.get(id(module), ""))
        try:
            yield
        finally:
            self._scope.pop()

    def node_name(self, op: str) -> str:
        """The name of the module being traced, or `op` in the model itself."""
        return (self._scope and self._scope[-1]) or op

    def parameter(self, array: Array) -> int:
        """Return the value of an array, the same one each time the array is met."""
        if id(array) not in self._constant_ids:
            self._constant_ids[id(array)] = self.constant(array, self.names.get(id(array), ""))
        return self._constant_ids[id(array)]

    def shape_of(self, tensor: Tensor) -> tuple[Tensor, ...]:
        """Return the extents of a tensor as int64 tensors of one element."""
        if tensor.id not in self._shapes:
            self._shapes[tensor.id] = tuple(
                emit("shape", [tensor], {"start": axis, "end": axis + 1}, ndim=1, dtype="int64")
                for axis in range(tensor.ndim)
            )
        return self._shapes[tensor.id]


class Tensor:
    """A value of a graph: its rank and type are known, its extents may not be until an array arrives.

    `shape` is a tuple of int64 tensors of one element: arithmetic on them becomes part of the graph. They have no
    value while tracing, so `if x.shape[1] > 3:` is an error, not a silent guess.
    """

    __slots__ = ("dtype", "id", "ndim", "trace")
    __array_ufunc__ = None  # array + tensor is the tensor's business

    def __init__(self, trace: Trace, value: int, ndim: int, dtype: str) -> None:
        self.trace = trace
        self.id = value
        self.ndim = ndim
        self.dtype = dtype

    @property
    def shape(self) -> tuple[Tensor, ...]:
        """The extents, each an int64 tensor of one element."""
        return self.trace.shape_of(self)

    def __repr__(self) -> str:
        return f"Tensor(ndim={self.ndim}, dtype={self.dtype})"

    def __bool__(self) -> bool:
        raise TypeError("a traced value has no truth while tracing: the graph may not branch on data or sizes")

    def __index__(self) -> int:
        raise TypeError("a traced size has no number while tracing: compute with it, or write the number down")

    __hash__ = object.__hash__

    def __add__(self, other: Any) -> Tensor:
        return binary("add", self, other)

    def __radd__(self, other: Any) -> Tensor:
        return binary("add", other, self)

    def __sub__(self, other: Any) -> Tensor:
        return binary("sub", self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return binary("sub", other, self)

    def __mul__(self, other: Any) -> Tensor:
        return binary("mul", self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return binary("mul", other, self)

    def __truediv__(self, other: Any) -> Tensor:
        self._require("/", "float32")
        return binary("div", self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        self._require("/", "float32")
        return binary("div", other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        self._require("//", "int64")
        return binary("div", self, other)

    def __pow__(self, other: Any) -> Tensor:
        return binary("pow", self, other)

    def __neg__(self) -> Tensor:
        return emit("neg", [self])

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        return binary("equal", self, other, dtype="bool")

    def __matmul__(self, other: Any) -> Tensor:
        other_ndim = other.ndim
        ndim = max(self.ndim, other_ndim) - (self.ndim == 1) - (other_ndim == 1)
        return emit("matmul", [self, other], ndim=ndim)

    def __getitem__(self, key: Any) -> Tensor:
        """Basic indexing with integers, slices and an ellipsis."""
        parts = list(key) if isinstance(key, tuple) else [key]
        for at, part in enumerate(parts):
            if part is Ellipsis:
                parts[at : at + 1] = [slice(None)] * (self.ndim - len(parts) + 1)
                break
        if len(parts) > self.ndim:
            raise IndexError(f"index: a value of {self.ndim} axes takes at most as many indices, got {len(parts)}")
        starts, ends, axes, steps, dropped = [], [], [], [], []
        for axis, part in enumerate(parts):
            if isinstance(part, slice):
                if part.start is None and part.stop is None and part.step is None:
                    continue
                step = 1 if part.step is None else part.step
                starts.append((0 if step > 0 else _END) if part.start is None else part.start)
                ends.append((_END if step > 0 else -_END) if part.stop is None else part.stop)
            elif not isinstance(part, (int, Tensor)):
                raise TypeError(f"index: indices must be integers, slices or an ellipsis, got {part!r}")
            else:
                step = 1
                starts.append(part)
                ends.append(_END if isinstance(part, int) and part == -1 else part + 1)
                dropped.append(axis)
            axes.append(axis)
            steps.append(step)
        y = self
        if axes:
            arguments = [sizes(starts), sizes(ends), np.array(axes), np.array(steps)]
            y = emit("slice", [self, *arguments])
        return emit("squeeze", [y, np.array(dropped)], ndim=self.ndim - len(dropped)) if dropped else y

    def reshape(self, *shape: Size | Sequence[Size]) -> Tensor:
        """Return the same elements under another shape; -1: whatever is left."""
        extents: Any = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        return emit("reshape", [self, sizes(extents)], ndim=len(extents))

    def permute(self, *axes: int) -> Tensor:
        """Return the tensor with its axes in another order."""
        return permute(self, axes)

    def _require(self, operator: str, dtype: str) -> None:
        if self.dtype != dtype:
            raise TypeError(f"{operator}: the value must be {dtype}, got {self.dtype}")


_END = np.iinfo(np.int64).max


def sizes(extents: Sequence[Size]) -> Value:
    """Return extents, some of which may be traced, as one int64 vector."""
    if not any(isinstance(extent, Tensor) for extent in extents):
        return np.array(extents, np.int64)
    parts = [extent if isinstance(extent, Tensor) else np.array([extent], np.int64) for extent in extents]
    return emit("concat", parts, {"axis": 0}, ndim=1, dtype="int64")


def emit(
    op: str,
    inputs: Sequence[Value | None],
    attributes: Mapping[str, Any] | None = None,
    *,
    ndim: int | None = None,
    dtype: str | None = None,
    outputs: Sequence[str] | None = None,
) -> Any:
    """Add an operator of docs/graph_ops.md to the graph of its inputs.

    Where no input is a Tensor, run it: the first input is the graph's input, the others are constants.

    Parameters
    ----------
    inputs : sequence of Tensor, array or None
    attributes : mapping, optional
    ndim, dtype : optional
        Rank and type of the results; those of the first tensor by default.
    outputs : sequence of str, optional
        The types of several outputs; by default one output, of type `dtype`.

    Returns
    -------
    Tensor or array, or a tuple of them where `outputs` is given
    """
    first = next((value for value in inputs if isinstance(value, Tensor)), None)
    if first is None:
        return _run(op, inputs, attributes, ndim, dtype, outputs)
    trace = first.trace
    values: list[int | None] = []
    for value in inputs:
        if isinstance(value, Tensor) and value.trace is not trace:
            raise ValueError(f"{op}: its inputs belong to different traces; a model may not keep values between calls")
        values.append(value.id if isinstance(value, Tensor) else None if value is None else trace.parameter(value))
    types = outputs or [dtype or first.dtype]
    made = trace.add(op, values, attributes, outputs=len(types), name=trace.node_name(op))
    results = tuple(
        Tensor(trace, value, first.ndim if ndim is None else ndim, kind)
        for value, kind in zip(made, types, strict=True)
    )
    return results if outputs else results[0]


def _run(
    op: str,
    inputs: Sequence[Value | None],
    attributes: Mapping[str, Any] | None,
    ndim: int | None,
    dtype: str | None,
    outputs: Sequence[str] | None,
) -> Any:
    first = np.asarray(inputs[0])
    trace = Trace()
    symbol = trace_input(trace, "x", first)
    results = emit(op, [symbol, *inputs[1:]], attributes, ndim=ndim, dtype=dtype, outputs=outputs)
    for number, result in enumerate(results if outputs else [results]):
        trace.output(result.id, f"y{number}")
    arrays = Network(trace.pruned()).run({"x": first})
    return tuple(arrays) if outputs else arrays[0]


def trace_input(trace: Trace, name: str, like: Array) -> Tensor:
    """Add an input for arrays of `like`'s rank and type, of any shape."""
    return Tensor(trace, trace.input(name, str(like.dtype), [-1] * like.ndim), like.ndim, str(like.dtype))


def permute(x: Any, axes: Sequence[int]) -> Any:
    """Return x with its axes in another order; two permutations that undo each other leave no trace."""
    perm = tuple(axis % x.ndim for axis in axes)
    if sorted(perm) != list(range(x.ndim)):
        raise ValueError(f"permute: axes must name each of {x.ndim} axes once, got {tuple(axes)}")
    if not isinstance(x, Tensor):
        return np.ascontiguousarray(np.transpose(x, perm))
    source, done = x.trace.permuted.get(x.id, (x, tuple(range(x.ndim))))
    total = tuple(done[axis] for axis in perm)
    if total == tuple(range(x.ndim)):
        return source
    y = emit("transpose", [source], {"perm": list(total)})
    x.trace.permuted[y.id] = (source, total)
    return y


def elementwise(
    op: str, inputs: Sequence[Value | None], attributes: Mapping[str, Any] | None = None, **kinds: Any
) -> Any:
    """Add an elementwise operator, below the permutation its tensors share.

    So activations and sums between NHWC layers meet the convolutions directly and can be fused with them.
    """
    tensors = [value for value in inputs if isinstance(value, Tensor)]
    others = [value for value in inputs if isinstance(value, np.ndarray)]
    if tensors and all(value.size == 1 for value in others):
        shared = [tensor.trace.permuted.get(tensor.id) for tensor in tensors]
        perms = {None if entry is None else entry[1] for entry in shared}
        if len(perms) == 1 and (perm := perms.pop()):
            sources = iter([entry[0] for entry in shared if entry])
            below = [next(sources) if isinstance(value, Tensor) else value for value in inputs]
            return permute(emit(op, below, attributes, **kinds), perm)
    return emit(op, inputs, attributes, **kinds)


def binary(op: str, a: Any, b: Any, dtype: str | None = None) -> Any:
    """Add a binary operator with NumPy's broadcasting; a number takes the type of the other side."""
    like = a if isinstance(a, Tensor) else b
    a, b = (_operand(op, value, str(like.dtype)) for value in (a, b))
    return elementwise(op, [a, b], ndim=max(a.ndim, b.ndim), dtype=dtype)


def _operand(op: str, value: Any, dtype: str) -> Value:
    if isinstance(value, (Tensor, np.ndarray)):
        return value
    if isinstance(value, float) and dtype != "float32":
        raise TypeError(f"{op}: a number joined to {dtype} values must be an integer, got {value}")
    return np.asarray(value, dtype)
