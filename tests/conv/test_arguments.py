"""Bad arguments: each class is refused before any work, with a message that says what, which value and by which rule.

A row of the tables is a class: the arguments that differ from a good call, the exception's type, and the words that
the message must hold beside the function's name and the rule ("must" or "needs").
"""

import numpy as np
import pytest

import fastconv as fc

HUGE = 2**62


def array(*shape, dtype=np.float32):
    return np.ones(shape, dtype)


def endless(*shape):
    """An array of any shape that occupies four bytes."""
    return np.lib.stride_tricks.as_strided(array(1), shape, (0,) * len(shape))


def overlapping(*shape):
    """An array whose every element but the first and last has other names too."""
    return np.lib.stride_tricks.as_strided(array(sum(shape)), shape, (4,) * len(shape))


def writeable(a, yes=True):
    a.flags.writeable = yes
    return a


GOOD = {"x": array(2, 6, 8, 9), "weight": array(4, 3, 3, 3), "groups": 2}

CONV = {
    # numbers that are zero, negative, enormous or not whole
    "stride 0": ({"stride": 0}, ValueError, ("stride", "0")),
    "stride 0 on one axis": ({"stride": (1, 0)}, ValueError, ("stride", "0")),
    "stride negative": ({"stride": -1}, ValueError, ("stride", "-1")),
    "stride 2^62": ({"stride": HUGE}, ValueError, ("stride", str(HUGE))),
    "stride 2^70": ({"stride": 2**70}, ValueError, ("stride", str(2**70))),
    "stride fraction": ({"stride": 1.5}, TypeError, ("stride", "1.5")),
    "stride text": ({"stride": "2"}, TypeError, ("stride", "'2'")),
    "stride None": ({"stride": None}, TypeError, ("stride", "None")),
    "stride for three axes": ({"stride": (1, 1, 1)}, ValueError, ("stride", "2 ints", "(1, 1, 1)")),
    "stride for no axis": ({"stride": ()}, ValueError, ("stride", "2 ints", "()")),
    "stride nested": ({"stride": ((1, 1), (1, 1))}, TypeError, ("stride", "(1, 1)")),
    "dilation 0": ({"dilation": 0}, ValueError, ("dilation", "0")),
    "dilation negative": ({"dilation": (1, -3)}, ValueError, ("dilation", "-3")),
    "dilation 2^62": ({"dilation": HUGE}, ValueError, ("dilation", str(HUGE))),
    "dilation 2^62 of a 1x1 kernel": (
        {"weight": array(4, 3, 1, 1), "dilation": HUGE},
        ValueError,
        ("dilation", str(HUGE)),
    ),
    "dilation fraction": ({"dilation": 2.0}, TypeError, ("dilation", "2.0")),
    "dilation for three axes": ({"dilation": (2, 2, 2)}, ValueError, ("dilation", "2 ints", "(2, 2, 2)")),
    "padding negative": ({"padding": -1}, ValueError, ("padding", "-1")),
    "padding negative at one end": ({"padding": ((0, 0), (0, -2))}, ValueError, ("padding", "-2")),
    "padding 2^62": ({"padding": HUGE}, ValueError, ("padding", str(HUGE))),
    "padding 2^62 at one end": ({"padding": ((0, HUGE), (0, 0))}, ValueError, ("padding", str(HUGE))),
    "padding 2^63 - 1": ({"padding": 2**63 - 1}, ValueError, ("padding", str(2**63 - 1))),
    "padding whose product wraps": ({"padding": 2**31}, ValueError, ("output", "2^48")),
    "padding fraction": ({"padding": 0.5}, TypeError, ("padding", "0.5")),
    "padding unknown word": ({"padding": "full"}, ValueError, ("padding", "'full'")),
    "padding same with stride": ({"padding": "same", "stride": 2}, ValueError, ("padding", "stride", "2")),
    "padding for three axes": ({"padding": (1, 1, 1)}, ValueError, ("padding", "2 ints", "(1, 1, 1)")),
    "padding of three ends": ({"padding": ((1, 1, 1), (1, 1, 1))}, ValueError, ("padding", "2 ints", "(1, 1, 1)")),
    "groups 0": ({"groups": 0}, ValueError, ("groups", "0")),
    "groups negative": ({"groups": -2}, ValueError, ("groups", "-2")),
    "groups 2^62": ({"groups": HUGE}, ValueError, ("groups", str(HUGE))),
    "groups fraction": ({"groups": 2.0}, TypeError, ("groups", "2.0")),
    "groups do not divide output channels": ({"weight": array(5, 3, 3, 3)}, ValueError, ("groups", "5", "2")),
    # shapes that do not fit each other
    "groups do not divide input channels": ({"groups": 4}, ValueError, ("input channels", "groups", "6", "4")),
    "groups do not fit the weight": ({"groups": 3}, ValueError, ("channels", "groups=3", "9", "6")),
    "channels differ": ({"weight": array(4, 5, 3, 3)}, ValueError, ("channels", "10", "6")),
    "channels differ, channels last": ({"layout": "NHWC"}, ValueError, ("channels", "9", "2")),
    "kernel larger than the padded input": (
        {"weight": array(4, 3, 3, 12), "padding": 1},
        ValueError,
        ("kernel", "12", "11"),
    ),
    "dilated kernel larger than the input": ({"dilation": (4, 1)}, ValueError, ("kernel", "9", "8")),
    "bias too long": ({"bias": array(5)}, ValueError, ("bias", "(4,)", "(5,)")),
    "bias empty": ({"bias": array(0)}, ValueError, ("bias", "(4,)", "(0,)")),
    "bias not one axis": ({"bias": array(1, 4)}, ValueError, ("bias", "(4,)", "(1, 4)")),
    "x of one axis": ({"x": array(6)}, ValueError, ("x", "4 axes", "(6,)")),
    "x of two axes": ({"x": array(8, 9)}, ValueError, ("x", "4 axes", "(8, 9)")),
    "x of five axes": ({"x": array(1, 2, 6, 8, 9)}, ValueError, ("x", "4 axes", "(1, 2, 6, 8, 9)")),
    "x of no axis": ({"x": array()}, ValueError, ("x", "4 axes", "()")),
    "weight of three axes": ({"weight": array(4, 3, 3)}, ValueError, ("weight", "4 axes", "(4, 3, 3)")),
    "weight of five axes": ({"weight": array(4, 3, 1, 3, 3)}, ValueError, ("weight", "4 axes", "(4, 3, 1, 3, 3)")),
    # sizes of zero and sizes that no memory holds
    "no rows": ({"x": array(2, 6, 0, 9), "padding": 2}, ValueError, ("input size", "0")),
    "no input channels": ({"x": array(2, 0, 8, 9), "weight": array(4, 0, 3, 3)}, ValueError, ("channels", "0")),
    "no output channels": ({"weight": array(0, 3, 3, 3)}, ValueError, ("channels", "0")),
    "empty kernel": ({"weight": array(4, 3, 0, 3)}, ValueError, ("kernel size", "0")),
    "input of 2^62 elements": (
        {"x": endless(1, 1, 2**30, 2**30), "weight": array(4, 1, 3, 3), "groups": 1},
        ValueError,
        ("input", "2^48"),
    ),
    "batch of 2^50": ({"x": endless(2**50, 6, 3, 3)}, ValueError, ("input", "2^48")),
    # kinds
    "x float64": ({"x": array(2, 6, 8, 9, dtype=np.float64)}, TypeError, ("x", "float32", "float64")),
    "x int32": ({"x": array(2, 6, 8, 9, dtype=np.int32)}, TypeError, ("x", "float32", "int32")),
    "x complex": ({"x": array(2, 6, 8, 9, dtype=np.complex64)}, TypeError, ("x", "float32", "complex64")),
    "x objects": ({"x": array(2, 6, 8, 9, dtype=object)}, TypeError, ("x", "float32", "object")),
    "x bytes swapped": ({"x": array(2, 6, 8, 9, dtype=">f4")}, TypeError, ("x", "float32", ">f4")),
    "x None": ({"x": None}, TypeError, ("x", "array", "None")),
    "x text": ({"x": "image.png"}, TypeError, ("x", "array", "str")),
    "x a list": ({"x": [[[1.0]]]}, TypeError, ("x", "array", "list")),
    "weight float64": ({"weight": array(4, 3, 3, 3, dtype=float)}, TypeError, ("weight", "float32", "float64")),
    "weight None": ({"weight": None}, TypeError, ("weight", "array", "None")),
    "bias float64": ({"bias": array(4, dtype=np.float64)}, TypeError, ("bias", "float32", "float64")),
    "bias a number": ({"bias": 1.0}, TypeError, ("bias", "array", "float")),
    # choices
    "layout unknown": ({"layout": "NCWH"}, ValueError, ("layout", "'NCWH'")),
    "layout a list": ({"layout": ["NCHW"]}, ValueError, ("layout", "['NCHW']")),
    "algorithm unknown": ({"algorithm": "magic"}, ValueError, ("algorithm", "magic")),
    "algorithm a number": ({"algorithm": 4}, TypeError, ("algorithm", "4")),
    "winograd does not apply": ({"algorithm": "winograd", "stride": 2}, ValueError, ("algorithm winograd", "stride")),
    "depthwise does not apply": ({"algorithm": "depthwise"}, ValueError, ("algorithm depthwise", "group")),
    "precision unknown": ({"precision": "lowest"}, ValueError, ("precision", "'lowest'")),
    # out
    "out of another shape": ({"out": array(2, 4, 6, 6)}, ValueError, ("out", "(2, 4, 6, 7)", "(2, 4, 6, 6)")),
    "out of another rank": ({"out": array(2, 4, 42)}, ValueError, ("out", "(2, 4, 6, 7)", "(2, 4, 42)")),
    "out of another kind": ({"out": array(2, 4, 6, 7, dtype=float)}, TypeError, ("out", "float32", "float64")),
    "out read-only": ({"out": writeable(array(2, 4, 6, 7), False)}, ValueError, ("out", "writeable", "read-only")),
    "out one element": ({"out": endless(2, 4, 6, 7)}, ValueError, ("out", "repeat")),
    "out overlapping": ({"out": overlapping(2, 4, 6, 7)}, ValueError, ("out", "repeat", "(4, 4, 4, 4)")),
    "out a list": ({"out": []}, TypeError, ("out", "list")),
}

