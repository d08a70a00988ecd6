"""U-Net with batch norm and transposed convolutions (Ronneberger et al., arXiv:1505.04597).

Names as the PyTorch Hub's `mateuszbuda/brain-segmentation-pytorch` (Buda et al., arXiv:1906.03720).
"""

from __future__ import annotations

from typing import Any

from .. import nn
from ..nn import functional as F

_DEPTH = 4


def _double_conv(inputs: int, outputs: int, name: str) -> nn.Sequential:
    layers: dict[str, nn.Module] = {}
    for number, source in ((1, inputs), (2, outputs)):
        layers[f"{name}conv{number}"] = nn.Conv2d(source, outputs, 3, padding=1, bias=False)
        layers[f"{name}norm{number}"] = nn.BatchNorm2d(outputs)
        layers[f"{name}relu{number}"] = nn.ReLU()
    return nn.Sequential(layers)


class UNet(nn.Module):
    """Four halvings, a bottleneck, four doublings, each joined with the encoder's map of its size.

    Parameters
    ----------
    in_channels, out_channels : int
    init_features : int
        Channels of the first stage; each further one has twice as many.
    """

    def __init__(self, in_channels: int = 3, out_channels: int = 1, init_features: int = 32) -> None:
        super().__init__()
        inputs, features = in_channels, init_features
        for stage in range(1, _DEPTH + 1):
            self.add_module(f"encoder{stage}", _double_conv(inputs, features, f"enc{stage}"))
            self.add_module(f"pool{stage}", nn.MaxPool2d(2))
            inputs, features = features, 2 * features
        self.bottleneck = _double_conv(inputs, features, "bottleneck")
        for stage in range(_DEPTH, 0, -1):
            self.add_module(f"upconv{stage}", nn.ConvTranspose2d(features, features // 2, 2, 2))
            self.add_module(f"decoder{stage}", _double_conv(features, features // 2, f"dec{stage}"))
            features //= 2
        self.conv = nn.Conv2d(features, out_channels, 1)

    def forward(self, x: Any) -> Any:
        """(N, in_channels, H, W) to (N, out_channels, H, W): probabilities. H and W must be multiples of 16."""
        encoded = []
        for stage in range(1, _DEPTH + 1):
            encoded.append(getattr(self, f"encoder{stage}")(x))
            x = getattr(self, f"pool{stage}")(encoded[-1])
        x = self.bottleneck(x)
        for stage in range(_DEPTH, 0, -1):
            x = F.concat([getattr(self, f"upconv{stage}")(x), encoded[stage - 1]], 1)
            x = getattr(self, f"decoder{stage}")(x)
        return F.sigmoid(self.conv(x))


def unet(in_channels: int = 3, out_channels: int = 1, init_features: int = 32) -> UNet:
    """U-Net for 3x256x256: 7,763,041 parameters."""
    return UNet(in_channels, out_channels, init_features)
