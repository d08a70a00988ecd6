"""OrtValue and IOBinding: ONNX Runtime's ways to hold arrays between runs. Here they hold NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fastconv.session import InferenceSession

# NumPy's (and ml_dtypes') names that ONNX spells otherwise
_TYPE_NAMES = {
    "float32": "float",
    "float64": "double",
    "object": "string",
    "float4_e2m1fn": "float4e2m1",
    "float8_e8m0fnu": "float8e8m0",
}


def type_of(value: Any) -> str:
    """Return ONNX Runtime's name of a value's type: ``tensor(float)``; ``seq(...)`` for a list."""
    if isinstance(value, list):
        return f"seq({type_of(value[0])})" if value else "seq(tensor(float))"
    name = "object" if np.asarray(value).dtype.kind in "USO" else str(np.asarray(value).dtype)
    return f"tensor({_TYPE_NAMES.get(name) or name.replace('_', '')})"


def dtype_of(type_name: str) -> Any:
    """Return the NumPy type of ``tensor(float)``."""
    element = type_name[len("tensor(") : -1]
    return {short: name for name, short in _TYPE_NAMES.items()}.get(element, element)


class OrtValue:
    """A tensor (or a sequence of them) on the CPU; `value` is what it holds."""

    def __init__(self, value: Any):
        self.value = value

    @staticmethod
    def ortvalue_from_numpy(array: np.ndarray, device_type: str = "cpu", device_id: int = 0) -> OrtValue:
        """Hold a copy of an array."""
        _require_cpu(device_type)
        return OrtValue(np.array(array))

    @staticmethod
    def ortvalue_from_shape_and_type(
        shape: Sequence[int], element_type: Any, device_type: str = "cpu", device_id: int = 0
    ) -> OrtValue:
        """Hold a new tensor of zeros."""
        _require_cpu(device_type)
        return OrtValue(np.zeros(tuple(shape), element_type))

    def numpy(self) -> np.ndarray:
        """Return a copy as an array."""
        return np.array(self.value)

    def update_inplace(self, array: np.ndarray) -> None:
        """Copy an array of the same shape and type into the held one."""
        if np.shape(array) != self.value.shape or np.asarray(array).dtype != self.value.dtype:
            raise ValueError(
                f"update_inplace: array must be {self.value.dtype}{self.value.shape}, "
                f"got {np.asarray(array).dtype}{np.shape(array)}"
            )
        self.value[...] = array

    def shape(self) -> list[int]:
        """Return the extents."""
        return list(np.shape(self.value))

    def data_type(self) -> str:
        """Return the type's name: ``tensor(float)``."""
        return type_of(self.value)

    def element_type(self) -> int:
        """Return the element type's number in ONNX's TensorProto."""
        from onnx import helper

        return int(helper.np_dtype_to_tensor_dtype(np.asarray(self.value).dtype))

    def data_ptr(self) -> int:
        """Return the address of the first element."""
        return int(self.value.ctypes.data)

    def tensor_size_in_bytes(self) -> int:
        """Return the size of the elements."""
        return int(np.asarray(self.value).nbytes)

    def device_name(self) -> str:
        """Return "cpu"."""
        return "cpu"

    def has_value(self) -> bool:
        """Tell whether something is held."""
        return self.value is not None

    def is_tensor(self) -> bool:
        """Tell whether a tensor is held."""
        return isinstance(self.value, np.ndarray)

    def is_sparse_tensor(self) -> bool:
        """Tell whether a sparse tensor is held: never."""
        return False

    def is_tensor_sequence(self) -> bool:
        """Tell whether a sequence is held."""
        return isinstance(self.value, list)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.value, dtype)


class IOBinding:
    """Inputs and outputs bound to a session, for `InferenceSession.run_with_iobinding`."""

    def __init__(self, session: InferenceSession):
        self._session = session
        self._inputs: dict[str, Any] = {}
        self._outputs: dict[str, OrtValue | None] = {}
        self._results: list[OrtValue] = []

    def bind_cpu_input(self, name: str, arr_on_cpu: np.ndarray) -> None:
        """Bind an array to an input."""
        self._inputs[name] = arr_on_cpu

    def bind_ortvalue_input(self, name: str, ortvalue: OrtValue) -> None:
        """Bind a value to an input."""
        self._inputs[name] = ortvalue

    def bind_output(self, name: str, device_type: str = "cpu", device_id: int = 0, **_: Any) -> None:
        """Ask for an output."""
        _require_cpu(device_type)
        self._outputs[name] = None

    def bind_ortvalue_output(self, name: str, ortvalue: OrtValue) -> None:
        """Ask for an output, copied into a value that is there already."""
        self._outputs[name] = ortvalue

    def clear_binding_inputs(self) -> None:
        """Forget the inputs."""
        self._inputs.clear()

    def clear_binding_outputs(self) -> None:
        """Forget the outputs."""
        self._outputs.clear()

    def synchronize_inputs(self) -> None:
        """Do nothing: the CPU's memory is the device's."""

    def synchronize_outputs(self) -> None:
        """Do nothing: the CPU's memory is the device's."""

    def run(self, run_options: Any = None) -> None:
        """Run the session on what is bound; `get_outputs` has the results."""
        results = self._session.run(list(self._outputs) or None, self._inputs, run_options)
        self._results = []
        for target, result in zip(self._outputs.values(), results):
            if target is not None:
                target.update_inplace(result)
            self._results.append(target if target is not None else OrtValue(result))

    def get_outputs(self) -> list[OrtValue]:
        """Return the last run's outputs."""
        return list(self._results)

    def copy_outputs_to_cpu(self) -> list[np.ndarray]:
        """Return the last run's outputs as arrays."""
        return [value.numpy() for value in self._results]


def _require_cpu(device_type: str) -> None:
    if device_type.lower() != "cpu":
        raise ValueError(f"device_type: must be 'cpu', got {device_type!r}")
