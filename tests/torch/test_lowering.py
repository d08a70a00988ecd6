"""Each translated operator beside a convolution: all in one network, torch's answer."""

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

from .check import compiled, hold  # noqa: E402

WEIGHT, LOW, HIGH = (
    torch.linspace(-1, 1, 64 * 3).reshape(8, 8, 1, 3),
    torch.linspace(-1, 1, 8),
    torch.linspace(0.5, 1, 8),
)


def conv(x):
    """A convolution that keeps the shape, so that every graph has something that is worth a network."""
    return F.conv2d(x, WEIGHT, padding=(0, 1))


def all_activations(x):
    functions = [F.relu, F.sigmoid, F.tanh, F.silu, F.mish, F.hardswish, F.hardsigmoid, F.relu6, F.hardtanh, F.softplus]
    functions += [F.elu, F.celu, F.selu, F.gelu, F.leaky_relu, torch.neg, torch.abs, torch.floor, torch.ceil, torch.sin]
    functions += [torch.cos, torch.erf, torch.exp, lambda y: F.gelu(y, approximate="tanh"), lambda y: F.elu(y, 0.5)]
    functions += [lambda y: F.softmax(y, 1), lambda y: F.log_softmax(y, -1), lambda y: F.glu(y, 1)]
    functions += [lambda y: F.prelu(y, torch.full((8,), 0.25)), lambda y: y.clamp(min=-1), lambda y: y.clamp(max=0.5)]
    return [function(conv(x)) for function in functions]


def arithmetic(x):
    y = conv(x)
    positive = y.abs() + 0.5
    parts = [y + 1, 1 - y, y - 2 * x, y * x, y / 3, 2 / positive, x / positive, y**2, positive**0.5, positive**1.5]
    parts += [positive.rsqrt(), positive.sqrt(), positive.log(), torch.maximum(x, y), torch.minimum(x, y)]
    return [*parts, torch.add(x, y, alpha=0.5), torch.sub(x, y, alpha=2), positive.reciprocal(), 2**y]


def reductions(x):
    y = conv(x) + 1  # or sums would be near 0, and their relative error anything
    parts = [y.mean((2, 3)), y.mean(), y.sum(1, keepdim=True), y.sum(), y.amax((1, 2)), y.amin(3), y.mean(-1)]
    return [*parts, F.normalize(y), y.norm(p=1, dim=1), torch.linalg.vector_norm(y)]


