"""facenet-pytorch's trained face detector: three networks, an image pyramid of many sizes, torch between them."""

import importlib.util

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")
data = pytest.importorskip("skimage.data")

from matplotlib import cbook  # noqa: E402
from PIL import Image  # noqa: E402

import fastconv.torch  # noqa: E402

from . import torchvision_stand_in  # noqa: E402


@pytest.fixture(scope="module")
def mtcnn():
    pytest.importorskip("tqdm")
    if importlib.util.find_spec("torchvision") is None:
        torchvision_stand_in.install()
    facenet = pytest.importorskip("facenet_pytorch")
    return facenet.MTCNN(keep_all=True).eval()


@pytest.fixture(scope="module")
def compiled(mtcnn):
    import facenet_pytorch

    detector = facenet_pytorch.MTCNN(keep_all=True).eval()
    for name in ("pnet", "rnet", "onet"):
        setattr(detector, name, torch.compile(getattr(detector, name), backend=fastconv.torch.backend, dynamic=True))
    return detector


PICTURES = {
    "astronaut": (data.astronaut, 1),
    "grace_hopper": (lambda: np.asarray(Image.open(cbook.get_sample_data("grace_hopper.jpg"))), 1),
    "coffee": (data.coffee, 0),
}


@pytest.mark.parametrize("name", PICTURES)
def test_same_faces(name, mtcnn, compiled):
    draw, count = PICTURES[name]
    picture = draw()
    boxes, scores = mtcnn.detect(picture)
    found, found_scores = compiled.detect(picture)
    if count == 0:
        assert boxes is None
        assert found is None
        return
    assert len(boxes) == len(found) == count
    np.testing.assert_allclose(found.astype(float), boxes.astype(float), rtol=0, atol=1e-3)
    np.testing.assert_allclose(found_scores.astype(float), scores.astype(float), rtol=0, atol=1e-4)
