"""The engines that are measured: fastconv and its peers, one small adapter each, all under one interface.

An adapter prepares a case once (weights packed, session made, threads set) and hands back a `Runner`: what is timed is
`Runner.run` alone, and `Runner.result` is compared with float64 beforehand. Peers are imported when asked for.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import fastconv
from fastconv import _core
from fastconv.bench.cases import ConvCase, ModelCase, UnsupportedError
from fastconv.bench.engine import Array, Engine, Runner
from fastconv.bench.litert_engine import LiteRt
from fastconv.bench.ncnn_engine import Ncnn
from fastconv.bench.torch_engines import Backend, Converted, Inductor, OneDnn, Torch


class FastConv(Engine):
    """Ourselves: a convolution is planned once, as an embedder's; a network is an `InferenceSession`."""

    name = package = "fastconv"

    def __init__(self, layout: str = "NCHW"):
        self.layout = layout

    def version(self) -> str:
        """Version of the sources in use, installed or not."""
        return fastconv.__version__

    def precision(self, case: ConvCase | ModelCase) -> str:
        """The budget that the case names."""
        return case.precision

    def conv(self, case: ConvCase) -> Runner:
        """Prepare `_core.Conv`, which is the public C++ class."""
        fastconv.set_num_threads(case.threads)
        conv = _core.Conv(description(case, self.layout), case.weight, case.bias)
        last = self.layout == "NHWC"
        x = np.ascontiguousarray(np.moveaxis(case.x, 1, -1)) if last else case.x
        count = int(np.prod(conv.output_shape))
        y = np.frombuffer(memoryview(_core.Buffer(4 * count)), np.float32).reshape(
            conv.output_shape
        )  # aligned, as all results

        def result() -> Array:
            conv.run(x, y)
            return np.moveaxis(y, -1, 1) if last else y

        return Runner(lambda: conv.run(x, y), result, conv.algorithm)

    def model(self, case: ModelCase) -> Runner:
        """Prepare a session."""
        if self.layout != "NCHW":
            raise UnsupportedError("networks keep the layout of their inputs")
        options = fastconv.SessionOptions()
        options.intra_op_num_threads = case.threads
        options.add_session_config_entry("fastconv.wisdom", "0")  # what an untuned machine gives
        with fastconv.precision(case.precision):
            session = fastconv.InferenceSession(case.model, options)
        how = "fallbacks: " + ", ".join(session.fallbacks) if session.fallbacks else ""
        return Runner(lambda: session.run(None, case.feed), lambda: session.run(None, case.feed)[0], how)


def description(case: ConvCase, layout: str) -> _core.ConvDescription:
    """Write a case in the words of the C++ interface."""
    shape, d = case.shape, _core.ConvDescription()
    d.transposed, d.batch, d.groups = shape.transposed, shape.n, shape.groups
    d.in_channels, d.out_channels = shape.c, shape.k
    d.input_size, d.kernel_size = list(shape.size), list(shape.kernel)
    d.stride, d.dilation = list(shape.stride), list(shape.dilation)
    d.padding_begin, d.padding_end = list(shape.pad_begin), list(shape.pad_end)
    d.output_padding = list(shape.output_padding)
    d.layout, d.precision, d.algorithm = layout, case.precision, case.algorithm
    return d


class OnnxRuntime(Engine):
    """ONNX Runtime's CPU provider."""

    name = package = "onnxruntime"

    def _session(self, model: bytes, threads: int, feed: dict[str, Array]) -> Runner:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return Runner(lambda: session.run(None, feed), lambda: session.run(None, feed)[0])

    def conv(self, case: ConvCase) -> Runner:
        """Prepare a session of one node."""
        return self._session(case.onnx(), case.threads, {"x": case.x})

    def model(self, case: ModelCase) -> Runner:
        """Prepare a session."""
        return self._session(case.onnx, case.threads, case.feed)


class OpenVino(Engine):
    """OpenVINO's CPU plugin, held to float32: left alone it computes in bfloat16 where the processor can."""

    name = package = "openvino"
    hint = "f32"

    def _request(self, model: bytes, threads: int, feed: dict[str, Array], kind: str = "onnx") -> Runner:
        import openvino

        core = openvino.Core()
        if self.hint.upper() not in ("F32", *core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")):
            raise UnsupportedError(f"the processor has no {self.hint}")
        with tempfile.TemporaryDirectory() as folder:  # of bytes it knows ONNX's alone
            file = Path(folder, f"model.{kind}")
            file.write_bytes(model)
            graph = core.read_model(file)
        graph.reshape({name: list(array.shape) for name, array in feed.items()})
        options = {
            "INFERENCE_PRECISION_HINT": self.hint,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        }
        compiled = core.compile_model(graph, "CPU", options)
        request, ports = compiled.create_infer_request(), {compiled.input(name): array for name, array in feed.items()}

        def run() -> Any:
            return request.infer(ports, share_inputs=True, share_outputs=True)

        return Runner(run, lambda: np.array(run()[compiled.output(0)]))

    def conv(self, case: ConvCase) -> Runner:
        """Prepare a model of one node."""
        return self._request(case.onnx(), case.threads, {"x": case.x})

    def model(self, case: ModelCase) -> Runner:
        """Prepare a model; TensorFlow Lite's it reads itself."""
        if case.kind == "tflite":
            return self._request(case.tflite, case.threads, case.feed, "tflite")
        return self._request(case.onnx, case.threads, case.feed)


class OpenVinoBf16(OpenVino):
    """OpenVINO in bfloat16, as it computes by default on processors that can."""

    name = "openvino-bf16"
    hint = "bf16"

    def precision(self, case: ConvCase | ModelCase) -> str:
        """Not that of the others: the tables mark its ratios."""
        return "bfloat16"


ENGINES: tuple[Engine, ...] = (
    FastConv(),
    FastConv("NHWC"),
    Torch(),
    Torch(channels_last=True),
    OneDnn(),
    Inductor(),
    Backend(),
    Backend(freezing=True),
    Converted(),
    Converted(freezing=True),
    OnnxRuntime(),
    OpenVino(),
    OpenVinoBf16(),
    Ncnn(),
    LiteRt(),
)


def installed(names: list[str] | None = None) -> list[Engine]:
    """Return the engines to measure: fastconv and, of those named (default: those not on request), the peers installed.

    ``["all"]`` are all that are installed, with those on request. Where none is
    named, a case takes those that it concerns (`Engine.concerns`).

    Raises
    ------
    ValueError
        For a name that is no engine, or one that was asked for and is not installed.
    """
    if names == ["all"]:
        return [engine for engine in ENGINES if engine.available()]
    known = dict.fromkeys(engine.name for engine in ENGINES)
    for name in names or ():
        if name not in known:
            raise ValueError(f"engines: must be among {', '.join(known)}, got {name!r}")
    chosen = [e for e in ENGINES if isinstance(e, FastConv) or (e.name in names if names else not e.on_request)]
    for engine in chosen:
        if names and not engine.available():
            raise ValueError(f"engines: {engine.name} must be installed")
    return [engine for engine in chosen if engine.available()]
