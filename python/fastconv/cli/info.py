"""``fastconv info``: the processor, the instruction set in use, threads, the build, the kernels."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections import defaultdict
from typing import Any

import fastconv
from fastconv import _core


def add(commands: Any) -> argparse.ArgumentParser:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser("info", help="show the processor, threads, build, kernels")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def gather() -> dict[str, Any]:
    """Return everything that the command shows."""
    return {
        "version": fastconv.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpu": fastconv.cpu_info(),
        "threads": fastconv.get_num_threads(),
        "precision": fastconv.get_precision(),
        "environment": {name: value for name, value in sorted(os.environ.items()) if name.startswith("FASTCONV_")},
        "library": _core.__file__,
        "kernels": fastconv.kernels(),
    }


def run(options: argparse.Namespace) -> int:
    """Print it."""
    found = gather()
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
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
    return 0
