"""The engines that are measured: fastconv and its peers, one small adapter each, all under one interface.

An adapter prepares a case once (weights packed, session made, threads set) and hands back a `Runner`: what is timed is
`Runner.run` alone, and `Runner.result` is compared with float64 beforehand. Peers are imported when asked for.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import fastconv
from fastconv import _core
from fastconv.bench.cases import ConvCase, ModelCase, UnsupportedError

Array = np.ndarray[Any, np.dtype[Any]]


class Runner(NamedTuple):
    """A prepared case: `run` computes, `result` gives an outcome with channels first, `how` says by what means."""

    run: Callable[[], object]
    result: Callable[[], Array]
    how: str = ""


class Engine:
    """What the adapters share. `layout` is that of the arrays at the engine's border."""

    name: str
    package: str
    layout = "NCHW"

    def available(self) -> bool:
        """Whether the package is installed."""
        return importlib.util.find_spec(self.package) is not None

    def version(self) -> str:
        """Version of the package."""
        return importlib.metadata.version(self.package)

    def conv(self, case: ConvCase) -> Runner:
        """Prepare a convolution."""
        raise NotImplementedError

    def model(self, case: ModelCase) -> Runner:
        """Prepare a whole network."""
        raise NotImplementedError


class FastConv(Engine):
    """Ourselves: a convolution is planned once, as an embedder's; a network is an `InferenceSession`."""

    name = package = "fastconv"

    def __init__(self, layout: str = "NCHW"):
        self.layout = layout

    def version(self) -> str:
        """Version of the sources in use, installed or not."""
        return fastconv.__version__

    def conv(self, case: ConvCase) -> Runner:
        """Prepare `_core.Conv`, which is the public C++ class."""
        fastconv.set_num_threads(case.threads)
        conv = _core.Conv(description(case, self.layout), case.weight, case.bias)
        last = self.layout == "NHWC"
        x = np.ascontiguousarray(np.moveaxis(case.x, 1, -1)) if last else case.x
        y = np.empty(conv.output_shape, np.float32)

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
        with fastconv.precision(case.precision):
            session = fastconv.InferenceSession(case.onnx, options)
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


class Torch(Engine):
    """PyTorch in eager mode; a network is run call by call from fastconv's record of it."""

    name = package = "torch"

    def __init__(self, channels_last: bool = False):
        self.layout = "NHWC" if channels_last else "NCHW"

    def _tensor(self, array: Array) -> Any:
        import torch

        # Always a copy: torch warns of arrays that are read-only.
        if self.layout == "NCHW" or array.ndim < 4:
            return torch.from_numpy(np.array(array))
        # Made from an NHWC array, so that the stride of a batch of one is right too: torch leaves its fast path else.
        return torch.from_numpy(np.array(np.moveaxis(array, 1, -1), order="C")).movedim(-1, 1)

    def conv(self, case: ConvCase) -> Runner:
        """Prepare torch.nn.functional.conv*; uneven padding is padded beforehand, outside the timing."""
        import torch

        shape = case.shape
        if self.layout == "NHWC" and shape.rank == 1:
            raise UnsupportedError("torch has no channels-last format for one spatial axis")
        torch.set_num_threads(case.threads)
        pads, x = shape.pad_begin, case.x
        if shape.transposed:
            if shape.pad_begin != shape.pad_end:
                raise UnsupportedError("torch crops both ends alike")
            function = getattr(torch.nn.functional, f"conv_transpose{shape.rank}d")
            rest: tuple[Any, ...] = (shape.output_padding, shape.groups, shape.dilation)
        else:
            if shape.pad_begin != shape.pad_end:
                x = np.pad(x, [(0, 0), (0, 0), *zip(shape.pad_begin, shape.pad_end)])
                pads = (0,) * shape.rank
            function = getattr(torch.nn.functional, f"conv{shape.rank}d")
            rest = (shape.dilation, shape.groups)
        arguments = (self._tensor(x), self._tensor(case.weight), self._tensor(case.bias), shape.stride, pads, *rest)

        def run() -> Any:
            with torch.inference_mode():
                return function(*arguments)

        return Runner(run, lambda: run().numpy())

    def model(self, case: ModelCase) -> Runner:
        """Prepare a `TorchGraph`."""
        import torch

        from fastconv.bench.torch_graph import TorchGraph

        torch.set_num_threads(case.threads)
        graph = TorchGraph(case.graph(), convert=self._tensor)
        feed = {name: self._tensor(array) for name, array in case.feed.items()}

        def run() -> Any:
            with torch.inference_mode():
                return graph.run(feed)[0]

        return Runner(run, lambda: run().numpy(), "eager")


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

    def _request(self, model: bytes, threads: int, feed: dict[str, Array]) -> Runner:
        import openvino

        core = openvino.Core()
        graph = core.read_model(model=model)
        graph.reshape({name: list(array.shape) for name, array in feed.items()})
        options = {
            "INFERENCE_PRECISION_HINT": "f32",
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
        """Prepare a model."""
        return self._request(case.onnx, case.threads, case.feed)


ENGINES: tuple[Engine, ...] = (
    FastConv(),
    FastConv("NHWC"),
    Torch(),
    Torch(channels_last=True),
    OnnxRuntime(),
    OpenVino(),
)


def installed(names: list[str] | None = None) -> list[Engine]:
    """Return the engines to measure: fastconv and, of those named (default: all), the peers that are installed.

    Raises
    ------
    ValueError
        For a name that is no engine, or one that was asked for and is not installed.
    """
    known = dict.fromkeys(engine.name for engine in ENGINES)
    for name in names or ():
        if name not in known:
            raise ValueError(f"engines: must be among {', '.join(known)}, got {name!r}")
    chosen = [e for e in ENGINES if names is None or e.name in names or isinstance(e, FastConv)]
    for engine in chosen:
        if names and not engine.available():
            raise ValueError(f"engines: {engine.name} must be installed")
    return [engine for engine in chosen if engine.available()]