GOOD_TRANSPOSED = {"x": array(2, 6, 8, 9), "weight": array(6, 2, 3, 3), "groups": 2, "stride": 2}

CONV_TRANSPOSE = {
    "output_padding negative": ({"output_padding": -1}, ValueError, ("output_padding", "-1")),
    "output_padding too large": ({"output_padding": 2}, ValueError, ("output_padding", "stride", "2")),
    "output_padding 2^62": ({"output_padding": HUGE}, ValueError, ("output_padding", str(HUGE))),
    "output_padding for three axes": ({"output_padding": (1, 1, 1)}, ValueError, ("output_padding", "(1, 1, 1)")),
    "output_padding fraction": ({"output_padding": 0.5}, TypeError, ("output_padding", "0.5")),
    "padding cuts everything": ({"padding": 20}, ValueError, ("padding", "20")),
    "padding same": ({"padding": "same"}, ValueError, ("padding", "same")),
    "padding negative": ({"padding": (0, -1)}, ValueError, ("padding", "-1")),
    "padding 2^62": ({"padding": HUGE}, ValueError, ("padding", str(HUGE))),
    "stride 0": ({"stride": 0}, ValueError, ("stride", "0")),
    "stride 2^62": ({"stride": HUGE}, ValueError, ("stride", str(HUGE))),
    "stride whose product wraps": ({"stride": 2**31}, ValueError, ("output", "2^48")),
    "dilation 0": ({"dilation": 0}, ValueError, ("dilation", "0")),
    "dilation 2^62": ({"dilation": HUGE}, ValueError, ("dilation", str(HUGE))),
    "channels differ": ({"weight": array(8, 2, 3, 3)}, ValueError, ("channels", "8", "6")),
    "groups do not divide": ({"groups": 4}, ValueError, ("groups", "6", "4")),
    "groups 2^62": ({"groups": HUGE}, ValueError, ("groups", str(HUGE))),
    "bias too long": ({"bias": array(5)}, ValueError, ("bias", "(4,)", "(5,)")),
    "winograd, stride 2": ({"algorithm": "winograd", "groups": 1}, ValueError, ("algorithm winograd", "stride 2")),
    "winograd, small groups": (
        {"algorithm": "winograd", "stride": 1},
        ValueError,
        ("algorithm winograd", "groups of at least 8 channels", "got 3 to 2"),
    ),
    "im2col, wide padding": (
        {"algorithm": "im2col", "stride": 1, "padding": ((2, 2), (2, 3))},
        ValueError,
        ("algorithm im2col", "padding 3", "dilation 1", "kernel 3"),
    ),
    "no columns": ({"x": array(2, 6, 8, 0)}, ValueError, ("input size", "0")),
}


