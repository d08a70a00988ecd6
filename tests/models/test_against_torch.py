"""Whole models against torch: the architectures written again in torch layers, their state dict loaded into ours."""

import numpy as np
import pytest

from fastconv import models

torch = pytest.importorskip("torch", reason="models are checked against copies built of torch's layers")
T = torch.nn


class Block(T.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = T.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = T.BatchNorm2d(outputs)
        self.conv2 = T.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = T.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = T.Sequential(T.Conv2d(inputs, outputs, 1, stride, bias=False), T.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class ResNet18(T.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = T.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = T.BatchNorm2d(64)
        self.layer1 = T.Sequential(Block(64, 64, 1), Block(64, 64, 1))
        self.layer2 = T.Sequential(Block(64, 128, 2), Block(128, 128, 1))
        self.layer3 = T.Sequential(Block(128, 256, 2), Block(256, 256, 1))
        self.layer4 = T.Sequential(Block(256, 512, 2), Block(512, 512, 1))
        self.fc = T.Linear(512, 1000)

    def forward(self, x):
        x = T.functional.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, 2, 1)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return self.fc(x.mean((2, 3)))


def conv_bn(inputs, outputs, kernel, stride=1, groups=1):
    conv = T.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return T.Sequential(conv, T.BatchNorm2d(outputs), T.ReLU6())


class Inverted(T.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        hidden = inputs * expansion
        layers = [conv_bn(inputs, hidden, 1)] if expansion > 1 else []
        layers += [conv_bn(hidden, hidden, 3, stride, hidden), T.Conv2d(hidden, outputs, 1, bias=False)]
        self.conv = T.Sequential(*layers, T.BatchNorm2d(outputs))
        self.same = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.same else self.conv(x)


class MobileNetV2(T.Module):
    def __init__(self):
        super().__init__()
        rows = "1 16 1 1/6 24 2 2/6 32 3 2/6 64 4 2/6 96 3 1/6 160 3 2/6 320 1 1"
        layers, inputs = [conv_bn(3, 32, 3, 2)], 32
        for row in rows.split("/"):
            expansion, outputs, blocks, stride = map(int, row.split())
            for number in range(blocks):
                layers.append(Inverted(inputs, outputs, 1 if number else stride, expansion))
                inputs = outputs
        self.features = T.Sequential(*layers, conv_bn(320, 1280, 1))
        self.classifier = T.Sequential(T.Dropout(0.2), T.Linear(1280, 1000))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class UNet(T.Module):
    def __init__(self):
        super().__init__()
        widths = [3, 32, 64, 128, 256]
        for n in range(1, 5):
            self.add_module(f"encoder{n}", self.twice(widths[n - 1], widths[n], f"enc{n}"))
        self.bottleneck = self.twice(256, 512, "bottleneck")
        for n in (4, 3, 2, 1):
            self.add_module(f"upconv{n}", T.ConvTranspose2d(2 * widths[n], widths[n], 2, 2))
            self.add_module(f"decoder{n}", self.twice(2 * widths[n], widths[n], f"dec{n}"))
        self.conv = T.Conv2d(32, 1, 1)

    @staticmethod
    def twice(inputs, outputs, name):
        layers = T.Sequential()
        for n in (1, 2):
            layers.add_module(f"{name}conv{n}", T.Conv2d(inputs if n == 1 else outputs, outputs, 3, 1, 1, bias=False))
            layers.add_module(f"{name}norm{n}", T.BatchNorm2d(outputs))
            layers.add_module(f"{name}relu{n}", T.ReLU())
        return layers

    def forward(self, x):
        kept = []
        for n in range(1, 5):
            kept.append(getattr(self, f"encoder{n}")(x))
            x = T.functional.max_pool2d(kept[-1], 2)
        x = self.bottleneck(x)
        for n in (4, 3, 2, 1):
            x = getattr(self, f"decoder{n}")(torch.cat([getattr(self, f"upconv{n}")(x), kept[n - 1]], 1))
        return torch.sigmoid(self.conv(x))


def randomised(model):
    """Batch norms that do something, and keep the activations' size."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, T.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.2, 0.5, generator=generator)
            module.weight.data.uniform_(0.5, 1, generator=generator)
            module.bias.data.normal_(0, 0.1, generator=generator)
    return model.eval()


CASES = [
    (models.resnet18, ResNet18, (2, 3, 97, 64)),
    (models.mobilenet_v2, MobileNetV2, (2, 3, 64, 97)),
    (models.unet, UNet, (1, 3, 48, 64)),
]


@pytest.mark.parametrize(("ours", "theirs", "shape"), CASES, ids=["resnet18", "mobilenet_v2", "unet"])
def test_outputs(ours, theirs, shape):
    torch.manual_seed(0)
    reference = randomised(theirs())
    model = ours()
    model.load_state_dict(reference.state_dict(), strict=True)
    x = torch.randn(shape)
    with torch.no_grad():
        float32 = reference(x).numpy()
        float64 = reference.double()(x.double()).numpy()
    got = model(x.numpy())

    def error(y):
        return np.linalg.norm(y - float64) / np.linalg.norm(float64)

    assert got.shape == float64.shape
    assert error(got) <= max(3 * error(float32), 1e-6)
    assert error(np.zeros_like(got) + float64.mean()) > 1e-2  # the output is not a constant
