"""MobileNetV3-Large (Howard et al., arXiv:1905.02244); names as torchvision, batch norm's eps 1e-3."""

from __future__ import annotations

from .. import nn
from .blocks import ImageClassifier, InvertedResidual, conv_norm, multiple_of_8

# Kernel, expanded channels, output channels, excited, hard swish (else ReLU), stride.
_LARGE = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
)
_EPS = 1e-3


class MobileNetV3(ImageClassifier):
    """A stem, 15 inverted residuals, a 1x1 convolution, two linear layers."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv_norm(3, 16, 3, 2, eps=_EPS, activation=nn.Hardswish)]
        inputs = 16
        for kernel, expanded, outputs, excited, swish, stride in _LARGE:
            squeezed = multiple_of_8(expanded // 4) if excited else 0
            layers.append(
                InvertedResidual(
                    inputs,
                    expanded,
                    outputs,
                    kernel,
                    stride,
                    squeezed,
                    eps=_EPS,
                    activation=nn.Hardswish if swish else nn.ReLU,
                    squeeze_activation=nn.ReLU,
                    gate=nn.Hardsigmoid,
                )
            )
            inputs = outputs
        layers.append(conv_norm(inputs, 960, 1, eps=_EPS, activation=nn.Hardswish))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(960, 1280), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(1280, num_classes)
        )


def mobilenet_v3_large(num_classes: int = 1000) -> MobileNetV3:
    """MobileNetV3-Large for 3x224x224: 5,483,032 parameters."""
    return MobileNetV3(num_classes)
