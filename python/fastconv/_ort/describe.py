"""What a session says of its model: NodeArg for inputs and outputs, ModelMetadata."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class NodeArg:
    """An input or output: its name, its extents (an int, a symbol's name, or None), its type ("tensor(float)").

    A scalar and a tensor of unknown rank both have the shape ``[]``, as in ONNX Runtime; `ranked` tells them apart.
    """

    name: str
    shape: list[int | str | None]
    type: str
    ranked: bool = field(default=True, repr=False)

    def __str__(self) -> str:
        return f"NodeArg(name={self.name!r}, type={self.type!r}, shape={self.shape!r})"


@dataclass(frozen=True)
class ModelMetadata:
    """The model's own description of itself."""

    producer_name: str = ""
    graph_name: str = ""
    graph_description: str = ""
    domain: str = ""
    description: str = ""
    version: int = 0
    custom_metadata_map: dict[str, str] = field(default_factory=dict)
