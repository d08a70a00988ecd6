"""Checkpoints of torchvision and timm, made by these packages, load strictly and give the same scores.

``python -m tests.models.against_torchvision`` where both are installed (torchvision needs a torch release of its own,
so the test suite cannot: it holds names and shapes to stored lists instead). Weights are random, norms' statistics too;
each model is saved as PyTorch and as safetensors files save it. A line a model: the relative error against float64.
"""

import tempfile
from pathlib import Path

import numpy as np
import timm
import torch
import torchvision
from safetensors.torch import save_file

import fastconv as fc

CLASSIFIERS = [
    "alexnet",
    "vgg16",
    "resnet18",
    "resnet50",
    "googlenet",
    "squeezenet1_1",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "efficientnet_b0",
]


def originals():
    """Name, model and image size."""
    for name in CLASSIFIERS:
        yield name, getattr(torchvision.models, name)(weights=None), 224
    segmenters = torchvision.models.segmentation
    yield "deeplabv3_resnet50", segmenters.deeplabv3_resnet50(weights=None, weights_backbone=None, aux_loss=True), 224
    yield "xception", timm.create_model("legacy_xception", pretrained=False), 299


def compare(name: str, original: torch.nn.Module, size: int, folder: Path) -> float:
    """Relative error of our model's scores with the original's weights."""
    generator = torch.Generator().manual_seed(0)
    state = original.eval().state_dict()
    for key, value in state.items():
        if key.endswith("running_mean"):
            value.copy_(torch.randn(value.shape, generator=generator) / 10)
        elif key.endswith("running_var"):
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
    torch.save(state, folder / "weights.pt")
    save_file({key: value.contiguous() for key, value in state.items()}, folder / "weights.safetensors")
    model = getattr(fc.models, name)().eval()
    model.load_state_dict(torch.load(folder / "weights.pt"), strict=True)
    model.load_state_dict(folder / "weights.safetensors", strict=True)
    x = torch.randn(1, 3, size, size, generator=generator)
    with torch.inference_mode():
        exact = original.double()(x.double())
    exact = (exact["out"] if isinstance(exact, dict) else exact).numpy()
    got = fc.compile(model, tuple(x.shape))(x.numpy())
    got = got["out"] if isinstance(got, dict) else got
    return float(np.linalg.norm(got - exact) / np.linalg.norm(exact))


if __name__ == "__main__":
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, timm {timm.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        for name, original, size in originals():
            error = compare(name, original, size, Path(folder))
            print(f"{name}: loaded strictly, relative error {error:.1e}")
            assert error < 1e-5, name
