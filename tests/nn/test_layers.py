"""Every layer against the one of the same name in torch: signature, repr, state, and results against float64.

A row of `CASES` is a layer as both libraries write it, and the shape of an input.
"""

import inspect
import re

import numpy as np
import pytest

import fastconv as fc
from fastconv import nn

torch = pytest.importorskip("torch", reason="layers are checked against torch's")

CASES = [
    ("Conv1d(4, 6, 3)", (2, 4, 11)),
    ("Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2, bias=False)", (2, 4, 16)),
    ("Conv2d(3, 8, 3)", (2, 3, 9, 10)),
    ("Conv2d(4, 8, (3, 5), (2, 1), (1, 2), (1, 2), 2)", (2, 4, 9, 16)),
    ("Conv2d(8, 8, 3, padding='same', dilation=2, groups=8)", (1, 8, 9, 9)),
    ("Conv2d(3, 4, 4, padding='same', bias=False)", (1, 3, 7, 8)),
    ("Conv2d(3, 4, 3, padding='valid')", (3, 7, 8)),
    ("Conv2d(3, 4, 3, padding=1, padding_mode='reflect')", (1, 3, 7, 8)),
    ("Conv2d(3, 4, 3, padding=(2, 1), padding_mode='replicate')", (3, 7, 8)),
    ("Conv2d(3, 4, 4, padding='same', padding_mode='circular')", (1, 3, 7, 8)),
    ("Conv3d(2, 4, 3, padding=1)", (1, 2, 5, 6, 7)),
    ("ConvTranspose1d(4, 6, 3, 2, 1, 1)", (2, 4, 7)),
    ("ConvTranspose2d(4, 6, 2, 2)", (2, 4, 5, 6)),
    ("ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2, bias=False, dilation=2)", (4, 5, 6)),
    ("ConvTranspose3d(2, 3, 2, 2, output_padding=1)", (1, 2, 3, 4, 3)),
    ("MaxPool1d(3, 2, 1)", (2, 3, 10)),
    ("MaxPool2d(2)", (2, 3, 9, 8)),
    ("MaxPool2d((3, 2), stride=(2, 1), padding=1, dilation=(2, 1), ceil_mode=True)", (2, 3, 12, 9)),
    ("MaxPool2d(3, 2, return_indices=True)", (2, 3, 9, 8)),
    ("MaxPool3d(2, ceil_mode=True)", (3, 5, 5, 5)),
    ("AvgPool1d(3, 2, 1)", (2, 3, 10)),
    ("AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False)", (2, 3, 10, 9)),
    ("AvgPool2d(2, divisor_override=3)", (3, 8, 8)),
    ("AvgPool3d(2)", (2, 3, 4, 5, 6)),
    ("AdaptiveAvgPool1d(3)", (2, 3, 10)),
    ("AdaptiveAvgPool2d((1, 1))", (2, 3, 7, 5)),
    ("AdaptiveAvgPool2d((3, None))", (2, 3, 7, 5)),
    ("AdaptiveAvgPool3d(2)", (2, 3, 5, 4, 3)),
    ("AdaptiveMaxPool1d(4)", (2, 3, 10)),
    ("AdaptiveMaxPool2d((3, 2), return_indices=True)", (2, 3, 7, 5)),
    ("AdaptiveMaxPool3d(2)", (2, 3, 5, 4, 3)),
    ("BatchNorm1d(5)", (3, 5)),
    ("BatchNorm1d(5, eps=1e-3)", (3, 5, 7)),
    ("BatchNorm2d(5, affine=False)", (2, 5, 4, 3)),
    ("BatchNorm2d(5, track_running_stats=False)", (4, 5, 4, 3)),
    ("BatchNorm3d(3, momentum=None)", (2, 3, 2, 3, 4)),
    ("InstanceNorm1d(4)", (2, 4, 9)),
    ("InstanceNorm2d(4, affine=True)", (4, 5, 6)),
    ("InstanceNorm2d(4, affine=True, track_running_stats=True)", (2, 4, 5, 6)),
    ("InstanceNorm3d(2)", (2, 2, 3, 4, 5)),
    ("GroupNorm(2, 6)", (2, 6, 5, 4)),
    ("GroupNorm(3, 6, affine=False)", (2, 6, 7)),
    ("LayerNorm(7)", (2, 3, 7)),
    ("LayerNorm((3, 7), eps=1e-3)", (2, 3, 7)),
    ("LayerNorm(7, bias=False)", (2, 7)),
    ("LayerNorm(7, elementwise_affine=False)", (2, 7)),
    ("LocalResponseNorm(5, alpha=0.1)", (2, 7, 4, 3)),
    ("LocalResponseNorm(4, alpha=0.1, beta=0.5, k=2.0)", (2, 7, 4, 3)),
    ("Linear(7, 5)", (3, 7)),
    ("Linear(7, 5, bias=False)", (2, 3, 7)),
    ("Linear(7, 5)", (7,)),
    ("ReLU()", (3, 7)),
    ("ReLU(inplace=True)", (3, 7)),
    ("ReLU6()", (3, 7)),
    ("LeakyReLU(0.2, inplace=True)", (3, 7)),
    ("ELU(0.7)", (3, 7)),
    ("SiLU()", (3, 7)),
    ("Mish()", (3, 7)),
    ("Hardswish()", (3, 7)),
    ("Hardsigmoid()", (3, 7)),
    ("Sigmoid()", (3, 7)),
    ("Tanh()", (3, 7)),
    ("GELU()", (3, 7)),
    ("GELU('tanh')", (3, 7)),
    ("Softplus()", (3, 7)),
    ("Softplus(2.0, 1.0)", (3, 7)),
    ("PReLU()", (2, 5, 3)),
    ("PReLU(5, 0.1)", (2, 5, 3, 4)),
    ("PReLU(5)", (2, 5)),
    ("Softmax(dim=1)", (2, 5, 3)),
    ("Softmax(-1)", (5,)),
    ("Flatten()", (2, 5, 3, 4)),
    ("Flatten(2)", (2, 5, 3, 4)),
    ("Flatten(0, 1)", (2, 5, 3, 4)),
    ("Flatten(0)", (5,)),
    ("Dropout(0.3)", (2, 5)),
    ("Dropout1d()", (2, 5, 4)),
    ("Dropout2d()", (2, 5, 4, 3)),
    ("Dropout3d(inplace=True)", (2, 5, 4, 3, 2)),
    ("Upsample(scale_factor=2.0)", (2, 3, 4, 5)),
    ("Upsample(size=(7, 3), mode='nearest-exact')", (2, 3, 4, 5)),
    ("Upsample(size=9, mode='linear')", (2, 3, 5)),
    ("Upsample(scale_factor=(2.0, 1.5), mode='bilinear')", (2, 3, 4, 5)),
    ("Upsample(size=(7, 9), mode='bilinear', align_corners=True)", (2, 3, 4, 5)),
    ("Upsample(size=(1, 9), mode='bilinear')", (2, 3, 4, 5)),
    ("Upsample(scale_factor=2.0, mode='trilinear', align_corners=True)", (2, 3, 2, 3, 4)),
    ("Upsample(scale_factor=2.0, mode='bicubic')", (2, 3, 4, 5)),
    ("PixelShuffle(2)", (2, 8, 3, 4)),
    ("PixelShuffle(3)", (9, 3, 4)),
    ("ZeroPad1d(2)", (2, 3, 4)),
    ("ZeroPad2d((1, 2, 0, -1))", (2, 3, 4, 5)),
    ("ZeroPad3d(1)", (2, 3, 4, 5, 2)),
    ("ConstantPad1d(2, 0.5)", (2, 3, 4)),
    ("ConstantPad2d((1, 0, 2, 3), -1.5)", (2, 3, 4, 5)),
    ("ConstantPad3d(1, 3.0)", (3, 4, 5, 2)),
    ("ReflectionPad1d((1, 2))", (2, 3, 4)),
    ("ReflectionPad2d((1, 2, 3, 0))", (3, 4, 5)),
    ("ReflectionPad3d(1)", (2, 3, 4, 5, 2)),
    ("ReplicationPad1d((1, 5))", (2, 3, 4)),
    ("ReplicationPad2d(2)", (2, 3, 4, 5)),
    ("ReplicationPad3d(1)", (2, 3, 4, 5, 2)),
    ("Identity(54, unused=True)", (2, 3)),
    ("Sequential(L.Conv2d(3, 8, 3), L.BatchNorm2d(8), L.ReLU(), L.MaxPool2d(2), L.Flatten())", (2, 3, 8, 8)),
]
NOT_IN_TORCH = {"Residual", "Parameter", "Buffer", "Module", "functional", "manual_seed"}
CONTAINERS = {"ModuleList", "ModuleDict"}  # not called: tests/nn/test_module.py


