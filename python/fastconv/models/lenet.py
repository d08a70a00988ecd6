"""LeNet-5 (LeCun et al., Gradient-based learning applied to document recognition, 1998)."""

from __future__ import annotations

from typing import Any

from .. import nn
from ..nn import functional as F


class LeNet5(nn.Module):
    """Two convolutions with average pooling, three linear layers, tanh between them.

    C5 sees 5x5 maps, so it is a linear layer; F7's radial units are a linear layer, as is usual today.
    """

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, x: Any) -> Any:
        """(N, 1, 32, 32) to (N, num_classes): logits."""
        for conv in (self.conv1, self.conv2):
            x = F.avg_pool2d(F.tanh(conv(x)), 2)
        x = F.flatten(x, 1)
        return self.fc3(F.tanh(self.fc2(F.tanh(self.fc1(x)))))


def lenet5(num_classes: int = 10) -> LeNet5:
    """LeNet-5 for 1x32x32: 61,706 parameters."""
    return LeNet5(num_classes)
