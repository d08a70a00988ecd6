"""LiteRT, TensorFlow Lite's own engine: whole networks of its own files."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastconv.bench.cases import ConvCase, ModelCase, UnsupportedError
from fastconv.bench.engine import Engine, Runner


class LiteRt(Engine):
    """LiteRT on the CPU, in float32 as the files are."""

    name, package = "litert", "ai_edge_litert"

    def concerns(self, case: ConvCase | ModelCase) -> bool:
        """Whether the case is a network that it reads."""
        return isinstance(case, ModelCase) and case.kind == "tflite"

    def conv(self, case: ConvCase) -> Runner:
        """Whole networks only."""
        raise UnsupportedError("measured on whole networks")

    def model(self, case: ModelCase) -> Runner:
        """Prepare an interpreter. A run takes the inputs in, and leaves the outputs where they are."""
        content = case.tflite
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_content=content, num_threads=case.threads)
        feed = dict(zip((detail["index"] for detail in interpreter.get_input_details()), case.feed.values()))
        for index, array in feed.items():
            interpreter.resize_tensor_input(index, array.shape)
        interpreter.allocate_tensors()
        first = interpreter.get_output_details()[0]["index"]

        def run() -> Any:
            for index, array in feed.items():
                interpreter.set_tensor(index, array)
            interpreter.invoke()

        def result() -> np.ndarray:
            run()
            array: np.ndarray = interpreter.get_tensor(first)
            return array

        return Runner(run, result)
