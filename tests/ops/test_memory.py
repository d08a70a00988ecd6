"""That run_op really runs in guarded memory, without which its tests would say nothing about bounds."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.guarded_numpy import guarded
from tests.ops.network import run_op

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(("at_end", "index"), [(False, -1), (True, 7)])
def test_the_guard_bites(at_end, index):
    code = (
        "import ctypes, numpy as np; from tests.guarded_numpy import guarded\n"
        f"with guarded({at_end}): a = np.empty(7, np.float32)\n"
        "assert np.isnan(a).all(); a[:] = 1; assert (a + a).sum() == 14\n"
        f"ctypes.c_float.from_address(a.ctypes.data + 4 * {index}).value"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True)
    assert result.returncode == -signal.SIGSEGV, result.stderr


def test_what_ends_guarded_ends_well():
    code = (
        "import sys, numpy as np; from tests.guarded_numpy import guarded\n"
        "with guarded(True): sys.kept = np.ones(3); sys.kept.resize(5000)\n"
        "assert sys.kept.sum() == 3"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)


def test_results_are_guarded():
    (y,) = run_op("relu", [np.ones(5, np.float32)])
    assert (y.ctypes.data + y.nbytes) % 4096 == 0
    with guarded(False):
        assert np.empty(5).ctypes.data % 4096 == 0
    assert y.flags.owndata
