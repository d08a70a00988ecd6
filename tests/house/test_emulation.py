"""The AVX-512 kernels compile on AVX2 through tests/emulated_avx512.h: machines without AVX-512 can run them."""

import platform

import pytest

from tests.house.test_layers import ROOT, SRC, name_of
from tests.toolchain import run, tool

KERNELS = sorted(SRC.glob("kernels/*/avx512*.cc"))
FLAGS = ["-std=c++20", "-O1", "-mavx2", "-mfma", "-DFASTCONV_X86=1", "-Wall", "-Wextra", "-Werror"]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="AVX2 is what emulates")
@pytest.mark.parametrize("path", KERNELS, ids=name_of)
def test_no_intrinsic_is_missing(path):
    run(tool("g++"), *FLAGS, "-include", ROOT / "tests/emulated_avx512.h", f"-I{SRC}", "-fsyntax-only", path)
