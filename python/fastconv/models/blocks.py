"""What several architectures share: convolution + batch norm + activation, squeeze-and-excitation, channel rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import nn
from ..nn import functional as F


def conv_norm(
    inputs: int,
    outputs: int,
    kernel: int = 3,
    stride: int = 1,
    groups: int = 1,
    eps: float = 1e-5,
    activation: Callable[[], nn.Module] | None = nn.ReLU,
) -> nn.Sequential:
    """Convolution that keeps the size at stride 1, batch norm, activation: named "0", "1", "2"."""
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps),
    ]
    return nn.Sequential(*layers, *([activation()] if activation else []))


class SqueezeExcitation(nn.Module):
    """x * gate(fc2(activation(fc1(mean of x)))) (Hu et al., arXiv:1709.01507); fc1 and fc2 are 1x1 convolutions."""

    def __init__(
        self, channels: int, squeezed: int, activation: Callable[[], nn.Module], gate: Callable[[], nn.Module]
    ) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.activation = activation()
        self.scale_activation = gate()

    def forward(self, x: Any) -> Any:
        """(N, C, H, W); the shape stays."""
        return x * self.scale_activation(self.fc2(self.activation(self.fc1(self.avgpool(x)))))


class InvertedResidual(nn.Module):
    """Expand, filter each channel, excite, project (Sandler et al., arXiv:1801.04381; Howard et al., 1905.02244).

    Parameters
    ----------
    inputs, expanded, outputs : int
        Channels; there is no expansion where expanded equals inputs.
    kernel, stride : int
    squeezed : int
        Channels inside the squeeze-and-excitation; 0: none.
    gate : callable
        The squeeze-and-excitation's activation of the scales; its inner one is `squeeze_activation`.
    """

    def __init__(
        self,
        inputs: int,
        expanded: int,
        outputs: int,
        kernel: int,
        stride: int,
        squeezed: int,
        *,
        eps: float,
        activation: Callable[[], nn.Module],
        squeeze_activation: Callable[[], nn.Module],
        gate: Callable[[], nn.Module],
    ) -> None:
        super().__init__()
        self.shortcut = stride == 1 and inputs == outputs
        layers: list[nn.Module] = []
        if expanded != inputs:
            layers.append(conv_norm(inputs, expanded, 1, eps=eps, activation=activation))
        layers.append(conv_norm(expanded, expanded, kernel, stride, groups=expanded, eps=eps, activation=activation))
        if squeezed:
            layers.append(SqueezeExcitation(expanded, squeezed, squeeze_activation, gate))
        layers.append(conv_norm(expanded, outputs, 1, eps=eps, activation=None))
        self.block = nn.Sequential(*layers)

    def forward(self, x: Any) -> Any:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        y = self.block(x)
        return y + x if self.shortcut else y


def multiple_of_8(channels: float) -> int:
    """Round to a multiple of 8, but not below 90 % of what was asked for."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8


class ImageClassifier(nn.Module):
    """features, average pool, classifier: the frame of several architectures."""

    features: nn.Module
    avgpool: nn.Module
    classifier: nn.Module

    def forward(self, x: Any) -> Any:
        """(N, 3, H, W) to (N, num_classes): logits."""
        return self.classifier(F.flatten(self.avgpool(self.features(x)), 1))
