"""PyTorch's ways to run a case: eager in both memory formats, compiled, oneDNN with weights packed beforehand."""

from __future__ import annotations

import contextlib
import copy
import math
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from fastconv.bench.cases import ConvCase, ModelCase, UnsupportedError
from fastconv.bench.engine import Array, Engine, Runner


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
        x, pads = _padded(case)
        if shape.transposed:
            function = getattr(torch.nn.functional, f"conv_transpose{shape.rank}d")
            rest: tuple[Any, ...] = (shape.output_padding, shape.groups, shape.dilation)
        else:
            function = getattr(torch.nn.functional, f"conv{shape.rank}d")
            rest = (shape.dilation, shape.groups)
        arguments = (self._tensor(x), self._tensor(case.weight), self._tensor(case.bias), shape.stride, pads, *rest)

        def run() -> Any:
            with torch.inference_mode():
                return function(*arguments)

        return Runner(run, lambda: run().numpy())

    def model(self, case: ModelCase) -> Runner:
        """Prepare a `TorchGraph`, or the module that the case was made from."""
        import torch

        from fastconv.bench.torch_graph import TorchGraph, first_result

        torch.set_num_threads(case.threads)
        feed = {name: self._tensor(array) for name, array in case.feed.items()}
        if case.module is not None:
            module, tensors = self._module(case.module), list(feed.values())

            def call() -> Any:
                return module(*tensors)
        else:
            graph = TorchGraph(case.graph(), convert=self._tensor)

            def call() -> Any:
                return graph.run(feed)[0]

        def run() -> Any:
            with torch.inference_mode():
                return call()

        return Runner(run, lambda: first_result(run()), "eager")

    def _module(self, module: Any) -> Any:
        """Return a copy of a module in the engine's memory format."""
        import torch

        kept = copy.deepcopy(module).eval().requires_grad_(False)
        return kept.to(memory_format=torch.channels_last) if self.layout == "NHWC" else kept


class OneDnn(Torch):
    """oneDNN through PyTorch, the weights packed beforehand for the sizes at hand, as inductor's frozen graphs do."""

    name = "onednn"
    on_request = True

    def __init__(self) -> None:
        super().__init__(channels_last=True)

    def conv(self, case: ConvCase) -> Runner:
        """Prepare torch.ops.mkldnn; one spatial axis is computed as two, the first of extent 1."""
        import torch

        shape, ops = case.shape, torch.ops.mkldnn
        torch.set_num_threads(case.threads)
        array, pads = _padded(case)
        added = shape.rank == 1

        def axes(values: tuple[int, ...], fill: int) -> list[int]:
            return [fill, *values] if added else list(values)

        x = self._tensor(array[:, :, np.newaxis] if added else array)
        weight = torch.from_numpy(np.array(case.weight[:, :, np.newaxis] if added else case.weight))
        bias = torch.from_numpy(np.array(case.bias))
        rest = (axes(shape.stride, 1), axes(shape.dilation, 1), shape.groups)
        if shape.transposed:
            ends: tuple[list[int], ...] = (axes(pads, 0), axes(shape.output_padding, 0))
            packed = ops._reorder_convolution_transpose_weight(weight, *ends, *rest, list(x.shape))
            function: Any = ops._convolution_transpose_pointwise
        else:
            ends = (axes(pads, 0),)
            packed = ops._reorder_convolution_weight(weight, *ends, *rest, list(x.shape))
            function = ops._convolution_pointwise

        def run() -> Any:
            with torch.inference_mode():
                return function(x, packed, bias, *ends, *rest, "none", [], "")

        return Runner(run, lambda: (run()[:, :, 0] if added else run()).numpy(), "packed weights")

    def own_ms(self, case: ConvCase, rounds: int) -> float:
        """Return the median of what oneDNN says of its own runs of a case: the primitives' time, no framework.

        NaN where its clock, of microseconds, shows nothing.
        """
        import torch

        run = self.conv(case).run
        run()
        times = []
        for _ in range(rounds):
            with _captured_stdout() as lines, torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
                run()
            times.append(sum(float(line.rsplit(",", 1)[1]) for line in lines if ",exec," in line))
        return float(np.median(times)) or math.nan

    def model(self, case: ModelCase) -> Runner:
        """Single convolutions only."""
        raise UnsupportedError("measured on single convolutions")


