"""README and guides tell the truth: their Python runs, their commands work, their C++ is that of built examples."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import fastconv as fc

from ..entry_points import declare_backend
from ..tflite.stored import load as tflite_models

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


GUIDES = [
    README,
    *((ROOT / "docs" / name).read_text() for name in ("pytorch.md", "onnx.md", "tensorflow.md", "profiling.md")),
]
# How often a command measures where the documents leave it to do so well.
ONCE = {"bench": ["--rounds", "1"], "profile": ["--runs", "1"]}


def blocks(language, *texts):
    return re.findall(rf"^```{language}\n(.*?)^```$", "\n".join(texts or [README]), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the examples run: it has the file they read."""
    from fastconv.onnx import to_onnx

    path = tmp_path_factory.mktemp("readme")
    (path / "docs").mkdir()
    model = to_onnx(fc.models.squeezenet1_1().eval(), (1, 3, 224, 224))
    (path / "model.onnx").write_bytes(model.SerializeToString())
    (path / "model.tflite").write_bytes(tflite_models()["keras"][0])
    declare_backend(path)
    return path


@pytest.mark.parametrize("text", blocks("python", *GUIDES), ids=range(len(blocks("python", *GUIDES))))
def test_python(text, folder):
    for package in ("torch", "tensorflow"):
        if f"import {package}" in text and importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    done = subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "line", [line for block in blocks("sh", *GUIDES) for line in block.splitlines() if line.startswith("fastconv ")]
)
def test_commands(line, folder):
    arguments = [sys.executable, "-m", *shlex.split(line)]
    arguments += ONCE.get(arguments[3], [])
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_cpp():
    examples = [path.read_text() for path in sorted((ROOT / "examples" / "cpp").glob("*.cpp"))]
    shown = blocks("cpp")
    assert len(shown) == len(examples) == 2
    assert all(block in example for block, example in zip(shown, examples))


def test_links():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
    for target in re.findall(r"\]\(([^)#:]+)\)", "\n".join(GUIDES[1:])):
        assert (ROOT / "docs" / target).exists(), target
