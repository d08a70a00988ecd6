"""``fastconv info``: the processor, the instruction set in use, threads, the build, the kernels."""

from __future__ import annotations

import argparse
import json
from typing import Any

from fastconv._config import config, show_config


def add(commands: Any) -> argparse.ArgumentParser:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser("info", help="show the processor, threads, build, kernels")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def run(options: argparse.Namespace) -> int:
    """Print it."""
    if options.json:
        print(json.dumps(config(), indent=2))
    else:
        show_config()
    return 0
