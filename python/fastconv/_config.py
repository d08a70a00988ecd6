"""What this installation is and what it found: `show_config`, which ``fastconv info`` prints."""

from __future__ import annotations

import os
import platform
from collections import defaultdict
from typing import Any

from fastconv import _core
from fastconv._precision import get_precision


def config() -> dict[str, Any]:
    """Return everything that `show_config` shows, as plain data."""
    return {
        "version": _core.version(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpu": _core.cpu_info(),
        "threads": _core.num_threads(),
        "precision": get_precision(),
        "environment": {name: value for name, value in sorted(os.environ.items()) if name.startswith("FASTCONV_")},
        "library": _core.__file__,
        "kernels": _core.kernels(),
    }


def warn_of_refused_isas() -> None:
    """Log what the operating system refuses of the processor, unless FASTCONV_ISA says what to use."""
    refused = {} if os.environ.get("FASTCONV_ISA") else _core.refused_isas()
    for isa, reason in refused.items():
        import logging  # here and not above: as in session.py

        logging.getLogger("fastconv").warning("%s is not used, though the processor has it: %s", isa, reason)


def show_config() -> None:
    """Print the processor, the instruction set in use, threads, the build and the kernels."""
    found = config()
    cpu = found["cpu"]
    caches = ", ".join(f"{level.upper()} {cpu[f'{level}_bytes'] >> 10} KB" for level in ("l1d", "l2", "l3"))
    rows = {
        "fastconv": found["version"],
        "library": found["library"],
        "Python": f"{found['python']} on {found['system']}",
        "processor": cpu["brand"],
        "caches": caches,
        "features": " ".join(cpu["features"]),
        "instruction set": f"{cpu['isa']} (available: {', '.join(cpu['available_isas'])})",
        **{f"{isa} refused": reason for isa, reason in cpu["refused_isas"].items()},
        "threads": str(found["threads"]),
        "precision": found["precision"],
        "environment": " ".join(f"{k}={v}" for k, v in found["environment"].items()) or "no FASTCONV_ variable set",
    }
    for name, value in rows.items():
        print(f"{name:16} {value}")
    families: dict[tuple[str, str], list[str]] = defaultdict(list)
    for kernel in found["kernels"]:
        families[kernel["family"], kernel["isa"]].append(kernel["name"].split("__")[0])
    print(f"\n{len(found['kernels'])} kernels")
    for (family, isa), names in families.items():
        print(f"  {family:12} {isa:8} {' '.join(names)}")
