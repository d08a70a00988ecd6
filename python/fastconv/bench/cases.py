"""What is measured: a convolution or a network with its data, and the float64 result that errors are counted from."""

from __future__ import annotations

import copy
import io
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

import fastconv
from fastconv import reference
from fastconv._frontends import frontend
from fastconv.bench import sources
from fastconv.bench.shapes import ConvShape
from fastconv.graph_builder import GraphBuilder

Array = np.ndarray[Any, np.dtype[Any]]

_FREE_EXTENTS = (1, 3, 224, 224)  # stand in for those that a model leaves free


class UnsupportedError(NotImplementedError):
    """What an engine cannot run, and why."""


def relative_error(result: Array, exact: Array) -> float:
    """Relative Frobenius error: |result - exact| / |exact|."""
    scale = float(np.linalg.norm(exact.ravel()))
    return float(np.linalg.norm((result.astype(np.float64) - exact).ravel())) / (scale or 1.0)


@dataclass
class ConvCase:
    """One convolution on random data."""

    shape: ConvShape
    threads: int = 1
    precision: str = "highest"
    algorithm: str = "auto"
    x: Array = field(init=False)
    weight: Array = field(init=False)
    bias: Array = field(init=False)

    def __post_init__(self) -> None:
        """Draw the data."""
        self.x, self.weight, self.bias = self.shape.operands()

    @property
    def flops(self) -> float:
        """Of one run."""
        return self.shape.flops

    @property
    def batch(self) -> int:
        """The number of images."""
        return self.shape.n

    def exact(self) -> Array:
        """Result in float64, from the specification."""
        s, name = self.shape, f"conv{'_transpose' if self.shape.transposed else ''}{self.shape.rank}d"
        more = {"output_padding": s.output_padding} if s.transposed else {}
        padding = list(zip(s.pad_begin, s.pad_end))
        result: Array = getattr(reference, name)(
            self.x,
            self.weight,
            self.bias,
            stride=s.stride,
            padding=padding,
            dilation=s.dilation,
            groups=s.groups,
            **more,
        )
        return result

    def onnx(self) -> bytes:
        """Return an ONNX model of one node, for engines that read nothing else."""
        from onnx import TensorProto, helper, numpy_helper

        s = self.shape
        attributes: dict[str, Any] = {
            "strides": s.stride,
            "dilations": s.dilation,
            "pads": [*s.pad_begin, *s.pad_end],
            "group": s.groups,
            "kernel_shape": s.kernel,
        }
        if s.transposed:
            attributes["output_padding"] = s.output_padding
        node = helper.make_node("ConvTranspose" if s.transposed else "Conv", ["x", "w", "b"], ["y"], **attributes)
        graph = helper.make_graph(
            [node],
            "convolution",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.x.shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, (s.n, s.k, *s.output_size))],
            [numpy_helper.from_array(self.weight, "w"), numpy_helper.from_array(self.bias, "b")],
        )
        model: bytes = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
        ).SerializeToString()
        return model


@dataclass
class ModelCase:
    """One network on random input.

    `model` is what fastconv reads, of any kind that it does; `onnx` and `tflite` are what others read.
    """

    name: str
    model: bytes
    feed: dict[str, Array]
    threads: int = 1
    precision: str = "highest"
    module: Any = None  # of torch's, where the model is one: torch's engines run it as it is

    @classmethod
    def of(
        cls, text: str, shape: tuple[int, ...] | None, threads: int, precision: str, batch: int | None = None
    ) -> ModelCase:
        """Make a case of what the command line calls a model.

        Parameters
        ----------
        text, shape, batch
            As `sources.read` takes them; where a model leaves extents free, they are 1, 3, 224, 224.

        Raises
        ------
        ValueError
            For a text that is no model, and where a model's batch cannot be the one asked for.
        """
        source = sources.read(text, shape, batch)
        case = cls(source.name, source.model, {}, threads, precision, source.module)
        rng = np.random.default_rng(0)
        for index, entry in enumerate(fastconv.InferenceSession(case.model).get_inputs()):
            if index < len(source.examples):
                case.feed[entry.name] = source.examples[index]
                continue
            extents = [e if isinstance(e, int) else d for e, d in zip(entry.shape, _FREE_EXTENTS)]
            if index == 0 and source.extents:
                extents = list(source.extents)
            elif batch is not None and extents and extents[0] != batch:
                if isinstance(entry.shape[0], int):
                    raise ValueError(f"model: {entry.name!r} must have the batch asked for, {batch}, got {extents[0]}")
                extents[0] = batch
            if entry.type != "tensor(float)":
                raise ValueError(f"model: inputs must be float32, got {entry.type} for {entry.name!r}")
            case.feed[entry.name] = rng.standard_normal(extents, dtype=np.float32)
        return case

    @property
    def batch(self) -> int:
        """The first extent of the first input."""
        return int(next(iter(self.feed.values())).shape[0])

    @cached_property
    def onnx(self) -> bytes:
        """The model for engines that read ONNX; torch exports what torch.export made."""
        if self.kind == "tflite":
            raise UnsupportedError("reads no TensorFlow Lite models")
        if self.kind == "pt2":
            import torch

            return sources.from_torch(torch.export.load(io.BytesIO(self.model)), list(self.feed.values()))
        return self.model

    @property
    def tflite(self) -> bytes:
        """The model for engines that read TensorFlow Lite models alone."""
        if self.kind != "tflite":
            raise UnsupportedError("reads TensorFlow Lite models alone")
        return self.model

    @property
    def kind(self) -> str:
        """What the model is: "onnx", "tflite" or "pt2", as files' names end."""
        kind: str = frontend(self.model).FORMAT
        return kind

    @cached_property
    def _graph(self) -> GraphBuilder:
        package = frontend(self.model)
        graph: GraphBuilder = package.to_graph(package.load(self.model))
        return graph

    def graph(self) -> GraphBuilder:
        """Return the record of the network as calls of docs/graph_ops.md."""
        return self._graph

    @cached_property
    def flops(self) -> float:
        """Of one run; 0 where the network has operators that are not native."""
        try:
            steps = fastconv.compile(self.model, tune=False).profile(*self.feed.values(), runs=1)
        except NotImplementedError:
            return 0.0
        return float(sum(step["flops"] for step in steps))

    def exact(self) -> Array | None:
        """Return the first output in float64, computed by torch; None where torch is missing or cannot run it."""
        try:
            import torch

            from fastconv.bench.torch_graph import TorchGraph, first_result

            if self.module is not None:
                module = copy.deepcopy(self.module).double().eval()
                with torch.inference_mode():
                    exact: Array = first_result(module(*(torch.from_numpy(_double(v)) for v in self.feed.values())))
                return exact
            graph = TorchGraph(self.graph(), convert=lambda array: torch.from_numpy(_double(array)))
            with torch.inference_mode():
                result: Array = graph.run({k: torch.from_numpy(_double(v)) for k, v in self.feed.items()})[0].numpy()
        except (ImportError, NotImplementedError, UnsupportedError):
            return None
        return result


def _double(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype == np.float32 else np.array(array)
