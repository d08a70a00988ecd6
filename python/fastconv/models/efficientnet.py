"""EfficientNet-B0 (Tan & Le, arXiv:1905.11946); names as torchvision."""

from __future__ import annotations

from .. import nn
from .blocks import ImageClassifier, InvertedResidual, conv_norm

# Expansion, kernel, stride of the first block, channels, blocks.
_STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)


class EfficientNet(ImageClassifier):
    """A stem, seven stages of inverted residuals with squeeze-and-excitation, a 1x1 convolution, a linear layer."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        stages: list[nn.Module] = [conv_norm(3, 32, 3, 2, activation=nn.SiLU)]
        inputs = 32
        for expansion, kernel, stride, outputs, count in _STAGES:
            blocks = []
            for number in range(count):
                blocks.append(
                    InvertedResidual(
                        inputs,
                        inputs * expansion,
                        outputs,
                        kernel,
                        stride if number == 0 else 1,
                        inputs // 4,
                        eps=1e-5,
                        activation=nn.SiLU,
                        squeeze_activation=nn.SiLU,
                        gate=nn.Sigmoid,
                    )
                )
                inputs = outputs
            stages.append(nn.Sequential(*blocks))
        stages.append(conv_norm(inputs, 1280, 1, activation=nn.SiLU))
        self.features = nn.Sequential(*stages)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, num_classes))


def efficientnet_b0(num_classes: int = 1000) -> EfficientNet:
    """EfficientNet-B0 for 3x224x224: 5,288,548 parameters."""
    return EfficientNet(num_classes)
