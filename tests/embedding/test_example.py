"""A C++ program outside the package: examples/cpp, built against what is installed, computes what Python computes."""

from pathlib import Path

import numpy as np
import pytest

import fastconv as fc
from tests.toolchain import run


@pytest.fixture(scope="module")
def output(examples):
    return run(examples / "convolve").splitlines()


def test_it_computes_the_convolution(output):
    size = 12
    distance = (2 * np.arange(size) - size + 1) ** 2
    disc = (distance[:, None] + distance < size * size / 2).astype(np.float32)
    laplace = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32)
    expected = fc.reference.conv2d(disc[None], laplace[None, None], padding=1)[0]
    np.testing.assert_array_equal([[float(v) for v in line.split()] for line in output[1 : 1 + size]], expected)
    assert np.count_nonzero(expected) > 20


def test_it_is_the_same_library(output):
    assert output[0].startswith(f"fastconv {fc.__version__}, {fc.cpu_info()['isa']}, ")


def test_errors_say_what_value_rule(output):
    assert output[-1].startswith("refused: conv: ")
    assert "stride" in output[-1]


def test_headers_are_there():
    try:
        include = Path(fc.get_include())
    except FileNotFoundError:
        pytest.skip("fastconv is used from its source tree: no headers are installed")
    assert {p.name for p in (include / "fastconv").iterdir()} >= {
        "fastconv.h",
        "conv.h",
        "network.h",
        "runtime.h",
        "version.h",
    }
