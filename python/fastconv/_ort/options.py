"""SessionOptions, RunOptions and their enumerations, with ONNX Runtime's names, defaults and type errors.

What the core has no use for (memory patterns, arenas, execution order) is kept and otherwise ignored, so that scripts
that set it run unchanged.
"""

from __future__ import annotations

import enum
from typing import Any, ClassVar


class GraphOptimizationLevel(enum.IntEnum):
    """How much of the graph may be rewritten. fastconv's passes never change results and always run."""

    ORT_DISABLE_ALL = 0
    ORT_ENABLE_BASIC = 1
    ORT_ENABLE_EXTENDED = 2
    ORT_ENABLE_LAYOUT = 3
    ORT_ENABLE_ALL = 99


class ExecutionMode(enum.IntEnum):
    """Whether branches run side by side. fastconv runs one operator at a time, on all threads."""

    ORT_SEQUENTIAL = 0
    ORT_PARALLEL = 1


class ExecutionOrder(enum.IntEnum):
    """The order of operators; accepted and ignored."""

    DEFAULT = 0
    PRIORITY_BASED = 1
    MEMORY_EFFICIENT = 2


class _Options:
    """Attributes of fixed names and types."""

    _defaults: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        for name, value in self._defaults.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_entries", {})

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._defaults:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        wanted = type(self._defaults[name])
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise TypeError(f"{type(self).__name__}.{name}: must be {wanted.__name__}, got {value!r}")
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def _add_entry(self, what: str, key: str, value: str) -> None:
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"{what}: key and value must be str, got {key!r} and {value!r}")
        self._entries[key] = value

    def _get_entry(self, key: str) -> str:
        if key not in self._entries:
            raise RuntimeError(f"{type(self).__name__} does not have configuration with key: {key}")
        return str(self._entries[key])


class SessionOptions(_Options):
    """What a session is made with.

    Attributes
    ----------
    intra_op_num_threads : int
        Threads a run may use; 0: the process's (`fastconv.get_num_threads`).
    enable_profiling : bool
        Keep a Chrome trace of every run, see `InferenceSession.end_profiling`.
    profile_file_prefix : str
        The start of the trace's file name.
    log_severity_level : int
        3 or 4 silences the warning that an operator runs through a fallback.

    The session entry ``fastconv.precision`` ("highest", "high", "medium") chooses the error budget; ``fastconv.wisdom``
    "0" leaves the choice of algorithms to the cost model, whatever ``fastconv tune`` measured.
    """

    _defaults: ClassVar[dict[str, Any]] = {
        "enable_cpu_mem_arena": True,
        "enable_mem_pattern": True,
        "enable_mem_reuse": True,
        "enable_profiling": False,
        "execution_mode": ExecutionMode.ORT_SEQUENTIAL,
        "execution_order": ExecutionOrder.DEFAULT,
        "graph_optimization_level": GraphOptimizationLevel.ORT_ENABLE_ALL,
        "inter_op_num_threads": 0,
        "intra_op_num_threads": 0,
        "log_severity_level": -1,
        "log_verbosity_level": 0,
        "logid": "",
        "optimized_model_filepath": "",
        "profile_file_prefix": "onnxruntime_profile_",
        "use_deterministic_compute": False,
        "use_per_session_threads": True,
    }

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "_free_dimensions", {})

    def add_session_config_entry(self, key: str, value: str) -> None:
        """Set a configuration entry; unknown keys are kept and ignored."""
        self._add_entry("add_session_config_entry", key, value)

    def get_session_config_entry(self, key: str) -> str:
        """Return a configuration entry; RuntimeError where it was never set."""
        return self._get_entry(key)

    def add_free_dimension_override_by_name(self, name: str, value: int) -> None:
        """Fix the extent of every input dimension called `name`."""
        if not isinstance(value, int) or value < 0:
            raise TypeError(f"add_free_dimension_override_by_name: value must be an int >= 0, got {value!r}")
        self._free_dimensions[name] = value


class RunOptions(_Options):
    """What one run is made with; ``terminate=True`` makes it stop before its next step."""

    _defaults: ClassVar[dict[str, Any]] = {
        "log_severity_level": -1,
        "log_verbosity_level": 0,
        "logid": "",
        "only_execute_path_to_fetches": False,
        "terminate": False,
    }

    def add_run_config_entry(self, key: str, value: str) -> None:
        """Set a configuration entry; unknown keys are kept and ignored."""
        self._add_entry("add_run_config_entry", key, value)

    def get_run_config_entry(self, key: str) -> str:
        """Return a configuration entry; RuntimeError where it was never set."""
        return self._get_entry(key)
