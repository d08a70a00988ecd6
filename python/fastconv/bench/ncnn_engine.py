"""ncnn: single convolutions written in its own format, whole networks translated by its converter, pnnx."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from fastconv.bench.cases import ConvCase, ModelCase, UnsupportedError
from fastconv.bench.engine import Array, Engine, Runner
from fastconv.bench.shapes import ConvShape

_MAGIC = 7767517  # opens a text file of ncnn's
_RAW = np.uint32(0)  # before weights that are plain float32


class Ncnn(Engine):
    """ncnn on the CPU, in float32: its half-precision storage is switched off. It computes one image at a time."""

    name = package = "ncnn"

    def conv(self, case: ConvCase) -> Runner:
        """Prepare a net of one Convolution or ConvolutionDepthWise layer."""
        shape = case.shape
        if shape.rank != 2 or shape.transposed or shape.n != 1:
            raise UnsupportedError("measured on 2-D convolutions of one image")
        with tempfile.TemporaryDirectory() as folder:
            weights = Path(folder, "conv.bin")
            weights.write_bytes(_RAW.tobytes() + case.weight.tobytes() + case.bias.tobytes())
            weights.with_suffix(".param").write_text(_text(shape))
            return _runner(weights, case.threads, case.x)

    def model(self, case: ModelCase) -> Runner:
        """Convert the network; pnnx folds batch norms into convolutions meanwhile."""
        if importlib.util.find_spec("pnnx") is None:
            raise UnsupportedError("networks need pip install pnnx")
        (x, *others) = case.feed.values()
        if others or len(x) != 1:
            raise UnsupportedError("measured on networks of one image")
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "model.onnx").write_bytes(case.onnx)
            _convert(folder, x)
            return _runner(Path(folder, "model.ncnn.bin"), case.threads, x)


def _convert(folder: str, x: Array) -> None:
    import pnnx

    extents = ",".join(map(str, x.shape))
    # What it writes besides, copies of the weights among it, takes longer than the conversion.
    unread = [f"{part}={os.devnull}" for part in ("pnnxparam", "pnnxbin", "pnnxpy", "pnnxonnx", "ncnnpy")]
    command = [pnnx.EXEC_PATH, "model.onnx", f"inputshape=[{extents}]f32", "fp16=0", *unread]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode or not Path(folder, "model.ncnn.bin").exists():
        raise UnsupportedError(f"pnnx cannot convert the network: status {done.returncode}")


def _runner(weights: Path, threads: int, x: Array) -> Runner:
    """Load a net from two files of one name; batches of one are ncnn's images."""
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_vulkan_compute = False
    for option in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage"):
        setattr(net.opt, f"use_{option}", False)
    if net.load_param(str(weights.with_suffix(".param"))) or net.load_model(str(weights)):
        raise UnsupportedError("ncnn refuses the network")
    image = ncnn.Mat(np.ascontiguousarray(x[0]))
    (source,), target = net.input_names(), min(net.output_names())  # pnnx calls them out0, out1 and so on

    def run() -> Any:
        extractor = net.create_extractor()
        extractor.input(source, image)
        return extractor.extract(target)[1]

    return Runner(run, lambda: np.array(run())[np.newaxis])


def _text(shape: ConvShape) -> str:
    """Write the layer's parameters by ncnn's numbers."""
    (top, left), (bottom, right) = shape.pad_begin, shape.pad_end
    numbers = {
        0: shape.k,
        1: shape.kernel[1],
        11: shape.kernel[0],
        2: shape.dilation[1],
        12: shape.dilation[0],
        3: shape.stride[1],
        13: shape.stride[0],
        4: left,
        15: right,
        14: top,
        16: bottom,
        5: 1,  # with bias
        6: int(np.prod(shape.weight_shape)),
    }
    kind = "Convolution" if shape.groups == 1 else "ConvolutionDepthWise"
    if shape.groups > 1:
        numbers[7] = shape.groups
    fields = " ".join(f"{number}={value}" for number, value in numbers.items())
    return f"{_MAGIC}\n2 2\nInput x 0 1 x\n{kind} conv 1 1 x y {fields}\n"