class Inductor(Torch):
    """torch.compile with frozen weights; it needs a C++ compiler, and minutes for a network."""

    name = "inductor"
    on_request = True

    def __init__(self) -> None:
        super().__init__(channels_last=True)

    def conv(self, case: ConvCase) -> Runner:
        """Whole networks only."""
        raise UnsupportedError("measured on whole networks")

    def model(self, case: ModelCase) -> Runner:
        """Compile the module that the case was made from, or the record traced to PyTorch's own operators."""
        import torch

        from fastconv.bench.torch_graph import first_result

        torch.set_num_threads(case.threads)
        feed = [self._tensor(array) for array in case.feed.values()]
        module = self._traced(case, feed) if case.module is None else self._module(case.module)
        compiled, how = self._compiled(module, case)

        def run() -> Any:
            with torch.no_grad():
                return compiled(*feed)

        return Runner(run, lambda: first_result(run()), how)

    def _traced(self, case: ModelCase, feed: list[Any]) -> Any:
        import torch
        from torch.fx.experimental.proxy_tensor import make_fx

        from fastconv.bench.torch_graph import TorchGraph

        graph = TorchGraph(case.graph(), convert=self._tensor)
        with torch.no_grad():
            module = make_fx(lambda *tensors: graph.run(dict(zip(case.feed, tensors)))[0])(*feed)
        # Freezing takes parameters and buffers for constants, not the plain attributes that tracing leaves.
        for name in [name for name, value in vars(module).items() if isinstance(value, torch.Tensor)]:
            tensor = getattr(module, name)
            delattr(module, name)
            module.register_buffer(name, tensor)
        return module

    def _compiled(self, module: Any, case: ModelCase) -> tuple[Any, str]:
        import torch

        return torch.compile(module, options={"freezing": True}), "torch.compile, frozen"


class Backend(Inductor):
    """fastconv by way of torch.compile."""

    name = "fastconv.torch"
    door = "torch.compile, backend fastconv"

    def __init__(self, freezing: bool = False) -> None:
        Torch.__init__(self)
        self.freezing = freezing
        if freezing:
            self.name, self.door = f"{self.name}-freezing", f"{self.door}, freezing"

    def precision(self, case: ConvCase | ModelCase) -> str:
        """The budget that the case names."""
        return case.precision

    def model(self, case: ModelCase) -> Runner:
        """Compile the network that torch's other engines get."""
        import fastconv

        fastconv.set_num_threads(case.threads)
        return super().model(case)

    def _compiled(self, module: Any, case: ModelCase) -> tuple[Any, str]:
        return through_backend(module, case.precision, freezing=self.freezing), self.door


class Converted(Backend):
    """fastconv in a module that is converted by the case's inputs."""

    name = "fastconv.torch.convert"
    door = "fastconv.torch.convert, by an example"

    def _compiled(self, module: Any, case: ModelCase) -> tuple[Any, str]:
        import fastconv
        from fastconv.torch import convert

        examples = tuple(self._tensor(array) for array in case.feed.values())
        with fastconv.precision(case.precision):
            return convert(module, examples, freezing=self.freezing), self.door


def through_backend(module: Any, precision: str, **more: Any) -> Any:
    """Return a module that runs through fastconv's backend, as on an untuned machine; `more` are options of it."""
    import torch

    from fastconv.torch import backend

    options: dict[str, Any] = {"precision": precision, "tune": False, **more}
    return torch.compile(module, backend=backend, options=options)


@contextlib.contextmanager
def _captured_stdout() -> Iterator[list[str]]:
    """Collect the lines that C code prints."""
    lines: list[str] = []
    sys.stdout.flush()
    with tempfile.TemporaryFile("w+") as file:
        kept = os.dup(1)
        os.dup2(file.fileno(), 1)
        try:
            yield lines
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        file.seek(0)
        lines += file.read().splitlines()


def _padded(case: ConvCase) -> tuple[Array, tuple[int, ...]]:
    """Return the input and its padding; torch pads both ends alike, so other padding is written out beforehand."""
    shape = case.shape
    if shape.pad_begin == shape.pad_end:
        return case.x, shape.pad_begin
    if shape.transposed:
        raise UnsupportedError("torch crops both ends alike")
    widths = [(0, 0), (0, 0), *zip(shape.pad_begin, shape.pad_end)]
    return np.pad(case.x, widths), (0,) * shape.rank
