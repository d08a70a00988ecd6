"""Each operator on random attributes and shapes against ONNX Runtime, at every opset where its definition changed.

draws/table.py lists them, each with a function that draws one use of it. Every use must be native.
What ONNX Runtime refuses is held against onnx's reference evaluator, and so is what it does otherwise than the
specification (docs/onnx.md lists that).
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from fastconv import InferenceSession

from .draws.draw import Draw, Use
from .draws.table import OPERATORS
from .models import model, tensor

ort = pytest.importorskip("onnxruntime")
ort_errors = pytest.importorskip("onnxruntime.capi.onnxruntime_pybind11_state")
ort.set_default_logger_severity(4)

DRAWS = 6  # uses of each operator at each opset
MORE_DRAWS = {"Conv": 24, "ConvTranspose": 24, "MaxPool": 16, "AveragePool": 16, "Resize": 24, "Slice": 12, "Pad": 12}
TOLERANCE = 5e-6  # of the largest wanted value; what only moves, counts or compares must be exact


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
