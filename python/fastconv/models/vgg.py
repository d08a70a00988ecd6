"""VGG (Simonyan & Zisserman, arXiv:1409.1556); names as torchvision."""

from __future__ import annotations

from collections.abc import Sequence

from .. import nn
from .blocks import ImageClassifier


class VGG(ImageClassifier):
    """Stages of 3x3 convolutions, each ended by a 2x2 max-pool; three linear layers.

    Parameters
    ----------
    stages : sequence of (channels, convolutions)
    num_classes : int
    """

    def __init__(self, stages: Sequence[tuple[int, int]], num_classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for channels, count in stages:
            for _ in range(count):
                layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.ReLU()]
                inputs = channels
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(inputs * 7 * 7, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, num_classes),
        )


def vgg16(num_classes: int = 1000) -> VGG:
    """VGG-16 (configuration D) for 3x224x224: 138,357,544 parameters."""
    return VGG([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], num_classes)
