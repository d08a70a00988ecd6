"""FASTCONV_VERBOSE=1 for what Python runs: a line on stderr for each plan and run, as in src/base/verbose.h."""

from __future__ import annotations

import os
import sys


def is_verbose() -> bool:
    """Tell whether FASTCONV_VERBOSE is set to anything but 0."""
    return os.environ.get("FASTCONV_VERBOSE", "") not in ("", "0")


def tell(text: str) -> None:
    """Write a line."""
    print(f"fastconv: {text}", file=sys.stderr, flush=True)
