"""Programs built against the installed package."""

from pathlib import Path

import pytest

import fastconv as fc
from tests.toolchain import configure, run, tool


def build(source: Path, folder: Path) -> Path:
    """Build the CMake project `source` in `folder`, warnings as errors; skip where fastconv is not installed."""
    try:
        package = fc.get_cmake_dir()
    except FileNotFoundError:
        pytest.skip("fastconv is used from its source tree: nothing is installed to build against")
    configure(source, folder, f"-Dfastconv_DIR={package}", "-DCMAKE_COMPILE_WARNING_AS_ERROR=ON")
    run(tool("ninja"), "-C", folder)
    return folder
