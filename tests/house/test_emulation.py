"""The AVX-512 kernels compile on AVX2 through tests/emulated_avx512.h: machines without AVX-512 can run them.

So does AMX's, through tests/emulated_amx.h too, and here it runs: few machines have tiles.
"""

import platform

import pytest

from tests.house.test_layers import ROOT, SRC, name_of
from tests.toolchain import run, tool

KERNELS = sorted(SRC.glob("kernels/*/avx512*.cc"))
FLAGS = ["-std=c++20", "-O1", "-mavx2", "-mfma", "-DFASTCONV_X86=1", "-Wall", "-Wextra", "-Werror"]


pytestmark = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="AVX2 is what emulates")


@pytest.mark.parametrize("path", KERNELS, ids=name_of)
def test_no_intrinsic_is_missing(path):
    run(tool("g++"), *FLAGS, "-include", ROOT / "tests/emulated_avx512.h", f"-I{SRC}", "-fsyntax-only", path)


def test_tap_gemm_in_tiles(tmp_path):
    """Exact sums, every edge, and no byte beside the operands: see emulated_gemm.cpp."""
    emulation = [option for set in ("avx512", "amx") for option in ("-include", ROOT / f"tests/emulated_{set}.h")]
    kernel, program = tmp_path / "kernel.o", tmp_path / "emulated_gemm"
    run(tool("g++"), *FLAGS, *emulation, f"-I{SRC}", "-c", SRC / "kernels/gemm/amx.cc", "-o", kernel)
    run(tool("g++"), *FLAGS, f"-I{SRC}", ROOT / "tests/house/emulated_gemm.cpp", kernel, "-o", program)
    assert run(program, timeout=60) == "right\n"
