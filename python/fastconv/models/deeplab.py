"""DeepLabV3 on a dilated ResNet-50 (Chen et al., arXiv:1706.05587); names as torchvision."""

from __future__ import annotations

from typing import Any

from .. import nn
from ..nn import functional as F
from .resnet import Bottleneck, ResNet


def _conv_norm(inputs: int, outputs: int, kernel: int, dilation: int = 1) -> list[nn.Module]:
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU()]


class ImagePool(nn.Sequential):
    """The mean of the whole image through a 1x1 convolution, spread over the image again."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(nn.AdaptiveAvgPool2d(1), *_conv_norm(inputs, outputs, 1))

    def forward(self, x: Any) -> Any:
        """(N, inputs, H, W) to (N, outputs, H, W)."""
        return F.interpolate(super().forward(x), x.shape[2:], mode="bilinear", align_corners=False)


class AtrousPyramid(nn.Module):
    """Convolutions of several dilations side by side, and the image's mean; joined by a 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int, rates: tuple[int, ...]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            [
                nn.Sequential(*_conv_norm(inputs, outputs, 1)),
                *(nn.Sequential(*_conv_norm(inputs, outputs, 3, rate)) for rate in rates),
                ImagePool(inputs, outputs),
            ]
        )
        self.project = nn.Sequential(*_conv_norm(outputs * len(self.convs), outputs, 1), nn.Dropout(0.5))

    def forward(self, x: Any) -> Any:
        """(N, inputs, H, W) to (N, outputs, H, W)."""
        return self.project(F.concat([conv(x) for conv in self.convs], 1))


class DeepLabV3(nn.Module):
    """A backbone that ends at an eighth of the image, an atrous pyramid, logits at the image's size.

    Parameters
    ----------
    num_classes : int
    aux_loss : bool
        Whether there is a second, simpler head on the third stage, as in torchvision's checkpoint.
    """

    def __init__(self, num_classes: int = 21, aux_loss: bool = True) -> None:
        super().__init__()
        backbone = ResNet(Bottleneck, (3, 4, 6, 3), dilated=(False, True, True))
        del backbone.avgpool, backbone.fc
        self.backbone = backbone
        self.classifier = nn.Sequential(
            AtrousPyramid(2048, 256, (12, 24, 36)), *_conv_norm(256, 256, 3), nn.Conv2d(256, num_classes, 1)
        )
        auxiliary = nn.Sequential(*_conv_norm(1024, 256, 3), nn.Dropout(0.1), nn.Conv2d(256, num_classes, 1))
        self.add_module("aux_classifier", auxiliary if aux_loss else None)

    def forward(self, x: Any) -> dict[str, Any]:
        """(N, 3, H, W) to {"out": (N, num_classes, H, W)}, and "aux" of the same shape: logits."""
        _, _, third, fourth = self.backbone.stages(x)
        heads = {"out": self.classifier(fourth)}
        if self.aux_classifier:
            heads["aux"] = self.aux_classifier(third)
        size = x.shape[2:]
        return {
            name: F.interpolate(logits, size, mode="bilinear", align_corners=False) for name, logits in heads.items()
        }


def deeplabv3_resnet50(num_classes: int = 21, aux_loss: bool = True) -> DeepLabV3:
    """DeepLabV3 on ResNet-50: 42,004,074 parameters with the auxiliary head, 39,638,869 without."""
    return DeepLabV3(num_classes, aux_loss)
