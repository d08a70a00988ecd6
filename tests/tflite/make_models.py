"""Makes the models of the tests by TensorFlow's converter, and LiteRT's results for them.

    python -m tests.tflite.make_models           # writes models.npz, from which the tests run everywhere
    python -m tests.tflite.make_models --check   # compares the stored models on other inputs, for which LiteRT suffices

It needs ``tensorflow-cpu`` and ``ai-edge-litert``. `models` has what is made, `stored` the file and the comparison.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from tests.tflite.stored import compare, feeds, load, save


def of_litert(model: bytes, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """LiteRT's outputs."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model)
    for detail, array in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()
    for detail, array in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def check() -> None:
    """Compare all stored models on inputs that no file has."""
    for name, (model, _) in load().items():
        if not name.startswith("quantised"):
            inputs = feeds(model, salt=7)
            compare(name, model, inputs, of_litert(model, inputs))


def make() -> None:
    """Convert and run every model, and write the file."""
    from tests.tflite.models import models_by_name

    models = models_by_name()
    results = {
        name: [] if name.startswith("quantised") else of_litert(model, feeds(model)) for name, model in models.items()
    }
    save({name: (model, results[name]) for name, model in models.items()})


def main() -> None:
    """Make or compare, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare on other inputs and store nothing")
    (check if parser.parse_args().check else make)()


if __name__ == "__main__":
    main()
