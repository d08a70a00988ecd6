"""fastconv::Network as C++ programs use it, against the installed package: an example, and checks of its own."""

from pathlib import Path

import numpy as np
import pytest

import fastconv as fc
from tests.embedding.installed import build
from tests.toolchain import run

HERE = Path(__file__).parent


def test_the_example_computes_the_network(examples):
    size, sobel = 12, np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], np.float32)
    distance = (2 * np.arange(size) - size + 1) ** 2
    disc = (distance[:, None] + distance < size * size / 2).astype(np.float32)
    edges = fc.reference.conv2d(disc[None], np.stack([sobel, sobel.T])[:, None], padding=1)
    expected = np.maximum(edges, 0).reshape(2, size // 2, 2, size // 2, 2).max((2, 4))
    lines = run(examples / "network").splitlines()
    shown = [[float(number) for number in line.split()] for line in lines[:size]]
    np.testing.assert_array_equal(shown, expected.reshape(size, size // 2))
    assert np.count_nonzero(expected) > 10
    assert lines[size:] == [
        "refused: output 'edges': shape must be [1, 2, 6, 6], got [1, 1, 12, 12]",
        "refused: conv 'conv1': inputs must be 2 to 3, got 1",
    ]


@pytest.mark.parametrize("threads", ["1", "4"])
def test_what_only_cpp_sees(tmp_path, threads, monkeypatch):
    monkeypatch.setenv("FASTCONV_NUM_THREADS", threads)
    program = build(HERE / "network", tmp_path) / "check_network"
    assert run(program) == "done\n"
