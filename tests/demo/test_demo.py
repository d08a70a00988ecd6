"""The main job: unmodified RapidOCR reads a scanned page on fastconv, and reads what it reads on ONNX Runtime."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

pytest.importorskip("rapidocr", reason="rapidocr is not installed: pip install '.[demo]'")
pytest.importorskip("skimage", reason="scikit-image is not installed: pip install '.[demo]'")

import fastconv.onnxruntime
from fastconv.cli import main, ocr

LINES = [
    "Region-based segmentation",
    "Let us first determine markers of the coins and the",
    "background. These markers are pixels that we can label",
    "unambiguously as either object or background. Here,",
    "histogram of grey values:",
]


@pytest.fixture(scope="module")
def reading():
    """What RapidOCR returns for the page, and the runs of its models."""
    import skimage.data

    with ocr.recording() as calls:
        found = ocr.Reader(fastconv.onnxruntime)(skimage.data.page())
    return found, calls


def test_text(reading):
    found, _ = reading
    assert found.boxes.shape == (len(found.txts), 4, 2)
    assert [line for line in LINES if line not in found.txts] == []


def test_all_three_models_ran_natively(reading):
    _, calls = reading
    assert len({call.model for call in calls}) == 3
    assert all(call.session.fallbacks == {} for call in calls)
    assert all(len(call.session._runner.steps) == 1 for call in calls)


def test_outputs_are_those_of_onnxruntime(reading):
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    for call in reading[1]:
        theirs = onnxruntime.InferenceSession(str(call.model), providers=["CPUExecutionProvider"]).run(None, call.feed)
        for ours, wanted in zip(call.outputs, theirs, strict=True):
            assert ours.shape == wanted.shape
            np.testing.assert_allclose(ours, wanted, atol=2e-4)


def test_command(tmp_path, capsys):
    picture = tmp_path / "out" / "page.png"
    assert main(["demo", "--rounds", "1", "--layers", "5", "--output", str(picture)]) == 0
    printed = capsys.readouterr().out
    assert all(line in printed for line in LINES)
    assert "slowest of" in printed
    if importlib.util.find_spec("onnxruntime"):
        assert "the two engines read the same text" in printed
    from PIL import Image

    with Image.open(picture) as drawn:
        pixels = np.asarray(drawn.convert("RGB"))
    assert pixels.shape[1] >= 2 * 384
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100  # boxes and text in colours


def test_other_pages(tmp_path, capsys):
    from PIL import Image

    blank = tmp_path / "blank.png"
    Image.new("RGB", (200, 100), "white").save(blank)
    assert main(["demo", "--image", str(blank), "--rounds", "1", "--output", str(tmp_path / "o.png")]) == 0
    assert main(["demo", "--image", str(tmp_path / "missing.png"), "--rounds", "1"]) == 1
    assert "missing.png" in capsys.readouterr().err
    assert main(["demo", "--rounds", "0"]) == 1
