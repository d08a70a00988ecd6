"""Every row of the shape list, one image, against torch in float64.

Rows that cost more than FASTCONV_SHAPE_MACS multiply-adds (100 million; "inf" for all of every row) are made smaller.
"""

import os

import numpy as np
import pytest

import fastconv as fc
from tests.conv.check import GATE, UNIT
from tests.conv.shapes import read_shapes

torch = pytest.importorskip("torch", reason="the rows of conv_shapes.csv are checked against torch")
F = torch.nn.functional

MOST_MACS = float(os.environ.get("FASTCONV_SHAPE_MACS", 1e8))
ROWS = read_shapes()


@pytest.fixture(scope="module", autouse=True)
def one_torch_thread():
    """torch in float64 runs each group as a parallel region, which costs more than it gains."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def torch_convolution(shape, x, weight, bias):
    """By torch, whose padding is the same at both ends: pad before, or cut after, where it must differ."""
    ends = [end for pads in reversed(shape.pads) for end in pads]
    if shape.transposed:
        function = getattr(F, f"conv_transpose{shape.ndim}d")
        whole = function(x, weight, bias, shape.stride, 0, shape.output_padding, shape.groups, shape.dilation)
        return F.pad(whole, [-end for end in ends])
    padded = F.pad(x, ends)
    return getattr(F, f"conv{shape.ndim}d")(padded, weight, bias, shape.stride, 0, shape.dilation, shape.groups)


def our_convolution(shape, x, weight, bias):
    arguments = {"stride": shape.stride, "dilation": shape.dilation, "groups": shape.groups}
    arguments["padding"] = shape.pads
    if shape.transposed:
        arguments["output_padding"] = shape.output_padding
        return getattr(fc, f"conv_transpose{shape.ndim}d")(x, weight, bias, **arguments)
    return getattr(fc, f"conv{shape.ndim}d")(x, weight, bias, **arguments)


@pytest.mark.parametrize("row", range(len(ROWS)), ids=[f"{i} {shape.name}" for i, shape in enumerate(ROWS)])
def test_row(row):
    shape = ROWS[row].reduced(MOST_MACS)
    rng = np.random.default_rng(row)
    x = rng.standard_normal((1, shape.c, *shape.spatial), np.float32)
    weight = rng.standard_normal(shape.weight_shape, np.float32)
    bias = rng.standard_normal(shape.k, np.float32)
    y = our_convolution(shape, x, weight, bias)

    tensors = [torch.from_numpy(a) for a in (x, weight, bias)]
    exact = torch_convolution(shape, *(t.double() for t in tensors)).numpy()
    magnitude = torch_convolution(shape, *(t.abs() for t in tensors)).numpy()
    assert y.dtype == np.float32 and y.shape == exact.shape
    assert np.max(np.abs(y - exact) / magnitude) <= GATE["auto"] * UNIT


def test_the_list_is_whole():
    assert len(ROWS) == 628
    assert {shape.ndim for shape in ROWS} == {1, 2, 3}
    assert sum(shape.transposed for shape in ROWS) > 100
