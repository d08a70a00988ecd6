"""Convolutions touch no byte outside their operands and leave none of the output unwritten.

Operands and outputs lie against an unreadable page, at their beginning or at their end, in worker processes (a fault
ends the process and is reported as the failure of its last case). Outputs hold NaN before.
"""

import mmap
import signal
import subprocess
import sys

import numpy as np
import pytest

import fastconv as fc
from tests.conftest import MACHINE_ISAS
from tests.conv.case import MEMORY_FORMS, in_memory
from tests.conv.conftest import REPOSITORY, run_sweep

CASES = 300 * len(MACHINE_ISAS)


@pytest.mark.parametrize("guard", ("begin", "end"))
def test_nothing_outside_the_operands_is_touched(guard):
    for isa, report in run_sweep(CASES, f"--guard={guard}").items():
        assert not report.failed, "\n".join(map(str, [isa, dict(report.failed), *report.lines[:50]]))
        assert report.accepted["auto"] >= CASES // len(MACHINE_ISAS)


@pytest.mark.parametrize("guard", ("begin", "end"))
def test_the_guard_bites(guard):
    """One element further is a segmentation fault, or the test above says nothing."""
    index = -1 if guard == "begin" else 7
    code = (
        "import ctypes, numpy as np; from tests.conv.guarded import guarded\n"
        f"a = guarded(np.arange(7, dtype=np.float32), {guard == 'end'})\n"
        f"assert a.sum() == 21; ctypes.c_float.from_address(a.ctypes.data + 4 * {index}).value"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True)
    assert result.returncode == -signal.SIGSEGV


@pytest.mark.parametrize("form", MEMORY_FORMS)
@pytest.mark.parametrize("layout", ("NCHW", "NHWC"))
def test_inputs_are_not_written(form, layout):
    rng = np.random.default_rng(0)
    shapes = ((2, 12, 9, 10), (8, 12, 3, 3), (8,)) if layout == "NCHW" else ((2, 9, 10, 12), (8, 12, 3, 3), (8,))
    originals = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    operands = [in_memory(a, form) for a in originals]
    y = fc.conv2d(*operands, padding=1, layout=layout)
    for operand, original in zip(operands, originals):
        np.testing.assert_array_equal(operand, original)
        assert not np.shares_memory(operand, y)
    np.testing.assert_array_equal(y, fc.conv2d(*originals, padding=1, layout=layout))


@pytest.mark.parametrize("layout", ("NCHW", "NHWC"))
def test_out_is_filled_and_returned(layout):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 12, 12, 12)).astype(np.float32)
    weight = rng.standard_normal((12, 12, 3, 3)).astype(np.float32)
    for conv in (fc.conv2d, fc.conv_transpose2d):
        want = conv(x, weight, padding=1, layout=layout)
        out = np.full_like(want, np.nan)
        assert conv(x, weight, padding=1, layout=layout, out=out) is out
        np.testing.assert_array_equal(out, want)


OUTS = {
    "empty": lambda shape: np.empty(shape, np.float32),
    "full": lambda shape: np.full(shape, np.nan, np.float32),
    "Fortran's order": lambda shape: np.full(shape, np.nan, np.float32, order="F"),
    "negative strides": lambda shape: np.full(shape, np.nan, np.float32)[::-1, :, ::-1, ::-1],
    "part of an array": lambda shape: np.full([2 * n for n in shape], np.nan, np.float32)[::2, 1::2, ::2, 1::2],
    "field of records": lambda shape: np.zeros(shape, [("a", np.int32), ("b", np.float32)])["b"],
    "odd strides of single elements": lambda shape: np.lib.stride_tricks.as_strided(
        np.full(shape, np.nan, np.float32),
        strides=[s if n > 1 else 7 for n, s in zip(shape, np.empty(shape, np.float32).strides)],
    ),
}


@pytest.mark.parametrize("name", OUTS)
@pytest.mark.parametrize(
    "shapes", [((2, 5, 9, 8), (6, 5, 3, 3)), ((1, 5, 3, 9), (1, 5, 3, 3)), ((0, 5, 9, 8), (6, 5, 3, 3))]
)
def test_any_array_can_be_out(name, shapes):
    rng = np.random.default_rng(1)
    x, weight = (rng.standard_normal(shape).astype(np.float32) for shape in shapes)
    want = fc.conv2d(x, weight)
    out = OUTS[name](want.shape)
    assert fc.conv2d(x, weight, out=out) is out
    np.testing.assert_array_equal(out, want)


def test_an_input_larger_than_a_page_of_zeros_is_read_once():
    """An input of broadcast strides (all elements one address) is a plain non-contiguous array."""
    x = np.broadcast_to(np.float32(1), (1, 3, mmap.PAGESIZE // 64, 16))
    y = fc.conv2d(x, np.ones((2, 3, 3, 3), np.float32))
    np.testing.assert_array_equal(y, np.full_like(y, 27))
