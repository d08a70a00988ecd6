"""Whole networks: all of each one is a single fastconv network, at the error of float32."""

import pytest

torch = pytest.importorskip("torch")

from .architectures import ARCHITECTURES  # noqa: E402
from .check import compiled, hold, randomised  # noqa: E402


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_network(name):
    make, shapes = ARCHITECTURES[name]
    torch.manual_seed(0)
    model = randomised(make())
    inputs = [torch.randn(shape) for shape in shapes]
    run, programs = compiled(model)
    with torch.no_grad():
        got = run(*inputs)
    hold(got, model, *inputs)
    assert [(len(program.segments), program.left) for program in programs] == [(1, [])]


def test_there_are_enough():
    assert len(ARCHITECTURES) >= 20
