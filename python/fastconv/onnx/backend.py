"""fastconv as an ONNX backend: the interface by which onnx's own conformance tests run a model."""

from __future__ import annotations

from typing import Any

import onnx
from onnx.backend.base import Backend, BackendRep

from fastconv.session import InferenceSession


class FastconvRep(BackendRep):
    """A prepared model."""

    def __init__(self, session: InferenceSession):
        self.session = session

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Return all outputs; `inputs` are values in the order of the model's inputs, or by name."""
        if not isinstance(inputs, dict):
            inputs = dict(zip((arg.name for arg in self.session.get_inputs()), inputs))
        return tuple(self.session.run(None, inputs))


class FastconvBackend(Backend):
    """onnx's backend interface on `InferenceSession`."""

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> FastconvRep:
        """Make a model ready to run."""
        if not cls.supports_device(device):
            raise ValueError(f"device: must be CPU, got {device}")
        return FastconvRep(InferenceSession(model))

    @classmethod
    def run_model(cls, model: onnx.ModelProto, inputs: Any, device: str = "CPU", **kwargs: Any) -> tuple[Any, ...]:
        """Run a model once."""
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(
        cls,
        node: onnx.NodeProto,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Any = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Run one node as a model of its own."""
        names = [name for name in node.input if name]
        infos = [
            onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            for name, value in zip(names, inputs)
        ]
        results = [onnx.ValueInfoProto(name=name) for name in node.output]
        graph = onnx.helper.make_graph([node], "node", infos, results)
        return cls.run_model(onnx.helper.make_model(graph, **kwargs), list(inputs), device)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Tell whether models can run there: on the CPU."""
        return device.upper().startswith("CPU")


prepare = FastconvBackend.prepare
run_model = FastconvBackend.run_model
run_node = FastconvBackend.run_node
supports_device = FastconvBackend.supports_device