def build(library, text):
    return eval(text if text.startswith("L.") else f"L.{text}", {"L": library})


def random_state(layer, rng):
    """Noise of the size that keeps activations' size; variances positive."""
    state = {}
    for name, array in layer.state_dict().items():
        if array.dtype != np.float32:
            state[name] = array
        elif name.endswith("running_var"):
            state[name] = rng.uniform(0.5, 2, array.shape).astype(np.float32)
        else:
            state[name] = (rng.standard_normal(array.shape) / np.sqrt(np.prod(array.shape[1:])) + 0.1).astype(
                np.float32
            )
    return state


def error(got, exact):
    assert got.shape == exact.shape
    return np.linalg.norm(got - exact) / max(np.linalg.norm(exact), 1e-30)


def pair(text):
    """The layer in both libraries, with the same random state."""
    ours, theirs = build(nn, text), build(torch.nn, text).eval()
    state = random_state(ours, np.random.default_rng(7))
    ours.load_state_dict(state)
    theirs.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in state.items()})
    return ours, theirs


def check(ours, theirs, x, run=lambda layer, x: layer(x)):
    """Compare results with torch's in float64, allowing 3 times the error of torch's own float32."""
    inputs = torch.from_numpy(x)
    with torch.no_grad():
        float32 = theirs(inputs.clone())
        float64 = theirs.double()(inputs.double())
    results = run(ours, x)
    several = isinstance(float64, tuple)
    assert isinstance(results, tuple) == several
    for got, rough, exact in zip(*((r if several else [r]) for r in (results, float32, float64)), strict=True):
        if got.dtype == np.int64:
            np.testing.assert_array_equal(got, exact.numpy())
        else:
            assert got.dtype == np.float32
            assert error(got, exact.numpy()) <= max(3 * error(rough.numpy(), exact.numpy()), 3e-7)


