"""Names and shapes of every model's state against those of the published checkpoints.

`state_dicts/NAME.txt` has a line a layer: its name, and the weight's shape, followed by the bias's length where there
is one; or "norm" and the number of channels. Sources: torchvision's checkpoints; timm's legacy_xception; the PyTorch
Hub's mateuszbuda/brain-segmentation-pytorch for unet; for lenet5 the names of PyTorch's tutorial.
"""

from pathlib import Path

import numpy as np
import pytest

from fastconv import models

FOLDER = Path(__file__).parent / "state_dicts"
PARAMETERS = {
    "alexnet": 61_100_840,
    "deeplabv3_resnet50": 42_004_074,
    "efficientnet_b0": 5_288_548,
    "googlenet": 13_004_888,
    "lenet5": 61_706,
    "mobilenet_v2": 3_504_872,
    "mobilenet_v3_large": 5_483_032,
    "resnet18": 11_689_512,
    "resnet50": 25_557_032,
    "squeezenet1_1": 1_235_496,
    "unet": 7_763_041,
    "vgg16": 138_357_544,
    "xception": 22_855_952,
}


def expected_state(name):
    shapes = {}
    for line in (FOLDER / f"{name}.txt").read_text().splitlines():
        layer, *words = line.split()
        if words[0] == "norm":
            shapes.update(
                {f"{layer}.{key}": (int(words[1]),) for key in ("weight", "bias", "running_mean", "running_var")}
            )
            shapes[f"{layer}.num_batches_tracked"] = ()
        else:
            shapes[f"{layer}.weight"] = tuple(map(int, words[0].split("x")))
            if words[1:]:
                assert words[1] == "bias"
                shapes[f"{layer}.bias"] = (int(words[2]),)
    return shapes


def count(model):
    return sum(array.size for array in model.parameters())


def test_every_model_is_listed():
    functions = {name for name in models.__all__ if name.islower()}
    assert functions == set(PARAMETERS) == {path.stem for path in FOLDER.iterdir()}


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_names_shapes_and_counts(name):
    model = getattr(models, name)()
    expected = expected_state(name)
    state = model.state_dict()
    assert {key: array.shape for key, array in state.items()} == expected
    assert list(state) == list(expected)
    assert count(model) == PARAMETERS[name]


@pytest.mark.parametrize("name", sorted(set(PARAMETERS) - {"alexnet", "vgg16"}))
def test_a_checkpoint_loads_strictly(name):
    checkpoint = {key: np.full(shape, 0.5, np.float32) for key, shape in expected_state(name).items()}
    model = getattr(models, name)()
    model.load_state_dict(checkpoint, strict=True)
    assert all((array == 0.5).all() for array in model.parameters())


def test_variants():
    assert count(models.googlenet(aux_logits=False)) == 6_624_904
    assert count(models.deeplabv3_resnet50(aux_loss=False)) == 39_638_869
    assert models.resnet18(num_classes=10).fc.weight.shape == (10, 512)
    assert models.unet(1, 2, 8).conv.weight.shape == (2, 8, 1, 1)


def test_batch_norm_has_the_libraries_eps():
    for name, eps in [("googlenet", 1e-3), ("mobilenet_v3_large", 1e-3), ("efficientnet_b0", 1e-5), ("resnet18", 1e-5)]:
        found = {module.eps for module in getattr(models, name)().modules() if hasattr(module, "running_var")}
        assert found == {eps}
