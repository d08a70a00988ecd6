"""Whole networks: all of each one is a single fastconv network, at the error of float32."""

import re

import pytest

torch = pytest.importorskip("torch")

import fastconv as fc  # noqa: E402

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
    """At least those of fastconv.models, by family, and one of each kind besides."""
    families = {re.match(r"[a-z]+", name).group() for name in fc.models.__all__ if name.islower()}
    assert {f for f in families if not any(name.startswith(f) for name in ARCHITECTURES)} == set()
    others = "resnext50 wide_resnet50 se_resnet mnasnet fcn pspnet feature_pyramid unet3d wavenet tcn dcgan srgan"
    assert {*others.split(), "yolo_neck", "autoencoder", "siamese"} <= set(ARCHITECTURES)
    assert len(ARCHITECTURES) >= 20
