"""Architectures, with the parameter names and shapes of the checkpoints in use.

Weights of torchvision (of timm for Xception, of the PyTorch Hub for U-Net) load with
`model.load_state_dict(state_dict, strict=True)`. Parameters start random; nothing is downloaded.
"""

from .alexnet import AlexNet, alexnet
from .deeplab import DeepLabV3, deeplabv3_resnet50
from .efficientnet import EfficientNet, efficientnet_b0
from .googlenet import GoogLeNet, googlenet
from .lenet import LeNet5, lenet5
from .mobilenet_v2 import MobileNetV2, mobilenet_v2
from .mobilenet_v3 import MobileNetV3, mobilenet_v3_large
from .resnet import ResNet, resnet18, resnet50
from .squeezenet import SqueezeNet, squeezenet1_1
from .unet import UNet, unet
from .vgg import VGG, vgg16
from .xception import Xception, xception

__all__ = [
    "VGG",
    "AlexNet",
    "DeepLabV3",
    "EfficientNet",
    "GoogLeNet",
    "LeNet5",
    "MobileNetV2",
    "MobileNetV3",
    "ResNet",
    "SqueezeNet",
    "UNet",
    "Xception",
    "alexnet",
    "deeplabv3_resnet50",
    "efficientnet_b0",
    "googlenet",
    "lenet5",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "resnet18",
    "resnet50",
    "squeezenet1_1",
    "unet",
    "vgg16",
    "xception",
]
