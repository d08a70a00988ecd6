"""The file of models and LiteRT's results, and how fastconv is held to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import fastconv as fc
import fastconv.tflite
from tests.tensorflow.cases import numbers

MODELS = Path(__file__).with_name("models.npz")
FREE = 3  # the extent given to an axis that leaves it open; TensorFlow calls it None
Stored = dict[str, tuple[bytes, list[np.ndarray]]]


def save(models: Mapping[str, tuple[bytes, Sequence[np.ndarray]]]) -> None:
    """Write models and results."""
    arrays = {f"{name}/model": np.frombuffer(model, np.uint8) for name, (model, _) in models.items()}
    results = {f"{name}/{i}": y for name, (_, results) in models.items() for i, y in enumerate(results)}
    np.savez_compressed(MODELS, allow_pickle=False, **arrays, **results)


def load() -> Stored:
    """Read models and results."""
    with np.load(MODELS) as archive:
        names = [key.removesuffix("/model") for key in archive.files if key.endswith("/model")]
        counts = {name: sum(key.startswith(f"{name}/") for key in archive.files) - 1 for name in names}
        return {
            name: (archive[f"{name}/model"].tobytes(), [archive[f"{name}/{i}"] for i in range(counts[name])])
            for name in names
        }


def feeds(model: bytes, salt: int = 0) -> list[np.ndarray]:
    """Inputs of small integers for a model."""
    loaded = fastconv.tflite.load(model)
    shapes = [[FREE if n < 0 else n for n in loaded.tensors[index].shape] for index in loaded.inputs]
    return [numbers(shape, salt + place) for place, shape in enumerate(shapes)]


def compare(name: str, model: bytes, inputs: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> None:
    """Hold a session to LiteRT's results; most are integers, so that an error is at least 1."""
    session = fc.InferenceSession(model)
    feed = dict(zip([arg.name for arg in session.get_inputs()], inputs, strict=True))
    for arg, y, good in zip(session.get_outputs(), session.run(None, feed), expected, strict=True):
        assert y.dtype == good.dtype and y.shape == good.shape, f"{name}: {arg}"
        error = np.linalg.norm((y - good).astype(np.float64))
        assert error <= 1e-5 * np.linalg.norm(good.astype(np.float64)), f"{name}: {arg}: {error}"
