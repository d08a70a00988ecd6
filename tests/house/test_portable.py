"""Without instruction sets of x86 every table of kernels still compiles: lists of theirs are left out, not empty."""

import pytest

from tests.house.test_layers import SRC, name_of
from tests.toolchain import run, tool

ISAS = ("avx2", "avx512", "avx512bf16", "amx")
TABLES = [p for p in sorted(SRC.glob("kernels/*/*.cc")) if p.stem not in ISAS and 'kernels.inc"' in p.read_text()]


@pytest.mark.parametrize("path", TABLES, ids=name_of)
def test_tables_of_kernels(path):
    run(tool("g++"), "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{SRC}", "-fsyntax-only", path)
