"""Torchvision-style networks of torch layers, small: few channels and blocks, but every kind of block.

`ARCHITECTURES` maps a name to a function that makes the module, and to the shapes of its inputs.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

Shapes = tuple[tuple[int, ...], ...]
ARCHITECTURES: dict[str, tuple[Callable[[], nn.Module], Shapes]] = {}


def architecture(name: str, *shapes: tuple[int, ...]):
    def register(make):
        ARCHITECTURES[name] = make, shapes
        return make

    return register


def conv_norm(c, k, kernel=3, stride=1, groups=1, activation=nn.ReLU, dilation=1):
    pad = (kernel - 1) // 2 * dilation
    layers = [nn.Conv2d(c, k, kernel, stride, pad, dilation, groups, bias=False), nn.BatchNorm2d(k)]
    return nn.Sequential(*layers, *([activation()] if activation else []))


class Residual(nn.Module):
    def __init__(self, body, shortcut=None, after=F.relu):
        super().__init__()
        self.body, self.shortcut, self.after = body, shortcut or nn.Identity(), after

    def forward(self, x):
        return self.after(self.body(x) + self.shortcut(x))


class SqueezeExcite(nn.Module):
    def __init__(self, c, gate=nn.Sigmoid, activation=nn.ReLU):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.body = nn.Sequential(nn.Conv2d(c, c // 4, 1), activation(), nn.Conv2d(c // 4, c, 1), gate())

    def forward(self, x):
        return x * self.body(self.pool(x))


class Branches(nn.Module):
    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


def head(c, classes=10):
    return [nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(c, classes)]


def bottleneck(c, k, stride=1, groups=1, width=None, more=()):
    width = width or k // 4
    body = nn.Sequential(
        conv_norm(c, width, 1),
        conv_norm(width, width, 3, stride, groups),
        conv_norm(width, k, 1, activation=None),
        *more,
    )
    return Residual(body, None if c == k and stride == 1 else conv_norm(c, k, 1, stride, activation=None))


def stem(k):
    return [conv_norm(3, k, 7, 2), nn.MaxPool2d(3, 2, 1)]


def of_bottlenecks(**options):
    blocks = [bottleneck(16, 64, **options), bottleneck(64, 64, **options), bottleneck(64, 96, 2, **options)]
    return nn.Sequential(*stem(16), *blocks, *head(96))


@architecture("lenet5", (2, 1, 28, 28))
def lenet5():
    features = [nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh()]
    return nn.Sequential(*features, nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 84), nn.Tanh(), nn.Linear(84, 10))


@architecture("alexnet", (1, 3, 67, 67))
def alexnet():
    features = [nn.Conv2d(3, 16, 11, 4, 2), nn.ReLU(True), nn.MaxPool2d(3, 2), nn.Conv2d(16, 24, 5, padding=2)]
    classifier = [nn.Dropout(), nn.Linear(24 * 9, 32), nn.ReLU(True), nn.Dropout(), nn.Linear(32, 10)]
    return nn.Sequential(*features, nn.ReLU(True), nn.AdaptiveAvgPool2d((3, 3)), nn.Flatten(), *classifier)


@architecture("vgg", (2, 3, 32, 32))
def vgg():
    layers: list[nn.Module] = []
    c = 3
    for k in (8, "pool", 16, 16, "pool", 32):
        if k == "pool":
            layers.append(nn.MaxPool2d(2, 2))
        else:
            layers += [nn.Conv2d(c, k, 3, padding=1), nn.BatchNorm2d(k), nn.ReLU(inplace=True)]
            c = k
    return nn.Sequential(*layers, *head(32))


@architecture("resnet18", (2, 3, 49, 40))
def resnet18():
    def block(c, k, stride=1):
        body = nn.Sequential(conv_norm(c, k, 3, stride), conv_norm(k, k, 3, activation=None))
        return Residual(body, None if c == k else conv_norm(c, k, 1, stride, activation=None))

    return nn.Sequential(*stem(16), block(16, 16), block(16, 32, 2), *head(32))


@architecture("resnet50", (1, 3, 64, 48))
def resnet50():
    return of_bottlenecks()


@architecture("resnext50", (1, 3, 48, 48))
def resnext50():
    return of_bottlenecks(groups=4, width=32)


@architecture("wide_resnet50", (1, 3, 48, 48))
def wide_resnet50():
    return of_bottlenecks(width=48)


@architecture("se_resnet", (1, 3, 48, 48))
def se_resnet():
    blocks = [bottleneck(16, 64, more=[SqueezeExcite(64)]), bottleneck(64, 64, more=[SqueezeExcite(64)])]
    return nn.Sequential(*stem(16), *blocks, *head(64))


@architecture("squeezenet", (1, 3, 48, 48))
def squeezenet():
    def fire(c, squeezed, k):
        one = nn.Sequential(nn.Conv2d(squeezed, k, 1), nn.ReLU(True))
        three = nn.Sequential(nn.Conv2d(squeezed, k, 3, padding=1), nn.ReLU(True))
        return nn.Sequential(nn.Conv2d(c, squeezed, 1), nn.ReLU(True), Branches(one, three))

    features = [nn.Conv2d(3, 16, 3, 2), nn.ReLU(True), nn.MaxPool2d(3, 2, ceil_mode=True), fire(16, 4, 16)]
    classifier = [nn.Dropout(), nn.Conv2d(64, 10, 1), nn.ReLU(True), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten()]
    return nn.Sequential(*features, fire(32, 8, 32), *classifier)


class GoogLeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(*stem(16), nn.LocalResponseNorm(5))
        self.inception = Branches(
            conv_norm(16, 8, 1),
            nn.Sequential(conv_norm(16, 8, 1), conv_norm(8, 16, 3)),
            nn.Sequential(conv_norm(16, 4, 1), conv_norm(4, 8, 5)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), conv_norm(16, 8, 1)),
        )
        self.auxiliary = nn.Sequential(nn.AvgPool2d(4, 2), nn.Conv2d(40, 8, 1), nn.Flatten(), nn.Linear(200, 10))
        self.head = nn.Sequential(*head(40))

    def forward(self, x):
        x = self.inception(self.stem(x))
        return self.head(x), self.auxiliary(x)


architecture("googlenet", (1, 3, 48, 48))(GoogLeNet)


def inverted(c, hidden, k, stride=1, kernel=3, activation=nn.ReLU6, gate=None):
    excite = [SqueezeExcite(hidden, gate, activation)] if gate else []
    layers = [conv_norm(c, hidden, 1, activation=activation)] if hidden != c else []
    layers += [conv_norm(hidden, hidden, kernel, stride, hidden, activation), *excite]
    body = nn.Sequential(*layers, conv_norm(hidden, k, 1, activation=None))
    return Residual(body, after=nn.Identity()) if c == k and stride == 1 else body


@architecture("mobilenet_v2", (2, 3, 48, 40))
def mobilenet_v2():
    blocks = [inverted(16, 16, 16), inverted(16, 96, 24, 2), inverted(24, 144, 24)]
    return nn.Sequential(conv_norm(3, 16, 3, 2, activation=nn.ReLU6), *blocks, nn.Dropout(0.2), *head(24))


@architecture("mobilenet_v3", (1, 3, 48, 48))
def mobilenet_v3():
    gate = {"activation": nn.Hardswish, "gate": nn.Hardsigmoid}
    blocks = [
        inverted(16, 16, 16, activation=nn.ReLU),
        inverted(16, 64, 24, 2, 5, **gate),
        inverted(24, 72, 24, **gate),
    ]
    return nn.Sequential(conv_norm(3, 16, 3, 2, activation=nn.Hardswish), *blocks, *head(24))


@architecture("efficientnet_b0", (1, 3, 48, 48))
def efficientnet_b0():
    swish = {"activation": nn.SiLU, "gate": nn.Sigmoid}
    blocks = [inverted(16, 16, 16, **swish), inverted(16, 96, 24, 2, **swish), inverted(24, 144, 24, 1, 5, **swish)]
    return nn.Sequential(conv_norm(3, 16, 3, 2, activation=nn.SiLU), *blocks, *head(24))


@architecture("mnasnet", (1, 3, 48, 48))
def mnasnet():
    blocks = [inverted(16, 48, 24, 2, 3, nn.ReLU), inverted(24, 72, 40, 2, 5, nn.ReLU), inverted(40, 120, 40, 1, 5)]
    return nn.Sequential(conv_norm(3, 16, 3, 2), conv_norm(16, 16, 3, groups=16), *blocks, *head(40))


class DenseLayer(nn.Module):
    def __init__(self, c, growth=8):
        super().__init__()
        layers = [nn.BatchNorm2d(c), nn.ReLU(True), nn.Conv2d(c, 16, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(True)]
        self.body = nn.Sequential(*layers, nn.Conv2d(16, growth, 3, padding=1, bias=False))

    def forward(self, x):
        return torch.cat([x, self.body(x)], 1)


@architecture("densenet", (1, 3, 48, 48))
def densenet():
    transition = [nn.BatchNorm2d(32), nn.ReLU(True), nn.Conv2d(32, 16, 1, bias=False), nn.AvgPool2d(2, 2)]
    return nn.Sequential(*stem(16), DenseLayer(16), DenseLayer(24), *transition, DenseLayer(16), *head(24))


class ShuffleUnit(nn.Module):
    def __init__(self, c):
        super().__init__()
        half = c // 2
        depthwise = conv_norm(half, half, 3, groups=half, activation=None)
        self.branch = nn.Sequential(conv_norm(half, half, 1), depthwise, conv_norm(half, half, 1))

    def forward(self, x):
        kept, changed = x.chunk(2, dim=1)
        x = torch.cat((kept, self.branch(changed)), 1)
        n, c, h, w = x.shape
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


@architecture("shufflenet_v2", (2, 3, 48, 48))
def shufflenet_v2():
    return nn.Sequential(*stem(16), ShuffleUnit(16), ShuffleUnit(16), conv_norm(16, 32, 1), *head(32))


@architecture("xception", (1, 3, 48, 48))
def xception():
    def separable(c, k):
        return [nn.ReLU(), nn.Conv2d(c, c, 3, padding=1, groups=c, bias=False), nn.Conv2d(c, k, 1), nn.BatchNorm2d(k)]

    body = nn.Sequential(*separable(16, 32), *separable(32, 32), nn.MaxPool2d(3, 2, 1))
    block = Residual(body, conv_norm(16, 32, 1, 2, activation=None), nn.Identity())
    return nn.Sequential(conv_norm(3, 16, 3, 2), block, *head(32))


class ConvNext(nn.Module):
    def __init__(self, c=16):
        super().__init__()
        self.stem = nn.Conv2d(3, c, 4, 4)
        self.depthwise = nn.Conv2d(c, c, 7, padding=3, groups=c)
        self.norm = nn.LayerNorm(c, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(c, 4 * c), nn.GELU(), nn.Linear(4 * c, c))
        self.scale = nn.Parameter(torch.full((c, 1, 1), 0.5))

    def forward(self, x):
        x = self.stem(x)
        y = self.mlp(self.norm(self.depthwise(x).permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        return (x + self.scale * y).mean((2, 3))


architecture("convnext", (1, 3, 48, 48))(ConvNext)


class UNet(nn.Module):
    def __init__(self, conv, norm, up, pool):
        super().__init__()

        def double(c, k):
            layers = [
                conv(c, k, 3, padding=1),
                norm(k),
                nn.ReLU(True),
                conv(k, k, 3, padding=1),
                norm(k),
                nn.ReLU(True),
            ]
            return nn.Sequential(*layers)

        self.down, self.pool, self.middle = double(2, 8), pool, double(8, 16)
        self.up, self.out, self.last = up(16, 8, 2, 2), double(16, 8), conv(8, 2, 1)

    def forward(self, x):
        kept = self.down(x)
        x = self.up(self.middle(self.pool(kept)))
        return torch.sigmoid(self.last(self.out(torch.cat((x, kept), 1))))


@architecture("unet", (1, 2, 24, 32))
def unet():
    return UNet(nn.Conv2d, nn.BatchNorm2d, nn.ConvTranspose2d, nn.MaxPool2d(2))


@architecture("unet3d", (1, 2, 8, 12, 10))
def unet3d():
    return UNet(nn.Conv3d, nn.InstanceNorm3d, nn.ConvTranspose3d, nn.MaxPool3d(2))


def backbone():
    return nn.Sequential(*stem(16), bottleneck(16, 32), bottleneck(32, 32))


class Segmentation(nn.Module):
    def __init__(self, classifier):
        super().__init__()
        self.backbone, self.classifier, self.auxiliary = backbone(), classifier, nn.Conv2d(32, 5, 1)

    def forward(self, x):
        size, features = x.shape[-2:], self.backbone(x)
        results = {"out": self.classifier(features), "aux": self.auxiliary(features)}
        return {name: F.interpolate(y, size, mode="bilinear", align_corners=False) for name, y in results.items()}


@architecture("fcn", (1, 3, 48, 64))
def fcn():
    return Segmentation(nn.Sequential(conv_norm(32, 8), nn.Dropout(0.1), nn.Conv2d(8, 5, 1)))


class Pooled(nn.Module):
    def __init__(self, c, k, size):
        super().__init__()
        self.body = nn.Sequential(nn.AdaptiveAvgPool2d(size), conv_norm(c, k, 1))

    def forward(self, x):
        return F.interpolate(self.body(x), x.shape[-2:], mode="bilinear", align_corners=True)


@architecture("deeplabv3", (1, 3, 48, 64))
def deeplabv3():
    rates = [conv_norm(32, 8, 3, dilation=rate) for rate in (2, 4)]
    aspp = Branches(conv_norm(32, 8, 1), *rates, Pooled(32, 8, 1))
    return Segmentation(nn.Sequential(aspp, conv_norm(32, 8, 1), nn.Conv2d(8, 5, 1)))


@architecture("pspnet", (1, 3, 48, 64))
def pspnet():
    pyramid = Branches(nn.Identity(), *(Pooled(32, 8, size) for size in (1, 2, 3, 6)))
    return Segmentation(nn.Sequential(pyramid, nn.Conv2d(64, 5, 1)))


class FeaturePyramid(nn.Module):
    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList([nn.Sequential(*stem(16)), bottleneck(16, 32, 2), bottleneck(32, 64, 2)])
        self.inner = nn.ModuleList(nn.Conv2d(c, 16, 1) for c in (16, 32, 64))
        self.outer = nn.ModuleList(nn.Conv2d(16, 16, 3, padding=1) for _ in range(3))

    def forward(self, x):
        features = [x := stage(x) for stage in self.stages]
        results, top = {}, None
        for level in (2, 1, 0):
            inner = self.inner[level](features[level])
            top = inner if top is None else inner + F.interpolate(top, size=inner.shape[-2:], mode="nearest")
            results[f"p{level}"] = self.outer[level](top)
        return results, F.max_pool2d(results["p2"], 1, 2)


architecture("feature_pyramid", (1, 3, 56, 72))(FeaturePyramid)


class WaveNet(nn.Module):
    def __init__(self, c=16):
        super().__init__()
        self.first = nn.Conv1d(1, c, 1)
        self.dilated = nn.ModuleList(nn.Conv1d(c, 2 * c, 2, dilation=2**n) for n in range(3))
        self.mix = nn.ModuleList(nn.Conv1d(c, c, 1) for _ in range(3))
        self.last = nn.Sequential(nn.ReLU(), nn.Conv1d(c, c, 1), nn.ReLU(), nn.Conv1d(c, 8, 1))

    def forward(self, x):
        x, skipped = self.first(x), 0.0
        for n, (dilated, mix) in enumerate(zip(self.dilated, self.mix)):
            values, gates = dilated(F.pad(x, (2**n, 0))).chunk(2, 1)
            y = mix(torch.tanh(values) * torch.sigmoid(gates))
            x, skipped = x + y, skipped + y
        return self.last(skipped)


architecture("wavenet", (2, 1, 100))(WaveNet)


class Chomp(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.count = count

    def forward(self, x):
        return x[:, :, : -self.count].contiguous()


@architecture("tcn", (2, 4, 60))
def tcn():
    def block(c, k, dilation):
        conv = torch.nn.utils.parametrizations.weight_norm(nn.Conv1d(c, k, 3, padding=2 * dilation, dilation=dilation))
        body = nn.Sequential(conv, Chomp(2 * dilation), nn.ReLU(), nn.Dropout(0.2))
        return Residual(body, None if c == k else nn.Conv1d(c, k, 1))

    return nn.Sequential(block(4, 16, 1), block(16, 16, 2), block(16, 16, 4))


@architecture("dcgan", (2, 24, 1, 1))
def dcgan():
    layers = [nn.ConvTranspose2d(24, 32, 4, 1, 0, bias=False), nn.BatchNorm2d(32), nn.ReLU(True)]
    layers += [nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.ConvTranspose2d(16, 3, 4, 2, 1, bias=False), nn.Tanh())


@architecture("srgan", (1, 3, 20, 24))
def srgan():
    body = nn.Sequential(conv_norm(16, 16, activation=nn.PReLU), conv_norm(16, 16, activation=None))
    up = [nn.Conv2d(16, 64, 3, padding=1), nn.PixelShuffle(2), nn.PReLU()]
    first = nn.Sequential(nn.Conv2d(3, 16, 9, padding=4), nn.PReLU())
    return nn.Sequential(first, Residual(body, after=nn.Identity()), *up, nn.Conv2d(16, 3, 9, padding=4))


class YoloNeck(nn.Module):
    def __init__(self):
        super().__init__()
        silu = {"activation": nn.SiLU}
        self.c3, self.c4 = conv_norm(3, 16, 3, 4, **silu), conv_norm(16, 32, 3, 2, **silu)
        self.c5, self.reduce = conv_norm(32, 32, 3, 2, **silu), conv_norm(128, 32, 1, **silu)
        self.pool, self.up = nn.MaxPool2d(5, 1, 2), nn.Upsample(scale_factor=2, mode="nearest")
        self.merge, self.down = conv_norm(64, 16, **silu), conv_norm(16, 16, 3, 2, **silu)
        self.detect = nn.ModuleList([nn.Conv2d(16, 21, 1), nn.Conv2d(48, 21, 1)])

    def forward(self, x):
        c4 = self.c4(self.c3(x))
        pooled = [self.c5(c4)]
        for _ in range(3):
            pooled.append(self.pool(pooled[-1]))
        p5 = self.reduce(torch.cat(pooled, 1))
        p4 = self.merge(torch.cat([self.up(p5), c4], 1))
        results = []
        for x, detect in zip((p4, torch.cat([self.down(p4), p5], 1)), self.detect):
            x = detect(x)
            n, _, h, w = x.shape
            x = x.view(n, 3, 7, h, w).permute(0, 1, 3, 4, 2).sigmoid()
            centre, size, rest = x.split((2, 2, 3), 4)
            results.append(torch.cat((centre * 2 - 0.5, (size * 2) ** 2, rest), 4).view(n, -1, 7))
        return torch.cat(results, 1)


architecture("yolo_neck", (1, 3, 64, 64))(YoloNeck)


@architecture("autoencoder", (2, 1, 28, 28))
def autoencoder():
    encoder = [nn.Conv2d(1, 8, 3, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 16, 3, 2, 1), nn.ELU()]
    decoder = [nn.ConvTranspose2d(16, 8, 3, 2, 1, output_padding=1), nn.GroupNorm(2, 8), nn.SELU()]
    return nn.Sequential(*encoder, *decoder, nn.ConvTranspose2d(8, 1, 3, 2, 1, output_padding=1), nn.Sigmoid())


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(conv_norm(1, 8, 5), nn.MaxPool2d(2), conv_norm(8, 16), *head(16, 12))

    def forward(self, a, b):
        a, b = F.normalize(self.body(a)), F.normalize(self.body(b))
        return (a * b).sum(1), torch.sqrt(((a - b) ** 2).sum(1) + 1e-6)


architecture("siamese", (2, 1, 28, 28), (2, 1, 28, 28))(Siamese)
