"""Files that are no models, and models that fastconv does not run: each has an error that says why, none a crash."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tflite
from tflite import BuiltinOperator as Op

import fastconv as fc
from tests.tensorflow.cases import numbers
from tests.tflite.builder import Operator, Tensor, build, constant
from tests.tflite.stored import load

ROOT = Path(__file__).parents[2]
MODELS = load()
KERAS, _ = MODELS["keras"]
X, Y = Tensor("x", [1, 8, 8, 4]), Tensor("y", [1, 8, 8, 6])
FILTERS = constant("w", numbers([6, 3, 3, 4], 1))
OPTIONS = {"Padding": tflite.Padding.SAME, "StrideW": 1, "StrideH": 1}


def ints(*values):
    return constant("numbers", np.array(values, np.int32))


def convolution(x=X, filters=FILTERS, **options):
    operator = Operator(Op.CONV_2D, [0, 1, -1], [2], "Conv2DOptions", {**OPTIONS, **options})
    return build([x, filters, Y], [operator], [0], [2])


def one(code, *inputs, table="", y=Y, **fields):
    """A model of one operator."""
    operator = Operator(code, range(len(inputs)), [len(inputs)], table, fields)
    given = [index for index, tensor in enumerate(inputs) if tensor.data is None]
    return build([*inputs, y], [operator], given, [len(inputs)])


# --- quantised models ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "first"),
    [("quantised", "QUANTIZE"), ("quantised_throughout", "CONV_2D"), ("quantised_weights", "CONV_2D")],
)
def test_quantised_models(name, first):
    """The error names the first quantised operator."""
    message = f"tflite: {first} '.*': fastconv runs float models, got '.*', which is quantised to int8"
    with pytest.raises(NotImplementedError, match=message):
        fc.InferenceSession(MODELS[name][0])


def test_dequantize_of_what_is_no_weight():
    with pytest.raises(NotImplementedError, match="DEQUANTIZE 'y': fastconv runs float models, got 'x' of float16"):
        fc.InferenceSession(one(Op.DEQUANTIZE, Tensor("x", [2], "float16")))


# --- models that break a rule -------------------------------------------------------------------------------------

BROKEN = {
    "an input of text": (one(Op.NEG, Tensor("x", [2], "string")), NotImplementedError, "'x': inputs and .* got string"),
    "unknown operator": (one(Op.LSTM, X), NotImplementedError, "LSTM 'y': fastconv has no such operator"),
    "operator of the future": (one(999, X), NotImplementedError, "999 'y': fastconv has no such operator"),
    "int4": (
        convolution(filters=Tensor("w", [6, 3, 3, 4], "int4", bytes(108))),
        NotImplementedError,
        "got 'w', which is quantised to int4",
    ),
    "too few bytes": (
        convolution(filters=Tensor("w", [6, 3, 3, 4], data=bytes(8))),
        ValueError,
        r"constant 'w' must be float32\[6, 3, 3, 4\], got 8 bytes",
    ),
    "an extent that wraps": (
        convolution(filters=Tensor("w", [2**30, 2**30, 16, 4], data=bytes(8))),
        ValueError,
        "constant 'w' must be",
    ),
    "a negative extent": (
        convolution(filters=Tensor("w", [-6, -3, 3, 4], data=bytes(864))),
        ValueError,
        "constant 'w'",
    ),
    "no options": (
        build([X, FILTERS, Y], [Operator(Op.CONV_2D, [0, 1], [2])], [0], [2]),
        ValueError,
        "needs the option",
    ),
    "stride 0": (convolution(StrideW=0), ValueError, "stride"),
    "dilation 0": (convolution(DilationHFactor=0), ValueError, "dilation"),
    "padding of no kind": (convolution(Padding=7), NotImplementedError, "padding 7"),
    "activation of no kind": (convolution(FusedActivationFunction=9), NotImplementedError, "fused activation 9"),
    "channels that do not fit": (
        convolution(Tensor("x", [1, 8, 8, 5])),
        ValueError,
        "filters .* must read the channels",
    ),
    "free channels": (convolution(Tensor("x", [1, 8, 8, -1])), ValueError, "filters .* must read the channels"),
    "an input of two axes": (convolution(Tensor("x", [8, 4])), ValueError, "'x' must have spatial axes"),
    "filters of two axes": (convolution(filters=constant("w", numbers([6, 4], 0))), ValueError, "filters .* must read"),
    "no input": (build([X, Y], [Operator(Op.RELU, [], [1])], [0], [1]), ValueError, "input 0 is required"),
    "no output": (build([X, Y], [Operator(Op.RELU, [0], [])], [0], [0]), ValueError, "needs an output"),
    "a tensor that is not there": (build([X, Y], [Operator(Op.RELU, [7], [1])], [0], [1]), ValueError, "got tensor 7"),
    "a negative tensor": (build([X, Y], [Operator(Op.RELU, [-2], [1])], [0], [1]), ValueError, "got tensor -2"),
    "an output that nobody makes": (build([X, Y], [], [0], [1]), ValueError, "outputs: .* got tensor 1"),
    "an output of nowhere": (build([X, Y], [Operator(Op.RELU, [0], [5])], [0], [0]), ValueError, "got tensor 5"),
    "a cycle": (
        build([X, Y], [Operator(Op.RELU, [1], [1])], [0], [1]),
        ValueError,
        "must be made before they are read, got tensor 1",
    ),
    "a value made twice": (build([X, Y], [Operator(Op.RELU, [0], [0])], [0], [0]), ValueError, "not made before"),
    "an axis out of range": (
        one(Op.CONCATENATION, X, table="ConcatenationOptions", Axis=4),
        ValueError,
        "axis must be in -4 to 3, got 4",
    ),
    "pads of another rank": (one(Op.PAD, X, ints(1, 1)), ValueError, r"pads must have shape \(4, 2\), got \(2,\)"),
    "pads that are computed": (
        one(Op.PAD, X, Tensor("pads", [4, 2], "int32")),
        NotImplementedError,
        "input 1 must be a constant, got 'pads'",
    ),
    "blocks of other axes": (
        one(Op.SPACE_TO_BATCH_ND, X, ints(2), constant("border", np.zeros((2, 2), np.int32))),
        ValueError,
        r"needs a number >= 1 for each spatial axis, got \[2\] for 4 axes",
    ),
    "blocks of nothing": (one(Op.BATCH_TO_SPACE_ND, X, ints(2, 0), ints(0, 0)), ValueError, r"got \[2, 0\]"),
    "a border of one end": (
        one(Op.SPACE_TO_BATCH_ND, X, ints(2, 2), ints(0, 0)),
        ValueError,
        r"needs two ends for each spatial axis, got shape \(2,\)",
    ),
    "blocks that do not fit": (
        one(Op.SPACE_TO_BATCH_ND, X, ints(3, 3), constant("border", np.zeros((2, 2), np.int32))),
        ValueError,
        "reshape",
    ),
    "a mirror of more than there is": (
        one(
            Op.MIRROR_PAD,
            X,
            constant("pads", np.array([[0, 0], [9, 0], [0, 0], [0, 0]], np.int32)),
            table="MirrorPadOptions",
            Mode=1,
        ),
        ValueError,
        r"pads must be within \[1, 4, 8, 8\], got",
    ),
    "too many sliced axes": (one(Op.SLICE, X, ints(0, 0, 0, 0, 0), ints(1, 1, 1, 1, 1)), ValueError, "at most 4 axes"),
    "steps of 0": (
        one(Op.STRIDED_SLICE, X, ints(0), ints(1), ints(0), table="StridedSliceOptions"),
        ValueError,
        "none 0",
    ),
    "a mask of the ellipsis": (
        one(Op.STRIDED_SLICE, X, ints(0), ints(1), ints(1), table="StridedSliceOptions", EllipsisMask=1),
        NotImplementedError,
        "EllipsisMask 1",
    ),
    "two axes for one": (
        one(Op.SPLIT, ints(0, 1), X, table="SplitOptions", NumSplits=2),
        ValueError,
        "axis must be one number",
    ),
    "corners aligned and centers": (
        one(Op.RESIZE_BILINEAR, X, ints(4, 4), table="ResizeBilinearOptions", AlignCorners=1, HalfPixelCenters=1),
        NotImplementedError,
        "aligned corners together",
    ),
    "elements that do not fit": (one(Op.RESHAPE, X, ints(3, 3)), ValueError, "reshape"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_models(name):
    model, kind, message = BROKEN[name]
    with pytest.raises(kind, match=message):
        fc.InferenceSession(model)


# --- files that are no models -------------------------------------------------------------------------------------


def test_no_model_at_all(tmp_path):
    path = tmp_path / "model.tflite"
    with pytest.raises(FileNotFoundError, match=r"model\.tflite"):
        fc.InferenceSession(path)
    for data in (b"", b"this is no model", KERAS[4:]):
        path.write_bytes(data)
        with pytest.raises(ValueError, match="must have TFL3 as bytes 4 to 7"):
            fc.InferenceSession(path)


def test_cut_files():
    """A file that lacks its end is an error wherever the cut is."""
    lengths = [8, *np.random.default_rng(0).integers(8, len(KERAS) - 16, 60)]
    for length in lengths:
        with pytest.raises(ValueError, match="tflite: "):
            fc.InferenceSession(KERAS[:length])


def test_flipped_bits_are_survived():
    """Each an exception or a result, and the process lives."""
    command = [sys.executable, "-m", "tests.onnx.fuzz_worker", "400", "x", *"1884"]
    done = subprocess.run(command, input=convolution(), cwd=ROOT, capture_output=True)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0, f"attempt {lines[-1:]}: {done.stderr.decode()[-2000:]}"
    errors, results = (int(word) for word in lines[-1].split() if word.isdigit())
    assert errors > 30 and results > 30