@pytest.mark.parametrize(("text", "shape"), CASES)
def test_results(text, shape):
    x = np.random.default_rng(3).standard_normal(shape).astype(np.float32) * 3
    check(*pair(text), x)


def has_layout(text, shape):
    return len(shape) > 2 and "layout" in inspect.signature(build(nn, text).__init__).parameters


@pytest.mark.parametrize(("text", "shape"), [case for case in CASES if has_layout(*case)])
def test_nhwc(text, shape):
    """layout="NHWC" means the same on permuted arrays."""
    ours, theirs = pair(text)
    ours.layout = "NHWC"
    dims = 2 if text.startswith("PixelShuffle") else re.search(r"([123])d\(", text)
    dims = int(dims[1]) if isinstance(dims, re.Match) else dims
    channels = 0 if dims is not None and len(shape) == dims + 1 else 1  # without a batch they come first

    def run(layer, x):
        results = layer(np.moveaxis(x, channels, -1))
        if isinstance(results, tuple):
            return tuple(np.moveaxis(result, -1, channels) for result in results)
        return np.moveaxis(results, -1, channels)

    x = np.random.default_rng(3).standard_normal(shape).astype(np.float32) * 3
    check(ours, theirs, x, run)


@pytest.mark.parametrize("text", sorted({text for text, _ in CASES}))
def test_repr_and_state(text):
    ours, theirs = build(nn, text), build(torch.nn, text)
    assert repr(ours) == repr(theirs)
    state = {name: (array.shape, str(array.dtype)) for name, array in ours.state_dict().items()}
    assert list(state) == list(theirs.state_dict())
    for name, tensor in theirs.state_dict().items():
        assert state[name] == (tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    assert [name for name, _ in ours.named_buffers()] == [name for name, _ in theirs.named_buffers()]


def layers():
    return sorted(name for name in nn.__all__ if name not in NOT_IN_TORCH)


@pytest.mark.parametrize("name", layers())
def test_signature(name):
    """torch's arguments in torch's order with torch's defaults; ours may add `layout`."""

    def arguments(library, left_out):
        parameters = inspect.signature(getattr(library, name)).parameters.values()
        named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name not in left_out]
        return [(p.name, p.kind, p.default) for p in named]

    if name in {"ModuleList", "ModuleDict"}:  # torch writes None for "no modules"
        return
    ours, theirs = arguments(nn, {"layout"}), arguments(torch.nn, {"device", "dtype", "recompute_scale_factor"})
    assert {entry[0]: entry for entry in ours} == {entry[0]: entry for entry in theirs}
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert [entry for entry in ours if entry[1] is positional] == [entry for entry in theirs if entry[1] is positional]


def test_every_layer_is_tested():
    tested = " ".join(text for text, _ in CASES)
    assert [name for name in layers() if f"{name}(" not in tested and name not in CONTAINERS] == []


@pytest.mark.parametrize("text", ["Conv2d(16, 32, 3)", "ConvTranspose1d(8, 32, 4)", "Linear(48, 64)"])
def test_default_initialisation(text):
    """The same distribution as torch's: uniform, of the same width."""
    fc.manual_seed(0)
    ours, theirs = build(nn, text), build(torch.nn, text)
    for name in ("weight", "bias"):
        ours_values, theirs_values = getattr(ours, name), getattr(theirs, name).detach().numpy()
        width = np.abs(theirs_values).max()
        assert np.abs(ours_values).max() == pytest.approx(width, rel=0.2 if name == "bias" else 0.02)
        assert abs(ours_values.mean()) < 0.4 * width
    again = fc.manual_seed(0) or build(nn, text)
    np.testing.assert_array_equal(again.weight, ours.weight)


def test_residual():
    ours = nn.Residual(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())
    x = np.random.default_rng(0).standard_normal((2, 4, 5, 5)).astype(np.float32)
    inner = nn.Sequential(ours[0], ours[1])
    np.testing.assert_allclose(ours(x), inner(x) + x, rtol=1e-6)
    assert list(ours.state_dict()) == ["0.weight", "0.bias"]
