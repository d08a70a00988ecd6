"""A drop-in for the ``onnxruntime`` package: change the import line, or let programs that import it find this one.

::

    import fastconv.onnxruntime as onnxruntime           # your own script
    fastconv.onnxruntime.stand_in()                      # before importing a program that says `import onnxruntime`

Everything runs on the CPU by fastconv. `__version__` is the version of ONNX Runtime whose Python API this follows:
programs compare it.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from fastconv._ort.describe import ModelMetadata, NodeArg
from fastconv._ort.feed import PROVIDERS
from fastconv._ort.options import (
    ExecutionMode,
    ExecutionOrder,
    GraphOptimizationLevel,
    RunOptions,
    SessionOptions,
)
from fastconv._ort.values import IOBinding, OrtValue
from fastconv.session import InferenceSession

__version__ = "1.32.0"

__all__ = [
    "ExecutionMode",
    "ExecutionOrder",
    "GraphOptimizationLevel",
    "IOBinding",
    "InferenceSession",
    "ModelMetadata",
    "NodeArg",
    "OrtValue",
    "RunOptions",
    "SessionIOBinding",
    "SessionOptions",
    "disable_telemetry_events",
    "enable_telemetry_events",
    "get_all_providers",
    "get_available_providers",
    "get_build_info",
    "get_device",
    "get_version_string",
    "preload_dlls",
    "set_default_logger_severity",
    "set_default_logger_verbosity",
    "set_seed",
    "stand_in",
]

SessionIOBinding = IOBinding

# ONNX Runtime's severities: 0 verbose, 1 info, 2 warning, 3 error, 4 fatal
_SEVERITIES = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)


def stand_in() -> None:
    """Make ``import onnxruntime`` give this module, in this process, from now on.

    Raises
    ------
    RuntimeError
        Where the real onnxruntime has been imported already: its users keep it.
    """
    loaded = sys.modules.get("onnxruntime")
    if loaded is not None and loaded is not sys.modules[__name__]:
        raise RuntimeError("stand_in: must come before onnxruntime is imported, got it imported already")
    sys.modules["onnxruntime"] = sys.modules[__name__]


def get_available_providers() -> list[str]:
    """Return the execution providers that work here."""
    return list(PROVIDERS)


def get_all_providers() -> list[str]:
    """Return the execution providers that could work somewhere."""
    return list(PROVIDERS)


def get_device() -> str:
    """Return "CPU"."""
    return "CPU"


def get_version_string() -> str:
    """Return the version of ONNX Runtime whose API this follows."""
    return __version__


def get_build_info() -> str:
    """Return what this really is."""
    import fastconv

    return f"fastconv {fastconv.__version__}, {fastconv.cpu_info()['isa']}"


def set_default_logger_severity(severity: int) -> None:
    """Set what the logger "fastconv" lets through: 0 (all) to 4 (fatal errors)."""
    if severity not in range(len(_SEVERITIES)):
        raise ValueError(f"set_default_logger_severity: severity must be in [0, 4], got {severity}")
    logging.getLogger("fastconv").setLevel(_SEVERITIES[severity])


def set_default_logger_verbosity(verbosity: int) -> None:
    """Accept a verbosity; there is one kind of message only."""


def set_seed(seed: int) -> None:
    """Seed the random operators, which draw from NumPy's global generator."""
    import numpy as np

    np.random.seed(seed)


def disable_telemetry_events() -> None:
    """Do nothing: there is no telemetry."""


def enable_telemetry_events() -> None:
    """Do nothing: there is no telemetry."""


def preload_dlls(*_: Any, **__: Any) -> None:
    """Do nothing: there is no CUDA to load."""
