"""The file of TensorFlow's results: a JSON header with the cases, and all values in a row."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import fastconv.tensorflow
from tests.tensorflow.cases import Case, arguments, is_exact

RESULTS = Path(__file__).with_name("results.npz")
Results = list[tuple[Case, np.ndarray]]


def save(results: Results, version: str) -> None:
    """Write cases and results."""
    header = {"tensorflow": version, "cases": [[case, list(result.shape)] for case, result in results]}
    values = np.concatenate([result.ravel() for _, result in results])
    np.savez_compressed(RESULTS, header=np.frombuffer(json.dumps(header).encode(), np.uint8), values=values)


def load() -> Results:
    """Read cases and results."""
    with np.load(RESULTS) as archive:
        cases, values = json.loads(archive["header"].tobytes())["cases"], archive["values"]
    ends = np.cumsum([np.prod(shape) for _, shape in cases])
    return [(case, part.reshape(shape)) for (case, shape), part in zip(cases, np.split(values, ends[:-1].astype(int)))]


def compare(case: Case, expected: np.ndarray) -> None:
    """Hold fastconv to TensorFlow's result: bit for bit, but for means, whose divisions round."""
    got = getattr(fastconv.tensorflow, case["function"])(**arguments(case))
    assert type(got) is np.ndarray and got.shape == expected.shape and got.dtype == np.float32
    np.testing.assert_allclose(got, expected, rtol=0 if is_exact(case) else 1e-6, atol=0 if is_exact(case) else 1e-6)
