"""MobileNetV2 (Sandler et al., arXiv:1801.04381); names as torchvision."""

from __future__ import annotations

from typing import Any

from .. import nn
from .blocks import ImageClassifier, conv_norm

# Expansion, channels, blocks, stride of the first block.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class _Block(nn.Module):
    """Expand, filter each channel, project: all under the name `conv`, the projection flat in it."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        expand = [conv_norm(inputs, hidden, 1, activation=nn.ReLU6)] if expansion != 1 else []
        self.conv = nn.Sequential(
            *expand,
            conv_norm(hidden, hidden, 3, stride, groups=hidden, activation=nn.ReLU6),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Any) -> Any:
        y = self.conv(x)
        return x + y if self.shortcut else y


class MobileNetV2(ImageClassifier):
    """A stem, 17 inverted residuals, a 1x1 convolution, a linear layer."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv_norm(3, 32, 3, 2, activation=nn.ReLU6)]
        inputs = 32
        for expansion, outputs, count, stride in _STAGES:
            for number in range(count):
                layers.append(_Block(inputs, outputs, stride if number == 0 else 1, expansion))
                inputs = outputs
        layers.append(conv_norm(inputs, 1280, 1, activation=nn.ReLU6))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, num_classes))


def mobilenet_v2(num_classes: int = 1000) -> MobileNetV2:
    """MobileNetV2 for 3x224x224: 3,504,872 parameters."""
    return MobileNetV2(num_classes)