def movement(x):
    y = conv(x)
    n, c, h, w = y.shape
    first, second = y.chunk(2, 1)
    parts = [y.permute(0, 2, 3, 1), y.transpose(1, 3), y.flatten(2), y.view(n, c // 2, 2, h, w), y[:, 1:-1, ::2]]
    parts += [y[:, 3], y[..., -1], y.unsqueeze(2).expand(-1, -1, 3, -1, -1), y.repeat(2, 1, 1, 3), first * second]
    parts += [torch.cat((x, y), 2), torch.stack((x, y), 1), *y.split((3, 5), 1), *y.unbind(0), y[None].squeeze()]
    parts += [F.pad(y, (1, 2, 0, 1), value=0.5), F.pad(y, (1, 2, 3, 0), mode="reflect"), y.mean(2, True).squeeze(2)]
    parts += [F.pad(y, (1, -2)), F.pad(y, (2, 2, 1, 1), mode="replicate"), F.pixel_shuffle(y, 2), y.flatten(1).t()]
    parts += [y.flip(-1), y.flip(1, 2)]
    return [*parts, F.pixel_unshuffle(y, 2), F.channel_shuffle(y, 4), (y + 1).int(), y + torch.ones(w), y.clone()]


def pools(x):
    parts = [F.max_pool2d(x, 3, 2, 1), F.max_pool2d(x, (2, 3), ceil_mode=True), F.max_pool2d(x, 2, 1, dilation=2)]
    parts += [F.avg_pool2d(x, 3, 2, 1), F.avg_pool2d(x, 3, 2, 1, count_include_pad=False, ceil_mode=True)]
    parts += [F.avg_pool2d(x, 2, divisor_override=3), F.adaptive_avg_pool2d(x, (3, 5)), F.adaptive_max_pool2d(x, 3)]
    parts += [*F.max_pool2d(x, 3, return_indices=True), *F.adaptive_max_pool2d(x, (2, 3), return_indices=True)]
    parts += [F.max_pool1d(x[:, 0], 3, 2), F.avg_pool1d(x[:, 0], 3), F.adaptive_avg_pool1d(x[0], 4)]
    parts += [F.max_pool3d(x[None], 2), F.avg_pool3d(x[None], 2), F.adaptive_avg_pool3d(x[None], 2)]
    return [*parts, F.lp_pool2d(x.abs(), 2, 3)]


def convolutions(x):
    """Functions, with weights that are computed too."""
    y, wide = x[:, :, 0], x[:, :, None]
    rows, square, cube = WEIGHT[..., 0, :], WEIGHT.expand(8, 8, 3, 3), WEIGHT[:, :, None].expand(8, 8, 1, 3, 3)
    parts = [
        F.conv1d(y, rows, LOW, 2, 1),
        F.conv2d(x, square, HIGH, (2, 1), 1),
        F.conv3d(wide, cube, None, 1, (0, 1, 1)),
    ]
    parts += [F.conv_transpose1d(y, rows, stride=2), F.conv_transpose2d(x, square[:, :2], LOW, 2, 1, 1, groups=4)]
    parts += [F.conv_transpose3d(wide, cube), F.conv2d(x, square[:, :1], padding="same", groups=8)]
    weights = (x.mean((0, 2, 3))[:, None] + WEIGHT[:, :, 0, 0])[..., None, None]
    return [*parts, F.linear(x, torch.ones(5, 12)), F.conv2d(x, weights)]


def norms(x):
    y = conv(x)
    parts = [F.instance_norm(y), F.group_norm(y, 4), F.layer_norm(y, y.shape[1:]), F.layer_norm(y, y.shape[-1:])]
    parts += [F.instance_norm(y, weight=HIGH, bias=LOW), F.local_response_norm(y, 3)]
    return [*parts, F.batch_norm(y, LOW, HIGH)]


def one_network(function, x):
    """Torch's answer, nothing left to torch."""
    run, programs = compiled(function)
    with torch.no_grad():
        got = run(x)
    hold(got, function, x)
    assert [(len(program.segments), program.left) for program in programs] == [(1, [])]


@pytest.mark.parametrize("function", [all_activations, arithmetic, convolutions, reductions, movement, pools, norms])
def test_operators(function):
    torch.manual_seed(0)
    one_network(function, torch.randn(2, 8, 10, 12))


RESIZES = [
    {"scale_factor": 2.0},
    {"size": (7, 25)},
    {"scale_factor": 1.5, "mode": "nearest-exact"},
    {"scale_factor": (2.0, 0.5), "mode": "bilinear"},
    {"size": (5, 31), "mode": "bilinear"},
    {"size": (5, 31), "mode": "bilinear", "align_corners": True},
    {"scale_factor": 2.0, "mode": "bicubic"},
    {"size": (13, 6), "mode": "bicubic", "align_corners": True},
    {"size": (3, 4), "mode": "area"},
]


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_interpolate(axes):
    names = {"bilinear": {1: "linear", 3: "trilinear"}}

    def resize(x):
        results = []
        for case in RESIZES:
            case = {name: value[-1:] * axes if isinstance(value, tuple) else value for name, value in case.items()}
            if "mode" in case:
                case["mode"] = names.get(case["mode"], {}).get(axes, case["mode"])
            if axes == 2 or case.get("mode") != "bicubic":
                results.append(F.interpolate(x, **case))
        return results

    one_network(resize, torch.randn(2, 3, 10, 12, 8)[(..., *[0] * (3 - axes))])


CONVOLUTIONS = [
    (nn.Conv1d(4, 6, 3, 2, 1, groups=2), (2, 4, 9)),
    (nn.Conv2d(4, 6, 3, padding="same", dilation=2), (2, 4, 9, 8)),
    (nn.Conv2d(4, 6, (2, 4), padding="same"), (2, 4, 9, 8)),
    (nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"), (4, 9, 8)),
    (nn.Conv3d(4, 6, (1, 2, 3), (1, 2, 1), bias=False), (2, 4, 4, 5, 6)),
    (nn.ConvTranspose1d(4, 6, 4, 2, 1), (2, 4, 9)),
    (nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2, dilation=2), (2, 4, 5, 6)),
    (nn.ConvTranspose3d(4, 6, 2, 2), (1, 4, 3, 2, 3)),
    (nn.Linear(8, 5), (2, 3, 8)),
    (nn.Linear(8, 5, bias=False), (8,)),
    (nn.Bilinear(8, 8, 3), (2, 8)),
]


def test_modules():
    for module, shape in CONVOLUTIONS:
        x = torch.randn(shape)
        inputs = (x, x + 1) if isinstance(module, nn.Bilinear) else (x,)
        run, programs = compiled(module)
        with torch.no_grad():
            got = run(*inputs)
        hold(got, module, *inputs)
        assert all(program.segments or isinstance(module, nn.Bilinear) for program in programs), module
        assert not [left for program in programs for left in program.left if "convolution" in left.op]
