"""Xception (Chollet, arXiv:1610.02357); names as timm's `legacy_xception`."""

from __future__ import annotations

import itertools
from typing import Any

from .. import nn
from ..nn import functional as F


class SeparableConv2d(nn.Module):
    """A 3x3 filter for each channel, then a 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Any) -> Any:
        """(N, inputs, H, W) to (N, outputs, H, W)."""
        return self.pointwise(self.conv1(x))


class Block(nn.Module):
    """Separable convolutions, ReLU before each, with a shortcut that strides where the block does.

    Parameters
    ----------
    inputs, outputs, count, stride : int
        Channels, separable convolutions, stride of the max-pool at the end.
    relu_first : bool
    grow_first : bool
        Whether the first convolution makes the output channels, rather than the last.
    """

    def __init__(
        self, inputs: int, outputs: int, count: int, stride: int, relu_first: bool = True, grow_first: bool = True
    ) -> None:
        super().__init__()
        self.add_module("skip", None)
        if outputs != inputs or stride != 1:
            self.skip = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.skipbn = nn.BatchNorm2d(outputs)
        layers: list[nn.Module] = []
        inner = outputs if grow_first else inputs
        widths = [inputs] + [inner] * (count - 1) + [outputs]
        for source, target in itertools.pairwise(widths):
            layers += [nn.ReLU(), SeparableConv2d(source, target), nn.BatchNorm2d(target)]
        if stride != 1:
            layers.append(nn.MaxPool2d(3, stride, 1))
        self.rep = nn.Sequential(*(layers if relu_first else layers[1:]))

    def forward(self, x: Any) -> Any:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        return self.rep(x) + (self.skipbn(self.skip(x)) if self.skip else x)


class Xception(nn.Module):
    """Entry flow (blocks 1 to 3), middle flow (4 to 11), exit flow (12 and two separable convolutions)."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 64, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.block1 = Block(64, 128, 2, 2, relu_first=False)
        self.block2 = Block(128, 256, 2, 2)
        self.block3 = Block(256, 728, 2, 2)
        for number in range(4, 12):
            self.add_module(f"block{number}", Block(728, 728, 3, 1))
        self.block12 = Block(728, 1024, 2, 2, grow_first=False)
        self.conv3 = SeparableConv2d(1024, 1536)
        self.bn3 = nn.BatchNorm2d(1536)
        self.conv4 = SeparableConv2d(1536, 2048)
        self.bn4 = nn.BatchNorm2d(2048)
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(2048, num_classes)

    def forward(self, x: Any) -> Any:
        """(N, 3, H, W) to (N, num_classes): logits."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        for number in range(1, 13):
            x = getattr(self, f"block{number}")(x)
        x = F.relu(self.bn3(self.conv3(x)))
        x = F.relu(self.bn4(self.conv4(x)))
        return self.fc(F.flatten(self.global_pool(x), 1))


def xception(num_classes: int = 1000) -> Xception:
    """Xception for 3x299x299: 22,855,952 parameters."""
    return Xception(num_classes)
