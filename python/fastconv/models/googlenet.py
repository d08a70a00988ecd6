"""GoogLeNet with batch norm (Szegedy et al., arXiv:1409.4842); names as torchvision.

As in torchvision's checkpoint, the "5x5" branches have 3x3 kernels, and batch norm's eps is 1e-3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import nn
from ..nn import functional as F

# Channels of each inception block: inputs, 1x1, 3x3's reduction, 3x3, 5x5's reduction, 5x5, pool's projection.
_INCEPTION = {
    "inception3a": (192, 64, 96, 128, 16, 32, 32),
    "inception3b": (256, 128, 128, 192, 32, 96, 64),
    "inception4a": (480, 192, 96, 208, 16, 48, 64),
    "inception4b": (512, 160, 112, 224, 24, 64, 64),
    "inception4c": (512, 128, 128, 256, 24, 64, 64),
    "inception4d": (512, 112, 144, 288, 32, 64, 64),
    "inception4e": (528, 256, 160, 320, 32, 128, 128),
    "inception5a": (832, 256, 160, 320, 32, 128, 128),
    "inception5b": (832, 384, 192, 384, 48, 128, 128),
}


class _Conv(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Any) -> Any:
        return F.relu(self.bn(self.conv(x)))


class _Inception(nn.Module):
    def __init__(self, inputs: int, one: int, three_in: int, three: int, five_in: int, five: int, pool: int) -> None:
        super().__init__()
        self.branch1 = _Conv(inputs, one, 1)
        self.branch2 = nn.Sequential(_Conv(inputs, three_in, 1), _Conv(three_in, three, 3, padding=1))
        self.branch3 = nn.Sequential(_Conv(inputs, five_in, 1), _Conv(five_in, five, 3, padding=1))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), _Conv(inputs, pool, 1))

    def forward(self, x: Any) -> Any:
        return F.concat([branch(x) for branch in (self.branch1, self.branch2, self.branch3, self.branch4)], 1)


class _Auxiliary(nn.Module):
    """A classifier on an inner stage. It only helps training: its weights are loaded, and never run."""

    def __init__(self, inputs: int, num_classes: int) -> None:
        super().__init__()
        self.conv = _Conv(inputs, 128, 1)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, num_classes)


class GoogLeNet(nn.Module):
    """A stem, nine inception blocks, a linear layer.

    Parameters
    ----------
    num_classes : int
    aux_logits : bool
        Whether the auxiliary classifiers' parameters exist, as in torchvision's checkpoint.
    transform_input : bool
        Whether inputs normalised with ImageNet's mean and deviation are brought to (x - 0.5) / 0.5 first, which
        torchvision's weights expect.
    """

    def __init__(self, num_classes: int = 1000, aux_logits: bool = True, transform_input: bool = False) -> None:
        super().__init__()
        self.transform_input = transform_input
        self.conv1 = _Conv(3, 64, 7, 2, 3)
        self.maxpool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = _Conv(64, 64, 1)
        self.conv3 = _Conv(64, 192, 3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        for name, channels in _INCEPTION.items():
            self.add_module(name, _Inception(*channels))
        self.maxpool3 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.maxpool4 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.add_module("aux1", _Auxiliary(512, num_classes) if aux_logits else None)
        self.add_module("aux2", _Auxiliary(528, num_classes) if aux_logits else None)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(1024, num_classes)

    def forward(self, x: Any) -> Any:
        """(N, 3, H, W) to (N, num_classes): logits."""
        if self.transform_input:
            mean, deviation = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
            x = x * (_per_channel(deviation) / 0.5) + (_per_channel(mean) - 0.5) / 0.5
        x = self.maxpool1(self.conv1(x))
        x = self.maxpool2(self.conv3(self.conv2(x)))
        x = self.maxpool3(self.inception3b(self.inception3a(x)))
        for block in (self.inception4a, self.inception4b, self.inception4c, self.inception4d, self.inception4e):
            x = block(x)
        x = self.inception5b(self.inception5a(self.maxpool4(x)))
        return self.fc(self.dropout(F.flatten(self.avgpool(x), 1)))


def _per_channel(values: tuple[float, ...]) -> Any:
    return np.array(values, np.float32).reshape(3, 1, 1)


def googlenet(num_classes: int = 1000, aux_logits: bool = True, transform_input: bool = False) -> GoogLeNet:
    """GoogLeNet for 3x224x224: 6,624,904 parameters, 13,004,888 with the auxiliary classifiers."""
    return GoogLeNet(num_classes, aux_logits, transform_input)