@pytest.mark.parametrize("name", CONV)
def test_conv2d_refuses(name):
    refuses(fc.conv2d, GOOD, *CONV[name])


@pytest.mark.parametrize("name", CONV_TRANSPOSE)
def test_conv_transpose2d_refuses(name):
    refuses(fc.conv_transpose2d, GOOD_TRANSPOSED, *CONV_TRANSPOSE[name])


@pytest.mark.parametrize("ndim", (1, 2, 3))
@pytest.mark.parametrize("transposed", (False, True))
def test_every_rank_names_itself(ndim, transposed):
    function = getattr(fc, f"conv{'_transpose' if transposed else ''}{ndim}d")
    good = {"x": array(1, 2, *(8,) * ndim), "weight": array(2, 2, *(3,) * ndim)}
    refuses(function, good, {"stride": 0}, ValueError, ("stride", "0"))
    refuses(function, good, {"weight": array(2, 2)}, ValueError, ("weight", "(2, 2)"))


def refuses(function, good, different, error, words):
    """`function` takes the arguments `good`, but not with what is `different`."""
    function(**good)
    with pytest.raises(error) as raised:
        function(**good | different)
    message = str(raised.value)
    assert message.startswith(f"{function.__name__}: "), message
    assert "must" in message or "needs" in message, f"no rule: {message}"
    missing = [word for word in words if word not in message]
    assert not missing, f"{missing} not in: {message}"


def test_more_than_all_memory_is_a_memory_error():
    x, weight = array(1, 1, 8, 8), array(1, 1, 3, 3)
    with pytest.raises(MemoryError):
        fc.conv2d(x, weight, padding=2**22)
    with pytest.raises(MemoryError):
        fc.conv2d(x, endless(2**27, 1, 2**27, 3))


def test_unknown_and_missing_arguments_are_type_errors():
    with pytest.raises(TypeError):
        fc.conv2d(array(1, 1, 8, 8))
    with pytest.raises(TypeError):
        fc.conv2d(array(1, 1, 8, 8), array(1, 1, 3, 3), strides=2)


def test_whole_numbers_of_any_kind_are_taken():
    x, weight = array(1, 1, 8, 8), array(1, 1, 3, 3)
    want = fc.conv2d(x, weight, stride=2, padding=1)
    for two, one in ((np.int64(2), np.int32(1)), ([2, 2], [1, 1]), ((np.int8(2), 2), ((1, 1), (1, 1)))):
        np.testing.assert_array_equal(fc.conv2d(x, weight, stride=two, padding=one), want)
